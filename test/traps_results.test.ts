/** The traps of SEMANTICS section 8 about keys, order and results, by their numbers. */
import { describe, expect, it } from "vitest"
import { count, from, record, run, sum } from "../js/index.ts"
import type { KeyValue } from "../js/index.ts"
import { event, play, playAll, restore } from "./play.ts"

interface Hit {
  readonly k: string
  readonly at: number
}

const hit = (k: string, at = 0) => event<Hit>({ k, at })

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
      .distinctUntilChanged("price")
      .keyBy("price")
      .throttle({ limit: 9, per: "1h" })
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

  it("emits from map and scan what was true at that event", async () => {
    const state = { value: () => ({ list: [] as number[] }) }
    const mapped = keyed().map(
      (n, access) => {
        const own = access.get()
        own.list.push(n)
        access.set(own)
        return own
      },
      { state },
    )
    const scanned = from(numbers).scan(
      (acc, n) => {
        acc.list.push(n)
        return acc
      },
      () => ({ list: [] as number[] }),
    )
    const lists = [{ list: [1] }, { list: [1, 2] }, { list: [1, 2, 3] }]
    expect([await mapped.toArray(), await scanned.toArray()]).toEqual([lists, lists])
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
