/**
 * The rows of `aggregate` with a row per event: their keys and numbers are those of a plain loop.
 */
import { describe, expect, it } from "vitest"
import { count, from, max, mean, min, run, sum } from "../js/index.ts"
import type { KeyValue } from "../js/index.ts"
import { guardRejections, pull, pullToError } from "./probe.ts"

guardRejections()

interface Event {
  key: KeyValue | undefined
  value: number
}

const eventsOf = (keys: readonly (KeyValue | undefined)[]): Event[] =>
  keys.map((key, value) => ({ key, value }))

/** What the rows must be, one event at a time. */
function counted(events: readonly Event[]) {
  const counts = new Map<string, number>()
  return events.flatMap(({ key, value }) => {
    if (key === undefined) return []
    const text = typeof key === "bigint" ? `${key}n` : JSON.stringify(key)
    const n = (counts.get(text) ?? 0) + 1
    counts.set(text, n)
    return [{ key: Object.is(key, -0) ? 0 : key, n, last: value }]
  })
}

const rowsOf = (events: readonly Event[]) =>
  from(events)
    .keyBy(({ key }) => key as KeyValue, { missing: "skip" })
    .aggregate({ n: count(), last: max("value") })

describe("a row per event", () => {
  const mixed = [
    "a",
    1,
    -0,
    0,
    "b",
    2n,
    true,
    null,
    ["a", 1],
    "ключ",
    ["a", 1],
    "a",
    undefined,
    "b",
  ]

  it.each([
    ["strings", Array.from({ length: 10_000 }, (_, n) => `k${n % 97}`)],
    ["numbers, and 0 for -0", Array.from({ length: 100 }, (_, n) => (n % 5) * (n % 2 ? -1 : 1))],
    ["keys of all kinds", Array.from({ length: 10_000 }, (_, n) => mixed[n % mixed.length])],
    [
      "pairs, and events without a key",
      eventsOf([["a", 1], undefined, ["a", 1]]).map((e) => e.key),
    ],
  ])("has the key that was read: %s", async (_, keys) => {
    const events = eventsOf(keys)
    const expected = counted(events)
    for (const chunkSize of [1, 7, 1024, 65_536]) {
      const job = await run(rowsOf(events), { chunkSize })
      expect(await pull(job)).toEqual(expected)
      await job.close()
    }
  })

  it("has the key as it was read, though its array has other parts by now", async () => {
    const reused: [string, number] = ["", 0]
    const rows = await from([1, 2, 1])
      .keyBy((n) => {
        reused[1] = n
        return reused
      })
      .aggregate({ n: count() })
      .toArray()
    expect(rows.map(({ key, n }) => [...(key as KeyValue[]), n])).toEqual([
      ["", 1, 1],
      ["", 2, 1],
      ["", 1, 2],
    ])
  })

  it("has numbers as they are: whole, broken, large, -0, and none", async () => {
    const values = [3, 0.5, -0, 2 ** 31, -(2 ** 31), 2 ** 40, NaN, undefined, Infinity, -Infinity]
    const rows = await from(values.map((value, key) => ({ key, value: value as number })))
      .keyBy("key")
      .aggregate({ low: min("value"), high: max("value"), total: sum("value"), mid: mean("value") })
      .toArray()
    expect(rows).toEqual(
      values.map((value, key) => {
        const none = value === undefined || Number.isNaN(value)
        const [number, positive] = none ? [] : [value, value + 0]
        return { key, low: number, high: number, total: positive ?? 0, mid: positive }
      }),
    )
    expect(Object.is(rows[2]?.low, -0)).toBe(true)
  })

  it("is a plain object with its own properties, in the order of the aggregates", async () => {
    const aggregates = {
      d: count(),
      c: sum("value"),
      toString: count(),
      a: min("value"),
      1: count(),
    }
    const [row] = await from([{ key: "k", value: 2 }])
      .keyBy("key")
      .aggregate(aggregates)
      .toArray()
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
    expect(Object.entries(row as object)).toEqual([
      ["1", 1],
      ["key", "k"],
      ["d", 1],
      ["c", 2],
      ["toString", 1],
      ["a", 2],
    ])
    expect(structuredClone(row)).toEqual(row)
  })

  it("is there for each event before one that is refused, and for none behind it", async () => {
    const events = eventsOf(Array.from({ length: 9000 }, (_, n) => `k${n % 10}`))
    const bad = { key: "k0", value: "text" as unknown as number }
    const given = [...events.slice(0, 5000), bad, ...events.slice(5000)]
    for (const chunkSize of [1024, 65_536]) {
      const job = await run(rowsOf(given), { chunkSize })
      const { pulled, code, message } = await pullToError(job)
      expect([code, message.slice(0, 23)]).toEqual(["FIELD_TYPE", "aggregate-1: event 5000"])
      expect(pulled).toEqual(counted(events.slice(0, 5000)))
      await job.close()
    }
  })

  it("is not one that a consumer of chunks can change for another", async () => {
    const source = from([1, 2, 3])
    const chunks: number[][] = []
    for await (const chunk of source.chunks()) chunks.push(chunk as number[])
    chunks[0]?.reverse()
    expect(await source.toArray()).toEqual([1, 2, 3])
  })
})
