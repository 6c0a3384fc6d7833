/**
 * The values that come most often, by Space-Saving (Metwally, Agrawal and El Abbadi 2005).
 *
 *     counters, at most `capacity`     [ value, count, error, first ]     a heap: least count first
 *
 * A value that has a counter is counted; one that has none, while all are taken, takes over the
 * counter with the least count, which becomes its error. So what is counted is at most `error` too
 * much, never too little, and no error is more than n / capacity of n events: whatever comes more
 * often than that has a counter. Merging is that of Agarwal et al. ("Mergeable summaries", 2012):
 * what the other does not have it may have counted as often as its least count.
 */
import { checkDistinct } from "./values.ts"
import type { Way } from "./way.ts"

/** Lists of the same length, in the order of the heap. */
interface Counters {
  values: unknown[]
  counts: number[]
  errors: number[]
  /** The number of the event that came first, since the value has its counter. */
  firsts: number[]
}

/** One of the values that come most often. */
export interface TopValue<out V = unknown> {
  readonly value: V
  /** How often it came, or up to `error` more than that. */
  readonly count: number
  readonly error: number
}

/** Where each value stands in the heap; made anew for counters that were saved. */
const places = new WeakMap<Counters, Map<unknown, number>>()

export function spaceSaving(most: number, capacity: number): Way<Counters> {
  return {
    fresh: () => ({ values: [], counts: [], errors: [], firsts: [] }),
    check: checkDistinct,
    add(kept, value, _, order) {
      const placeOf = placesOf(kept)
      const place = placeOf.get(value)
      if (place !== undefined) {
        kept.counts[place] = (kept.counts[place] as number) + 1
        sink(kept, placeOf, place)
      } else if (kept.values.length < capacity) {
        push(kept, value, 1, 0, order)
        placeOf.set(value, kept.values.length - 1)
        rise(kept, placeOf)
      } else {
        const least = kept.counts[0] as number
        placeOf.delete(kept.values[0])
        placeOf.set(value, 0)
        kept.values[0] = value
        kept.counts[0] = least + 1
        kept.errors[0] = least
        kept.firsts[0] = order
        sink(kept, placeOf, 0)
      }
    },
    merge: (kept, other) => merge(kept, other, capacity),
    result(kept) {
      const sorted = inOrder(kept).slice(0, most)
      return sorted.map(({ value, count, error }): TopValue => ({ value, count, error }))
    },
  }
}

interface Counter extends TopValue {
  readonly first: number
}

/** By falling count, and as they came. */
function inOrder({ values, counts, errors, firsts }: Counters): Counter[] {
  const all = values.map((value, i): Counter => {
    const [count, error, first] = [counts[i], errors[i], firsts[i]] as [number, number, number]
    return { value, count, error, first }
  })
  return all.sort((a, b) => b.count - a.count || a.first - b.first)
}

function push(kept: Counters, value: unknown, count: number, error: number, first: number): void {
  kept.values.push(value)
  kept.counts.push(count)
  kept.errors.push(error)
  kept.firsts.push(first)
}

function merge(kept: Counters, other: Counters, capacity: number): void {
  const missed = ({ values, counts }: Counters) => {
    return values.length < capacity ? 0 : (counts[0] as number)
  }
  const [missedHere, missedThere] = [missed(kept), missed(other)]
  const theirs = new Map(inOrder(other).map((counter) => [counter.value, counter]))
  const all = inOrder(kept).map(({ value, count, error, first }): Counter => {
    const same = theirs.get(value)
    theirs.delete(value)
    return {
      value,
      count: count + (same?.count ?? missedThere),
      error: error + (same?.error ?? missedThere),
      first: Math.min(first, same?.first ?? first),
    }
  })
  for (const { value, count, error, first } of theirs.values()) {
    all.push({ value, count: count + missedHere, error: error + missedHere, first })
  }
  all.sort((a, b) => b.count - a.count || a.first - b.first)
  kept.values = []
  kept.counts = []
  kept.errors = []
  kept.firsts = []
  // From the least on they are a heap.
  for (const { value, count, error, first } of all.slice(0, capacity).reverse()) {
    push(kept, value, count, error, first)
  }
  places.delete(kept)
}

// ---- the heap ----

function placesOf(kept: Counters): Map<unknown, number> {
  let found = places.get(kept)
  if (found === undefined) {
    found = new Map(kept.values.map((value, place) => [value, place]))
    places.set(kept, found)
  }
  return found
}

/** Is a counter the one to be taken over before another? */
function isLess({ counts, firsts }: Counters, a: number, b: number): boolean {
  const distance = (counts[a] as number) - (counts[b] as number)
  return distance < 0 || (distance === 0 && (firsts[a] as number) < (firsts[b] as number))
}

function swap(kept: Counters, placeOf: Map<unknown, number>, a: number, b: number): void {
  for (const list of [kept.values, kept.counts, kept.errors, kept.firsts] as unknown[][]) {
    const held = list[a]
    list[a] = list[b]
    list[b] = held
  }
  placeOf.set(kept.values[a], a)
  placeOf.set(kept.values[b], b)
}

/** The count of a counter has grown. */
function sink(kept: Counters, placeOf: Map<unknown, number>, from: number): void {
  for (let at = from; ;) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < kept.values.length && isLess(kept, child, least)) least = child
    }
    if (least === at) return
    swap(kept, placeOf, at, least)
    at = least
  }
}

/** The last counter is new. */
function rise(kept: Counters, placeOf: Map<unknown, number>): void {
  for (let at = kept.values.length - 1; at > 0;) {
    const parent = (at - 1) >>> 1
    if (!isLess(kept, at, parent)) return
    swap(kept, placeOf, at, parent)
    at = parent
  }
}
