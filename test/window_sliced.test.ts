/**
 * Windows that share slices, of aggregates that keep values: against the general way, and against
 * sketches of all their events at once.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as millrace from "../js/index.ts"
import type { WindowOptions } from "../js/index.ts"
import { windowSpec } from "../js/operators/window/spec.ts"
import { foldNode } from "../js/operators/window/window.ts"
import { ddSketch } from "../js/sketches/dd_sketch.ts"
import { hyperLogLog } from "../js/sketches/hyper_log_log.ts"
import { keyReader } from "../js/state/keys.ts"
import { testOperator } from "./contract/operator.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { clock, event } from "./play.ts"
import { keyed } from "./programs.ts"
import { sketchOf } from "./sketch_data.ts"
import { someRuns } from "./random.ts"

interface Hit {
  readonly i: number
  readonly key: string
  readonly at: number
  readonly n: number
}

const topped = 3
const aggregates = {
  all: millrace.collect("i"),
  hits: millrace.count(),
  users: millrace.approxDistinct("n", { precision: 4 }),
  ends: millrace.quantile("n", [0, 0.5, 1], { maxBuckets: 16 }),
  top: millrace.topK("n", topped, { capacity: topped }),
  mean: millrace.ewma("n", { halfLife: 7 }),
  some: millrace.sample("i", 3, { seed: 1 }),
}
type Row = millrace.EventOf<ReturnType<typeof slicedOf>>

const slicedOf = (hits: millrace.Stream<Hit>, { size, slide, offset, options }: Setting) =>
  hits
    .keyBy("key")
    .window(millrace.sliding(size, slide, { offset }), options)
    .aggregate(aggregates)

interface Setting {
  readonly size: number
  readonly slide: number
  readonly offset: number
  readonly options: WindowOptions<Hit>
}

const settings: fc.Arbitrary<Setting> = fc
  .record({
    size: fc.constantFrom(1, 4, 10, 12, 30),
    slide: fc.constantFrom(1, 3, 5, 12),
    offset: fc.constantFrom(0, 1, -3, 25),
    lateness: fc.constantFrom(0, 0, 4, 15),
    emit: fc.constantFrom(undefined, undefined, "final" as const),
  })
  .map(({ size, slide, offset, lateness, emit }) => {
    const options = { allowedLateness: lateness, ...(emit === undefined ? {} : { emit }) }
    return { size, slide: Math.min(size, slide), offset, options }
  })

const streams = fc.array(
  fc.tuple(fc.nat(1), fc.nat(2), fc.integer({ min: -6, max: 8 }), fc.integer({ min: -9, max: 9 })),
  { minLength: 1, maxLength: 60 },
)

/** Two sources of hits, each in an order of its own; the watermark is the least of theirs. */
function sourcesOf(script: readonly (readonly [number, number, number, number])[], apart: number) {
  const at = [0, apart]
  const hits = script.map(([source, key, step, n], i) => {
    const time = (at[source] = (at[source] as number) + step)
    return { source, hit: { i, key: `k${key}`, at: time, n } satisfies Hit }
  })
  return [0, 1].map((source) => hits.flatMap((each) => (each.source === source ? [each.hit] : [])))
}

/** What a window must have, by its events alone. */
function checkRow(row: Row, hits: ReadonlyMap<number, Hit>): void {
  const own = row.all.map((i) => hits.get(i) as Hit)
  const values = own.map(({ n }) => n)
  for (const { at, key } of own) {
    expect(at >= row.start && at < row.end && key === row.key).toBe(true)
  }
  const distinct = hyperLogLog(4)
  const quantiles = ddSketch(0.01, 16)
  const ends = sketchOf(quantiles, values)
  expect(row).toMatchObject({
    hits: own.length,
    users: distinct.result(sketchOf(distinct, values)),
    ends: [0, 0.5, 1].map((q) => quantiles.quantile(ends, q)),
  })
  for (const { value, count, error } of row.top) {
    const times = values.filter((each) => each === value).length
    expect([count >= times, count - error <= times, error * topped <= own.length]).toEqual([
      true,
      true,
      true,
    ])
  }
  const newest = Math.max(...own.map(({ at }) => at))
  const weights = own.map(({ at }) => 2 ** ((at - newest) / 7))
  const sum = own.reduce((sum, { n }, i) => sum + n * (weights[i] as number), 0)
  const weight = weights.reduce((a, b) => a + b, 0)
  expect(Math.abs((row.mean ?? NaN) - sum / weight)).toBeLessThan(1e-12)
  expect(row.some).toHaveLength(Math.min(3, own.length))
  expect(row.some.every((i) => row.all.includes(i))).toBe(true)
}

describe("windows that share slices", () => {
  it("have what their events have, and come when others do", { timeout: 300_000 }, () =>
    fc.assert(
      fc.asyncProperty(
        streams,
        settings,
        fc.record({
          apart: fc.constantFrom(0, 12, -30),
          disorderMs: fc.constantFrom(0, 3, 9),
          chunkSize: fc.constantFrom(1, 7, 1024),
        }),
        async (script, setting, { apart, disorderMs, chunkSize }) => {
          const [left, right] = sourcesOf(script, apart) as [Hit[], Hit[]]
          const from = (hits: Hit[]) =>
            millrace.from(hits, { time: "at", watermark: millrace.boundedDisorder(disorderMs) })
          const play = async () => {
            const hits = from(left).union(from(right))
            const assigner = millrace.sliding(setting.size, setting.slide, {
              offset: setting.offset,
            })
            const spec = windowSpec(assigner, setting.options)
            const node = foldNode(hits.node, keyReader("key"), spec, aggregates, { uid: "folded" })
            const both = { sliced: slicedOf(hits, setting), folded: new millrace.Stream<Row>(node) }
            const job = await millrace.run(both, { chunkSize, clock: millrace.manualClock() })
            const read = async (name: "sliced" | "folded") => {
              const rows: Row[] = []
              for await (const row of job.output(name)) rows.push(row)
              return rows
            }
            return Promise.all([read("sliced"), read("folded")])
          }
          const [sliced, folded] = await play()
          const hits = new Map([...left, ...right].map((hit) => [hit.i, hit]))
          for (const row of sliced) checkRow(row, hits)
          const alike = ({ key, start, end, revision, all, hits, users, ends }: Row) => ({
            key,
            start,
            end,
            revision,
            all,
            hits,
            users,
            ends,
          })
          expect(sliced.map(alike)).toEqual(folded.map(alike))
        },
      ),
      { numRuns: someRuns(800) },
    ),
  )

  it("give the same to the last bit whatever came before them", async () => {
    // The merges of a window hang on where it lies, and not on which windows came before.
    const hits = Array.from({ length: 400 }, (_, i): Hit => {
      return { i, key: "a", at: i * 3, n: Math.imul(i, 2_654_435_761) >>> 20 }
    })
    const setting = { size: 60, slide: 7, offset: 2, options: {} }
    const { size, slide } = setting
    const rowsOf = async (given: readonly Hit[]) =>
      slicedOf(millrace.from(given, { time: "at" }), setting).toArray()
    const whole = await rowsOf(hits)
    for (const from of [1, 17, 100]) {
      const rest = await rowsOf(hits.slice(from))
      const full = ({ start }: Row) => start >= from * 3 + size + slide
      const plain = (row: Row) => ({ ...row, some: undefined })
      expect(rest.filter(full).map(plain)).toEqual(whole.filter(full).map(plain))
    }
  })
})

const script = Array.from({ length: 36 }, (_, i) => {
  if (i % 6 === 5) return clock(i * 2)
  const key = ["a", 1, "1", null, ["a", 1n]][(i * 7 + (i >> 3)) % 5] as Op["key"]
  return event<Op>({
    i,
    key,
    deed: deeds[0] ?? "none",
    n: i % 5,
    value: i / 3,
    at: i * 2 - (i % 4) * 3,
  })
})
const sketches = {
  n: millrace.approxDistinct("i", { precision: 4 }),
  q: millrace.quantile("i", [0.1, 0.9], { maxBuckets: 16 }),
  top: millrace.topK("n", 2, { capacity: 3 }),
  sum: millrace.sum("i"),
  mean: millrace.ewma("i", { halfLife: 7 }),
  some: millrace.sample("i", 2),
}
const kinds = {
  "sliding windows": [millrace.sliding(20, 5), {}],
  "sliding windows with late events": [
    millrace.sliding(14, 4, { offset: 1 }),
    { allowedLateness: 6 },
  ],
  "tumbling windows": [millrace.tumbling(10), { emit: "final", allowedLateness: 3 }],
  "tumbling windows that are updated": [millrace.tumbling(10), { emit: "updates" }],
  "sliding windows that are updated": [millrace.sliding(8, 4), { emit: "updates" }],
  sessions: [millrace.sessions(3), { allowedLateness: 6 }],
  countWindow: [millrace.countWindow(3, { slide: 2 }), {}],
  keepLast: [millrace.tumbling(20), { evictor: millrace.keepLast(3) }],
} as const
for (const [name, [assigner, options]] of Object.entries(kinds)) {
  testOperator<Op>(
    `sketches of ${name}`,
    (events) =>
      keyed(events)
        .window(assigner, options as WindowOptions<Op>)
        .aggregate(sketches),
    script,
  )
}
