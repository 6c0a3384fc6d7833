/**
 * The job of the crash test, for the process that is killed and for the one that looks after it:
 * numbers for ever, counted and summed up by key, and what its state must be at any position.
 */
import { from, record } from "../js/index.ts"
import type { Replayable } from "../js/index.ts"

const keys = 97

/** Steps of 0 to 99 numbers, so that positions and chunks never agree for long. */
const source: Replayable<number, number> = {
  async *read(position = 0) {
    for (let at = position; ;) {
      const upto = at + (at % 100)
      const events = Array.from({ length: upto - at || 1 }, (_, i) => at + i)
      at += events.length
      yield { events, position: at }
      if (at % 3 === 0) yield { events: [], position: at }
    }
  },
}

export const endless = () =>
  from(source)
    .keyBy((n) => n % keys)
    .fold(record({ count: "f64", sum: "f64" }), (row, n) => {
      row.count += 1
      row.sum += n
      return row
    })

/** The state after the numbers below `position`, by plain arithmetic. */
export function stateAt(position: number): { key: number; count: number; sum: number }[] {
  return Array.from({ length: Math.min(position, keys) }, (_, key) => {
    const count = Math.ceil((position - key) / keys)
    return { key, count, sum: count * key + (keys * count * (count - 1)) / 2 }
  })
}
