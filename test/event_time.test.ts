import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, run } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"

guardRejections()

const three = [1, 2, 3]

describe("event time", () => {
  const start = Date.UTC(2001, 1, 1, 4, 0, 0, 123)
  const pad = (n: number, digits = 2) => String(n).padStart(digits, "0")
  const european = (ms: number) => {
    const date = new Date(ms)
    const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((n) => pad(n))
    return `01/02/2001 ${time.join(":")}.${pad(date.getUTCMilliseconds(), 3)}`
  }
  const forms: [string, (ms: number) => unknown, object][] = [
    ["ms", (ms) => ms, {}],
    ["bigints", (ms) => BigInt(ms), {}],
    ["Dates", (ms) => new Date(ms), {}],
    ["ISO texts", (ms) => new Date(ms).toISOString(), {}],
    ["seconds", (ms) => ms / 1000, { timeUnit: "s" }],
    ["microseconds", (ms) => ms * 1000, { timeUnit: "us" }],
    ["nanoseconds", (ms) => BigInt(ms) * 1_000_000n, { timeUnit: "ns" }],
    ["texts of a zone", (ms) => new Date(ms).toISOString().slice(0, -1), { timeZone: "+01:00" }],
    ["texts of a format", european, { timeFormat: "dd/MM/yyyy HH:mm:ss.SSS" }],
  ]

  it.each(forms)("is read from %s, by field and by function", async (_, write, options) => {
    const events = [0, 999, 1000].map((ms) => ({ ms, at: write(start + ms) }))
    const passed = (time: unknown) =>
      from(events, { time, ...options } as { time: never })
        .keyBy(() => null)
        .deduplicate({ ttl: "1s" })
        .map(({ ms }) => ms)
        .toArray()
    expect(await passed("at")).toEqual([0, 1000])
    expect(await passed((event: { at: unknown }) => event.at)).toEqual([0, 1000])
  })

  it.each([
    ["missing", {}, "is missing"],
    ["a text", { at: "soon" }, "is text that is not an ISO 8601 time, or not a day that exists"],
    ["not a number", { at: Number.NaN }, "is NaN, which is no time"],
    ["a list", { at: [] }, "is an array, which is no time"],
  ])("that is %s is TIMESTAMP with the event's position", async (_, bad, why) => {
    const source = from([{ at: 1 }, { at: 2 }, bad as { at: number }, { at: 3 }], { time: "at" })
    expect(await pullToError(source)).toMatchObject({
      pulled: [{ at: 1 }, { at: 2 }],
      code: "TIMESTAMP",
      message: `source-1: event 2: the time field "at" ${why}`,
    })
  })

  it("tells what a time function threw", async () => {
    const cause = new Error("no time today")
    const time = (n: number) => {
      if (n === 3) throw cause
      return n
    }
    expect(await pullToError(from(three, { time }))).toEqual({
      pulled: [1, 2],
      code: "USER_FUNCTION",
      message: "source-1: event 2: the function threw Error",
      cause,
    })
  })

  it("stands in a union at the source that is furthest behind, until that has ended", async () => {
    const [ahead, behind] = [handFed<number>(), handFed<number>()]
    const time = (at: number) => at
    const job = await run(
      from(ahead, { time })
        .union(from(behind, { time, watermark: boundedDisorder(10) }))
        .keyBy((at) => at)
        .deduplicate({ ttl: 100 }),
    )
    const results = job[Symbol.asyncIterator]()
    const size = async (source: typeof ahead, event: number) => {
      source.give(event)
      await results.next()
      return job.state("deduplicate-1").size
    }
    const sizes = [
      await size(ahead, 0),
      await size(ahead, 1000), // Nothing is known of the other one.
      await size(behind, 109), // Its watermark was -Infinity before this event.
      await size(behind, 110), // 99 now.
      await size(behind, 111), // 100: what was last used at 0 goes.
    ]
    expect(sizes).toEqual([1, 2, 3, 4, 4])
    const last = results.next()
    behind.end()
    await turns()
    ahead.give(2000)
    await last
    expect(job.state("deduplicate-1").size).toBe(2) // 1000 now: the others were used before 900.
    await job.close()
  })

  it("cannot meet processing time", async () => {
    const mixed = from([1], { time: (n) => n }).union(from([2]))
    expect(await errorFrom(() => run(mixed))).toEqual({
      code: "OPTION",
      message: "union-1 joins event time with processing time: give every source a time, or none",
      cause: undefined,
    })
  })

  it("is otherwise when the event arrives, by the clock of the job", async () => {
    const clock = manualClock(5000)
    const events = from(
      (function* () {
        for (const step of [0, 999, 1]) {
          clock.advance(step)
          yield clock.now()
        }
      })(),
    )
    const job = await run(events.keyBy(() => null).deduplicate({ ttl: "1s" }), {
      clock,
      chunkSize: 1,
    })
    expect(await pull(job)).toEqual([5000, 6000])
    await job.close()
  })
})
