/** The functions of windows, and what windows refuse. */
import { describe, expect, it } from "vitest"
import {
  boundedDisorder,
  count,
  countWindow,
  from,
  MillraceError,
  of,
  outputTag,
  sessions,
  sliding,
  slidingCount,
  slidingEach,
  sum,
  tumbling,
} from "../js/index.ts"
import type { ErrorEvent, KeyedStream } from "../js/index.ts"

interface Hit {
  readonly key: string
  readonly n: number
  readonly at: number
}

const hit = (key: string, n: number, at: number): Hit => ({ key, n, at })

/** Events in event time; the watermark follows the latest one. */
const keyed = (hits: readonly Hit[], disorder = 0): KeyedStream<string, Hit> =>
  from(hits, { time: "at", watermark: boundedDisorder(disorder) }).keyBy("key")

const inOrder = (all: string) => `${all} in ${all.at(0) ?? ""}-${all.at(-1) ?? ""}`

describe("a key with thousands of open windows", () => {
  const all = Array.from({ length: 10_000 }, (_, i) => i)
  const mixed = all.map((i) => (i * 7919) % all.length)
  const hits = mixed.map((n) => hit("a", n, n * 10))
  const behind = keyed(hits, 1e6)

  it("has each event in its own", async () => {
    const rows = behind.window(tumbling(10)).process(([one, more]) => [one?.n, more])
    expect(await rows.toArray()).toEqual(all.map((n) => [n, undefined]))
  })

  it("has sessions that meet, wherever they are among them", async () => {
    const between = all.filter((n) => n % 4 === 1).map((n) => hit("a", n, n * 10 + 5))
    const rows = keyed([...hits, ...between], 1e6)
      .window(sessions(6))
      .process((met, _, { window }) => [window.start, window.end, met.length])
    const wanted = all.flatMap((n) => {
      if (n % 4 === 1) return [[n * 10, n * 10 + 16, 3]]
      return n % 4 === 2 ? [] : [[n * 10, n * 10 + 6, 1]]
    })
    expect(await rows.toArray()).toEqual(wanted)
  })
})

describe("process of windows", () => {
  const hits = [1, 2, 3, 4].map((n) => hit("a", n, n))

  it("has state that outlives windows, and undefined emits nothing", async () => {
    const rows = keyed(hits)
      .window(countWindow(1))
      .process(
        ([one], state) => {
          const total = state.update((sum) => sum + (one?.n ?? 0))
          return total % 2 === 0 ? total : undefined
        },
        { state: { value: () => 0 } },
      )
    expect(await rows.toArray()).toEqual([6, 10])
  })

  it("undoes what a function did that throws", async () => {
    const rows = keyed(hits)
      .window(countWindow(1))
      .process(
        ([one], state) => {
          state.update((sum) => sum + 1)
          if (one?.n === 2) throw new Error("no")
          return state.get()
        },
        { state: { value: () => 0 }, onError: "skip" },
      )
    expect(await rows.toArray()).toEqual([1, 2, 3])
  })

  it.each([
    [countWindow(2), ["12 in 1-2", "34 in 3-4", "57 in 5-7"]],
    [countWindow(2, { slide: 3 }), ["12 in 1-2", "45 in 4-5", "78 in 7-8"]],
    [countWindow(3, { slide: 1 }), ["124 in 1-4", "245 in 2-5", "457 in 4-7", "578 in 5-8"]],
    [slidingCount(2, 1), ["1", "12", "24", "45", "57", "78"].map(inOrder)],
  ])("leaves an event out whose window failed because of it: %o", async (assigner, expected) => {
    const rows = keyed([1, 2, 3, 4, 5, 6, 7, 8].map((n) => hit("a", n, n)))
      .window(assigner)
      .process(
        (events, _, { window: { start, end } }) => {
          const all = events.map(({ n }) => n).join("")
          ;(events as Hit[]).length = 0 // It is the function's own list.
          if (all.endsWith("3") || all.endsWith("6")) throw new Error("no")
          return `${all} in ${start}-${end}`
        },
        { onError: "skip" },
      )
    expect(await rows.toArray()).toEqual(expected)
  })

  it("goes on with other windows when one that ended by itself failed", async () => {
    const routed = outputTag("routed", of<ErrorEvent<Hit, string>>())
    const rows = keyed([hit("a", 1, 1), hit("b", 2, 2), hit("a", 3, 11), hit("b", 4, 12)])
      .window(tumbling(10))
      .process(
        (all, _, { key }) => {
          if (key === "a") throw new Error("no")
          return all.length
        },
        { onError: "route", errorsTo: routed },
      )
    const errors = await rows.sideOutput(routed).toArray()
    expect(await rows.toArray()).toEqual([1, 1])
    expect(errors).toMatchObject([
      { key: "a", position: 2, operator: "window-1", event: undefined },
      { key: "a", position: 3, operator: "window-1", event: undefined },
    ])
  })

  it("ends the job with the error of a window, after what came before it", async () => {
    const rows: unknown[] = []
    const all = keyed([hit("b", 2, 2), hit("a", 1, 1), hit("b", 3, 11)], 5)
      .window(tumbling(10))
      .process((_, __, { key }) => {
        if (key === "a") throw new TypeError("no")
        return key
      })
    const read = async () => {
      for await (const row of all) rows.push(row)
    }
    await expect(read()).rejects.toMatchObject({
      code: "USER_FUNCTION",
      message: "window-1: event 2: the function threw TypeError",
    })
    expect(rows).toEqual(["b"])
  })

  it("refuses promises", async () => {
    const rows = keyed(hits)
      .window(countWindow(1))
      .process(async () => Promise.resolve(1))
    await expect(rows.toArray()).rejects.toMatchObject({ code: "UNSUPPORTED" })
  })

  it("sends to its side outputs", async () => {
    const odd = outputTag("odd", of<number>())
    const rows = keyed(hits)
      .window(countWindow(1))
      .process(
        ([one], _, ctx) => {
          if ((one?.n ?? 0) % 2 === 0) return one?.n
          ctx.output(odd, one?.n ?? 0)
          return undefined
        },
        { outputs: [odd] },
      )
    expect(await rows.sideOutput(odd).toArray()).toEqual([1, 3])
    expect(await rows.toArray()).toEqual([2, 4])
  })
})

describe("rows of windows", () => {
  it("can be put into windows again", async () => {
    const hits = [hit("a", 1, 1), hit("b", 2, 2), hit("b", 3, 11), hit("a", 0, 25)]
    const perKey = keyed(hits)
      .window(tumbling(10))
      .aggregate({ n: sum("n") })
    const all = perKey
      .keyBy(() => null)
      .window(tumbling(10))
      .aggregate({ n: sum("n"), rows: count() })
    expect(await all.toArray()).toEqual([
      { key: null, start: 0, end: 10, n: 3, rows: 2 },
      { key: null, start: 10, end: 20, n: 3, rows: 1 },
      { key: null, start: 20, end: 30, n: 0, rows: 1 },
    ])
  })
})

describe("what windows refuse", () => {
  const refused = (make: () => unknown) => {
    try {
      make()
      return "nothing"
    } catch (error) {
      return error instanceof MillraceError ? error.code : error
    }
  }

  it.each([
    ["tumbling(0)", () => tumbling(0)],
    ["tumbling(-1)", () => tumbling(-1)],
    ["tumbling(NaN)", () => tumbling(NaN)],
    ["sliding(0, 1)", () => sliding(0, 1)],
    ["sliding(1, 0)", () => sliding(1, 0)],
    ["sliding(5, 10)", () => sliding(5, 10)],
    ["slidingEach(0)", () => slidingEach(0)],
    ["sessions(0)", () => sessions(0)],
    ["sessions(-5)", () => sessions(-5)],
    ["countWindow(0)", () => countWindow(0)],
    ["countWindow(1.5)", () => countWindow(1.5)],
    ["countWindow(NaN)", () => countWindow(NaN)],
    ["countWindow(2, { slide: 0 })", () => countWindow(2, { slide: 0 })],
    ["slidingCount(2, 0)", () => slidingCount(2, 0)],
  ])("is at once %s", (_, make) => {
    expect(refused(make)).toBe("OPTION")
  })

  const open = keyed([])
  it.each([
    ["lateness of count windows", () => open.window(countWindow(2), { allowedLateness: 5 })],
    ["to discard at the end", () => open.window(tumbling(5), { emit: "final", mode: "discard" })],
    ["what is no window", () => open.window({ kind: "tmbling" } as never)],
    ["an option that there is not", () => open.window(tumbling(5), { lateness: 5 } as never)],
    ["sliding windows beyond count", () => open.window(sliding("1d", 1)).reduce((a) => a)],
  ])("is at once %s", (_, make) => {
    expect(refused(make)).toBe("OPTION")
  })

  it("is at once to lose windows that make room for others", () => {
    const state = { maxSize: 10, onFull: "evict" } as const
    const reduce = () => open.window(tumbling(5)).reduce((a) => a, { state })
    expect(reduce).toThrow('reduce.state.onFull "evict" would lose what is in windows')
    const ttl = () => open.window(tumbling(5)).reduce((a) => a, { state: { ttl: "1h" } })
    expect(ttl).toThrow("reduce.state has no ttl: a window goes when it closes")
    const cleaned = { state: { cleanupInterval: "1m" } } as const
    const cleanup = () => open.window(tumbling(5)).reduce((a) => a, cleaned)
    expect(cleanup).toThrow("cleanupInterval has no meaning without a ttl")
  })

  it("is one more key than there may be, and the others go on", async () => {
    const hits = [hit("a", 1, 1), hit("b", 2, 2), hit("a", 3, 3)]
    const options = { state: { maxSize: 1 }, onError: "skip" } as const
    const rows = await keyed(hits)
      .window(tumbling(10))
      .reduce((a, b) => hit("a", a.n + b.n, 0), options)
      .toArray()
    expect(rows).toEqual([hit("a", 4, 0)])
  })
})
