/**
 * Random events of two sides, as halves of one source and as two sources, and what plain code makes
 * of them.
 */
import fc from "fast-check"
import { expect } from "vitest"
import { boundedDisorder } from "../js/index.ts"
import type { Stream, StreamOf } from "../js/index.ts"
import { playAll } from "../js/testing/index.ts"
import { clock, crash, end, event } from "../js/testing/index.ts"
import type { Step } from "../js/testing/index.ts"
import type { Deed, Domain } from "./process_acts.ts"
import type { Reference } from "./process_reference.ts"
import { disorderMs, draw, expectedOf } from "./process_scene.ts"
import type { Limits } from "./reference.ts"
import { playTwo } from "./two_sources.ts"
import type { Side, TwoStep } from "./two_sources.ts"
import { someRuns } from "./random.ts"

export interface Sided extends Deed {
  readonly side: Side
}

/** An operator over two streams, and plain code that does the same; timers are in `domains`. */
export interface TwoProgram {
  make(
    this: void,
    left: Stream<Sided>,
    right: Stream<Sided>,
    limits: Limits,
    domains: readonly Domain[],
  ): StreamOf<unknown>
  reference(this: void, timed: boolean, ttl: number, domains: readonly Domain[]): Reference
}

/** What comes of two sides. */
const scene = fc.record({
  timed: fc.boolean(),
  /** Does the source end? Then there are no timers in processing time, which would wait for it. */
  ends: fc.boolean(),
  chunkSize: fc.constantFrom(1, 7, 1024),
  ttl: fc.constantFrom(undefined, undefined, 1, 8, 25, 60),
  /** Does the job crash after every event? */
  crashes: fc.constantFrom(false, false, true),
  draws: fc.array(fc.tuple(draw, fc.constantFrom<Side>(0, 1)), { maxLength: 50, size: "max" }),
})

type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never

/** What a draw's event does; of a script that ends it sets no timers in processing time. */
function deedOf(
  [{ key, acts, fails, back }, side]: Scene["draws"][number],
  given: {
    readonly at: number
    readonly i: number
    readonly ends: boolean
  },
): Sided {
  const { at, i, ends } = given
  const all = ends ? acts.filter((act) => !("domain" in act && act.domain !== "event")) : acts
  return { i, key, at: at - back, acts: all, fails, side }
}

/** Times wander forwards, and so does the clock. */
function scriptOf({ draws, ends, crashes }: Scene): Step<Sided>[] {
  let [at, now, i] = [0, 0, 0]
  const steps = draws.flatMap((drawn): Step<Sided>[] => {
    const [{ step, ahead }] = drawn
    if (step === "restore") return [crash()]
    if (step === "clock") return [clock((now += ahead * 6))]
    at += ahead
    const next = event(deedOf(drawn, { at, i: i++, ends }))
    return crashes ? [next, crash()] : [next]
  })
  const last = event<Sided>({ i, key: "last", at, acts: [], fails: false, side: 1 })
  return ends ? [...steps, last, end()] : [...steps, last]
}

/** The same of two sources, each of which may end. */
function stepsOf({ draws, crashes }: Scene): TwoStep<Sided>[] {
  let [at, i] = [0, 0]
  const ended = [false, false]
  const steps = draws.flatMap((drawn): TwoStep<Sided>[] => {
    const [{ step, ahead, fails, back }, side] = drawn
    if (step === "restore") return [{ kind: "crash" }]
    if (step === "clock") return [{ kind: "clock", ms: ahead * 6 }]
    if (fails && back === 15 && !ended[1 - side]) {
      if (ended[side]) return []
      ended[side] = true
      return [{ kind: "end", side }]
    }
    if (ended[side]) return []
    at += ahead
    const events = [deedOf(drawn, { at: at + side * 4, i: i++, ends: false })]
    return crashes
      ? [{ kind: "give", side, events }, { kind: "crash" }]
      : [{ kind: "give", side, events }]
  })
  return merged(steps)
}

/** Events of one side that follow each other are given at once. */
function merged(steps: readonly TwoStep<Sided>[]): TwoStep<Sided>[] {
  const all: TwoStep<Sided>[] = []
  for (const step of steps) {
    const last = all.at(-1)
    if (step.kind === "give" && last?.kind === "give" && last.side === step.side)
      all[all.length - 1] = { ...step, events: [...last.events, ...step.events] }
    else all.push(step)
  }
  return all
}

/** What each step comes to, by how far both sources have come. */
function expectedBy(steps: readonly TwoStep<Sided>[], timed: boolean, reference: Reference) {
  const reached = [-Infinity, -Infinity]
  const ended = [false, false]
  let now = 0
  const watermark = () => Math.min(...reached.filter((_, side) => !ended[side]))
  return steps.map((step) => {
    const from = reference.results.length
    if (step.kind === "clock") now += step.ms
    reference.tick(now)
    if (step.kind === "end") {
      ended[step.side] = true
      if (ended.every(Boolean)) reference.end(now)
      else if (timed) reference.advance(watermark())
    }
    if (step.kind === "give") {
      for (const deed of step.events) {
        reached[step.side] = Math.max(reached[step.side] as number, deed.at - disorderMs)
        reference.event(deed, watermark())
      }
    }
    return reference.results.slice(from)
  })
}

const domains: readonly Domain[] = ["event", "processing"]
const time = { time: ({ at }: Sided) => at, watermark: boundedDisorder(disorderMs) }

/** Compare them over halves of one source, whatever crashes. */
export function compareHalves({ make, reference }: TwoProgram, numRuns: number): Promise<void> {
  const compared = fc.asyncProperty(scene, async (given) => {
    const { timed, ends, chunkSize, ttl } = given
    const script = scriptOf(given)
    const its: readonly Domain[] = ends ? ["event"] : domains
    const limits = ttl === undefined ? {} : { ttl }
    const half = (events: Stream<Sided>, side: Side) => events.filter((deed) => deed.side === side)
    const { results, error } = await playAll<Sided>(
      (events) => make(half(events, 0), half(events, 1), limits, its),
      script,
      timed ? { chunkSize, ...time } : { chunkSize, time: false },
    )
    expect(error).toBeUndefined()
    expect(results["out"]).toEqual(expectedOf(script, reference(timed, ttl ?? Infinity, its)))
  })
  return fc.assert(compared, { numRuns: someRuns(numRuns) })
}

/** Compare them over two sources, which end and have watermarks of their own. */
export function compareSources({ make, reference }: TwoProgram, numRuns: number): Promise<void> {
  const compared = fc.asyncProperty(scene, async (given) => {
    const { timed, chunkSize, ttl } = given
    const steps = stepsOf(given)
    const limits = ttl === undefined ? {} : { ttl }
    const source = timed ? time : {}
    const results = await playTwo<Sided, Sided>(
      (left, right) => make(left, right, limits, domains),
      steps,
      { chunkSize, left: source, right: source },
    )
    expect(results).toEqual(expectedBy(steps, timed, reference(timed, ttl ?? Infinity, domains)))
  })
  return fc.assert(compared, { numRuns: someRuns(numRuns) })
}
