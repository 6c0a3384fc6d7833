/**
 * The outputs of one chunk of an operator with timers: what its values cause, and what comes by
 * itself in between, with times of its own.
 */
import { causeOf, noChunk, timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import type { Tolerate } from "../graph.ts"
import type { Sink } from "./seats.ts"

/** So many outputs are in arrays that V8 keeps in its own heap; then four times as many. */
const fewest = 8

export class Emissions implements Sink {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Emissions(noChunk, false)
  readonly #input: Chunk
  readonly wanted: boolean
  readonly #values: unknown[] = []
  /** The event of the arrival that caused each; room for more. */
  #causes = new Uint32Array(0)
  /** The time of each, as soon as one has its own. */
  #times: Float64Array | undefined
  #size = 0

  constructor(input: Chunk, wanted: boolean) {
    this.#input = input
    this.wanted = wanted
    if (input.times !== undefined) this.#times = new Float64Array(0)
  }

  get size(): number {
    return this.#size
  }

  set size(size: number) {
    this.#size = size
    if (this.wanted) this.#values.length = size
  }

  add(value: unknown, index: number): void {
    const at = this.#size++
    if (!this.wanted) return
    if (at === this.#causes.length) this.#grow()
    this.#values.push(value)
    this.#causes[at] = causeOf(this.#input, index)
    if (this.#times !== undefined) this.#times[at] = timeOf(this.#input, index)
  }

  /** Add what came by itself at a time, once event `cause` of the arrival had come. */
  emit(value: unknown, cause: number, timeMs: number): void {
    const at = this.#size++
    if (!this.wanted) return
    if (at === this.#causes.length) this.#grow()
    this.#times ??= this.#timesBefore(at)
    this.#values.push(value)
    this.#causes[at] = cause
    this.#times[at] = timeMs
  }

  /** Make room for so many more at once. */
  reserve(more: number): void {
    const room = this.#size + more
    if (this.wanted && room > this.#causes.length) this.#grow(room)
  }

  /** The times of the first ones, which have none of their own; room for as many as there is. */
  #timesBefore(size: number): Float64Array {
    const times = new Float64Array(this.#causes.length)
    const { times: arrived } = this.#input.arrival
    for (let at = 0; at < size; at++) times[at] = arrived?.[this.#causes[at] as number] ?? 0
    return times
  }

  #grow(room = Math.max(fewest, this.#causes.length * 4)): void {
    const causes = new Uint32Array(room)
    causes.set(this.#causes)
    this.#causes = causes
    if (this.#times === undefined) return
    const times = new Float64Array(room)
    times.set(this.#times)
    this.#times = times
  }

  /** Deal with the error of a value: the failure that ends the job, or nothing. */
  dealt(tolerate: Tolerate | undefined, index: number, error: unknown): Failure | undefined {
    const dealt = tolerate?.(index, error) ?? { error }
    if ("error" in dealt) return { index, error: dealt.error }
    if ("emit" in dealt) this.add(dealt.emit, index)
    return undefined
  }

  /** Put what was added out of order into the order of its causes. */
  sort(): void {
    if (!this.wanted) return
    const [values, causes, times] = [[...this.#values], this.#causes.slice(), this.#times?.slice()]
    const order = values.map((_, i) => i)
    order.sort((a, b) => (causes[a] as number) - (causes[b] as number))
    for (const [to, from] of order.entries()) {
      this.#values[to] = values[from]
      this.#causes[to] = causes[from] as number
      if (this.#times !== undefined) this.#times[to] = times?.[from] as number
    }
  }

  chunk(): Chunk {
    const { arrival } = this.#input
    const size = this.#size
    if (!this.wanted) return { values: new Array<unknown>(size), at: undefined, arrival }
    const times = arrival.times && this.#times?.subarray(0, size)
    return { values: this.#values, at: this.#causes.subarray(0, size), times, arrival }
  }
}
