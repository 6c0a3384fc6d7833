/**
 * Quantiles within a relative error, by DDSketch (Masson, Rim and Lee 2019).
 *
 *     value -> bucket: floor(log of the value to the base γ)      γ = (1 + error) / (1 - error)
 *     ... [ -γ^2, -γ ) [ -γ, -1 ) ...   0   ... [ 1, γ ) [ γ, γ^2 ) [ γ^2, γ^3 ) ...
 *
 * All values of a bucket are near enough to one that stands for it. The logarithm is a cubic in the
 * mantissa, exact at powers of two and never flatter than the true one, as in Datadog's
 * `CubicallyInterpolatedMapping`: it takes 1 % more buckets, and the same ones on every host.
 *
 * Buckets in use are kept in the order of their values. Of more than `bucketsMax` the two lowest
 * become one, so that the highest quantiles stay right; as which these are depends on the values
 * alone, a sketch is the same whatever their order, and merging two gives the sketch of all.
 */
import { exponentOf, mantissa, scaled } from "./bits.ts"
import { insertAt, isFew, someNumber } from "./values.ts"
import type { Way } from "./way.ts"

interface Buckets {
  /** Which, ascending: below 0 of negative values, 0 of zeros, above 0 of positive values. */
  ids: number[]
  counts: number[]
}

/** A sketch of which quantiles can be asked. */
export interface QuantileSketch extends Way<Buckets> {
  /** The value whose rank is `floor(q · (n - 1))` of n, or one near it; undefined of nothing. */
  quantile(kept: Buckets, q: number): number | undefined
}

export function ddSketch(error: number, bucketsMax: number): QuantileSketch {
  const scale = new Scale(error)
  const countOf = ({ counts }: Buckets) => counts.reduce((sum, count) => sum + count, 0)
  const quantile = (kept: Buckets, q: number) => {
    const { ids, counts } = kept
    const rank = Math.floor(q * (countOf(kept) - 1))
    let below = 0
    const at = counts.findIndex((count) => (below += count) > rank)
    return at < 0 ? undefined : scale.valueOf(ids[at] as number)
  }
  return {
    fresh: () => ({ ids: [], counts: [] }),
    check(value, field) {
      const number = someNumber(value, field)
      return number === undefined ? undefined : scale.bucketOf(number)
    },
    add: (kept, bucket) => add(kept, bucket as number, 1, bucketsMax),
    merge: (kept, other) => merge(kept, other, bucketsMax),
    result(kept) {
      const [p0, p50, p95, p100] = [0, 0.5, 0.95, 1].map((q) => quantile(kept, q))
      return { count: countOf(kept), p0, p50, p95, p100 }
    },
    quantile,
  }
}

// ---- buckets ----

function add({ ids, counts }: Buckets, id: number, count: number, bucketsMax: number): void {
  let from = 0
  let upto = ids.length
  while (from < upto) {
    const middle = (from + upto) >>> 1
    if ((ids[middle] as number) < id) from = middle + 1
    else upto = middle
  }
  const full = ids.length === bucketsMax
  if (ids[from] === id || (full && from === 0)) {
    counts[from] = (counts[from] as number) + count
    return
  }
  insertAt(ids, from, id)
  insertAt(counts, from, count)
  if (!full) return
  counts[1] = (counts[1] as number) + (counts[0] as number)
  ids.shift()
  counts.shift()
}

function merge(kept: Buckets, other: Buckets, bucketsMax: number): void {
  const { ids: ours, counts: ourCounts } = kept
  const { ids: theirs, counts: theirCounts } = other
  if (ours.length === 0) {
    kept.ids = theirs.slice()
    kept.counts = theirCounts.slice()
    return
  }
  if (isFew(theirs, ours)) {
    for (let j = 0; j < theirs.length; j++) {
      add(kept, theirs[j] as number, theirCounts[j] as number, bucketsMax)
    }
    return
  }
  const ids: number[] = []
  const counts: number[] = []
  let i = 0
  let j = 0
  while (i < ours.length || j < theirs.length) {
    const mine = i < ours.length ? (ours[i] as number) : Infinity
    const others = j < theirs.length ? (theirs[j] as number) : Infinity
    ids.push(mine < others ? mine : others)
    const count = mine <= others ? (ourCounts[i++] as number) : 0
    counts.push(others <= mine ? count + (theirCounts[j++] as number) : count)
  }
  const gone = Math.max(ids.length - bucketsMax, 0)
  if (gone > 0) {
    ids.splice(0, gone)
    const below = counts.splice(0, gone)
    counts[0] = below.reduce((sum, count) => sum + count, counts[0] as number)
  }
  kept.ids = ids
  kept.counts = counts
}

// ---- values ----

/** The cubic: 0 of mantissa 1, 1 of mantissa 2, and its slope by ln is at least 10/7. */
const [cubic, square, linear] = [6 / 35, -3 / 5, 10 / 7]

/** Behind the buckets of all doubles, of which there are fewer than 2200 powers of two. */
const powersMax = 1100

class Scale {
  /** Buckets per power of two. */
  readonly #perPower: number
  /** The bucket of 1 less one: those of positive values are above 0. */
  readonly #ofOne: number

  constructor(error: number) {
    // A little less than asked for, for what rounding does at the ends of buckets.
    this.#perPower = 7 / (10 * logGamma(error * (1 - 2 ** -20)))
    this.#ofOne = Math.ceil(powersMax * this.#perPower)
  }

  bucketOf(value: number): number {
    if (value === 0) return 0
    const size = Math.abs(value)
    const power = exponentOf(size)
    const part = mantissa() - 1
    const log = power + ((cubic * part + square) * part + linear) * part
    const index = size === Infinity ? this.#ofOne : Math.floor(log * this.#perPower)
    return value > 0 ? index + this.#ofOne : -index - this.#ofOne
  }

  /** The value that stands for a bucket: all of it is as near to it as can be. */
  valueOf(bucket: number): number {
    if (bucket === 0) return 0
    const index = Math.abs(bucket) - this.#ofOne
    const sign = bucket > 0 ? 1 : -1
    if (index === this.#ofOne) return sign * Infinity
    const [power, from] = this.#startOf(index)
    const [powerAfter, after] = this.#startOf(index + 1)
    const ratio = scaled(after / from, powerAfter - power)
    const value = scaled((from * 2 * ratio) / (1 + ratio), power)
    return sign * Math.min(value, Number.MAX_VALUE)
  }

  /** Where a bucket begins: the power of two, and the mantissa. */
  #startOf(index: number): [power: number, mantissa: number] {
    const log = index / this.#perPower
    const power = Math.floor(log)
    const rest = log - power
    let part = rest
    for (let step = 0; step < 6; step++) {
      // Newton's; each doubles the digits that are right.
      const miss = ((cubic * part + square) * part + linear) * part - rest
      part -= miss / ((3 * cubic * part + 2 * square) * part + linear)
    }
    return [power, 1 + part]
  }
}

/** ln γ = 2 artanh(error), by its series: in exact operations, and never more than it is. */
function logGamma(error: number): number {
  let sum = 0
  for (let k = 60; k >= 0; k--) sum = sum * error * error + 1 / (2 * k + 1)
  return 2 * error * sum
}
