/**
 * The traps of SEMANTICS section 8 that concern the operators of this version, by their numbers.
 * Those about windows, sessions, joins and patterns come with them.
 */
import { describe, expect, it } from "vitest"
import { boundedDisorder, count, from, record, run, sum } from "../js/index.ts"
import type { KeyValue, StateConfig } from "../js/index.ts"
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
    let figures: unknown
    await playAll<Hit>((hits) => hits.keyBy("k").deduplicate({ uid: "once", ttl: 10 }), script, {
      look: (job) => {
        const { rows, expired } = job.stats().operators["once"] ?? {}
        figures = { rows, expired }
      },
    })
    expect(figures).toEqual({ rows: 1, expired: 500 })
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

describe("trap 12: order that depends on a hash", () => {
  const keys = Array.from({ length: 5000 }, (_, i) => `k${(i * 7919) % 5000}`)
  const script = [...keys, ...keys.slice(0, 99)].map((k) => hit(k))

  it("emits keys at the end in first-seen order", async () => {
    const rows = await play<Hit, { key: string }>(
      (hits) => hits.keyBy("k").aggregate({ hits: count() }, { emit: "final" }),
      script,
    )
    expect(rows.map(({ key }) => key)).toEqual(keys)
  })

  it("shows state in first-seen order, after restarts too", async () => {
    const restarted = [...script.slice(0, 999), restore(), ...script.slice(999), restore()]
    let seen: KeyValue[] = []
    await playAll<Hit>(
      (hits) =>
        hits.keyBy("k").fold(
          () => 0,
          (n) => n + 1,
          { uid: "n" },
        ),
      restarted,
      {
        look: (job) => (seen = Array.from(job.state("n").scan(), ([key]) => key)),
      },
    )
    expect(seen).toEqual(keys)
  })
})

describe("trap 14: keys that collide", () => {
  it("keeps 1 and '1', null and 'null' and their like apart", async () => {
    const keys: KeyValue[] = [
      ...[1, "1", 1n, true, "true", null, "null", "", [], [""], [null], ["null"]],
      ...[["a", "b"], ["ab", ""], ["a,b"], [["a"], "b"], "a,b", "undefined", 0, "0", false],
    ]
    const stream = from([...keys, -0]).keyBy((key) => key)
    expect(await stream.deduplicate().toArray()).toEqual(keys)
  })

  it("has no row for a field that is missing, and none that an object inherits", async () => {
    const events = [{ k: "a" }, {}, { k: "b" }] as { k: string }[]
    const skipping = from(events).keyBy("k", { missing: "skip" }).deduplicate()
    expect(await skipping.toArray()).toEqual([{ k: "a" }, { k: "b" }])
    await expect(from(events).keyBy("k").deduplicate().toArray()).rejects.toMatchObject({
      code: "KEY_MISSING",
    })
    const inherited = from([{}] as { constructor: string }[]).keyBy("constructor")
    await expect(inherited.deduplicate().toArray()).rejects.toMatchObject({ code: "KEY_MISSING" })
  })
})

describe("trap 15: operators that cannot be chained", () => {
  it("gives plain events from every operator, which the next one takes as they are", async () => {
    const sales = [3, 5, 3, 9, 5, 3].map((price, i) => ({ shop: i % 2 ? "x" : "y", price }))
    const rows = await from(sales)
      .keyBy("price")
      .deduplicate()
      .tap(() => undefined)
      .filter((sale, seen) => seen.update((n) => n + 1) > 0 && sale.price > 1, {
        state: { value: () => 0 },
      })
      .keyBy("shop")
      .reduce((_, sale) => sale)
      .keyBy("shop")
      .fold(record({ total: "f64" }), (acc, { price }) => {
        acc.total += price
        return acc
      })
      .keyBy("total")
      .aggregate({ n: count(), total: sum("total") })
      .map(({ key, n, total }) => [key, n, total])
      .toArray()
    expect(rows).toEqual([
      [3, 1, 3],
      [5, 1, 5],
      [14, 1, 14],
    ])
  })
})

describe("trap 17: outputs that are all one object", () => {
  const numbers = [1, 2, 3]
  const keyed = () => from(numbers).keyBy(() => "all")

  it("emits from fold and reduce what was true at that event", async () => {
    const object = keyed().fold(
      () => ({ list: [] as number[], deep: { n: 0 } }),
      (acc, n) => {
        acc.list.push(n)
        acc.deep.n += n
        return acc
      },
    )
    expect(await object.toArray()).toEqual([
      { list: [1], deep: { n: 1 } },
      { list: [1, 2], deep: { n: 3 } },
      { list: [1, 2, 3], deep: { n: 6 } },
    ])
    const map = keyed().reduce(
      (acc, n) => acc.set(n, n),
      () => new Map<number, number>(),
    )
    expect((await map.toArray()).map(({ size }) => size)).toEqual([1, 2, 3])
    const typed = keyed().fold(record({ n: "f64" }), (acc, n) => {
      acc.n += n
      return acc
    })
    expect(await typed.toArray()).toEqual([{ n: 1 }, { n: 3 }, { n: 6 }])
  })

  it("leaves state alone when the consumer changes what it got", async () => {
    const job = await run(
      keyed().fold(
        () => ({ n: 0 }),
        (acc, n) => ({ n: acc.n + n }),
      ),
      {
        chunkSize: 1,
      },
    )
    const seen: number[] = []
    for await (const result of job) {
      seen.push(result.n)
      result.n = 100
    }
    await job.close()
    expect(seen).toEqual([1, 3, 6])
  })

  it("leaves the first event alone, of which reduce makes its state", async () => {
    const events = [{ n: 1 }, { n: 2 }]
    const reduced = from(events)
      .keyBy(() => 0)
      .reduce((acc, { n }) => {
        acc.n += n
        return acc
      })
    expect([await reduced.toArray(), events]).toEqual([
      [{ n: 1 }, { n: 3 }],
      [{ n: 1 }, { n: 2 }],
    ])
  })
})
