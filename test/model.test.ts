/**
 * Random scripts through every operator with keyed state, against plain code that takes one event
 * at a time: keys of every type, late events, a clock that jumps both ways, limits, crashes.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder } from "../js/index.ts"
import type { FromOptions, JobBase, KeyValue } from "../js/index.ts"
import { MillraceError } from "../js/errors.ts"
import { event, playAll } from "./play.ts"
import type { Step } from "./play.ts"
import { programs as others } from "./programs.ts"
import type { Op } from "./deeds.ts"
import type { Program, Reference } from "./programs.ts"
import { Full, idOf } from "./reference.ts"
import type { Limits } from "./reference.ts"
import { instead } from "./how.ts"
import type { How } from "./how.ts"
import { disorderMs, scene, scriptOf } from "./scenes.ts"
import type { Draw, Scene } from "./scenes.ts"
import { weighersOf } from "./weigh.ts"
import { holdings } from "./holding_programs.ts"
import { groups } from "./group_programs.ts"
import { sessions } from "./session_programs.ts"
import { throttles } from "./throttle_programs.ts"
import { someRuns, someTime } from "./random.ts"

const programs: Readonly<Record<string, Program>> = {
  ...others,
  ...throttles,
  ...holdings,
  ...groups,
  ...sessions,
}

/** A quarter of the scripts can be refused, and is played with one operator only. */
const runs = 720
const names = Object.keys(programs)

/** Seconds on a quiet machine; a busy one must not fail for it. */
const timeout = someTime

interface Expected {
  readonly results: Record<string, unknown[]>
  readonly failed:
    { readonly name: string; readonly position: number; readonly error: unknown } | undefined
  readonly entries: Record<string, unknown>
}

/** Play a script one event at a time. */
function expectedOf(
  script: readonly Step<Op>[],
  timed: boolean,
  references: Record<string, Reference>,
  { onError = "fail" }: How,
): Expected {
  const all = Object.entries(references)
  const results = Object.fromEntries(all.map(([name]) => [name, [] as unknown[]]))
  const entriesOf = (passed: number) =>
    Object.fromEntries(all.map(([name, each]) => [name, each.entries(passed)]))
  let [now, steady, position, timeMax, passed] = [0, 0, 0, -Infinity, -Infinity]
  for (const step of script) {
    if (step.kind === "clock") now = step.ms
    if (step.kind === "crash") steady = now
    for (const [name, each] of step.kind === "crash" && !timed ? all : [])
      results[name]?.push(...(each.due?.(now) ?? [])) // Before anything else is read.
    if (step.kind !== "event") continue
    steady = Math.max(steady, now)
    const op = step.value
    passed = timed ? timeMax - disorderMs : steady
    const moment = { time: timed ? op.at : steady, passed }
    const made: [string, readonly unknown[]][] = []
    for (const [name, reference] of all) {
      results[name]?.push(...(reference.due?.(passed) ?? []))
      if (op.lost !== undefined) {
        reference.pass(passed)
        continue
      }
      try {
        made.push([name, reference.on(op, moment)])
      } catch (error) {
        if (onError === "emit") made.push([name, [instead]])
        if (onError !== "fail") continue
        return { results, failed: { name, position, error }, entries: entriesOf(passed) }
      }
    }
    for (const [name, values] of made) results[name]?.push(...values)
    timeMax = Math.max(timeMax, op.at)
    position++
  }
  if (!timed) passed = Math.max(steady, now) // The clock moves on to the end.
  for (const [name, each] of all) results[name]?.push(...(each.finish?.(passed) ?? []))
  const upto = timed ? timeMax - disorderMs : passed
  return { results, failed: undefined, entries: entriesOf(upto) }
}

const timedFrom: FromOptions<Op> = { time: "at", watermark: boundedDisorder(disorderMs) }

/** Play a scene on both sides and compare everything. */
async function compare(
  given: Scene,
  chosen: Readonly<Record<string, Program>>,
  how: How = {},
): Promise<void> {
  const { timed, chunkSize, limits } = given
  const script = scriptOf(given)
  const weighers = await weighersOf(chosen, limits)
  const references = Object.fromEntries(
    Object.entries(chosen).map(([name, { reference }]) => [
      name,
      reference(limits, (key) => weighers[name]?.get(idOf(key)) ?? 0),
    ]),
  )
  const expected = expectedOf(script, timed, references, how)
  let entries: Record<string, unknown> = {}
  const { results, error } = await playAll<Op>(
    (events) => {
      const left = given.lossy ? events.filter(({ lost }) => lost !== "filtered") : events
      return Object.fromEntries(
        Object.entries(chosen).map(([name, { make }]) => [name, make(left, limits, name, how)]),
      )
    },
    script,
    { chunkSize, from: timed ? timedFrom : {}, look: (job) => (entries = entriesOf(job, chosen)) },
  )
  if (expected.failed === undefined && error !== undefined) throw error as Error
  expect(results).toEqual(expected.results)
  if (expected.failed !== undefined) expectFailure(error, expected.failed)
  // After a failure time has gone on to the end of the chunk.
  const expires = limits.ttl !== undefined || Object.values(chosen).some((one) => one.expires)
  // Unordered, what comes behind a failure may have been done.
  const done = how.ordered === false && how.onError === "fail"
  if (expected.failed === undefined || (!expires && !done)) {
    const order = how.ordered === false ? sorted : (given: Record<string, unknown>) => given
    expect(order(entries)).toEqual(order(expected.entries))
  }
}

function expectFailure(
  error: unknown,
  { name, position, error: wanted }: NonNullable<Expected["failed"]>,
): void {
  expect(error).toBeInstanceOf(MillraceError)
  const { code, message } = error as MillraceError
  const where = wanted instanceof Full ? (programs[name]?.held ?? name) : name
  expect([code, message.startsWith(`${where}: event ${position}: `)]).toEqual([
    wanted instanceof Full ? "LIMIT" : "USER_FUNCTION",
    true,
  ])
}

/** Entries by key: unordered, keys are first seen as their promises settle. */
function sorted(entries: Record<string, unknown>): Record<string, unknown> {
  const byKey = (rows: unknown) =>
    [...(rows as [KeyValue, unknown][])].sort(([a], [b]) => (idOf(a) < idOf(b) ? -1 : 1))
  return Object.fromEntries(Object.entries(entries).map(([name, rows]) => [name, byKey(rows)]))
}

function entriesOf(
  job: JobBase,
  chosen: Readonly<Record<string, Program>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(chosen).map((name) => [
      name,
      [...job.state(programs[name]?.held ?? name).scan()].map(([key, value]) => [key, value]),
    ]),
  )
}

/** What is drawn for one script. */
async function compareAll(given: Scene): Promise<void> {
  const { maxBytes, ...others } = given.limits
  const counts = maxBytes === undefined
  // A restored value weighs what it does encoded until it is used.
  const draws = counts ? given.draws : given.draws.filter(({ step }) => step !== "restore")
  const only =
    given.limits.onFull === "error" ? [names[given.name % names.length] as string] : names
  // Text in a record has bytes of its own, which the reference does not count.
  const records = only.filter((name) => !counts && name.endsWith("Record"))
  const held = only.filter((name) => programs[name]?.holds)
  const timed = only.filter((name) => programs[name]?.ownTime)
  const knowing = only.filter((name) => programs[name]?.knows)
  const apart = [...records, ...held, ...timed, ...knowing]
  const rest = only.filter((name) => !apart.includes(name))
  if (held.length > 0) await compareHeld(given, held)
  for (const name of knowing) {
    await compare({ ...given, draws, limits: known(name, given.limits) }, pick([name]))
  }
  if (timed.length > 0) {
    const own = Object.entries(given.limits).filter(([name]) => !ofTtl.includes(name))
    await compare({ ...given, draws, limits: Object.fromEntries(own) }, pick(timed))
  }
  if (rest.length > 0) await compare({ ...given, draws }, pick(rest))
  if (records.length > 0) await compare({ ...given, limits: others }, pick(records))
}

const ofTtl = ["update", "visibility"]

/** Of all limits those that an operator knows. */
function known(name: string, limits: Limits): Limits {
  const { knows } = programs[name] as Program
  const all = Object.entries(limits)
  return Object.fromEntries(all.filter(([each]) => knows?.includes(each as keyof Limits) ?? true))
}

/** What is held back has no ttl, and is refused when there is no room. */
async function compareHeld(given: Scene, names: readonly string[], how?: How): Promise<void> {
  const { maxSize } = given.limits
  const all = maxSize === undefined || given.limits.onFull === "evict"
  const limits = all ? {} : { maxSize, onFull: "error" as const }
  await compare({ ...given, limits }, pick(names), how)
}

/** Those whose function only changes state through `state` or a record: all of it is undone. */
const undoable = [
  "session",
  ...["mapObject", "mapRecord", "filterObject", "filterRecord"],
  ...["foldArray", "foldRecord", "reduce"],
]

/** The last event but one throws, after it has done what it does. */
async function compareFailure(given: Scene): Promise<void> {
  const name = undoable[given.name % undoable.length] as string
  const events = given.draws.flatMap((drawn) => {
    const { step } = drawn
    return typeof step === "object" && step.kind === "event" ? [{ ...drawn, step }] : []
  })
  const failing = events.at(-2)
  if (failing === undefined) return
  const step = event({ ...failing.step.value, fails: true })
  const draws = given.draws.map((drawn) =>
    drawn.step === failing.step ? { ...drawn, step } : drawn,
  )
  await compare({ ...given, draws, limits: {} }, pick([name]))
}

/** All but those that change the state that they are given, which cannot be undone. */
const tolerant = names.filter((name) => name !== "foldObject" && name !== "reduceInitial")

/** Events that fail now and then, by promises or not, and jobs that go on. */
async function compareErrors(given: Scene, how: How): Promise<void> {
  const name = tolerant[given.name % tolerant.length] as string
  const failing = ({ step, ms }: Draw) => {
    if (typeof step !== "object" || step.kind !== "event") return step
    return event({ ...step.value, fails: ms % 5 === 0 })
  }
  const draws = given.draws.map((drawn) => ({ ...drawn, step: failing(drawn) }))
  if (programs[name]?.holds) return compareHeld({ ...given, draws }, [name], how)
  const own = programs[name]?.ownTime ? ofTtl : []
  const left = Object.entries(given.limits).filter(([each]) => ![...own, "maxBytes"].includes(each))
  const limits = known(name, Object.fromEntries(left))
  // Events that are in flight have seen the state before there was room to be made for others.
  const full = limits.maxSize !== undefined
  const scene = { ...given, draws, limits }
  // Unordered, sessions that end at one time do so as their promises have settled.
  const ordered = programs[name]?.knows === undefined ? {} : { ordered: true }
  const one = full ? { concurrency: 1 } : {}
  await compare(scene, pick([name]), { ...how, ...one, ...ordered })
}

const how: fc.Arbitrary<How> = fc.record({
  onError: fc.constantFrom("fail" as const, "skip" as const, "emit" as const),
  waits: fc.boolean(),
  concurrency: fc.constantFrom(1, 2, 5),
  ordered: fc.boolean(),
})

const pick = (chosen: readonly string[]): Record<string, Program> =>
  Object.fromEntries(chosen.map((name) => [name, programs[name] as Program]))

describe("the model", () => {
  it(
    "gives what one event at a time gives, with any operator and chunk size",
    async () => {
      await fc.assert(fc.asyncProperty(scene, compareAll), {
        numRuns: someRuns(runs),
      })
    },
    timeout,
  )

  it(
    "goes on after errors as it is told to, with functions that give promises or not",
    async () => {
      await fc.assert(fc.asyncProperty(scene, how, compareErrors), { numRuns: someRuns(500) })
    },
    timeout,
  )

  it(
    "has state and results as before the event whose function throws",
    async () => {
      await fc.assert(fc.asyncProperty(scene, compareFailure), { numRuns: someRuns(500) })
    },
    timeout,
  )
})
