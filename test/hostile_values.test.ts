/**
 * G12: values that break programs, everywhere a value can be. Each comes back as it was, also after
 * a restart, or is refused with a code; what all objects inherit from stays as it is.
 */
import { afterEach, describe, expect, it } from "vitest"
import { count, first, from, max, memoryStorage, run, sum } from "../js/index.ts"
import type { ErrorCode, KeyValue } from "../js/index.ts"
import { errorOf, guardRejections, pull } from "./probe.ts"

guardRejections()

const inherited = Object.getOwnPropertyNames(Object.prototype)

afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(inherited)
  expect(Object.keys({})).toEqual([])
})

/** What an object literal cannot have as a property of its own. */
const proto = (value: unknown): unknown => JSON.parse(`{"__proto__":${JSON.stringify(value)}}`)

function cycle(): unknown {
  const self: Record<string, unknown> = {}
  self["self"] = [self]
  return self
}

function detached(): unknown {
  const bytes = new Uint8Array(8)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

interface Hostile {
  readonly what: string
  readonly value: unknown
  /** Refused as a key, with this code. */
  readonly key?: ErrorCode
  /** Refused as a value that is saved, with this code. */
  readonly saved?: ErrorCode
  /** What it comes back as, if that is not the same. */
  readonly back?: unknown
}

const notKey = { key: "KEY_TYPE" } as const
const notSaved = { ...notKey, saved: "SERIALIZATION" } as const

const all: readonly Hostile[] = [
  ...["__proto__", "constructor", "hasOwnProperty", "", "\0", "a\0b"].map((value) => ({
    what: JSON.stringify(value),
    value,
  })),
  { what: "half a character", value: "a\ud800", ...notKey, saved: "SERIALIZATION" },
  { what: "-0", value: -0, back: 0 },
  { what: "NaN", value: Number.NaN, ...notKey },
  { what: "1e309", value: Number("1e309") },
  { what: "2^53 + 1", value: 2 ** 53 + 1 },
  { what: "a bigint of 2^53 + 1", value: 2n ** 53n + 1n },
  { what: "a bigint of 400 bits", value: 2n ** 400n },
  { what: "a symbol", value: Symbol("s"), ...notSaved },
  { what: "a function", value: () => 1, ...notSaved },
  { what: "own __proto__", value: proto({ polluted: true }), ...notKey },
  { what: "no prototype", value: Object.assign(Object.create(null), { a: 1 }), ...notKey },
  {
    what: "a getter",
    value: {
      get a() {
        return 1
      },
    },
    back: { a: 1 },
    ...notKey,
  },
  {
    what: "a getter that throws",
    value: {
      get a(): number {
        throw new Error("no")
      },
    },
    ...notSaved,
  },
  { what: "a proxy", value: new Proxy({ a: 1 }, {}), back: { a: 1 }, ...notKey },
  { what: "a cycle", value: cycle(), ...notSaved },
  { what: "a detached buffer", value: detached(), ...notSaved },
  { what: "an instance", value: new (class Own {})(), ...notSaved },
]

const label = all.map((hostile) => [hostile.what, hostile] as const)

/** The code of what is refused, or what is given. */
async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return errorOf(error).code
  }
}

describe("as a key", () => {
  it.each(label)("%s", async (_, { value, key, back }) => {
    const storage = memoryStorage()
    const counted = () =>
      from([{ key: value }, { key: "other" }, { key: value }])
        .keyBy("key")
        .aggregate({ n: count() }, { emit: "final" })
    const rows = await outcome(() => pull(counted()))
    if (key !== undefined) return expect(rows).toBe(key)
    const expected = { key: back ?? value, n: 2 }
    expect(rows).toEqual([expected, { key: "other", n: 1 }])
    const job = await run(counted(), { storage })
    await job.finished()
    await job.close()
    const again = await run(counted(), { storage })
    expect(again.state("aggregate-1").get(value as KeyValue)).toEqual({ n: 2 })
    await again.close()
  })
})

describe("as state that is saved", () => {
  it.each(label)("%s", async (_, { value, saved, back }) => {
    const storage = memoryStorage()
    const kept = () =>
      from(["a", "b"])
        .keyBy((key) => key)
        .fold(
          () => undefined as unknown,
          () => value,
        )
    const first = await run(kept(), { storage })
    const ended = await outcome(() => first.finished())
    await first.close()
    if (saved !== undefined) return expect(ended).toBe(saved)
    expect(ended).toBeUndefined()
    const again = await run(kept(), { storage })
    const restored = again.state("fold-1").get("a")
    expect(restored).toEqual(back === 0 ? -0 : (back ?? value))
    if (typeof restored === "object" && restored !== null) {
      expect(Object.getOwnPropertyNames(restored)).toEqual(Object.getOwnPropertyNames(value))
      expect((restored as { polluted?: boolean }).polluted).toBeUndefined()
    }
    await again.close()
  })
})

describe("as what is aggregated", () => {
  it.each(label)("%s", async (_, { value }) => {
    const rows = await outcome(() =>
      pull(
        from([{ n: 1 }, { n: value }] as { n: number }[])
          .keyBy(() => "all")
          .aggregate({ sum: sum("n"), max: max("n") }, { emit: "final" }),
      ),
    )
    if (typeof value === "number") {
      const counts = Number.isNaN(value) ? [1] : [1, value]
      const expected = { sum: counts.reduce((a, b) => a + b), max: Math.max(...counts) }
      return expect(rows).toEqual([{ key: "all", ...expected }])
    }
    expect(rows).toBe(typeof value === "bigint" ? "LIMIT" : "FIELD_TYPE")
  })

  it.each(label)("%s, picked by first", async (_, { value }) => {
    const rows = (await pull(
      from([{ v: value }])
        .keyBy(() => "all")
        .aggregate({ v: first("v") }, { emit: "final" }),
    )) as { v: unknown }[]
    expect(rows.map(({ v }) => Object.is(v, value))).toEqual([true])
  })
})

describe("as a time", () => {
  it.each(label)("%s", async (_, { value }) => {
    const stream = from([{ at: value as number }], { time: "at" })
    const rows = await outcome(() => pull(stream))
    expect(rows === "TIMESTAMP" || Object.is(value, -0)).toBe(true)
  })
})

describe("as the name of a field", () => {
  const names = ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty"]
  it.each(names)("%s, that the event has not, is missing", async (name) => {
    const rows = await outcome(() =>
      pull(
        from([{ a: 1 }])
          .keyBy(name as "a")
          .map((n) => n),
      ),
    )
    expect(rows).toBe("KEY_MISSING")
  })

  it.each(names)("%s, that the event has, is read", async (name) => {
    const event = JSON.parse(`{${JSON.stringify(name)}:7}`) as { a: number }
    const rows = await pull(
      from([event])
        .keyBy(name as "a")
        .aggregate({ n: sum(name as "a") }, { emit: "final" }),
    )
    expect(rows).toEqual([{ key: 7, n: 7 }])
  })

  it.each(names.slice(1))("%s, of a result, is a property of its own", async (name) => {
    const stream = from([{ a: 1 }])
      .keyBy("a")
      .aggregate({ [name]: count() }, { emit: "final" })
    const [row] = await pull(stream)
    expect(Object.entries(row as object)).toEqual([
      ["key", 1],
      [name, 1],
    ])
  })
})
