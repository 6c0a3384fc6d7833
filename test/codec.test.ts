import { inspect, isDeepStrictEqual } from "node:util"
import { describe, expect, it } from "vitest"
import fc from "fast-check"
import { codecDepthMax, decode, encode } from "../js/codec.ts"
import { MillraceError } from "../js/errors.ts"
import { refusal } from "./refusal.ts"

const hex = (value: unknown) => Buffer.from(encode(value)).toString("hex")
const fromHex = (text: string) => decode(Uint8Array.from(Buffer.from(text, "hex")))
const again = (value: unknown) => decode(encode(value))
const message = (value: unknown) => {
  const { code, message } = refusal(() => encode(value))
  expect(code).toBe("SERIALIZATION")
  return message
}

/** Any value that can be saved, objects without prototype and odd names among them. */
const anyValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
  stringUnit: "binary",
  key: fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "constructor", "toString", "0", ""),
  ),
})

describe("codec", () => {
  it("writes the shortest forms of RFC 8949", () => {
    const values = [
      ...[undefined, null, true, false, 0, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1],
      ...[-1, -24, -25, -0, 1.5, 0.1, 2 ** 53, Number.NaN, Infinity, -Infinity],
      ...["", "a", "é", [], [1, [2]], {}, { b: 1, a: 2 }],
    ]
    expect(values.map(hex)).toEqual([
      ...["f7", "f6", "f5", "f4", "00", "17", "1818", "18ff", "190100", "1a00010000"],
      ...["1b0000000100000000", "1b001fffffffffffff"],
      ...["20", "37", "3818", "f98000", "f93e00", "fb3fb999999999999a", "fa5a000000"],
      ...["f97e00", "f97c00", "f9fc00"],
      ...["60", "6161", "62c3a9", "80", "82018102", "a0", "a2616201616102"],
    ])
  })

  it("writes what CBOR has no type for under registered tags", () => {
    const bare = Object.assign(Object.create(null), { a: 1 }) as unknown
    const values = [0n, 1n, 256n, -1n, -257n, new Date(1500), new Map([[1, 2]]), new Set([1]), bare]
    expect([...values, Uint8Array.of(1, 2), Uint16Array.of(1)].map(hex)).toEqual([
      ...["c240", "c24101", "c2420100", "c340", "c3420100", "c1f93e00", "d90103a10102"],
      ...["d9010281" + "01", "d90113a1616101", "420102", "d84542" + "0100"],
    ])
  })

  it("gives back what it was given", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        // Vitest takes an own property "constructor" for the class, so Node compares; but to Node
        // no invalid Date equals another, so these have a test of their own.
        fc.pre(!inspect(value, { depth: Infinity }).includes("Invalid Date"))
        expect(isDeepStrictEqual(again(value), value)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it("gives back every date, to the millisecond", () => {
    const most = 8.64e15
    fc.assert(
      fc.property(fc.integer({ min: -most, max: most }), (ms) => {
        expect(again(new Date(ms))).toEqual(new Date(ms))
      }),
      { numRuns: 5000, examples: [[most], [-most], [4_499_999_999_999_999], [0], [-1]] },
    )
  })

  it("gives back an invalid date as one, wherever it is", () => {
    const invalid = new Date(Number.NaN)
    const values = [invalid, [invalid], { at: invalid }, new Map([[invalid, invalid]])]
    expect(values.map(again)).toStrictEqual(values)
    expect((again(invalid) as Date).getTime()).toBe(Number.NaN)
  })

  it("keeps numbers and bigints apart", () => {
    const values = [1, 1n, 2 ** 53, 2n ** 53n, 2 ** 70, 2n ** 70n, -(2 ** 60), -(2n ** 60n), -0]
    expect(again(values)).toStrictEqual(values)
  })

  it("keeps strings whole: byte order marks, NUL, long and short", () => {
    const values = ["\ufeff", "\ufeffabc", "a\0b", "\ufffd", "é".repeat(300), "x".repeat(70_000)]
    expect(values.map(again)).toEqual(values)
  })

  it("keeps the order of properties, and names that every object inherits", () => {
    const value = JSON.parse(`{ "z": 1, "__proto__": { "polluted": true }, "constructor": 2 }`) as {
      z: number
    }
    const read = again(value) as typeof value
    expect(Object.entries(read)).toEqual(Object.entries(value))
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect("polluted" in {}).toBe(false)
  })

  it("keeps objects without prototype without one", () => {
    const counts = Object.assign(Object.create(null), { ATL: 1 }) as Record<string, number>
    const read = again({ counts }) as { counts: Record<string, number> }
    expect([read.counts["constructor"], Object.getPrototypeOf(read.counts)]).toEqual([
      undefined,
      null,
    ])
  })

  it("writes an object that occurs twice twice", () => {
    const shared = { n: 1 }
    const [a, b] = again([shared, shared]) as [object, object]
    expect([a, b, a === b]).toEqual([shared, shared, false])
  })

  it("copies bytes on the way in and on the way out", () => {
    const given = Uint8Array.of(1, 2, 3)
    const bytes = encode(given)
    given.fill(9)
    const read = decode(bytes)
    bytes.fill(7)
    expect(read).toEqual(Uint8Array.of(1, 2, 3))
    const inBuffer = Buffer.from(encode(Uint8Array.of(4)))
    const readAgain = decode(inBuffer)
    inBuffer.fill(7)
    expect(readAgain).toStrictEqual(Uint8Array.of(4))
  })

  it("calls a getter once", () => {
    let calls = 0
    const value = {
      get n() {
        return ++calls
      },
    }
    expect([again(value), calls]).toEqual([{ n: 1 }, 1])
  })

  it("takes proxies for what they look like, and leaves out what is not enumerable", () => {
    const value = Object.defineProperty({ a: 1 }, "hidden", { value: 2 })
    expect(again([new Proxy(value, {}), new Proxy([1], {})])).toEqual([{ a: 1 }, [1]])
  })

  it("refuses what cannot be saved, with the path to it and without a value", () => {
    class Invoice {}
    class Numbers extends Map {}
    const symbol = Symbol("secret")
    const values: unknown[] = [
      () => 1,
      { user: { tags: ["a", "b", "c", symbol] } },
      [new Invoice()],
      { "odd name": new Numbers() },
      { a: Buffer.from("secret") },
      new Map([["secret", new Set([1, /secret/])]]),
      new Map([[{ when: new Promise(() => {}) }, 1]]),
      { [symbol]: 1 },
      { list: Object.assign([1], { 2: 3 }) },
      "secret\ud800",
      { ["\udc00"]: 1 },
      new ArrayBuffer(1),
      Object.create({ inherited: true }),
      new Error("secret"),
      Object.create(Array.prototype),
    ]
    expect(values.map(message)).toEqual([
      "$ is a function, which cannot be saved",
      "$.user.tags[3] is a symbol, which cannot be saved",
      "$[0] is an Invoice, which cannot be saved",
      `$["odd name"] is a Numbers, which cannot be saved`,
      "$.a is a Buffer, which cannot be saved",
      "$<value 0><element 1> is a RegExp, which cannot be saved",
      "$<key 0>.when is a Promise, which cannot be saved",
      "$ has a property named by a symbol, which cannot be saved",
      "$.list[1] is a hole in an array",
      "$ has a lone surrogate",
      `$["\\udc00"] has a lone surrogate`,
      "$ is an ArrayBuffer, which cannot be saved",
      "$ is an object, which cannot be saved",
      "$ is an Error, which cannot be saved",
      "$ only looks like an array",
    ])
  })

  it("refuses cycles and endless nesting", () => {
    const cycle: { self?: unknown[] } = {}
    cycle.self = [1, cycle]
    const map = new Map<string, unknown>()
    map.set("me", map)
    let deep: unknown = 1
    for (let i = 0; i < codecDepthMax; i++) deep = [deep]
    expect(again(deep)).toEqual(deep)
    expect([message(cycle), message(map), message([deep])]).toEqual([
      "$.self[1] contains itself",
      "$<value 0> contains itself",
      `$${"[0]".repeat(10)}…${"[0]".repeat(5)} is nested deeper than codecDepthMax, 500`,
    ])
  })

  it("keeps what a getter threw as the cause, and says where", () => {
    const cause = new RangeError("mine")
    const value = {
      list: [
        {
          get n() {
            throw cause
          },
        },
      ],
    }
    const why = "threw while it was read"
    const error = new MillraceError("SERIALIZATION", `$.list[0].n ${why}`, { cause })
    expect(() => encode(value)).toThrow(error)
    expect(message({ fake: Object.create(Map.prototype) as unknown })).toBe(`$.fake ${why}`)
  })

  it("refuses damaged bytes", () => {
    const damaged = [
      ...["", "0000", "18", "1817", "1b0020000000000000", "ff", "9f01ff", "5f4101ff"],
      ...["61", "61ff", "62c3", "63eda080", "81", "a1", "a16161", "a10102", "a2616101616102"],
      ...["c24100", "c2", "c201", "c101c1", "c160", "c1fb4341000000000000", "d9010201"],
      ...["d90102820101", "d90103a201010101", "d9010380", "d9011380", "d84543010203", "d8ff00"],
      ...["f8ff", "fc", "1c", "81".repeat(100_000), "9b001fffffffffffff", "5b001fffffffffffff"],
    ]
    expect(damaged.map((text) => refusal(() => fromHex(text)))).toEqual(
      damaged.map(() => ({ code: "CORRUPT", message: "these are not the bytes of a value" })),
    )
  })

  it("gives a value or CORRUPT for any bytes, and for a value with one byte changed", () => {
    const judge = (bytes: Uint8Array) => {
      try {
        decode(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: "CORRUPT" })
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), judge), { numRuns: 2000 })
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encode(value)
        bytes[at % bytes.length] = byte
        judge(bytes)
      }),
      { numRuns: 2000 },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
