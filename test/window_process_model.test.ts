/**
 * Random scripts through windows of every kind, with every trigger, lateness and way to emit,
 * against plain code that keeps all events: times late, early, alike and below zero; chunks;
 * crashes.
 */
import fc from "fast-check"
import { expect, it } from "vitest"
import * as millrace from "../js/index.ts"
import type { Assigner, AssignWindows, Stream, WindowOptions } from "../js/index.ts"
import { windowSpec } from "../js/operators/window/spec.ts"
import { foldNode } from "../js/operators/window/window.ts"
import { keyReader } from "../js/state/keys.ts"
import { clock, event, playAll } from "./play.ts"
import type { Step } from "./play.ts"
import { Reference } from "./window_process_reference.ts"
import { gapOf, numbers, twice } from "./window_process_setting.ts"
import type { Hit, Kind, Row, Setting } from "./window_process_setting.ts"
import { someRuns, someTime } from "./random.ts"

const timeout = someTime
const late = millrace.outputTag<Hit>("late")

function assignerOf(kind: Kind): Assigner<Hit> | AssignWindows<Hit> {
  switch (kind.kind) {
    case "sliding":
      return kind.slide === kind.size
        ? millrace.tumbling(kind.size, { offset: kind.offset })
        : millrace.sliding(kind.size, kind.slide, { offset: kind.offset })
    case "custom":
      return twice
    case "sessions": {
      const boundary = kind.exclusive ? "exclusive" : "inclusive"
      return millrace.sessions(kind.gap === "own" ? gapOf : kind.gap, { boundary })
    }
    case "count":
      return millrace.countWindow(kind.size, { slide: kind.slide, emitPartial: kind.partial })
    case "slidingCount":
      return millrace.slidingCount(kind.size, kind.slide)
    case "slidingEach":
      return millrace.slidingEach(kind.size)
    case "global":
      return millrace.globalWindow()
  }
}

const triggers = {
  count: millrace.onCount(numbers.count),
  purgingCount: millrace.purging(millrace.onCount(numbers.count)),
  every: millrace.every(numbers.every),
  delta: millrace.delta<Hit>(numbers.delta, (a, b) => Math.abs(a.n - b.n)),
}
const evictors = {
  last: millrace.keepLast(numbers.last),
  within: millrace.within(numbers.within),
}

function optionsOf({
  kind,
  lateness,
  emit,
  trigger,
  evictor,
  discard,
}: Setting): WindowOptions<Hit> {
  const counts = ["count", "slidingCount", "global"].includes(kind.kind)
  return {
    ...(counts ? {} : { allowedLateness: lateness, lateTo: late }),
    ...(emit === undefined ? {} : { emit }),
    ...(trigger === undefined ? {} : { trigger: triggers[trigger] }),
    ...(evictor === undefined ? {} : { evictor: evictors[evictor] }),
    ...(discard ? { mode: "discard" as const } : {}),
  }
}

/** What can be asked for of a kind: the rest is refused at once. */
function possible(setting: Setting): Setting {
  const { kind, emit } = setting
  const counts = kind.kind === "count" || kind.kind === "slidingCount"
  const bare = counts || kind.kind === "slidingEach"
  const merges = kind.kind === "sessions"
  const trigger = bare || emit === "final" ? undefined : setting.trigger
  return {
    ...setting,
    lateness: counts || kind.kind === "global" ? 0 : setting.lateness,
    trigger: merges && trigger === "delta" ? undefined : trigger,
    evictor: bare ? undefined : setting.evictor,
    discard: bare || emit === "final" ? false : setting.discard,
  }
}

const kinds: fc.Arbitrary<Kind> = fc.oneof(
  fc
    .record({
      size: fc.constantFrom(1, 4, 10, 12),
      slide: fc.constantFrom(1, 3, 5, 12),
      offset: fc.constantFrom(0, 1, -3, 25),
    })
    .map((each) => ({ kind: "sliding", ...each, slide: Math.min(each.slide, each.size) }) as const),
  fc.constant({ kind: "custom" } as const),
  fc.record({
    kind: fc.constant("sessions" as const),
    gap: fc.constantFrom(1, 3, 6, "own" as const),
    exclusive: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("count" as const),
    size: fc.integer({ min: 1, max: 4 }),
    slide: fc.integer({ min: 1, max: 5 }),
    partial: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("slidingCount" as const),
    size: fc.integer({ min: 1, max: 4 }),
    slide: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant("slidingEach" as const), size: fc.constantFrom(1, 3, 6) }),
  fc.constant({ kind: "global" } as const),
)

const settings = fc
  .record({
    kind: kinds,
    lateness: fc.constantFrom(0, 0, 3, 10, 25),
    emit: fc.constantFrom(undefined, undefined, "final" as const, "updates" as const),
    trigger: fc.constantFrom(
      undefined,
      undefined,
      "count" as const,
      "every" as const,
      "delta" as const,
      "purgingCount" as const,
    ),
    evictor: fc.constantFrom(undefined, undefined, "last" as const, "within" as const),
    discard: fc.boolean(),
  })
  .map(possible)

const scripts = fc
  .array(
    fc.tuple(
      fc.nat(2),
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -4, max: 6 }) },
        { weight: 1, arbitrary: fc.integer({ min: -25, max: 40 }) },
      ),
      fc.nat(12),
    ),
    { minLength: 1, maxLength: 50 },
  )
  .map((steps) => {
    let at = -40
    return steps.map(([key, step, n], i): Hit => ({ i, key: `k${key}`, at: (at += step), n }))
  })

interface How {
  readonly timed: boolean
  readonly disorderMs: number
  readonly chunkSize: number
  readonly crash: number
  readonly crashEvery: number | undefined
}

/** Under processing time the clock is moved to the time of every third event. */
function stepsOf(script: readonly Hit[], { timed }: How): Step<Hit>[] {
  if (timed) return script.map(event)
  let now = 0 // A clock that steps back, and a crash, are for other tests.
  return script.flatMap((hit, i) => {
    now = Math.max(now, hit.at + 2000)
    return i % 3 === 0 ? [clock(now), event(hit)] : [event(hit)]
  })
}

function expectedOf(steps: readonly Step<Hit>[], setting: Setting, how: How) {
  const reference = new Reference(setting)
  let [timeMax, now] = [-Infinity, 0]
  for (const step of steps) {
    if (step.kind === "clock") now = Math.max(now, step.ms)
    if (step.kind !== "event") continue
    reference.pass(how.timed ? timeMax - how.disorderMs : now)
    reference.on(step.value, how.timed ? step.value.at : now)
    timeMax = Math.max(timeMax, step.value.at)
  }
  reference.pass(how.timed ? timeMax - how.disorderMs : now)
  reference.pass(Infinity)
  return reference
}

/** A window's events, and how many its key has given so far. */
function through(events: Stream<Hit>, setting: Setting) {
  const options = optionsOf(setting)
  const rows = events
    .keyBy("key")
    .window(assignerOf(setting.kind), options)
    .process(
      (hits, state, { key, window, revision }): Row & { given: number } => {
        const given = state.update((count) => count + hits.length)
        return { key, window, revision, events: hits.map(({ i }) => i), given }
      },
      { state: { value: () => 0 } },
    )
  const spec = windowSpec(assignerOf(setting.kind), options)
  // Whatever C can do whole is done by the general way here.
  const node = foldNode(events.node, keyReader("key"), spec, aggregates, { uid: "folded" })
  const folded = new millrace.Stream(node)
  const reduced = events
    .keyBy("key")
    .window(assignerOf(setting.kind), options)
    .reduce((a, b) => ({ ...b, n: a.n + b.n }), { uid: "reduced" })
  const sliced = events
    .keyBy("key")
    .window(assignerOf(setting.kind), options)
    .aggregate(aggregates, { uid: "sliced" })
  const all = { rows, folded, sliced, reduced }
  return options.lateTo === undefined ? all : { ...all, routed: rows.sideOutput(late) }
}

const aggregates = {
  n: millrace.count(),
  sum: millrace.sum("n"),
  mean: millrace.mean("n"),
  first: millrace.first("i"),
  last: millrace.last("i"),
  all: millrace.collect("i"),
  most: millrace.argMax("n"),
  least: millrace.argMin("n"),
  different: millrace.countDistinct("n"),
}

/** The same of a window's events, by plain code. */
function foldedOf({ key, window, revision, events }: Row, hits: readonly Hit[], revised: boolean) {
  const own = events.map((i) => hits.find((hit) => hit.i === i) as Hit)
  const values = own.map(({ n }) => n)
  const sum = values.reduce((a, b) => a + b, 0)
  return {
    key,
    ...window,
    ...(revised ? { revision } : {}),
    n: own.length,
    sum,
    mean: sum / own.length,
    first: events[0],
    last: events.at(-1),
    all: events,
    most: own.find(({ n }) => n === Math.max(...values)),
    least: own.find(({ n }) => n === Math.min(...values)),
    different: new Set(values).size,
  }
}

async function compare(script: readonly Hit[], setting: Setting, how: How): Promise<void> {
  const steps = stepsOf(script, how)
  const { results, error } = await playAll<Hit>((events) => through(events, setting), steps, {
    ...(how.timed
      ? { from: { time: "at", watermark: millrace.boundedDisorder(how.disorderMs) } }
      : {}),
    chunkSize: how.chunkSize,
    ...(how.crash < steps.length ? { crashAfter: how.crash } : {}),
    crashEvery: how.crashEvery,
  })
  if (error !== undefined) throw error as Error
  const expected = expectedOf(steps, setting, how)
  const given = new Map<string, number>()
  const rows = expected.rows.map((row) => {
    given.set(row.key, (given.get(row.key) ?? 0) + row.events.length)
    return { ...row, given: given.get(row.key) }
  })
  expect(results["rows"]).toEqual(rows)
  const { emit, lateness } = setting
  const revised = emit === "updates" || (lateness > 0 && emit !== "final")
  const folded = expected.rows.map((row) => foldedOf(row, script, revised))
  expect(results["folded"]).toEqual(folded)
  expect(results["sliced"]).toEqual(folded)
  expect(results["reduced"]).toMatchObject(
    folded.map(({ sum, all }) => ({ i: all.at(-1), n: sum })),
  )
  expect(results["routed"] ?? []).toEqual(expected.late)
}

it("gives what plain code gives", { timeout }, () =>
  fc.assert(
    fc.asyncProperty(
      scripts,
      settings,
      fc.record({
        timed: fc.constantFrom(true, true, true, false),
        disorderMs: fc.constantFrom(0, 2, 8),
        chunkSize: fc.constantFrom(1, 7, 1024),
        crash: fc.nat(80),
        crashEvery: fc.constantFrom(undefined, undefined, undefined, 1),
      }),
      compare,
    ),
    { numRuns: someRuns(1500) },
  ),
)
