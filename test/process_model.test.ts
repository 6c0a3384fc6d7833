/**
 * Random process functions against plain code that takes one event at a time: every kind of state,
 * with and without a ttl, timers in both kinds of time, calls that fail, late events, crashes.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder } from "../js/index.ts"
import { clock, crash, end, event, playAll } from "../js/testing/index.ts"
import type { Step } from "../js/testing/index.ts"
import { onTimerOf, played } from "./process_acts.ts"
import type { Deed, Domain } from "./process_acts.ts"
import { Reference } from "./process_reference.ts"
import { disorderMs, draw, expectedOf } from "./process_scene.ts"
import { someRuns, someTime } from "./random.ts"

const timeout = someTime

const scene = fc.record({
  timed: fc.boolean(),
  /** Does the source end? Then there are no timers in processing time, which would wait for it. */
  ends: fc.boolean(),
  chunkSize: fc.constantFrom(1, 7, 1024),
  ttl: fc.constantFrom(undefined, undefined, 1, 8, 25, 60),
  /** Does the job crash after every event? */
  crashes: fc.constantFrom(false, false, true),
  draws: fc.array(draw, { maxLength: 50, size: "max" }),
})

type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never

/** Times wander forwards, and so does the clock. */
function scriptOf({ draws, ends, crashes }: Scene): Step<Deed>[] {
  let [at, now, i] = [0, 0, 0]
  const steps = draws.flatMap(({ step, key, acts: all, fails, ahead, back }): Step<Deed>[] => {
    if (step === "restore") return [crash()]
    if (step === "clock") return [clock((now += ahead * 6))]
    at += ahead
    const list = ends ? all.filter((each) => !("domain" in each && each.domain !== "event")) : all
    const next = event({ i: i++, key, at: at - back, acts: list, fails })
    return crashes ? [next, crash()] : [next]
  })
  const last = event<Deed>({ i, key: "last", at, acts: [], fails: false })
  return ends ? [...steps, last, end()] : [...steps, last]
}

describe("process", () => {
  it("gives what plain code gives, whatever comes", { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(scene, async (given) => {
        const { timed, ends, chunkSize, ttl } = given
        const script = scriptOf(given)
        const limits = ttl === undefined ? {} : { ttl }
        const domains: Domain[] = ends ? ["event"] : ["event", "processing"]
        const onTimer = onTimerOf(domains)
        const { results, error } = await playAll<Deed>(
          (events) => played(events, limits, onTimer),
          script,
          timed
            ? { chunkSize, time: ({ at }) => at, watermark: boundedDisorder(disorderMs) }
            : { chunkSize, time: false },
        )
        expect(error).toBeUndefined()
        const reference = new Reference(timed, ttl ?? Infinity, onTimer)
        expect(results["out"]).toEqual(expectedOf(script, reference))
      }),
      { numRuns: someRuns(300) },
    )
  })
})
