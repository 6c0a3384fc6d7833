/**
 * A sample of some of the values, each with the same chance.
 *
 * Each value has a priority, the hash of the seed and of the number of its event, and the `size`
 * least are kept (bottom-k, as in Cohen and Kaplan 2007): what a reservoir (Vitter 1985) does with
 * chance, but the same at every run, and mergeable, as the least of two lists are among the least
 * of each.
 */
import { hashOf } from "./hash.ts"
import { insertAt } from "./values.ts"
import type { Way } from "./way.ts"

/** Lists of the same length, by ascending priority; of equal ones the first event is first. */
interface Sample {
  priorities: number[]
  orders: number[]
  values: unknown[]
}

export function reservoir(size: number, seed: number): Way<Sample> {
  const add = (kept: Sample, priority: number, order: number, value: unknown) => {
    const at = placeFor(kept, priority, order)
    if (at >= size) return
    insertAt(kept.priorities, at, priority)
    insertAt(kept.orders, at, order)
    insertAt(kept.values, at, value)
    if (kept.values.length <= size) return
    kept.priorities.pop()
    kept.orders.pop()
    kept.values.pop()
  }
  return {
    fresh: () => ({ priorities: [], orders: [], values: [] }),
    check: (value) => value,
    add: (kept, value, _, order) => add(kept, priorityOf(order, seed), order, value),
    merge(kept, { priorities, orders, values }) {
      values.forEach((value, i) => {
        add(kept, priorities[i] as number, orders[i] as number, value)
      })
    },
    result({ orders, values }) {
      const all = values.map((value, i) => ({ value, order: orders[i] as number }))
      return all.sort((a, b) => a.order - b.order).map(({ value }) => value)
    },
  }
}

function placeFor({ priorities, orders }: Sample, priority: number, order: number): number {
  let from = 0
  let upto = priorities.length
  while (from < upto) {
    const middle = (from + upto) >>> 1
    const distance = (priorities[middle] as number) - priority
    if (distance < 0 || (distance === 0 && (orders[middle] as number) < order)) from = middle + 1
    else upto = middle
  }
  return from
}

const bytes = new Uint8Array(8)
const view = new DataView(bytes.buffer)

/** 53 bits that look like chance. */
function priorityOf(order: number, seed: number): number {
  view.setFloat64(0, order, true)
  const { high, low } = hashOf(bytes, view, 8, seed)
  return high * 0x200000 + (low >>> 11)
}
