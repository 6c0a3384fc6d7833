/**
 * What windows give: results and side outputs, each with its time and the event that caused it.
 */
import type { Chunk } from "../chunk.ts"
import type { Finished, Sides } from "../graph.ts"
import type { AnyTag } from "../tag.ts"

/** Values of one output. */
class Column {
  readonly values: unknown[] = []
  readonly causes: number[] = []
  readonly times: number[] = []

  add(value: unknown, cause: number, time: number): void {
    this.values.push(value)
    this.causes.push(cause)
    this.times.push(time)
  }

  cut(size: number): void {
    for (const list of [this.values, this.causes, this.times]) list.length = size
  }

  chunk({ arrival }: Chunk): Chunk {
    const times = arrival.times && Float64Array.from(this.times)
    return { values: this.values, at: Uint32Array.from(this.causes), times, arrival }
  }
}

export class WindowOut {
  readonly #main = new Column()
  readonly #sides = new Map<AnyTag, Column>()
  /** The event of the arrival that causes what is added. */
  cause = 0

  get size(): number {
    return this.#main.values.length
  }

  add(value: unknown, time: number): void {
    this.#main.add(value, this.cause, time)
  }

  addTo(tag: AnyTag, value: unknown, time: number): void {
    let side = this.#sides.get(tag)
    if (side === undefined) this.#sides.set(tag, (side = new Column()))
    side.add(value, this.cause, time)
  }

  /** Where we are; gives what takes back all that is added from here on. */
  mark(): () => void {
    const { size } = this
    const sizes = [...this.#sides].map(([tag, { values }]) => [tag, values.length] as const)
    return () => {
      this.#main.cut(size)
      for (const [tag, side] of this.#sides) {
        side.cut(sizes.find(([known]) => known === tag)?.[1] ?? 0)
      }
    }
  }

  chunk(input: Chunk): Chunk {
    return this.#main.chunk(input)
  }

  sides(input: Chunk): Sides | undefined {
    if (this.#sides.size === 0) return undefined
    return new Map([...this.#sides].map(([tag, side]) => [tag, side.chunk(input)]))
  }

  /** As what comes without an input; undefined: nothing does. */
  finished(): Finished | undefined {
    const { values, times } = this.#main
    return values.length === 0 ? undefined : { values, times: Float64Array.from(times) }
  }

  get values(): readonly unknown[] {
    return this.#main.values
  }
}
