/** Aggregates that keep values or events, without windows. */
import { describe, expect, it } from "vitest"
import {
  argMin,
  collect,
  count,
  countDistinct,
  first,
  from,
  last,
  manualClock,
  run,
  sum,
} from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { testOperator } from "./contract/operator.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { clock, event, play } from "./play.ts"
import { keyed } from "./programs.ts"

interface Sale {
  readonly shop: string | undefined
  readonly item: string | null
  readonly price: number
}
const sale = (shop: string | undefined, item: string | null, price: number): Sale => {
  return { shop, item, price }
}
const sales = [sale("a", "pen", 2), sale("b", "ink", 5), sale("a", null, 1), sale("a", "pen", 4)]
const columns = {
  first: first("item"),
  total: sum("price"),
  items: collect("item"),
  kinds: countDistinct("item"),
  cheapest: argMin("price"),
  last: last("price"),
  sales: count(),
}
const rows = [
  { first: "pen", total: 2, items: ["pen"], kinds: 1, cheapest: sales[0], last: 2, sales: 1 },
  { first: "ink", total: 5, items: ["ink"], kinds: 1, cheapest: sales[1], last: 5, sales: 1 },
  { first: "pen", total: 3, items: ["pen"], kinds: 1, cheapest: sales[2], last: 1, sales: 2 },
  {
    first: "pen",
    total: 7,
    items: ["pen", "pen"],
    kinds: 1,
    cheapest: sales[2],
    last: 4,
    sales: 3,
  },
] as const
const keys = ["a", "b", "a", "a"]
const byShop = (given: readonly Sale[]) => from(given).keyBy("shop", { missing: "skip" })

describe("aggregates that keep values", () => {
  it("give a row for each event, or one for each key at the end", async () => {
    const each = await byShop(sales).aggregate(columns).toArray()
    expect(each).toEqual(rows.map((row, i) => ({ key: keys[i], ...row })))
    expect(Object.keys(each[0] ?? {})).toEqual(["key", ...Object.keys(columns)])
    const final = await byShop(sales).aggregate(columns, { emit: "final" }).toArray()
    expect(final).toEqual([
      { key: "a", ...rows[3] },
      { key: "b", ...rows[1] },
    ])
  })

  it("need no numbers beside them, nor a key for each event", async () => {
    const some = [sale(undefined, "x", 1), ...sales, sale(undefined, "x", 1)]
    const final = byShop(some).aggregate({ items: collect("item") }, { emit: "final" })
    expect(await final.toArray()).toEqual([
      { key: "a", items: ["pen", "pen"] },
      { key: "b", items: ["ink"] },
    ])
  })

  it("leave an event that one of them cannot use out of all of them", async () => {
    const wrong = { shop: "a", item: {}, price: 9 } as unknown as Sale
    const worse = { shop: "a", item: "pen", price: "9" } as unknown as Sale
    const given = [sale("a", "pen", 1), wrong, worse, sale("a", "ink", 2)]
    const options = { emit: "final", onError: "skip" } as const
    const { items, kinds, total, sales } = {
      items: collect("item"),
      kinds: countDistinct("item"),
      total: sum("price"),
      sales: count(),
    }
    const final = byShop(given).aggregate({ items, kinds, total, sales }, options)
    expect(await final.toArray()).toEqual([
      { key: "a", items: ["pen", "ink"], kinds: 2, total: 3, sales: 2 },
    ])
  })

  it("are shown as two states", async () => {
    const totals = byShop(sales).aggregate({ items: collect("item"), total: sum("price") })
    const job = await run(totals, { clock: manualClock() })
    await job.finished()
    expect(job.state("aggregate-1/values").get("a")).toEqual([["pen", "pen"]])
    expect(job.state("aggregate-1/numbers").get("a")).toEqual({ total: 7 })
    await job.close()
  })
})

const script = Array.from({ length: 36 }, (_, i) => {
  if (i % 6 === 5) return clock(i * 2)
  const key = ["a", 1, "1", null, ["a", 1n]][(i * 7 + (i >> 3)) % 5] as Op["key"]
  return event<Op>({ i, key, deed: deeds[0] ?? "none", n: i % 5, value: i / 3, at: i * 2 })
})
for (const emit of ["each", "final"] as const) {
  testOperator<Op>(
    `aggregate of values, ${emit}`,
    (events, state) =>
      keyed(events).aggregate({ n: collect("n"), i: sum("i"), last: last("i") }, { emit, state }),
    script,
  )
}

describe("keys that have expired when the source ends", () => {
  it.each([
    ["numbers", { n: count() }, { n: 1 }],
    ["numbers and values", { n: count(), items: collect("item") }, { n: 1, items: ["ink"] }],
  ] as const)("are not emitted: %s", async (_, aggregates, rest) => {
    const script = [
      event(sale("a", "pen", 2)),
      clock(30_000),
      event(sale("b", "ink", 5)),
      clock(60_000),
    ]
    const totals = (sales: Stream<Sale>) =>
      sales.keyBy((one) => one.shop).aggregate(aggregates, { emit: "final", state: { ttl: "1m" } })
    expect(await play(totals, script)).toEqual([{ key: "b", ...rest }])
  })
})
