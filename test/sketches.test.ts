/** How near topK is; ewma and sample, by themselves. */
import { describe, expect, it } from "vitest"
import { decayedMean } from "../js/sketches/decay.ts"
import { reservoir } from "../js/sketches/reservoir.ts"
import { spaceSaving } from "../js/sketches/space_saving.ts"
import type { TopValue } from "../js/sketches/space_saving.ts"
import { linesOf } from "./data.ts"
import { ascending, hard, mergedOf, shuffled, sketchOf, some, streams } from "./sketch_data.ts"

/** How often each value comes. */
function counted(values: readonly unknown[]): Map<unknown, number> {
  const counts = new Map<unknown, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

describe("topK", () => {
  const check = (top: readonly TopValue[], values: readonly unknown[], capacity: number) => {
    const exact = counted(values)
    for (const { value, count, error } of top) {
      const times = exact.get(value) ?? 0
      expect(count).toBeGreaterThanOrEqual(times)
      expect(count - error).toBeLessThanOrEqual(times)
      expect(error).toBeLessThanOrEqual(values.length / capacity)
    }
    const had = new Set(top.map(({ value }) => value))
    for (const [value, times] of exact) {
      if (times > values.length / capacity) expect(had.has(value)).toBe(true)
    }
  }

  it.each(streams)("is within its error, and merged: %s", (_, values) => {
    for (const capacity of [1, 10, 100]) {
      const way = spaceSaving(capacity, capacity)
      check(way.result(sketchOf(way, values)) as TopValue[], values, capacity)
      for (const size of [1, 7, 800]) {
        check(way.result(mergedOf(way, values, size)) as TopValue[], values, capacity)
      }
    }
  })

  it("is exact while there is room, equal ones as they came", () => {
    const way = spaceSaving(3, 10)
    const values = ["b", "a", "c", "a", "d", "b", NaN, NaN, NaN]
    const top = [
      { value: NaN, count: 3, error: 0 },
      { value: "b", count: 2, error: 0 },
      { value: "a", count: 2, error: 0 },
    ]
    expect(way.result(sketchOf(way, values))).toEqual(top)
    expect(way.result(mergedOf(way, values, 2))).toEqual(top)
  })

  it("goes on from what was saved", () => {
    const way = spaceSaving(20, 20)
    const values = hard["zipf"] as readonly number[]
    const whole = sketchOf(way, values)
    const half = structuredClone(sketchOf(way, values.slice(0, 10_000)))
    values.slice(10_000).forEach((value, i) => way.add(half, value, value, 10_000 + i, 0))
    expect(half).toEqual(whole)
  })

  it("finds the busiest addresses of a web server", ({ skip }) => {
    const addresses = linesOf("elastic_apache_logs.log", skip).map((line) => line.split(" ")[0])
    const way = spaceSaving(200, 200)
    const top = way.result(sketchOf(way, addresses)) as TopValue[]
    check(top, addresses, 200)
    check(way.result(mergedOf(way, addresses, 100)) as TopValue[], addresses, 200)
    const [[busiest, count]] = [...counted(addresses)].sort((a, b) => b[1] - a[1]) as [
      [unknown, number],
    ]
    expect(top[0]).toEqual({ value: busiest, count, error: 0 })
  })
})

describe("ewma", () => {
  const exactly = (values: readonly number[], halfLifeMs: number) => {
    const weights = values.map((_, i) => 2 ** (-((values.length - 1 - i) * 1000) / halfLifeMs))
    const sum = values.reduce((sum, value, i) => sum + value * (weights[i] as number), 0)
    return sum / weights.reduce((sum, weight) => sum + weight, 0)
  }

  it("is the weighted mean, in any order, and merged", () => {
    for (const [name, values] of streams) {
      if (name === "extremes" || name === "tiny and huge") continue
      for (const halfLife of [500, 10_000, 3_600_000]) {
        const way = decayedMean(halfLife)
        const exact = exactly(values, halfLife)
        const close = (kept: ReturnType<typeof way.fresh>) => {
          const far = Math.abs((way.result(kept) as number) - exact)
          const size = Math.max(...values.slice(-5000).map(Math.abs))
          expect([name, far <= 1e-12 * size + Number.MIN_VALUE * 2]).toEqual([name, true])
        }
        close(sketchOf(way, values))
        for (const size of [1, 7, 800]) close(mergedOf(way, values, size))
        const kept = way.fresh()
        for (const i of shuffled(values.map((_, i) => i))) way.add(kept, values[i], 0, i, i * 1000)
        close(kept)
      }
    }
  })

  it("forgets what is old altogether, however much it was", () => {
    const way = decayedMean(0.5)
    const kept = sketchOf(way, [Infinity, -Infinity, 3, 4])
    expect(way.result(kept)).toBe(4)
    way.add(kept, Infinity, 0, 9, 0) // Late by more than counts.
    expect(way.result(kept)).toBe(4)
    expect(way.result(way.fresh())).toBeUndefined()
  })
})

describe("sample", () => {
  it("is the same however the values are cut", () => {
    for (const size of [1, 10, 100]) {
      const way = reservoir(size, 5)
      const values = some(3000, (i) => i)
      const whole = sketchOf(way, values)
      expect(whole.values).toHaveLength(size)
      for (const part of [1, 7, 800]) expect(mergedOf(way, values, part)).toEqual(whole)
      const taken = way.result(whole) as number[]
      expect(taken).toEqual(ascending(taken))
      expect(way.result(sketchOf(reservoir(size, 6), values))).not.toEqual(taken)
    }
    const few = reservoir(10, 1)
    expect(few.result(sketchOf(few, ["c", "a", "b"]))).toEqual(["c", "a", "b"])
  })

  it("gives each value the same chance", () => {
    const hits = new Array<number>(50).fill(0)
    for (let seed = 0; seed < 4000; seed++) {
      const way = reservoir(5, seed)
      for (const value of way.result(
        sketchOf(
          way,
          some(50, (i) => i),
        ),
      ) as number[]) {
        hits[value] = (hits[value] as number) + 1
      }
    }
    // Chi squared with 49 degrees of freedom, less for no replacement; 100 is once in 10^5.
    const squared = hits.reduce((sum, hit) => sum + (hit - 400) ** 2 / 400, 0)
    expect(squared).toBeLessThan(100)
  })
})
