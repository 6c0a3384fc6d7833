/**
 * throttle from outside: what it refuses, what it remembers, and the rate limits of systems before
 * us. What each algorithm passes is in throttle_programs.ts, played by the model.
 */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, run } from "../js/index.ts"
import type { ThrottleOptions } from "../js/index.ts"
import { refusal } from "./refusal.ts"

interface Hit {
  k: string
  at: number
}

const hit = (at: number, k = "a"): Hit => ({ k, at })
const hits = (times: readonly number[]) =>
  from(
    times.map((at) => hit(at)),
    { time: "at" },
  )
const throttled = (times: readonly number[], options: ThrottleOptions<Hit>) =>
  hits(times)
    .keyBy("k")
    .throttle({ uid: "calm", ...options })

async function passed(times: readonly number[], options: ThrottleOptions<Hit>): Promise<number[]> {
  return (await throttled(times, options).toArray()).map(({ at }) => at)
}

describe("throttle refuses", () => {
  it.each([
    [{ limit: 0 }, "throttle.limit must be a whole number of at least 1, not 0"],
    [{ limit: 1.5 }, "throttle.limit must be a whole number of at least 1, not 1.5"],
    [{ limit: undefined }, "throttle.limit is missing"],
    [{ per: undefined }, "throttle.per is missing"],
    [{ burst: 2 }, 'throttle.burst has no meaning for "sliding"'],
    [{ algorithm: "fixed", burst: 2 }, 'throttle.burst has no meaning for "fixed"'],
    [{ algorithm: "gcra", burst: 0 }, "throttle.burst must be a whole number of at least 1, not 0"],
    [
      { algorithm: "gcra", burst: Number.MAX_SAFE_INTEGER, per: "1d" },
      "throttle.burst of 9007199254740991 takes longer than 8640000000000000 ms to fill",
    ],
    [
      { limit: 65_536 },
      'throttle.limit of "sliding" is at most 65535, not 65536; ' +
        '"fixed", "tokenBucket" and "gcra" have no such limit',
    ],
  ] as const)("%o", (wrong, message) => {
    const given = { limit: 1, per: 1000, ...wrong } as ThrottleOptions<Hit>
    expect(refusal(() => throttled([], given))).toEqual({ code: "OPTION", message })
  })

  it("a per of zero, an algorithm and an overflow that do not exist", () => {
    const codes = [{ per: 0 }, { algorithm: "leaky" }, { overflow: "wait" }].map((wrong) => {
      const given = { limit: 1, per: 1000, ...wrong } as ThrottleOptions<Hit>
      return (refusal(() => throttled([], given)) as { code: string }).code
    })
    expect(codes).toEqual(["OPTION", "OPTION", "OPTION"])
  })

  it("a pass more than maxBytes lets a key remember", async () => {
    const options = { limit: 1000, per: "1h", state: { maxBytes: 500 } } as const
    const times = Array.from({ length: 1000 }, (_, i) => i)
    await expect(passed(times, options)).rejects.toMatchObject({
      code: "LIMIT",
      message: "calm: event 8: could not apply an event: state.maxBytes of 500 is reached",
    })
  })
})

describe("throttle", () => {
  it("keeps to a limit per second, per minute and per hour", async () => {
    const times = Array.from({ length: 20_000 }, (_, i) => i * 250)
    for (const per of [1000, 60_000, 3_600_000]) {
      for (const algorithm of ["sliding", "fixed", "tokenBucket", "gcra"] as const) {
        const out = await passed(times, { limit: 2, per, algorithm })
        const most = Math.max(...out.map((at) => out.filter((t) => t > at - per && t <= at).length))
        // Two windows that meet, or a bucket that is full when the first event comes.
        expect(most, `${algorithm} per ${per}`).toBeLessThanOrEqual(algorithm === "sliding" ? 2 : 4)
        expect(out.length).toBeGreaterThanOrEqual(Math.floor(5_000_000 / per) * 2)
      }
    }
  })

  it("does not hold other keys up for a hot one", async () => {
    const events = Array.from({ length: 5000 }, (_, i) => hit(i, i % 100 === 0 ? `k${i}` : "hot"))
    const out = await from(events, { time: "at" })
      .keyBy("k")
      .throttle({ limit: 1, per: "1d" })
      .toArray()
    expect(out).toHaveLength(51)
    expect(out.every((event) => events.includes(event))).toBe(true)
  })

  it("passes no more for events that are late", async () => {
    const late = [100, 5, 4, 3, 2, 1]
    expect(await passed(late, { limit: 2, per: 10 })).toEqual([100, 5])
    expect(await passed(late, { limit: 2, per: 10, algorithm: "fixed" })).toEqual([100, 5])
  })

  it("judges events out of order by their own time as long as they are not late", async () => {
    const events = [20, 5, 12, 4, 16].map((at) => hit(at))
    const out = from(events, { time: "at", watermark: boundedDisorder(30) })
      .keyBy("k")
      .throttle({ limit: 1, per: 10 })
    // 12 is less than 10 after 5, and 4 has nothing before it.
    expect((await out.toArray()).map(({ at }) => at)).toEqual([20, 5, 4, 16])
  })

  it("shows in job.state what a key remembers, and frees it when it does not matter", async () => {
    const shown: unknown[] = []
    for (const algorithm of ["sliding", "fixed", "tokenBucket", "gcra"] as const) {
      const job = await run(throttled([3, 3, 14], { limit: 3, per: 10, algorithm }))
      await job.finished()
      shown.push(job.state("calm").get("a"))
      await job.close()
    }
    expect(shown).toEqual([
      [
        { time: 3, count: 2 },
        { time: 14, count: 1 },
      ],
      [
        { time: 0, count: 2 },
        { time: 10, count: 1 },
      ],
      { tokens: 2, time: 14 },
      { nextTime: 14 + 10 / 3 },
    ])
    const keys = Array.from({ length: 3000 }, (_, i) => hit(i, `k${i}`))
    const job = await run(
      from(keys, { time: "at" }).keyBy("k").throttle({ uid: "calm", limit: 1, per: 10 }),
    )
    await job.finished()
    // The watermark before the last event is 2998: what passed at 2989 is 9 old.
    expect(job.stats().operators["calm"]).toMatchObject({ in: 3000, out: 3000, rows: 11 })
    await job.close()
  })
})
