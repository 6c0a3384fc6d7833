/**
 * What overlapping windows of a key have kept, in slices that they share.
 *
 *     slices   [ 0 ][ 1 ][ 2 ] | [ 3 ][ 4 ][ 5 ] | [ 6 ] ...      | where a block begins
 *     window        [ 1    2        3    4 ]
 *                   ( suffix )  ( prefix )
 *
 * A window is the merge of two: of its slices up to the next block, and of those from there on.
 * Suffixes of a block are made all at once, from its end; prefixes grow as windows move on. So each
 * slice is merged three times, however many there are in a window, also where nothing can be
 * subtracted: the two stacks of Tangwongsan, Hirzel and Schneider (2015), turned over where van
 * Herk (1992), and Gil and Werman (1993), do it for the maximum. As blocks lie where they lie, what
 * a window gives depends on its slices alone: suffixes and prefixes are made anew after a restore,
 * and are not saved.
 *
 * An event may be too late for some of its windows, where another source still keeps later ones
 * open: it is in a slice of its own that counts only in windows that end at `from` or later.
 */
import type { Picks } from "../picks.ts"
import type { Stretches } from "./stretches.ts"

/** A stretch of time of a key, and what was kept of its events. */
export interface Slice {
  readonly start: number
  /** -Infinity: it counts in all windows. */
  readonly from: number
  readonly kept: unknown[]
}

/** What is kept of a key. */
export interface KeySlices {
  /** By start, those that are alike by `from`. */
  readonly slices: Slice[]
  /** How many of them have a `from`. */
  later: number
}

/** What was merged for the windows of one block. */
interface Merged {
  /** Where the next block begins. */
  readonly block: number
  /** By the starts of the slices that they begin with; empty until one is wanted. */
  readonly suffixes: Map<number, unknown[]>
  /** What is from the block on, and until when; undefined: nothing is. */
  prefix: unknown[] | undefined
  upto: number
}

export class SharedSlices {
  readonly #picks: Picks
  readonly #stretches: Stretches
  readonly #merged = new WeakMap<KeySlices, Merged>()

  constructor(picks: Picks, stretches: Stretches) {
    this.#picks = picks
    this.#stretches = stretches
  }

  /** What is kept of a time, for those who add to it. */
  at(state: KeySlices, timeMs: number, from: number): unknown[] {
    const { slices } = state
    const start = this.#stretches.sliceOf(timeMs)
    let index = slices.length
    while (index > 0 && isBefore(start, from, slices[index - 1] as Slice)) index--
    let slice = slices[index - 1]
    if (slice?.start !== start || slice.from !== from) {
      slice = { start, from, kept: this.#picks.fresh() }
      slices.splice(index, 0, slice)
      if (from > -Infinity) state.later++
    }
    if (start < (this.#merged.get(state)?.upto ?? -Infinity)) this.#merged.delete(state)
    return slice.kept
  }

  /** The results of the window [start, end). */
  results(state: KeySlices, start: number, end: number): unknown[] {
    const first = firstFrom(state.slices, start)
    const upto = firstFrom(state.slices, end)
    if (upto - first === 1) return this.#picks.results((state.slices[first] as Slice).kept)
    if (state.later > 0) {
      const slices = state.slices.slice(first, upto)
      if (slices.some(({ from }) => from > -Infinity)) {
        return this.#picks.results(this.#all(slices.filter(({ from }) => from <= end)))
      }
    }
    const block = this.#stretches.blockAfter(start)
    let merged = this.#merged.get(state)
    if (merged?.block !== block) {
      merged = { block, suffixes: new Map(), prefix: undefined, upto: block }
      this.#merged.set(state, merged)
    }
    const suffix = this.#suffixOf(state.slices, merged, first)
    const prefix = this.#prefixOf(state.slices, merged, end)
    if (suffix === undefined || prefix === undefined) {
      return this.#picks.results(suffix ?? prefix ?? this.#picks.fresh())
    }
    return this.#picks.results(this.#all([{ kept: suffix }, { kept: prefix }]))
  }

  #all(parts: readonly Pick<Slice, "kept">[]): unknown[] {
    const all = this.#picks.fresh()
    for (const { kept } of parts) this.#picks.merge(all, kept)
    return all
  }

  /** What is in slice `first` and those behind it, before the block. */
  #suffixOf(slices: readonly Slice[], merged: Merged, first: number): unknown[] | undefined {
    const slice = slices[first]
    if (slice === undefined || slice.start >= merged.block) return undefined
    if (!merged.suffixes.has(slice.start)) {
      let behind: Pick<Slice, "kept"> | undefined
      for (let i = firstFrom(slices, merged.block); i-- > first;) {
        const each = slices[i] as Slice
        behind = { kept: this.#all(behind === undefined ? [each] : [behind, each]) }
        merged.suffixes.set(each.start, behind.kept)
      }
    }
    return merged.suffixes.get(slice.start)
  }

  /** What is in the slices from the block on, before the end of a window. */
  #prefixOf(slices: readonly Slice[], merged: Merged, end: number): unknown[] | undefined {
    if (end < merged.upto) {
      merged.prefix = undefined
      merged.upto = merged.block
    }
    const upto = firstFrom(slices, end)
    for (let i = firstFrom(slices, merged.upto); i < upto; i++) {
      merged.prefix ??= this.#picks.fresh()
      this.#picks.merge(merged.prefix, (slices[i] as Slice).kept)
    }
    merged.upto = end
    return merged.prefix
  }

  /** Forget slices that are in no window that is open at a time. */
  forget(state: KeySlices, timeMs: number, latenessMs: number): void {
    const { slices } = state
    const open = slices.findIndex(({ start }) => this.closesAt(start, latenessMs) > timeMs)
    const gone = slices.splice(0, open < 0 ? slices.length : open)
    if (state.later > 0) state.later -= gone.filter(({ from }) => from > -Infinity).length
  }

  /** When the last window of a slice closes. */
  closesAt(slice: number, latenessMs: number): number {
    return this.#stretches.lastEndOf(slice) + latenessMs
  }
}

function isBefore(start: number, from: number, slice: Slice): boolean {
  return start < slice.start || (start === slice.start && from < slice.from)
}

/** The index of the first slice that starts at a time or later. */
function firstFrom(slices: readonly Slice[], timeMs: number): number {
  let from = 0
  let upto = slices.length
  while (from < upto) {
    const middle = (from + upto) >>> 1
    if ((slices[middle] as Slice).start < timeMs) from = middle + 1
    else upto = middle
  }
  return from
}
