import { describe, expect, it } from "vitest"
import fc from "fast-check"
import { encodeKey, keyBytes, keyBytesMax } from "../js/state/key_bytes.ts"
import type { KeyValue } from "../js/state/key_bytes.ts"
import { decodeKey } from "../js/state/key_read.ts"
import { refusal } from "./refusal.ts"

const hex = (key: unknown) => Buffer.from(keyBytes(key)).toString("hex")
const decoded = (text: string) => {
  const bytes = Uint8Array.from(Buffer.from(text, "hex"))
  return decodeKey(bytes, 0, bytes.length)
}

const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)])

/** Any key, with the odd ends of every type. */
const anyKey: fc.Arbitrary<KeyValue> = fc.letrec<{ key: KeyValue; tuple: KeyValue[] }>((tie) => ({
  tuple: fc.array(tie("key"), { maxLength: 5 }),
  key: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    fc.string({ unit: "binary", maxLength: 80 }),
    fc.double({ noNaN: true }),
    fc.integer(),
    fc.bigInt({ min: -(1n << 90n), max: 1n << 90n }),
    fc.bigInt({ min: -70_000n, max: 70_000n }),
    fc.boolean(),
    fc.constant(null),
    tie("tuple"),
  ),
})).key

/** The key that comes back: -0 came back as 0. */
function normal(key: KeyValue): KeyValue {
  if (typeof key === "number") return key + 0
  return Array.isArray(key) ? key.map(normal) : key
}

describe("key bytes", () => {
  it("are a tag, then the payload", () => {
    const keys = [null, false, true, 1, -0, "ATL", "é", "", [], ["ATL", 1n], [[null]]]
    expect(keys.map(hex)).toEqual([
      "00",
      "01",
      "02",
      "03000000000000f03f",
      "030000000000000000",
      "0541544c",
      "05c3a9",
      "05",
      "0600",
      "0602" + "0400" + "0541544c" + "0200" + "0401",
      "0601" + "0500" + "0601" + "0100" + "00",
    ])
  })

  it("write a bigint in as few bytes as keep its sign", () => {
    const keys = [0n, 1n, -1n, 127n, 128n, 255n, 256n, -128n, -129n, 1n << 63n, -(1n << 63n)]
    expect(keys.map(hex)).toEqual([
      ...["04", "0401", "04ff", "047f", "048000", "04ff00", "040001", "0480", "047fff"],
      ...["04000000000000008000", "040000000000000080"],
    ])
  })

  it("come back as the key they were written from", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const bytes = keyBytes(key)
        expect(decodeKey(bytes, 0, bytes.length)).toEqual(normal(key))
      }),
    )
  })

  it("agree with TextEncoder for every string that is well formed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (key) => {
        expect(hex(key)).toBe("05" + Buffer.from(key, "utf8").toString("hex"))
      }),
    )
  })

  it("differ for different keys, of different types too", () => {
    const keys = [1, "1", 1n, true, [1], [[1]], ["1"], [1, 1], null, "", 0, 0n, false, [], ["", ""]]
    expect(new Set(keys.map(hex)).size).toBe(keys.length)
  })

  it("are the same in any room that is enough, and -1 in any that is not", () => {
    const given = ["ATL", "é€😀", "x".repeat(60), "€".repeat(60), 1.5, -7n, 1n << 80n, null, []]
    for (const key of [...given, ["ATL", [2, "é"], 7n]]) {
      const whole = keyBytes(key)
      const ends = Array.from({ length: whole.length + 3 }, (_, room) => {
        const bytes = new Uint8Array(room + 2)
        return encodeKey(key, bytes, new DataView(bytes.buffer), 2)
      })
      const fits = whole.length + 2
      expect(ends).toEqual([...Array<number>(whole.length).fill(-1), fits, fits, fits])
    }
  })

  it("are written at the place asked for, touching nothing else", () => {
    const bytes = new Uint8Array(new ArrayBuffer(100), 10, 40).fill(0xee)
    const view = new DataView(bytes.buffer, 10, 40)
    const end = encodeKey(["ATL", 1], bytes, view, 5)
    expect(decodeKey(bytes, 5, end)).toEqual(["ATL", 1])
    expect([...bytes.subarray(0, 5), ...bytes.subarray(end)].every((b) => b === 0xee)).toBe(true)
  })

  it("refuse what cannot be a key, naming the type and never the value", () => {
    const keys = [undefined, {}, new Date(0), () => 1, Symbol("secret"), Number.NaN, new Map()]
    const names = ["undefined", "an object", "a Date", "a function", "a symbol", "NaN", "a Map"]
    const expected = names.map((name) => ({ code: "KEY_TYPE", message: `${name} cannot be a key` }))
    expect(keys.map((key) => refusal(() => keyBytes(key)))).toEqual(expected)
    expect(keys.map((key) => refusal(() => keyBytes(["a", key])))).toEqual(expected)
  })

  it("refuse lone surrogates, in short strings and in long ones", () => {
    const long = "x".repeat(100)
    const keys = ["\ud800", "a\udc00", "\udc00\ud800", `${long}\ud800`, `\udfff${long}`]
    expect(keys.map((key) => refusal(() => keyBytes(key)).code)).toEqual(keys.map(() => "KEY_TYPE"))
  })

  it("take a key of exactly keyBytesMax bytes and refuse one byte more", () => {
    const most = keyBytesMax - 1
    const [ascii, wide] = ["x".repeat(most), "é".repeat(most / 2)]
    expect([keyBytes(ascii).length, keyBytes(wide).length]).toEqual([65_535, 65_535])
    const bits = BigInt(most * 8)
    expect(keyBytes((1n << (bits - 1n)) - 1n).length).toBe(65_535)
    const over = [`${ascii}x`, `${wide}x`, 1n << (bits - 1n), [ascii], [ascii, ascii, ascii]]
    expect(over.map((key) => refusal(() => keyBytes(key)))).toEqual(
      over.map(() => ({ code: "LIMIT", message: "too many bytes in a key: keyBytesMax is 65535" })),
    )
  })

  it("refuse tuples that are too wide, too deep or without end", () => {
    const endless: unknown[] = []
    endless.push(endless)
    expect(hex(nest(8)).length).toBeGreaterThan(0)
    expect(keyBytes(new Array(255).fill(1)).length).toBe(2 + 255 * 11)
    const refused = [nest(9), endless, new Array(256).fill(1)]
    expect(refused.map((key) => refusal(() => keyBytes(key)).message)).toEqual([
      "too many levels of tuples: keyDepthMax is 8",
      "too many levels of tuples: keyDepthMax is 8",
      "too many elements in a tuple: keyElementsMax is 255",
    ])
  })

  it("are refused when damaged", () => {
    const deepest = nest(8)
    const damaged = [
      ...["", "07", "0000", "0100", "03", "0300", "03000000000000f07f00"],
      ...["03000000000000f87f", "030000000000000080"], // NaN, -0.
      ...["0400", "040100", "04ffff"], // Sign bytes that need not be there.
      ...["0580", "05eda080", "05c080"], // Not UTF-8: bare tail, surrogate, overlong.
      ...["06", "0601", "060101", "06010200", "0600ff", "06010000", "0601020005"],
      `0601${hex(deepest).length / 2}00${hex(deepest)}`, // One level too many.
    ]
    expect(damaged.map((text) => refusal(() => decoded(text)))).toEqual(
      damaged.map(() => ({ code: "CORRUPT", message: "these are not the bytes of a key" })),
    )
    expect(refusal(() => decodeKey(new Uint8Array(4), 0, 5)).code).toBe("CORRUPT")
  })

  it("give one key or CORRUPT for any bytes, and the key has these bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.nat(6), (bytes, first) => {
        bytes[0] = first
        try {
          expect(keyBytes(decodeKey(bytes, 0, bytes.length))).toEqual(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: "CORRUPT" })
        }
      }),
      { numRuns: 2000 },
    )
  })
})
