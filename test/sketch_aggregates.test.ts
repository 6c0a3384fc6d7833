/** Sketches as aggregates of streams: what they are asked for with, and what rows they give. */
import { describe, expect, it } from "vitest"
import {
  approxDistinct,
  boundedDisorder,
  count,
  ewma,
  from,
  quantile,
  run,
  sample,
  sessions,
  sliding,
  topK,
  tumbling,
} from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { Picks } from "../js/operators/picks.ts"
import { testOperator } from "./contract/operator.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { clock, event, play } from "./play.ts"
import { keyed } from "./programs.ts"
import { refusal } from "./refusal.ts"
import { bytesOf } from "./savepoints.ts"

interface Visit {
  readonly page: string
  readonly user: string | null
  readonly ms: number
  readonly at: number
}
const visit = (user: string | null, ms: number, at: number): Visit => ({ page: "a", user, ms, at })
const visits = [visit("ada", 10, 0), visit("bob", 20, 1000), visit("ada", 40, 2000)]
const late = visit(null, 30, 1000)
const byPage = (given: readonly Visit[]) =>
  from(given, { time: "at", watermark: boundedDisorder(5000) }).keyBy("page")

const all = {
  users: approxDistinct("user"),
  median: quantile("ms", 0.5),
  ends: quantile("ms", [0, 1], { error: 0.0001 }),
  top: topK("user", 2),
  recent: ewma("ms", { halfLife: "1s" }),
  some: sample("user", 2, { seed: 3 }),
  visits: sample(10),
  n: count(),
}

describe("sketches", () => {
  it("give rows of a stream, of windows and of sessions", async () => {
    const given = [...visits, late]
    const row = {
      key: "a",
      users: 2,
      median: expect.closeTo(20, 0) as number,
      ends: [expect.closeTo(10, 2), expect.closeTo(40, 2)] as number[],
      top: [
        { value: "ada", count: 2, error: 0 },
        { value: "bob", count: 1, error: 0 },
      ],
      recent: (10 / 4 + 20 / 2 + 40 + 30 / 2) / (1 / 4 + 1 / 2 + 1 + 1 / 2),
      some: expect.any(Array) as unknown[],
      visits: given,
      n: 4,
    }
    const [final] = await byPage(given).aggregate(all, { emit: "final" }).toArray()
    expect(final).toEqual(row)
    expect(final?.some).toHaveLength(2)
    const windows = byPage(given).window(tumbling("1m")).aggregate(all)
    expect(await windows.toArray()).toEqual([{ ...row, start: 0, end: 60_000 }])
    const spans = byPage([visits[0], visits[2], visits[1], late] as Visit[])
      .window(sessions("1s"))
      .aggregate(all)
    const met = { ...row, start: 0, end: 3000, visits: expect.arrayContaining(given) as unknown }
    expect(await spans.toArray()).toEqual([met])
  })

  it("have results of nothing", async () => {
    const [row] = await byPage([visit(null, NaN, 0)])
      .aggregate({ ...all, recent: ewma("ms", { halfLife: 1 }), visits: count() })
      .toArray()
    const nothing = { users: 0, median: undefined, ends: [undefined, undefined], top: [] }
    expect(row).toEqual({ ...nothing, key: "a", recent: undefined, some: [], visits: 1, n: 1 })
  })

  it("leave out an event that one of them cannot use", async () => {
    const wrong = [visit({} as string, 5, 0), visit("eve", "5" as unknown as number, 0)]
    const options = { emit: "final", onError: "skip" } as const
    const [row] = await byPage([...wrong, ...visits])
      .aggregate(all, options)
      .toArray()
    expect(row).toMatchObject({ users: 2, n: 3, visits })
  })

  it("share what they keep, if they ask for the same of one field", () => {
    const same = [quantile("ms", 0.5), quantile("ms", [0.9, 1]), quantile("ms", 0)]
    const others = [quantile("at", 0.5), quantile("ms", 0.5, { error: 0.1 }), topK("ms", 1)]
    expect(new Picks(same).fresh()).toHaveLength(1)
    const picks = new Picks([...same, ...others])
    expect(picks.fresh()).toHaveLength(4)
    expect(picks.results(picks.fresh())).toHaveLength(6)
  })

  it("change nothing of the events, nor of what they gave", async () => {
    const given = visits.map(event<Visit>)
    const script = [...given, clock(5000), ...given, clock(90_000), ...given]
    const make = (events: Stream<Visit>) => {
      const byPage = events.keyBy("page")
      return byPage.aggregate(all).union(byPage.window(sliding("1m", "20s")).aggregate(all))
    }
    const options = { from: { time: "at", watermark: boundedDisorder(2000) } } as const
    const results = await play(make, script, { ...options, freeze: true })
    expect(results.length).toBeGreaterThan(9)
    expect(results).toEqual(await play(make, script, options))
  })

  it("are not taken for others after a restart", async () => {
    const open = from({
      async *read(position: number | undefined = 0) {
        yield { events: visits.slice(position), position: visits.length }
        await new Promise(() => undefined)
      },
    })
    const users = (precision: number) =>
      open.keyBy("page").aggregate({ users: approxDistinct("user", { precision }) })
    const job = await run(users(12))
    void job.finished().catch(() => undefined)
    while (job.stats().position < visits.length) await new Promise((done) => setTimeout(done))
    const savepoint = await bytesOf(await job.savepoint())
    await job.close()
    await expect(run(users(14), { from: savepoint })).rejects.toThrow("approxDistinct 14(user)")
  })
})

describe("what sketches are asked for with", () => {
  const wrong: readonly (readonly [string, () => unknown])[] = [
    ["the field of approxDistinct must be a text", () => approxDistinct("")],
    [
      "approxDistinct.precision must be a whole number from 4 to 18, not 3",
      () => approxDistinct("a", { precision: 3 }),
    ],
    [
      'approxDistinct has no option "precison"; did you mean "precision"?',
      () => approxDistinct("a", { precison: 9 } as object),
    ],
    ["the q of quantile must be a number from 0 to 1, not 95", () => quantile("a", 95)],
    ["the q of quantile must be a number from 0 to 1, not NaN", () => quantile("a", NaN)],
    ["the q[1] of quantile must be a number from 0 to 1, not -1", () => quantile("a", [0, -1])],
    ["quantile needs at least one q", () => quantile("a", [])],
    [
      "quantile.error must be a number from 0.0001 to 0.5, not 0",
      () => quantile("a", 0.5, { error: 0 }),
    ],
    [
      "quantile.maxBuckets must be a whole number from 16 to 65536, not 8",
      () => quantile("a", 0.5, { maxBuckets: 8 }),
    ],
    ["the k of topK must be a whole number from 1 to 65536, not 0", () => topK("a", 0)],
    [
      "topK.capacity must be a whole number from 5 to 65536, not 4",
      () => topK("a", 5, { capacity: 4 }),
    ],
    ["ewma.halfLife is missing", () => ewma("a", {} as { halfLife: 1 })],
    ["ewma.halfLife cannot be zero", () => ewma("a", { halfLife: 0 })],
    ["the size of sample must be a whole number from 1 to 65536, not 0", () => sample(0)],
    ["the size of sample must be a whole number from 1 to 65536", () => sample("a", "b" as never)],
    [
      "sample.seed must be a whole number from 0 to 4294967295, not -1",
      () => sample(1, { seed: -1 }),
    ],
    ["the field of sample must be a text", () => sample({} as string, 1)],
  ]
  it.each(wrong)("%s", (message, make) => {
    expect(refusal(make)).toMatchObject({
      code: "OPTION",
      message: expect.stringContaining(message) as string,
    })
  })
})

const script = Array.from({ length: 36 }, (_, i) => {
  if (i % 6 === 5) return clock(i * 2)
  const key = ["a", 1, "1", null, ["a", 1n]][(i * 7 + (i >> 3)) % 5] as Op["key"]
  return event<Op>({ i, key, deed: deeds[0] ?? "none", n: i % 5, value: i / 3, at: i * 2 })
})
const each = {
  n: approxDistinct("i", { precision: 4 }),
  q: quantile("i", [0.1, 0.9], { maxBuckets: 16 }),
  top: topK("i", 2, { capacity: 3 }),
  mean: ewma("i", { halfLife: 7 }),
  some: sample("i", 2),
}
for (const emit of ["each", "final"] as const) {
  testOperator<Op>(
    `sketches, ${emit}`,
    (events, state) => keyed(events).aggregate(each, { emit, state }),
    script,
  )
}
