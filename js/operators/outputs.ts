/**
 * The outputs of one chunk of a verb that gives at most one per value: room is made once, and of
 * outputs that nobody wants only the number is kept.
 */
import { causedBy, noChunk } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import type { Tolerate } from "../graph.ts"

export class Outputs {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Outputs(noChunk, false)
  readonly #input: Chunk
  /** Does anybody take them? If not, what is added may be undefined. */
  readonly wanted: boolean
  readonly #values: unknown[]
  /** The index of the input's value that caused each. */
  readonly #causes: Uint32Array
  size = 0

  constructor(input: Chunk, wanted: boolean) {
    this.#input = input
    this.wanted = wanted
    this.#values = wanted ? new Array<unknown>(input.values.length) : []
    this.#causes = new Uint32Array(wanted ? input.values.length : 0)
  }

  add(value: unknown, cause: number): void {
    if (this.wanted) {
      this.#values[this.size] = value
      this.#causes[this.size] = cause
    }
    this.size++
  }

  /** Deal with the error of a value: the failure that ends the job, or nothing. */
  dealt(tolerate: Tolerate | undefined, index: number, error: unknown): Failure | undefined {
    const dealt = tolerate?.(index, error) ?? { error }
    if ("error" in dealt) return { index, error: dealt.error }
    if ("emit" in dealt) this.add(dealt.emit, index)
    return undefined
  }

  /** Put what was added out of order into the order of the input. */
  sort(): void {
    const order = Array.from({ length: this.wanted ? this.size : 0 }, (_, i) => i)
    order.sort((a, b) => (this.#causes[a] as number) - (this.#causes[b] as number))
    const values = order.map((i) => this.#values[i])
    const causes = Uint32Array.from(order, (i) => this.#causes[i] as number)
    for (let i = 0; i < values.length; i++) this.#values[i] = values[i]
    this.#causes.set(causes)
  }

  /** Them as a chunk. */
  chunk(): Chunk {
    const { arrival, at, times, values } = this.#input
    if (!this.wanted) return { values: new Array<unknown>(this.size), at: undefined, arrival }
    this.#values.length = this.size
    if (this.size === values.length) return { values: this.#values, at, times, arrival }
    return causedBy(this.#input, this.#values, this.#causes.subarray(0, this.size))
  }
}
