/**
 * The job of the crash test, for the process that is killed and for the one that looks after it:
 * numbers for ever, counted and summed up by key, and what its state must be at any position.
 */
import { from, record } from "../js/index.ts"
import type { Replayable, Stream } from "../js/index.ts"

export const keys = 97

/** Steps of `least` to 99 more numbers, so that positions and chunks never agree for long. */
export const numbersUpto = (end = Infinity, least = 0): Replayable<number, number> => ({
  async *read(position = 0) {
    for (let at = position; at < end;) {
      const upto = Math.min(at + (least + (at % 100) || 1), end)
      const events = Array.from({ length: upto - at }, (_, i) => at + i)
      at = upto
      yield { events, position: at }
      if (at % 3 === 0) yield { events: [], position: at }
    }
  },
})

/** Counts and sums by key. */
export const folded = (numbers: Stream<number>) =>
  numbers
    .keyBy((n) => n % keys)
    .fold(record({ count: "f64", sum: "f64" }), (row, n) => {
      row.count += 1
      row.sum += n
      return row
    })

export const endless = () => folded(from(numbersUpto()))

/** The state after the numbers below `position`, by plain arithmetic. */
export function stateAt(position: number): { key: number; count: number; sum: number }[] {
  return Array.from({ length: Math.min(position, keys) }, (_, key) => {
    const count = Math.ceil((position - key) / keys)
    return { key, count, sum: count * key + (keys * count * (count - 1)) / 2 }
  })
}
