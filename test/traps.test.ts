/**
 * The traps of SEMANTICS section 8 about state and time, by their numbers; those about keys and
 * results are in traps_results.test.ts. Windows, sessions, joins and patterns bring theirs.
 */
import { describe, expect, it } from "vitest"
import { boundedDisorder, createStorage, from, record, run } from "../js/index.ts"
import type { StateConfig } from "../js/index.ts"
import { clock, event, play, playAll, restore } from "./play.ts"
import { refusal } from "./refusal.ts"

interface Hit {
  readonly k: string
  readonly at: number
}

const hit = (k: string, at = 0) => event<Hit>({ k, at })
const timed = { time: ({ at }: Hit) => at, watermark: boundedDisorder(0) }

describe("trap 4: LRU that is none, and limits nobody asked for", () => {
  it("evicts the least recently used, reads too, not the first by name or write", async () => {
    const script = ["b", "a", "c", "b?", "d", "a?", "b?", "c?"].map((k) => hit(k))
    const seen = await play<Hit, string>(
      (hits) =>
        hits
          .keyBy(({ k }) => k.charAt(0))
          .map(
            ({ k }, state) => {
              if (k.endsWith("?")) return `${k}${state.exists() ? " yes" : " no"}`
              state.set(true)
              return k
            },
            { state: { maxSize: 3, onFull: "evict" } },
          ),
      script,
    )
    expect(seen).toEqual(["b", "a", "c", "b? yes", "d", "a? no", "b? yes", "c? yes"])
  })

  it("keeps every accumulator, also of 30,000 keys", async () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => i)
    const totals = from([...keys, ...keys])
      .keyBy((k) => k)
      .fold(
        () => 0,
        (n) => n + 1,
      )
    const results = await totals.toArray()
    expect(results.filter((n) => n !== 2)).toHaveLength(30_000)
    expect(new Set(results.slice(30_000))).toEqual(new Set([2]))
  })

  it("makes room in a full state in one step each: a million events, 50,000 rows", async () => {
    const size = 50_000
    function* many() {
      for (let i = 0; i < 1_000_000; i++) yield i
    }
    const job = await run(
      from(many())
        .keyBy((k) => k)
        .deduplicate({ uid: "once", state: { maxSize: size, onFull: "evict" } }),
    )
    await job.finished()
    const { rows, evicted } = job.stats().operators["once"] ?? {}
    await job.close()
    expect([rows, evicted]).toEqual([size, 1_000_000 - size])
  })
})

describe("trap 6: what has expired and still counts", () => {
  it("frees expired rows although nobody touches their keys", async () => {
    const script = [...Array.from({ length: 500 }, (_, i) => hit(`k${i}`)), clock(10), hit("z")]
    const figures: unknown[] = []
    await playAll<Hit>(
      (hits) => ({
        once: hits.keyBy("k").deduplicate({ uid: "once", ttl: 10 }),
        ones: hits.keyBy("k").fold(
          () => 0,
          (n) => n + 1,
          { uid: "ones", state: { ttl: 10 } },
        ),
      }),
      script,
      {
        look: (job) => {
          for (const uid of ["once", "ones"]) {
            const { rows, expired } = job.stats().operators[uid] ?? {}
            figures.push({ rows, expired })
          }
          figures.push(job.stats().memory.external)
        },
      },
    )
    expect(figures).toEqual([{ rows: 1, expired: 500 }, { rows: 1, expired: 500 }, 512])
  })

  it.each([1, 1024])("counts no expired row toward maxSize, chunks of %i", async (chunkSize) => {
    const times = { a: [0], b: [1, 10], c: [11, 25], d: [26] }
    const script = Object.entries(times).flatMap(([k, all]) => all.map((at) => hit(k, at)))
    const state = { ttl: 10, maxSize: 2 } // One row more would be refused.
    const counts = await play<Hit, number>(
      (hits) =>
        hits.keyBy("k").fold(
          () => 0,
          (n) => n + 1,
          { state },
        ),
      script,
      { chunkSize, from: timed },
    )
    expect(counts).toEqual([1, 1, 2, 1, 1, 1])
  })

  it("shows an expired row to nobody, at age exactly ttl", async () => {
    const script = [hit("a", 0), hit("a", 9), hit("a", 19), hit("a", 28)]
    const seen = await play<Hit, boolean>(
      (hits) =>
        hits.keyBy("k").map(
          (_, state) => {
            const exists = state.exists()
            state.set(1)
            return exists
          },
          { state: { ttl: 10 } },
        ),
      script,
      { from: timed },
    )
    expect(seen).toEqual([false, true, false, true])
  })
})

describe("trap 7: two operators that share state", () => {
  it("keeps the state of two operators with the same keys apart, over a restart too", async () => {
    const script = [hit("a"), hit("b"), restore(), hit("a"), restore(), hit("a")]
    const { results } = await playAll<Hit>((hits) => {
      const keyed = hits.keyBy("k")
      return {
        ones: keyed.fold(
          () => 0,
          (n) => n + 1,
        ),
        tens: keyed.fold(
          () => 0,
          (n) => n + 10,
        ),
        text: keyed.fold(record({ s: "string" }), (row, { k }) => {
          row.s += k
          return row
        }),
      }
    }, script)
    expect(results).toEqual({
      ones: [1, 1, 2, 3],
      tens: [10, 10, 20, 30],
      text: [{ s: "a" }, { s: "b" }, { s: "aa" }, { s: "aaa" }],
    })
  })
})

describe("trap 9: sizes of nothing", () => {
  it("refuses limits of zero instead of taking them for none", () => {
    const fold = (state: StateConfig) => () =>
      from([1])
        .keyBy((n) => n)
        .fold(
          () => 0,
          (_, n) => n,
          { state },
        )
    const codes = [{ ttl: 0 }, { maxSize: 0 }, { maxBytes: 0 }, { ttl: "0s" as const }].map(
      (state) => refusal(fold(state)).code,
    )
    expect(codes).toEqual(["STATE_CONFIG", "STATE_CONFIG", "STATE_CONFIG", "STATE_CONFIG"])
    expect(refusal(() => from([1]).take(-1)).code).toBe("OPTION")
  })

  it("refuses a rate of nothing, and one beyond what is remembered", () => {
    const keyed = from([1]).keyBy((n) => n)
    const codes = [
      { limit: 0, per: 10 },
      { limit: 1, per: 0 },
      { limit: 65_536, per: 10 },
      { limit: 1, per: 10, burst: 0, algorithm: "gcra" as const },
    ].map((options) => refusal(() => keyed.throttle(options)).code)
    expect(codes).toEqual(["OPTION", "OPTION", "OPTION", "OPTION"])
    expect(refusal(() => keyed.deduplicate({ ttl: 0 })).code).toBe("STATE_CONFIG")
    expect(refusal(() => boundedDisorder(-1)).code).toBe("OPTION")
  })

  it("takes none, skips none and skips more than there are", async () => {
    const numbers = from([1, 2, 3])
    expect([
      await numbers.take(0).toArray(),
      await numbers.skip(0).toArray(),
      await numbers.skip(7).toArray(),
      await numbers.take(7).toArray(),
    ]).toEqual([[], [1, 2, 3], [], [1, 2, 3]])
  })

  it("holds one row where one is allowed", async () => {
    const script = ["a", "a", "b", "a", "a"].map((k) => hit(k))
    const passed = await play<Hit, Hit>(
      (hits) => hits.keyBy("k").deduplicate({ state: { maxSize: 1, onFull: "evict" } }),
      script,
    )
    expect(passed.map(({ k }) => k)).toEqual(["a", "b", "a"])
  })
})

describe("trap 11: a clock that steps back", () => {
  it.each([1, 1024])("neither repeats nor refuses anything, chunks of %i", async (chunkSize) => {
    const script = [clock(1000), hit("a"), clock(10), hit("a"), clock(1004), hit("a"), clock(1005)]
    const once = (ttl: number) =>
      play<Hit, Hit>((hits) => hits.keyBy("k").deduplicate({ ttl }), [...script, hit("a")], {
        chunkSize,
      })
    expect([(await once(5)).length, (await once(6)).length]).toEqual([2, 1])
  })

  it.each([1, 1024])("passes no more, and none for ever, chunks of %i", async (chunkSize) => {
    const times = [1000, 1000, 10, 10, 1009, 1010]
    const script = times.flatMap((ms, i) => [clock(ms), hit("a", i)])
    for (const algorithm of ["sliding", "fixed", "tokenBucket", "gcra"] as const) {
      const passed = await play<Hit, Hit>(
        (hits) => hits.keyBy("k").throttle({ limit: 1, per: 10, algorithm }),
        script,
        { chunkSize },
      )
      expect([algorithm, ...passed.map(({ at }) => at)]).toEqual([algorithm, 0, 5])
    }
  })

  it("keeps a storage's values no longer and no shorter", async () => {
    let now = 1000
    const storage = createStorage({ ttl: 10 }, { clock: { now: () => now } })
    const seen: boolean[] = []
    await storage.set("a", Uint8Array.of(1))
    for (now of [10, 1009, 5, 1010]) seen.push(await storage.exists("a"))
    expect(seen).toEqual([true, true, true, false])
  })

  it("has no age below zero when a restart finds an earlier clock", async () => {
    const script = [clock(1000), hit("a"), restore(), clock(10), hit("a"), clock(1009), hit("a")]
    const make = (ttl: number) =>
      play<Hit, Hit>((hits) => hits.keyBy("k").deduplicate({ ttl }), script)
    expect([(await make(10)).length, (await make(9)).length]).toEqual([1, 2])
  })

  it("counts the age of late events from the last use, which never moves back", async () => {
    const script = [hit("a", 100), hit("a", 92), hit("a", 109), hit("a", 115), hit("a", 119)]
    const from = { ...timed, watermark: boundedDisorder(50) }
    const counts = await play<Hit, number>(
      (hits) =>
        hits.keyBy("k").fold(
          () => 0,
          (n) => n + 1,
          { state: { ttl: 10 } },
        ),
      script,
      { from },
    )
    expect(counts).toEqual([1, 2, 3, 4, 5])
    const passed = await play<Hit, Hit>(
      (hits) => hits.keyBy("k").deduplicate({ ttl: 10 }),
      script,
      {
        from,
      },
    )
    expect(passed.map(({ at }) => at)).toEqual([100, 115])
  })
})
