/**
 * Results and side outputs: what goes aside, and what goes where of what a node gives in order.
 */
import { concat, merge } from "./chunk.ts"
import type { Arrival, Chunk } from "./chunk.ts"
import type { Finished, Ran, Sides } from "./graph.ts"
import type { AnyTag } from "./tag.ts"

/** All of these together: one tag may be for errors and for something else. */
export function joinSides(given: readonly (Sides | undefined)[]): Sides {
  const all = given.filter((sides) => sides !== undefined)
  const tags = new Set(all.flatMap((sides) => [...sides.keys()]))
  return new Map([...tags].map((tag) => [tag, merge(all.flatMap((sides) => sides.get(tag) ?? []))]))
}

/** The same of pieces of a chunk that follow each other. */
export function concatSides(pieces: readonly Sides[], arrival: Arrival): Sides {
  const tags = new Set(pieces.flatMap((sides) => [...sides.keys()]))
  const chunkOf = (tag: AnyTag) => pieces.flatMap((sides) => sides.get(tag) ?? [])
  return new Map([...tags].map((tag) => [tag, concat(chunkOf(tag), arrival)]))
}

/** What a node gives: in order, each with where it goes, the event that caused it, and its time. */
export class Emitted {
  /** Stays for good, as in passage.ts; its time is no integer, as most are none to V8. */
  static readonly lasting = new Emitted(NaN)
  readonly #values: unknown[] = []
  readonly #tags: (AnyTag | undefined)[] = []
  readonly #causes: number[] = []
  readonly #times: number[] = []
  /** Of what is added next; causes ascend. */
  cause = 0
  timeMs: number

  constructor(timeMs = 0) {
    this.timeMs = timeMs
  }

  get size(): number {
    return this.#values.length
  }

  /** Forget what was added since. */
  set size(size: number) {
    for (const list of [this.#values, this.#tags, this.#causes, this.#times]) list.length = size
  }

  add(value: unknown, tag?: AnyTag): void {
    this.#values.push(value)
    this.#tags.push(tag)
    this.#causes.push(this.cause)
    this.#times.push(this.timeMs)
  }

  /** Change what was added since. */
  changeFrom(size: number, change: (value: unknown) => unknown): void {
    for (let i = size; i < this.#values.length; i++) this.#values[i] = change(this.#values[i])
  }

  /** What a chunk's arrival has caused. */
  ran(arrival: Arrival): Ran {
    const timed = arrival.times !== undefined
    if (this.#tags.every((tag) => tag === undefined)) {
      const times = timed ? this.#times : []
      return { chunk: chunkOf({ values: this.#values, at: this.#causes, times }, arrival) }
    }
    const piles = new Piles()
    for (let i = 0; i < this.size; i++) {
      const time = timed ? (this.#times[i] as number) : undefined
      piles.add(this.#values[i], this.#tags[i], this.#causes[i] as number, time)
    }
    return piles.ran(arrival)
  }

  /** The same, emitted by itself; without times it has the latest of the source. */
  finished(timed: boolean): Finished {
    const finished = { values: this.#values, tags: this.#tags }
    return timed ? { ...finished, times: Float64Array.from(this.#times) } : finished
  }
}

/** What a node emitted by itself: each value is an event of its own. */
export function spread({ values, tags }: Finished, arrival: Arrival): Ran {
  if (tags === undefined) return { chunk: { values, at: undefined, arrival } }
  const piles = new Piles()
  values.forEach((value, i) => piles.add(value, tags[i], i, undefined))
  return piles.ran(arrival)
}

interface Pile {
  readonly values: unknown[]
  readonly at: number[]
  readonly times: number[]
}

/** Values by where they go. */
class Piles {
  readonly #piles = new Map<AnyTag | undefined, Pile>([[undefined, emptyPile()]])

  add(value: unknown, tag: AnyTag | undefined, at: number, timeMs: number | undefined): void {
    let pile = this.#piles.get(tag)
    if (pile === undefined) this.#piles.set(tag, (pile = emptyPile()))
    pile.values.push(value)
    pile.at.push(at)
    if (timeMs !== undefined) pile.times.push(timeMs)
  }

  ran(arrival: Arrival): Ran {
    const chunk = chunkOf(this.#piles.get(undefined) as Pile, arrival)
    const sides = new Map<AnyTag, Chunk>()
    for (const [tag, pile] of this.#piles) {
      if (tag !== undefined) sides.set(tag, chunkOf(pile, arrival))
    }
    return sides.size === 0 ? { chunk } : { chunk, sides }
  }
}

/** By `new`: `from` goes through an iterator. */
function chunkOf({ values, at, times }: Pile, arrival: Arrival): Chunk {
  const own = times.length > 0 ? new Float64Array(times) : undefined
  return { values, at: new Uint32Array(at), times: own, arrival }
}

function emptyPile(): Pile {
  return { values: [], at: [], times: [] }
}
