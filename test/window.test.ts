/** Windows: which events are in them, when they emit, and what is made of them. */
import { describe, expect, it } from "vitest"
import {
  argMax,
  boundedDisorder,
  collect,
  count,
  countWindow,
  first,
  from,
  globalWindow,
  manualClock,
  of,
  outputTag,
  run,
  sessions,
  sliding,
  slidingCount,
  slidingEach,
  sum,
  tumbling,
} from "../js/index.ts"
import type { Assigner, KeyedStream, Stream, WindowOptions, WindowRange } from "../js/index.ts"
import { handFed, turns } from "./probe.ts"
import { event, play } from "./play.ts"

interface Hit {
  readonly key: string
  readonly n: number
  readonly at: number
}

const hit = (key: string, n: number, at: number): Hit => ({ key, n, at })

/** Events in event time; the watermark follows the latest one. */
const keyed = (hits: readonly Hit[], disorder = 0): KeyedStream<string, Hit> =>
  from(hits, { time: "at", watermark: boundedDisorder(disorder) }).keyBy("key")

/** A window as a short text: its key and range, and what is in it. */
const show = (
  hits: readonly Hit[],
  _: unknown,
  { key, window }: { key: string; window: WindowRange },
): string => `${key} ${window.start}..${window.end}: ${hits.map(({ n }) => n).join(" ")}`

const shown = (
  hits: readonly Hit[],
  assigner: Assigner<Hit> | ((hit: Hit, time: number) => WindowRange[]),
  options?: WindowOptions<Hit>,
): Promise<string[]> => keyed(hits).window(assigner, options).process(show).toArray()

describe("aggregate of windows", () => {
  const totals = (events: Stream<Hit>) =>
    events
      .keyBy("key")
      .window(tumbling(10))
      .aggregate({ total: sum("n"), most: argMax("n") })
  const [a2, b5] = [hit("a", 2, 9), hit("b", 5, 4)]
  const script = [
    event(hit("a", 1, 3)),
    event(a2),
    event(b5),
    event(hit("a", 7, 10)), // The first instant of the next window.
  ]
  const options = { from: { time: "at", watermark: boundedDisorder(0) } } as const
  const rows = [
    { key: "a", start: 0, end: 10, total: 3, most: a2 },
    { key: "b", start: 0, end: 10, total: 5, most: b5 },
    { key: "a", start: 10, end: 20, total: 7, most: hit("a", 7, 10) },
  ]

  it.each(script.map((_, step) => step))(
    "gives the same after a crash at step %i",
    async (step) => {
      expect(await play(totals, script, { ...options, crashAfter: step })).toEqual(rows)
    },
  )

  it("is of what came, in the order in which it came", async () => {
    const hits = [hit("a", 3, 5), hit("a", 1, 9), hit("a", 2, 7)]
    const columns = { first: first("n"), all: collect("n"), size: count() }
    const found = await keyed(hits, 100).window(tumbling(10)).aggregate(columns).toArray()
    expect(found).toEqual([{ key: "a", start: 0, end: 10, first: 3, all: [3, 1, 2], size: 3 }])
  })

  it("refuses a field that it cannot use, and nothing else is lost", async () => {
    const hits = [hit("a", 1, 1), { key: "a", n: "x" as unknown as number, at: 2 }, hit("a", 2, 3)]
    const open = keyed(hits).window(tumbling(10))
    await expect(open.aggregate({ most: argMax("n") }).toArray()).rejects.toMatchObject({
      code: "FIELD_TYPE",
      message: "window-1: event 1: field n must be a number or bigint, not a string",
    })
    const rows = await open
      .aggregate({ all: collect("n"), n: sum("n") }, { onError: "skip" })
      .toArray()
    expect(rows).toEqual([{ key: "a", start: 0, end: 10, all: [1, 2], n: 3 }])
  })

  it("has reserved names", () => {
    const open = keyed([]).window(tumbling(10), { allowedLateness: 1 })
    const name = (given: object) => () => open.aggregate(given as never)
    expect(name({ start: count() })).toThrow("start is a reserved column")
    expect(name({ revision: count() })).toThrow("revision is a reserved column of such windows")
  })
})

describe("windows of time", () => {
  it("are aligned by floor, also before 1970 and with offsets", async () => {
    const hits = [hit("a", 1, -11), hit("a", 2, -10), hit("a", 3, -1), hit("a", 4, 0)]
    expect(await shown(hits, tumbling(10))).toEqual([
      "a -20..-10: 1",
      "a -10..0: 2 3",
      "a 0..10: 4",
    ])
    const offset = ["a -13..-3: 1 2", "a -3..7: 3 4"]
    expect(await shown(hits, tumbling(10, { offset: -3 }))).toEqual(offset)
    expect(await shown(hits, tumbling(10, { offset: 7 }))).toEqual(offset)
  })

  it("slide", async () => {
    const hits = [hit("a", 1, 1), hit("a", 2, 6)]
    expect(await shown(hits, sliding(10, 5))).toEqual(["a -5..5: 1", "a 0..10: 1 2", "a 5..15: 2"])
  })

  it("come out by their ends, then by their first events", async () => {
    const hits = [hit("c", 1, 12), hit("b", 2, 3), hit("a", 3, 1), hit("b", 4, 15)]
    const rows = await keyed(hits, 20).window(tumbling(10)).process(show).toArray()
    expect(rows).toEqual(["b 0..10: 2", "a 0..10: 3", "c 10..20: 1", "b 10..20: 4"])
  })

  it("are what a function says", async () => {
    const twice = (_: Hit, time: number) => [
      { start: time, end: time + 5 },
      { start: time, end: time + 5 },
      { start: 0, end: 100 },
    ]
    expect(await shown([hit("a", 1, 3)], twice)).toEqual(["a 3..8: 1", "a 0..100: 1"])
    const wrong = () => [{ start: 1, end: 1 }]
    await expect(shown([hit("a", 1, 3)], wrong)).rejects.toMatchObject({ code: "OPTION" })
  })

  it("are of each event's neighbours, as in Kafka Streams", async () => {
    const hits = [hit("a", 1, 10), hit("a", 2, 13), hit("a", 3, 30)]
    expect(await shown(hits, slidingEach(5))).toEqual([
      "a 5..10: 1",
      "a 8..13: 1 2",
      "a 11..16: 2",
      "a 25..30: 3",
    ])
  })

  it("go by the clock where events have no time, also while nothing comes", async () => {
    const clock = manualClock(1000)
    const fed = handFed<Hit>()
    const job = await run(from(fed).keyBy("key").window(tumbling(100)).process(show), { clock })
    const rows = job[Symbol.asyncIterator]()
    const next = rows.next()
    fed.give(hit("a", 1, 0), hit("b", 2, 0))
    await turns()
    clock.advance(99)
    await turns()
    fed.give(hit("a", 3, 0))
    await turns()
    clock.advance(1)
    expect(await next).toEqual({ value: "a 1000..1100: 1 3", done: false })
    expect(await rows.next()).toEqual({ value: "b 1000..1100: 2", done: false })
    await job.close()
  })
})

describe("late events", () => {
  const hits = [hit("a", 1, 1), hit("a", 2, 12), hit("a", 3, 2), hit("a", 4, 25), hit("a", 5, 3)]
  const late = outputTag("late", of<Hit>())

  it("are left out, counted and routed", async () => {
    const rows = keyed(hits).window(tumbling(10), { lateTo: late }).process(show)
    const job = await run({ rows, routed: rows.sideOutput(late) })
    const read = async (output: AsyncIterable<unknown>) => {
      const all: unknown[] = []
      for await (const value of output) all.push(value)
      return all
    }
    const [given, routed] = await Promise.all([
      read(job.output("rows")),
      read(job.output("routed")),
    ])
    expect(given).toEqual(["a 0..10: 1", "a 10..20: 2", "a 20..30: 4"])
    expect(routed).toEqual([hits[2], hits[4]])
    expect(job.stats().operators["window-1"]?.late).toEqual({ behind: 2, idle: 0 })
    await job.close()
  })

  it("emit anew until end + allowedLateness", async () => {
    const rows = await keyed(hits)
      .window(tumbling(10), { allowedLateness: 10 })
      .aggregate({ all: collect("n") })
      .toArray()
    expect(rows).toEqual([
      { key: "a", start: 0, end: 10, revision: 0, all: [1] },
      { key: "a", start: 0, end: 10, revision: 1, all: [1, 3] },
      { key: "a", start: 10, end: 20, revision: 0, all: [2] },
      { key: "a", start: 20, end: 30, revision: 0, all: [4] },
    ])
  })

  it("are in the one row of emit final, or in a row each of emit updates", async () => {
    const given = (emit: "final" | "updates") =>
      shown(hits, tumbling(10), { allowedLateness: 10, emit })
    expect(await given("final")).toEqual(["a 0..10: 1 3", "a 10..20: 2", "a 20..30: 4"])
    expect(await given("updates")).toEqual([
      "a 0..10: 1", // The event, then the end.
      "a 10..20: 2",
      "a 0..10: 1",
      "a 0..10: 1 3",
      "a 20..30: 4",
      "a 10..20: 2",
      "a 20..30: 4",
    ])
  })
})

describe("sessions", () => {
  it("merge what is exactly the gap apart, or split there", async () => {
    const hits = [hit("a", 1, 0), hit("a", 2, 5), hit("a", 3, 11)]
    expect(await shown(hits, sessions(5))).toEqual(["a 0..10: 1 2", "a 11..16: 3"])
    expect(await shown(hits, sessions(5, { boundary: "exclusive" }))).toEqual([
      "a 0..5: 1",
      "a 5..10: 2",
      "a 11..16: 3",
    ])
  })

  it("are made one by a late event, as an update", async () => {
    const hits = [hit("a", 1, 0), hit("a", 2, 8), hit("b", 9, 20), hit("a", 3, 4), hit("b", 9, 90)]
    const rows = await keyed(hits)
      .window(sessions(5), { allowedLateness: 30 })
      .aggregate({ n: sum("n"), all: collect("n") })
      .toArray()
    expect(rows.filter(({ key }) => key === "a")).toEqual([
      { key: "a", start: 0, end: 5, revision: 0, n: 1, all: [1] },
      { key: "a", start: 8, end: 13, revision: 0, n: 2, all: [2] },
      { key: "a", start: 0, end: 13, revision: 1, n: 6, all: [1, 2, 3] },
    ])
  })

  it("can have a gap of each event's own", async () => {
    const hits = [hit("a", 10, 0), hit("a", 1, 9), hit("a", 1, 11)]
    expect(
      await shown(
        hits,
        sessions(({ n }: Hit) => n),
      ),
    ).toEqual(["a 0..10: 10 1", "a 11..12: 1"])
    const wrong = sessions(() => 0)
    await expect(shown(hits, wrong)).rejects.toMatchObject({ code: "OPTION" })
  })
})

describe("windows of a number of events", () => {
  const hits = [1, 2, 3, 4, 5, 6, 7].map((n) => hit("a", n, n))
  const lists = (assigner: Assigner<Hit>) =>
    keyed(hits)
      .window(assigner)
      .process((all) => all.map(({ n }) => n).join(""))
      .toArray()

  it("emit when they are full", async () => {
    expect(await lists(countWindow(3))).toEqual(["123", "456"])
    expect(await lists(countWindow(3, { emitPartial: true }))).toEqual(["123", "456", "7"])
  })

  it("overlap, or leave events out", async () => {
    expect(await lists(countWindow(3, { slide: 2 }))).toEqual(["123", "345", "567"])
    expect(await lists(countWindow(3, { slide: 2, emitPartial: true }))).toEqual([
      "123",
      "345",
      "567",
    ])
    expect(await lists(countWindow(2, { slide: 5, emitPartial: true }))).toEqual(["12", "67"])
    expect(await lists(countWindow(1, { slide: 3 }))).toEqual(["1", "4", "7"])
  })

  it("emit at every slide, before they are full, as Flink's", async () => {
    expect(await lists(slidingCount(3, 2))).toEqual(["12", "234", "456"])
  })

  it("emit all at the end of the source", async () => {
    expect(await lists(globalWindow())).toEqual(["1234567"])
  })
})
