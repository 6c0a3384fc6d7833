/**
 * Streams of values for tests of sketches, and sketches of them.
 */
import type { Way } from "../js/sketches/way.ts"
import { randoms, seedOf } from "./random.ts"

/** A sketch of values, which came one a second. */
export function sketchOf<Kept>(way: Way<Kept>, values: readonly unknown[], from = 0): Kept {
  const kept = way.fresh()
  values.forEach((value, i) => {
    const checked = way.check(value, "x")
    if (checked !== undefined) way.add(kept, checked, value, from + i, (from + i) * 1000)
  })
  return kept
}

/** Sketches of parts of the values, merged from the first to the last. */
export function mergedOf<Kept>(way: Way<Kept>, values: readonly unknown[], size: number): Kept {
  const kept = way.fresh()
  for (let from = 0; from < values.length; from += size) {
    way.merge(kept, sketchOf(way, values.slice(from, from + size), from))
  }
  return kept
}

export const random = randoms(seedOf("sketches"))
export const some = (count: number, make: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => make(i))
export const shuffled = <T>(values: readonly T[]): T[] => {
  const all = values.map((value) => ({ value, at: random() }))
  return all.sort((a, b) => a.at - b.at).map(({ value }) => value)
}
export const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b)

/** Streams that sketches find hard. */
export const hard: Readonly<Record<string, readonly number[]>> = {
  sorted: some(5000, (i) => i + 1),
  reversed: some(5000, (i) => 5000 - i),
  constant: some(1000, () => 42),
  one: [7],
  powers: some(1000, (i) => 2 ** (i - 500)),
  "tiny and huge": shuffled([
    ...some(500, (i) => 1e-300 * (i + 1)),
    ...some(500, (i) => 1e300 / (i + 1)),
  ]),
  denormals: some(2000, (i) => (i + 1) * 5e-324),
  negative: some(3000, (i) => -(1.01 ** (i / 3))),
  mixed: shuffled(some(3001, (i) => i - 1500)),
  zipf: some(20_000, () => Math.floor(1 / (random() + 1e-5))),
  exponential: some(20_000, () => -Math.log(1 - random())),
  extremes: [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, Infinity, -Infinity, 0, -0, 1],
}
export const streams = Object.entries(hard)
