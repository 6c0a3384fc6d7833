/** Time that is moved by hand: many days at once, and clocks that step back. */
import { describe, expect, it } from "vitest"
import { count, from, manualClock, run, tumbling } from "../js/index.ts"
import type { Clock, Duration } from "../js/index.ts"
import { guardRejections, handFed, turns } from "./probe.ts"
import { watched } from "./watched.ts"

guardRejections()

const hour = 3_600_000
const days = 200
const time = ({ at }: { at: number }) => at

/** What a call costs of the processor's time, ms: other work of the machine does not count. */
async function costOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

describe("200 days of virtual time", () => {
  const events = Array.from({ length: days * 24 }, (_, n) => ({ n, at: n * hour }))

  it("take less than a second in event time, with a timer and a watermark an hour", async () => {
    const { stream, watermarks } = watched(from(events, { time }).keyBy("n").sample("1h"))
    let results: unknown[] = []
    const costMs = await costOf(async () => {
      results = await stream.toArray()
    })
    expect(results).toEqual(events)
    expect(watermarks.at(-1)).toBe((days * 24 - 1) * hour)
    expect(costMs).toBeLessThan(1000)
  })

  it("take less than a second in windows of an hour, a day and all of them", async () => {
    const hits = from(events, { time }).keyBy(() => "all")
    const sizes: [Duration, number][] = [
      ["1h", hour],
      ["1d", 24 * hour],
      [`${days}d`, days * 24 * hour],
    ]
    for (const [size, ms] of sizes) {
      let rows: unknown[] = []
      const costMs = await costOf(async () => {
        rows = await hits.window(tumbling(size)).aggregate({ n: count() }).toArray()
      })
      const expected = Array.from({ length: (days * 24 * hour) / ms }, (_, i) => {
        return { key: "all", start: i * ms, end: (i + 1) * ms, n: ms / hour }
      })
      expect(rows).toEqual(expected)
      expect(costMs).toBeLessThan(1000)
    }
  })

  it("take less than a second by the clock, while nothing comes", async () => {
    const source = handFed<{ n: number; at: number }>()
    const clock = manualClock()
    const debounced = from(source)
      .keyBy("n")
      .buffer({ time: `${days}d` })
    const job = await run(debounced, { clock })
    const results: { n: number }[][] = []
    const reading = (async () => {
      for await (const result of job) results.push(result)
    })()
    await turns()
    const costMs = await costOf(async () => {
      for (let day = 0; day < days; day += 10) {
        source.give(...events.slice(day * 24, (day + 10) * 24))
        await turns(5)
        clock.advance(240 * hour)
      }
      await turns(5)
    })
    expect(costMs).toBeLessThan(1000)
    expect(results).toEqual(events.slice(0, 240).map((event) => [event]))
    clock.advance((days - 10) * 24 * hour) // All at once.
    await turns(10)
    expect(results).toEqual(events.map((event) => [event]))
    source.end()
    await reading
    await job.close()
  })
})

describe("a clock that steps back", () => {
  /** A clock at any time; who waits is woken when a test says so. */
  function jumping() {
    let now = 1000
    const waiting = new Set<() => void>()
    const clock: Clock = {
      now: () => now,
      after(_, wake) {
        waiting.add(wake)
        return () => void waiting.delete(wake)
      },
    }
    const jump = async (to: number) => {
      now = to
      for (const wake of [...waiting]) wake()
      await turns(10)
    }
    return { clock, jump }
  }

  it("makes a source idle neither too early nor never", async () => {
    const [ahead, quiet] = [handFed<{ at: number }>(), handFed<{ at: number }>()]
    const both = from(ahead, { time }).union(from(quiet, { time, idleAfter: 100 }))
    const { stream, watermarks } = watched(both)
    const { clock, jump } = jumping()
    const job = await run(stream, { clock })
    const reading = job.finished()
    quiet.give({ at: 5 })
    await turns()
    ahead.give({ at: 50 })
    await turns()
    for (const [now, watermark] of [
      [1099, 5],
      [0, 5],
      [1050, 5],
      [1100, 50],
      [900, 50],
    ] as const) {
      await jump(now)
      expect([now, watermarks.at(-1)]).toEqual([now, watermark])
    }
    ahead.end()
    quiet.end()
    await reading
    await job.close()
  })

  it("fires each timer once, in order, and none too early", async () => {
    const source = handFed<{ n: number }>()
    const { clock, jump } = jumping()
    const job = await run(from(source).keyBy("n").buffer({ time: 100 }), { clock })
    const results: number[] = []
    const reading = (async () => {
      for await (const [event] of job) results.push(event?.n ?? NaN)
    })()
    const after = async (now: number, ...events: number[]) => {
      await jump(now)
      source.give(...events.map((n) => ({ n })))
      await turns(10)
      return [...results]
    }
    expect([
      await after(1000, 1), // Due at 1100.
      await after(1050, 2),
      await after(500, 3), // It is 1050 still.
      await after(1099),
      await after(1100),
      await after(1000),
      await after(5000, 4),
      await after(5099),
      await after(5100),
    ]).toEqual([[], [], [], [], [1], [1], [1, 2, 3], [1, 2, 3], [1, 2, 3, 4]])
    source.end()
    await reading
    await job.close()
  })

  it("lets a timer that is due go before what is read at the same look", async () => {
    const source = handFed<{ n: number }>()
    let now = 0
    const clock: Clock = { now: () => now, after: () => () => undefined }
    const job = await run(from(source).keyBy("n").buffer({ time: 100, count: 2 }), { clock })
    const results: number[][] = []
    const reading = (async () => {
      for await (const result of job) results.push(result.map(({ n }) => n))
    })()
    source.give({ n: 1 })
    await turns(10)
    now = 100
    source.give({ n: 2 }, { n: 2 })
    await turns(10)
    expect(results).toEqual([[1], [2, 2]])
    source.end()
    await reading
    await job.close()
  })
})
