/** What events do that an operator cannot take, and where side outputs go. */
import { describe, expect, it } from "vitest"
import { count, from, of, outputTag, run, tumbling } from "../js/index.ts"
import type { ErrorEvent, KeyedStream, Stream } from "../js/index.ts"
import { clock, crash, end, event, playAll } from "../js/testing/index.ts"
import { errorFrom, guardRejections, pull } from "./probe.ts"

guardRejections()

interface Row {
  readonly k: string | null | number
  readonly n: number
}

const rows: readonly Row[] = [
  { k: "a", n: 1 },
  { k: "b", n: 2 },
  { k: "a", n: -3 },
  { k: "b", n: 4 },
  { k: "a", n: 5 },
]

const boom = new Error("boom")
const total = (sum: number, { n }: Row): number => {
  if (n < 0) throw boom
  return sum + n
}
const zero = () => 0

const sizes = [1, 2, 1024]

describe("onError", () => {
  it.each(sizes)("skips events and counts them, in chunks of %i", async (chunkSize) => {
    const totals = from(rows).keyBy("k").fold(zero, total, { uid: "sum", onError: "skip" })
    const job = await run(totals, { chunkSize })
    expect(await pull(job)).toEqual([1, 2, 6, 6])
    expect(job.stats().operators["sum"]).toMatchObject({ in: 5, out: 4, skipped: 1 })
    await job.close()
  })

  it.each(sizes)("routes events with all there is to know, in chunks of %i", async (chunkSize) => {
    const errors = outputTag("errors", of<ErrorEvent<Row, Row["k"]>>())
    const options = { uid: "sum", onError: "route", errorsTo: errors } as const
    const totals = from(rows).keyBy("k").fold(zero, total, options)
    const told = [{ event: rows[2], error: boom, operator: "sum", key: "a", position: 2 }]
    expect(await totals.sideOutput(errors).toArray()).toEqual(told)

    const job = await run({ totals, again: totals.sideOutput(errors) }, { chunkSize })
    const all = [job.output("totals"), job.output("again"), job.output(errors)]
    const seen = await Promise.all(all.map((output) => pull<unknown>(output)))
    expect(seen).toEqual([[1, 2, 6, 6], told, told])
    await job.close()
  })

  it.each(sizes)("asks a function, which may give a result, in chunks of %i", async (chunkSize) => {
    const asked: ErrorEvent<Row, Row["k"]>[] = []
    const totals = from([...rows, { k: "b", n: -9 }])
      .keyBy("k")
      .fold(zero, total, {
        onError(error) {
          asked.push(error)
          return error.event.n < -5 ? "skip" : { emit: -1 }
        },
      })
    const job = await run(totals, { chunkSize })
    expect(await pull(job)).toEqual([1, 2, -1, 6, 6])
    expect(asked.map(({ position, key, error }) => [position, key, error])).toEqual([
      [2, "a", boom],
      [5, "b", boom],
    ])
    expect(job.stats().operators["fold-1"]?.skipped).toBe(1)
    await job.close()
  })

  it("fails when the function says so, throws, or says something else", async () => {
    const answers = [() => "fail", () => undefined, () => Promise.reject(boom)] as never[]
    const throwing = () => {
      throw new TypeError("mine")
    }
    const told = [...answers, throwing as never].map((onError) =>
      errorFrom(() =>
        from(rows)
          .map((row) => total(0, row), { onError })
          .toArray(),
      ),
    )
    expect((await Promise.all(told)).map(({ code, message }) => [code, message])).toEqual([
      ["USER_FUNCTION", "map-1: event 2: the function threw Error"],
      ["OPTION", 'map-1: event 2: onError must return "fail", "skip" or { emit }, not undefined'],
      ["OPTION", 'map-1: event 2: onError must return "fail", "skip" or { emit }, not a Promise'],
      ["USER_FUNCTION", "map-1: event 2: the function threw TypeError"],
    ])
  })

  it("holds for stateless verbs and for operators whole in C", async () => {
    const skip = { onError: "skip" } as const
    const bad = [{ k: "a" }, { k: {} }, {}, { k: "a" }, { k: "b".repeat(70_000) }] as never as Row[]
    const keyed = () => from([...rows, ...bad, ...rows]).keyBy("k")
    const throws = (row: Row) => [total(0, row)]
    expect([
      await from(rows).flatMap(throws, skip).toArray(),
      await from(rows)
        .filter((row) => total(0, row) > 1, skip)
        .toArray(),
      (
        await from(rows)
          .tap((row) => total(0, row), skip)
          .toArray()
      ).length,
      await keyed().deduplicate(skip).toArray(),
      (
        await keyed()
          .throttle({ limit: 3, per: "1h", ...skip })
          .toArray()
      ).length,
      await keyed()
        .aggregate({ n: count() }, { emit: "final", ...skip })
        .toArray(),
    ]).toEqual([
      [1, 2, 4, 5],
      [rows[1], rows[3], rows[4]],
      4,
      [rows[0], rows[1]],
      6,
      [
        { key: "a", n: 8 },
        { key: "b", n: 4 },
      ],
    ])
  })

  it("routes keys that are wrong or too long, and state that is full", async () => {
    const errors = outputTag("errors", of<ErrorEvent>())
    const bad = [{ k: {} }, {}, { k: "b".repeat(70_000) }, { k: "c" }] as never as Row[]
    const options = { onError: "route", errorsTo: errors, state: { maxSize: 2 } } as const
    const once = from([...rows, ...bad])
      .keyBy("k")
      .deduplicate(options)
    const job = await run(once)
    const [passed, routed] = await Promise.all([pull(job), pull(job.output(errors))])
    expect(passed).toEqual([rows[0], rows[1]])
    const codes = routed.map(({ error, position, key }) => {
      return [(error as { code?: unknown }).code, position, typeof key]
    })
    expect(codes).toEqual([
      ["KEY_TYPE", 5, "object"],
      ["KEY_MISSING", 6, "undefined"],
      ["LIMIT", 7, "string"],
      ["LIMIT", 8, "string"],
    ])
    await job.close()
  })

  it("leaves out events whose time cannot be read; others keep their place", async () => {
    const errors = outputTag("late", of<ErrorEvent>())
    const events = [{ at: 1 }, { at: "no" }, { at: 3 }, { at: null }, { at: 2 }] as { at: number }[]
    const stream = from(events, { time: "at", onError: "route", errorsTo: errors })
    for (const chunkSize of sizes) {
      const job = await run(stream.keyBy("at").deduplicate(), { chunkSize })
      const [passed, routed] = await Promise.all([pull(job), pull(job.output(errors))])
      expect(passed).toEqual([{ at: 1 }, { at: 3 }, { at: 2 }])
      expect(routed.map(({ position, operator }) => [position, operator])).toEqual([
        [1, "source-1"],
        [3, "source-1"],
      ])
      await job.close()
    }
    const emits = from(events, { time: "at", onError: () => ({ emit: 0 }) as never })
    expect(await errorFrom(() => emits.toArray())).toMatchObject({ code: "OPTION" })
  })

  it("cannot go on when memory is used up", async () => {
    const many = Array.from({ length: 100_000 }, (_, n) => n)
    const kept = from(many)
      .keyBy((n) => n)
      .map((n, state) => state.set(String(n)), { onError: "skip" })
    const job = await run(kept, { memory: { maxBytes: 4 << 20 } })
    expect(await errorFrom(() => job.finished())).toMatchObject({ code: "MEMORY" })
    await job.close()
  })
})

describe("a side output", () => {
  const refused = outputTag("refused", of<Row>())
  const calm = () =>
    from(rows).keyBy("k").throttle({ limit: 1, per: "1h", overflow: "route", overflowTo: refused })

  it.each(sizes)("gets what a throttle does not let pass, in chunks of %i", async (chunkSize) => {
    const job = await run(calm(), { chunkSize })
    const [passed, rest] = await Promise.all([pull(job), pull(job.output(refused))])
    expect([passed, rest]).toEqual([
      [rows[0], rows[1]],
      [rows[2], rows[3], rows[4]],
    ])
    await job.close()
  })

  it("may be for errors, too, and is in the order of events then", async () => {
    const aside = outputTag("aside", of<unknown>())
    const tags = { overflowTo: aside, errorsTo: aside }
    const mixed = [rows[0], {}, rows[2], {}, rows[4]] as Row[]
    const events = from(mixed).keyBy("k")
    const options = { limit: 1, per: "1h", overflow: "route", onError: "route", ...tags } as never
    for (const chunkSize of sizes) {
      const job = await run(events.throttle(options), { chunkSize })
      const [, all] = await Promise.all([pull(job), pull(job.output(aside))])
      const kinds = (all as object[]).map((each) => ("error" in each ? "error" : "event"))
      expect(kinds).toEqual(["error", "event", "error", "event"])
      await job.close()
    }
  })

  it("goes on as a stream, in the order of events beside other branches", async () => {
    const passed = calm()
    const both = passed.map(({ n }) => n).union(passed.sideOutput(refused).map(({ n }) => -n))
    expect(await both.toArray()).toEqual([1, 2, 3, -4, -5])
  })

  it("is counted if nobody claims it, and holds no job up that has taken enough", async () => {
    let read = 0
    function* endless() {
      for (;;) yield { k: "a", n: read++ } as Row
    }
    const some = from(endless())
      .keyBy("k")
      .throttle({ limit: 1, per: "1h", overflow: "route", overflowTo: refused })
    expect(await some.take(1).toArray()).toEqual([{ k: "a", n: 0 }])
    const job = await run(calm())
    await job.finished()
    expect(job.stats().discarded).toEqual({ out: 2, refused: 3 })
    await job.close()
  })

  it("is refused if the job has none of that tag, or two of that name", async () => {
    const job = await run(calm())
    const other = outputTag("refused", of<Row>())
    const names = "the job has no output tag refused; it has out, tag refused"
    expect(() => job.output(other)).toThrow(names)
    await job.close()
    const twice = { a: calm(), refused: calm() }
    expect((await errorFrom(() => run(twice))).message).toBe(
      "two outputs of the job have the name refused",
    )
  })
})

describe("what fails by itself after a restart", () => {
  interface Hit {
    readonly k: string
    readonly at: number
  }
  const errorsTo = outputTag<ErrorEvent>("errors")
  const routed = { onError: "route", errorsTo } as const
  const fail = (): unknown => {
    throw boom
  }
  const ways: Record<string, (hits: KeyedStream<string, Hit>) => Stream<unknown>> = {
    "a timer in event time": (hits) =>
      hits.process({
        process: ({ at }, _, { timers }) => timers.eventTime(at + 100),
        ...{ onTimer: fail, ...routed },
      }),
    "a timer in processing time": (hits) =>
      hits.process({
        process: (_, __, { timers }) => timers.processingTime(100),
        ...{ onTimer: fail, ...routed },
      }),
    "a window": (hits) => hits.window(tumbling(100)).process(fail, routed),
    "a window of two streams": (hits) => hits.coGroup(hits, tumbling(100), fail, routed),
  }

  it.each(Object.entries(ways))("says which event was the last: %s", async (_, make) => {
    const script = [event({ k: "a", at: 1 }), event({ k: "a", at: 2 }), crash(), clock(200), end()]
    const failed = (hits: Stream<Hit>) => ({ failed: make(hits.keyBy("k")).sideOutput(errorsTo) })
    const { results, error } = await playAll<Hit>(failed, script)
    expect(error).toBeUndefined()
    const positions = (results["failed"] as ErrorEvent[]).map(({ position }) => position)
    expect(new Set(positions)).toEqual(new Set([1]))
  })
})
