/** How near quantile is. */
import { describe, expect, it } from "vitest"
import { ddSketch } from "../js/sketches/dd_sketch.ts"
import { linesOf } from "./data.ts"
import { ascending, mergedOf, random, shuffled, sketchOf, some, streams } from "./sketch_data.ts"

const shares = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

/** The value whose rank is `floor(q · (n - 1))`. */
const exactly = (sorted: readonly number[], q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] as number

describe("quantile", () => {
  it.each(streams)("is within its error: %s", (_, values) => {
    for (const error of [0.0001, 0.01, 0.2, 0.5]) {
      const way = ddSketch(error, 65_536)
      const kept = sketchOf(way, values)
      const sorted = ascending(values)
      for (const q of shares) {
        const [exact, near] = [exactly(sorted, q), way.quantile(kept, q) as number]
        const most = Number.isFinite(exact) ? Math.abs(exact) * error + Number.MIN_VALUE / 2 : 0
        const far = exact === near ? 0 : Math.abs(exact - near)
        expect([error, q, exact, near, far <= most]).toEqual([error, q, exact, near, true])
      }
    }
  })

  it("is within its error for any number", () => {
    const bits = new Uint32Array(2)
    const number = new Float64Array(bits.buffer)
    for (const error of [0.0001, 0.01, 0.03, 0.5]) {
      const way = ddSketch(error, 16)
      for (let i = 0; i < 30_000; i++) {
        bits[0] = random() * 2 ** 32
        bits[1] = random() * 2 ** 32
        const value = number[0] as number
        if (!Number.isFinite(value)) continue
        const near = way.quantile(sketchOf(way, [value]), 0.5) as number
        const most = Math.abs(value) * error + Number.MIN_VALUE / 2
        if (Math.abs(near - value) > most) expect([error, value, near]).toBe("within")
      }
    }
  })

  it.each(streams)("is the same in any order, and merged: %s", (_, values) => {
    for (const bucketsMax of [16, 100, 2048]) {
      const way = ddSketch(0.01, bucketsMax)
      const whole = sketchOf(way, values)
      expect(whole.ids.length).toBeLessThanOrEqual(bucketsMax)
      expect(whole.counts.reduce((sum, count) => sum + count, 0)).toBe(values.length)
      expect(sketchOf(way, shuffled(values))).toEqual(whole)
      for (const size of [1, 7, 800]) expect(mergedOf(way, values, size)).toEqual(whole)
    }
  })

  it("keeps the highest right where there are too many buckets", () => {
    const values = shuffled(some(6000, (i) => 1.02 ** i * 1e-20))
    const way = ddSketch(0.01, 1000)
    const kept = sketchOf(way, values)
    for (const q of [0.9, 0.95, 0.99, 1]) {
      const exact = exactly(ascending(values), q)
      expect(Math.abs((way.quantile(kept, q) as number) / exact - 1)).toBeLessThanOrEqual(0.01)
    }
  })

  it.for(["nab_nyc_taxi.csv", "nab_machine_temperature_system_failure.csv"])(
    "is within 1 percent of what there is in %s",
    (name, { skip }) => {
      const values = linesOf(name, skip)
        .slice(1)
        .map((line) => Number(line.split(",")[1]))
      const way = ddSketch(0.01, 2048)
      const kept = sketchOf(way, values)
      for (const q of shares) {
        const exact = exactly(ascending(values), q)
        expect(Math.abs((way.quantile(kept, q) as number) / exact - 1)).toBeLessThanOrEqual(0.01)
      }
    },
  )

  it("skips NaN, takes bigints, and is undefined of nothing", () => {
    const way = ddSketch(0.01, 2048)
    expect(way.quantile(way.fresh(), 0.5)).toBeUndefined()
    expect(way.quantile(sketchOf(way, [NaN, 100n, NaN]), 1)).toBeCloseTo(100, -1)
    expect(() => way.check("1", "x")).toThrow("field x must be a number")
    expect(() => way.check(2n ** 60n, "x")).toThrow("beyond 2^53")
  })
})
