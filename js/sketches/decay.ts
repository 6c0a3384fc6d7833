/**
 * A mean in which a value counts half as much for each half-life that it is older than the newest.
 *
 *     weight = Σ 2^-(age / halfLife)      sum = Σ value · 2^-(age / halfLife)      age ≥ 0
 *
 * This is the exponentially weighted moving average of events at any distance of time, in the form
 * that can be merged (forward decay: Cormode, Shkapenyuk, Srivastava and Xu 2009). What is late
 * counts as what it is: old. The powers are made of exact operations, so that state is the same on
 * every host.
 */
import { scaled } from "./bits.ts"
import { someNumber } from "./values.ts"
import type { Way } from "./way.ts"

interface Decayed {
  /** Of the newest value. */
  timeMs: number
  weight: number
  sum: number
}

export function decayedMean(halfLifeMs: number): Way<Decayed> {
  const addAll = (kept: Decayed, timeMs: number, weight: number, sum: number) => {
    const age = timeMs - kept.timeMs
    const less = halved(Math.abs(age) / halfLifeMs)
    const [mine, others] = age > 0 ? [less, 1] : [1, less]
    kept.weight = times(kept.weight, mine) + times(weight, others)
    kept.sum = times(kept.sum, mine) + times(sum, others)
    if (age > 0) kept.timeMs = timeMs
  }
  return {
    fresh: () => ({ timeMs: -Infinity, weight: 0, sum: 0 }),
    check: someNumber,
    add: (kept, value, _, __, timeMs) => addAll(kept, timeMs, 1, value as number),
    merge(kept, { timeMs, weight, sum }) {
      if (weight > 0) addAll(kept, timeMs, weight, sum)
    },
    result: ({ weight, sum }) => (weight > 0 ? sum / weight : undefined),
  }
}

/** What counts for nothing is nothing, however much it is. */
function times(value: number, factor: number): number {
  return factor === 0 ? 0 : value * factor
}

const ln2 = 0.6931471805599453

/** 2^-power, of a power that is not negative. */
function halved(power: number): number {
  const whole = Math.floor(power)
  if (!(whole < 1100)) return 0
  const rest = (power - whole) * ln2
  let sum = 1 // The series of e^-rest, from its end.
  for (let k = 20; k >= 1; k--) sum = 1 - (rest / k) * sum
  return scaled(sum, -whole)
}
