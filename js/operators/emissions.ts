/**
 * The outputs of one chunk of an operator with timers: what its values cause, and what comes by
 * itself in between, with times of its own.
 */
import { causeOf, noChunk, timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import type { Tolerate } from "../graph.ts"
import type { Sink } from "./seats.ts"

export class Emissions implements Sink {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Emissions(noChunk, false)
  readonly #input: Chunk
  readonly wanted: boolean
  readonly #values: unknown[] = []
  /** The event of the arrival that caused each. */
  readonly #causes: number[] = []
  /** The time of each, as soon as one has its own. */
  #times: number[] | undefined
  #size = 0

  constructor(input: Chunk, wanted: boolean) {
    this.#input = input
    this.wanted = wanted
    if (input.times !== undefined) this.#times = []
  }

  get size(): number {
    return this.#size
  }

  set size(size: number) {
    this.#size = size
    if (!this.wanted) return
    this.#values.length = size
    this.#causes.length = size
    if (this.#times !== undefined) this.#times.length = size
  }

  add(value: unknown, index: number): void {
    this.#size++
    if (!this.wanted) return
    this.#values.push(value)
    this.#causes.push(causeOf(this.#input, index))
    this.#times?.push(timeOf(this.#input, index))
  }

  /** Add what came by itself at a time, once event `cause` of the arrival had come. */
  emit(value: unknown, cause: number, timeMs: number): void {
    this.#size++
    if (!this.wanted) return
    this.#times ??= this.#causes.map((at) => this.#input.arrival.times?.[at] ?? 0)
    this.#values.push(value)
    this.#causes.push(cause)
    this.#times.push(timeMs)
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
    const order = Array.from(this.#causes, (_, i) => i)
    order.sort((a, b) => (this.#causes[a] as number) - (this.#causes[b] as number))
    for (const each of [this.#values, this.#causes, this.#times]) {
      each?.splice(0, each.length, ...order.map((i) => each[i] as never))
    }
  }

  chunk(): Chunk {
    const { arrival } = this.#input
    if (!this.wanted) return { values: new Array<unknown>(this.#size), at: undefined, arrival }
    const times = arrival.times && this.#times && new Float64Array(this.#times)
    return { values: this.#values, at: new Uint32Array(this.#causes), times, arrival }
  }
}
