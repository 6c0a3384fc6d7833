/** How near approxDistinct is, and its hash. */
import { describe, expect, it } from "vitest"
import { hashOf } from "../js/sketches/hash.ts"
import { hyperLogLog } from "../js/sketches/hyper_log_log.ts"
import { linesOf } from "./data.ts"
import { mergedOf, random, shuffled, sketchOf, some, streams } from "./sketch_data.ts"

/** MurmurHash3_x86_128, all of it and as it was published, in numbers without end. */
function murmur(bytes: Uint8Array, seed: number): Uint8Array {
  const u32 = (value: bigint) => value & 0xffff_ffffn
  const turn = (value: bigint, by: bigint) => u32(value << by) | (value >> (32n - by))
  const c = [0x239b961bn, 0xab0e9789n, 0x38b34ae5n, 0xa1e38b93n]
  const add = [0x561ccd1bn, 0x0bcaa747n, 0x96cd1c35n, 0x32ac3b17n]
  const at = <T>(list: readonly T[], i: number) => list[i & 3] as T
  const h = [0, 1, 2, 3].map(() => BigInt(seed))
  const put = (i: number, value: bigint) => (h[i] = u32(value))
  const word = (from: number) =>
    [3, 2, 1, 0].reduce((sum, i) => (sum << 8n) | BigInt(bytes[from + i] ?? 0), 0n)
  const mixed = (k: bigint, i: number) =>
    u32(turn(u32(k * at(c, i)), BigInt(15 + i)) * at(c, i + 1))
  const whole = bytes.length - (bytes.length % 16)
  for (let from = 0; from < whole; from += 16) {
    for (let i = 0; i < 4; i++) {
      const turned = turn(at(h, i) ^ mixed(word(from + 4 * i), i), BigInt(19 - 2 * i))
      put(i, u32(turned + at(h, i + 1)) * 5n + at(add, i))
    }
  }
  for (let i = 0; i < 4; i++) put(i, at(h, i) ^ mixed(word(whole + 4 * i), i))
  const join = () => {
    put(
      0,
      h.reduce((sum, each) => sum + each, 0n),
    )
    for (let i = 1; i < 4; i++) put(i, at(h, i) + at(h, 0))
  }
  for (let i = 0; i < 4; i++) put(i, at(h, i) ^ BigInt(bytes.length))
  join()
  for (let i = 0; i < 4; i++) {
    const once = u32((at(h, i) ^ (at(h, i) >> 16n)) * 0x85ebca6bn)
    const twice = u32((once ^ (once >> 13n)) * 0xc2b2ae35n)
    put(i, twice ^ (twice >> 16n))
  }
  join()
  return new Uint8Array(Uint32Array.from(h, Number).buffer)
}

describe("hashes", () => {
  it("are the first half of MurmurHash3_x86_128", () => {
    // The verification of SMHasher, where the function was published.
    const keys = Array.from({ length: 256 }, (_, i) => Uint8Array.from({ length: i }, (_, j) => j))
    const all = Uint8Array.from(keys.flatMap((key, i) => [...murmur(key, 256 - i)]))
    expect(new DataView(murmur(all, 0).buffer).getUint32(0, true)).toBe(0xb3ece62a)
    for (const [i, key] of [...keys, all].entries()) {
      const seed = (i * 0x9e3779b9) >>> 0
      const expected = new Uint32Array(murmur(key, seed).buffer)
      const { high, low } = hashOf(key, new DataView(key.buffer), key.length, seed)
      expect([i, high, low]).toEqual([i, expected[0], expected[1]])
    }
  })
})

describe("approxDistinct", () => {
  it.each([4, 8, 12, 14])("is within its standard error, precision %i", (precision) => {
    const way = hyperLogLog(precision)
    // Sixteen registers are now and then ten times as far off, which is much in the mean of a few.
    const rounds = precision === 4 ? 400 : 40
    for (const count of [0, 1, 2, 10, 100, 1000, 10_000]) {
      let squares = 0
      for (let round = 0; round < rounds; round++) {
        const values = some(count, () => random())
        squares += ((way.result(sketchOf(way, values)) as number) - count) ** 2
      }
      // A mean of so many that is so far above what is expected comes once in a million runs; of
      // few values a single one that meets another is more than that.
      const most = ((1.8 * 1.04) / Math.sqrt(2 ** precision)) * count + 0.5
      expect([count, Math.sqrt(squares / rounds) <= most]).toEqual([count, true])
    }
  })

  it.each(streams)("counts %s", (_, values) => {
    const way = hyperLogLog(14)
    const exact = new Set(values).size
    expect(Math.abs((way.result(sketchOf(way, values)) as number) - exact)).toBeLessThanOrEqual(
      Math.max(exact * 0.033, 1),
    )
  })

  it.each(streams)("is the same in any order, and merged: %s", (_, values) => {
    for (const precision of [4, 10, 14]) {
      const way = hyperLogLog(precision)
      const whole = sketchOf(way, values)
      expect(sketchOf(way, shuffled(values))).toEqual(whole)
      for (const size of [1, 7, 800]) expect(mergedOf(way, values, size)).toEqual(whole)
    }
  })

  it("tells values apart as keys are", () => {
    const way = hyperLogLog(14)
    const values = [1, "1", 1n, true, false, "true", 0, -0, NaN, -NaN, "", "ü".repeat(300)]
    expect(way.result(sketchOf(way, values))).toBe(10)
    const refusals = [
      [{}, "FIELD_TYPE"],
      [new Date(), "FIELD_TYPE"],
      ["\ud800", "FIELD_TYPE"],
      ["x".repeat(65_535), "LIMIT"],
    ] as const
    for (const [value, code] of refusals) {
      expect(() => way.check(value, "x")).toThrow(expect.objectContaining({ code }))
      expect(() => way.check(value, "x")).toThrow("field x")
    }
  })

  it("counts the addresses of a web server", ({ skip }) => {
    const lines = linesOf("elastic_apache_logs.log", skip)
    const addresses = lines.map((line) => line.split(" ")[0])
    const way = hyperLogLog(12)
    const exact = new Set(addresses).size
    const estimate = way.result(sketchOf(way, addresses)) as number
    expect(Math.abs(estimate - exact) / exact).toBeLessThan((3 * 1.04) / 64)
  })
})
