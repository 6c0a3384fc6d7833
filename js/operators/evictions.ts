/**
 * What is told of keys whose state made room for others: to `onEvict`, and to the tag `evictedTo`.
 *
 *   a slice is run -> what it evicted is looked at, and by which event -> C frees it
 *                  -> for `evictedTo`: goes out with the results, as that event caused it
 *                  -> for `onEvict`: told when the whole chunk is run
 *
 * If `onEvict` throws, the job ends with the event that evicted: its results are the last.
 */
import { causedBy, causeOf } from "../chunk.ts"
import type { Arrival, Chunk } from "../chunk.ts"
import { keyOfRow } from "../engine/keys.ts"
import type { Operator, StateLimits } from "../engine/operator.ts"
import { MillraceError } from "../errors.ts"
import type { Sides } from "../graph.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import type { AnyTag } from "../tag.ts"

/** A key whose state made room for others; what `evictedTo` gets. */
export interface EvictedKey<K = unknown> {
  readonly key: K
  /** What was remembered of the key, as `job.state` shows it. */
  readonly state: unknown
  /** The operator's uid. */
  readonly operator: string
  /** Which event of the job it made room for, counted from 0. */
  readonly position: number
}

/** Refuse an `evictedTo` of the operator `where` that would get nothing. Throws `OPTION`. */
export function checkEvictedTo(
  evictedTo: AnyTag | undefined,
  { evict }: StateLimits,
  where: string,
): void {
  if (evictedTo === undefined || evict) return
  const message = `${where}.evictedTo has no meaning without state.onFull "evict"`
  throw new MillraceError("OPTION", message)
}

/** The event of an arrival whose eviction could not be told. */
export interface Untold {
  readonly at: number
  readonly error: unknown
}

export class Evictions {
  readonly #operator: Operator
  readonly #readRow: (row: number) => unknown
  readonly #evictedTo: AnyTag | undefined
  readonly #keyOf: typeof keyOfRow
  /** Of the run that goes on, each with the value of its input that evicted it. */
  #fresh: { readonly evicted: EvictedKey; readonly index: number }[] = []
  /** Of the whole chunk. */
  #untold: EvictedKey[] = []

  /** `keyOf`: the key of a row as it is told. */
  constructor(
    operator: Operator,
    readRow: (row: number) => unknown,
    evictedTo?: AnyTag,
    keyOf = keyOfRow,
  ) {
    this.#operator = operator
    this.#keyOf = keyOf
    this.#readRow = readRow
    this.#evictedTo = evictedTo
  }

  /**
   * Look at what the input rows have evicted that were found last, before others are found;
   * `valueOf` gives the value of the chunk that a row is of.
   */
  take(chunk: Chunk, valueOf: (row: number) => number): void {
    const rows = this.#operator.evicted()
    if (rows.length === 0) return
    try {
      for (const { row, by } of rows) {
        const index = valueOf(by)
        const evicted = this.#look(row, chunk.arrival.first + causeOf(chunk, index))
        if (this.#evictedTo !== undefined) this.#fresh.push({ evicted, index })
      }
    } finally {
      this.#operator.freeEvicted()
    }
  }

  /** The same of what a single call has evicted, for event `position` of the job. */
  takeFor(position: number): void {
    const rows = this.#operator.evicted()
    if (rows.length === 0) return
    try {
      for (const { row } of rows) this.#look(row, position)
    } finally {
      this.#operator.freeEvicted()
    }
  }

  #look(row: number, position: number): EvictedKey {
    const { uid, spec } = this.#operator
    const key = this.#keyOf(this.#operator, row)
    const evicted = { key, state: this.#readRow(row), operator: uid, position }
    if (spec.limits.onEvict !== undefined) this.#untold.push(evicted)
    return evicted
  }

  /** What a run of `chunk` sends to `evictedTo`. */
  sides(chunk: Chunk): Sides {
    if (this.#evictedTo === undefined) return new Map()
    const fresh = this.#fresh
    this.#fresh = []
    const values = fresh.map(({ evicted }) => evicted)
    const indices = Uint32Array.from(fresh, ({ index }) => index)
    return new Map([[this.#evictedTo, causedBy(chunk, values, indices)]])
  }

  /** The chunk is run: tell `onEvict`, and give what it threw. */
  tell({ first }: Pick<Arrival, "first">): Untold | undefined {
    const { limits } = this.#operator.spec
    if (this.#untold.length === 0) return undefined
    const untold = this.#untold
    this.#untold = []
    for (const { key, state, position } of untold) {
      try {
        limits.onEvict?.(key as KeyValue, state)
      } catch (cause) {
        const message = `${this.#operator.label}: onEvict threw; see cause`
        const error = new MillraceError("USER_FUNCTION", message, { cause })
        return { at: position - first, error }
      }
    }
    return undefined
  }
}
