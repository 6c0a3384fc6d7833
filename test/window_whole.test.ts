import { describe, expect, it } from "vitest"
import { boundedDisorder, count, from, manualClock, memoryStorage } from "../js/index.ts"
import { outputTag, run, sessions, sliding, sum, tumbling, variance } from "../js/index.ts"
import type { FromOptions } from "../js/index.ts"
import { clock, event, play } from "./play.ts"
import type { Hit } from "./window_reference.ts"

const hit = (key: string, at: number, n: number | null = 1): Hit => ({ key, at, n })
const timed: FromOptions<Hit> = { time: "at", watermark: boundedDisorder(5) }
async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const row of rows) list.push(row)
  return list
}

const totals = { count: count(), sum: sum("n") }

describe("aggregates of windows", () => {
  it("come out when the watermark reaches the end, before what the event does", async () => {
    const rows = await from(
      [hit("a", 3), hit("b", 4), hit("a", 9), hit("a", 15), hit("b", 31)],
      timed,
    )
      .keyBy("key")
      .window(tumbling(10))
      .aggregate(totals)
      .toArray()
    expect(rows).toEqual([
      { key: "a", start: 0, end: 10, count: 2, sum: 2 },
      { key: "b", start: 0, end: 10, count: 1, sum: 1 },
      { key: "a", start: 10, end: 20, count: 1, sum: 1 },
      { key: "b", start: 30, end: 40, count: 1, sum: 1 },
    ])
  })

  it("have the time of their last instant, for windows of windows", async () => {
    const hits = [3, 12, 18, 27, 39].map((at) => hit("a", at))
    const rows = await from(hits, timed)
      .keyBy("key")
      .window(tumbling(10))
      .aggregate({ n: count() })
      .keyBy("key")
      .window(tumbling(20))
      .aggregate({ windows: count(), hits: sum("n") })
      .toArray()
    expect(rows).toEqual([
      { key: "a", start: 0, end: 20, windows: 2, hits: 3 },
      { key: "a", start: 20, end: 40, windows: 2, hits: 2 },
    ])
  })

  it("follow the clock where events have no time, also while nothing comes", async () => {
    const script = [
      event(hit("a", 0)),
      clock(7),
      event(hit("b", 0)),
      clock(12),
      event(hit("a", 0)),
      clock(25),
      event(hit("b", 0)),
    ]
    const windows = await play(
      (events) => events.keyBy("key").window(sliding(20, 10)).aggregate({ n: count() }),
      script,
    )
    expect(windows).toEqual([
      { key: "a", start: -10, end: 10, n: 1 },
      { key: "b", start: -10, end: 10, n: 1 },
      { key: "a", start: 0, end: 20, n: 2 },
      { key: "b", start: 0, end: 20, n: 1 },
      { key: "a", start: 10, end: 30, n: 1 },
      { key: "b", start: 10, end: 30, n: 1 },
      { key: "b", start: 20, end: 40, n: 1 },
    ])
  })

  it("fire by the clock of a job whose source is silent", async () => {
    const time = manualClock()
    let end: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (end = resolve))
    async function* once() {
      yield hit("a", 0)
      await ended
    }
    const job = await run(
      from(once()).keyBy("key").window(sessions("5s")).aggregate({ n: count() }),
      { clock: time },
    )
    const rows = job[Symbol.asyncIterator]()
    const first = rows.next()
    while (job.stats().operators["window-1"]?.rows !== 1) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    time.advance(5001)
    expect(await first).toEqual({ done: false, value: { key: "a", start: 0, end: 5000, n: 1 } })
    end()
    expect(await rows.next()).toEqual({ done: true, value: undefined })
    await job.close()
  })

  it("count late events by reason, and route them", async () => {
    const late = outputTag<Hit>("late")
    const rows = from([hit("a", 3), hit("a", 30), hit("a", 4), hit("a", 26)], timed)
      .keyBy("key")
      .window(tumbling(10), { lateTo: late })
      .aggregate({ n: count() })
    const job = await run({ rows, others: rows.sideOutput(late) })
    const [windows, others] = await Promise.all([
      all(job.output("rows")),
      all(job.output("others")),
    ])
    expect(windows).toEqual([
      { key: "a", start: 0, end: 10, n: 1 },
      { key: "a", start: 20, end: 30, n: 1 },
      { key: "a", start: 30, end: 40, n: 1 },
    ])
    expect(others).toEqual([hit("a", 4)])
    expect(job.stats().operators["window-1"]).toMatchObject({ late: { behind: 1, idle: 0 } })
    await job.close()
  })

  it("skip nulls, count NaN, and know when there is no variance", async () => {
    const job = await run(
      from(
        [hit("a", 1, null), hit("a", 2, NaN), hit("a", 3, 4), hit("b", 1, 3), hit("b", 2, 5)],
        timed,
      )
        .keyBy("key")
        .window(tumbling(10))
        .aggregate({ n: count(), sum: sum("n"), spread: variance("n") }),
    )
    expect(await all(job)).toEqual([
      { key: "a", start: 0, end: 10, n: 3, sum: 4, spread: undefined },
      { key: "b", start: 0, end: 10, n: 2, sum: 8, spread: 2 },
    ])
    expect(job.stats().operators["window-1"]).toMatchObject({ nans: 2, rows: 0, bytes: 0 })
    await job.close()
  })

  it("show the windows that are open", async () => {
    async function* endless() {
      yield* [hit("a", 3, 2), hit("a", 12, 3)]
      await new Promise(() => undefined)
    }
    const job = await run(
      from(endless(), timed).keyBy("key").window(sliding(10, 5)).aggregate(totals),
    )
    const rows = job[Symbol.asyncIterator]()
    expect((await rows.next()).value).toEqual({ key: "a", start: -5, end: 5, count: 1, sum: 2 })
    expect([...job.state("window-1").scan()]).toEqual([
      [
        "a",
        [
          { start: 0, end: 10, count: 1, sum: 2 },
          { start: 5, end: 15, count: 1, sum: 3 },
          { start: 10, end: 20, count: 1, sum: 3 },
        ],
      ],
    ])
    await job.close()
  })

  it("refuse a restart with other windows or other aggregates", async () => {
    const storage = memoryStorage()
    const hits = [hit("a", 1), hit("a", 2)]
    const job = await run(from(hits, timed).keyBy("key").window(tumbling(10)).aggregate(totals), {
      storage,
    })
    await job.checkpoint()
    await job.close()
    const others = [
      from(hits, timed).keyBy("key").window(tumbling(20)).aggregate(totals),
      from(hits, timed).keyBy("key").window(tumbling(10)).aggregate({ count: count() }),
      from(hits, timed).keyBy("key").window(sessions(10)).aggregate(totals),
    ]
    for (const other of others) {
      await expect(run(other, { storage })).rejects.toMatchObject({ code: "STATE_CONFIG" })
    }
  })

  it("name the limit that keys reach, and go on where that is allowed", async () => {
    const hits = ["a", "b", "c", "a"].map((key, i) => hit(key, i))
    const limited = (onError: "fail" | "skip") =>
      from(hits, timed)
        .keyBy("key")
        .window(tumbling(10))
        .aggregate({ n: count() }, { state: { maxSize: 2 }, onError })
        .toArray()
    await expect(limited("fail")).rejects.toMatchObject({ code: "LIMIT" })
    expect(await limited("skip")).toEqual([
      { key: "a", start: 0, end: 10, n: 2 },
      { key: "b", start: 0, end: 10, n: 1 },
    ])
  })
})
