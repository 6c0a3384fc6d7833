/**
 * Values that live on the JavaScript side of a row: the row holds a number, the slab the value.
 *
 * C never calls us: what it lets go of it chains through an array in linear memory, and
 * {@link RefSlab.collect} follows that chain after calls that may remove rows.
 */
import { layouts } from "./abi.ts"
import type { Engine } from "./engine.ts"
import type { Views } from "./views.ts"

/** The top bit of a cell: the value is still encoded bytes (c/ref.h). */
const encodedBit = 0x8000_0000

export class RefSlab {
  readonly #engine: Engine
  #values: unknown[] = [undefined] // Number 0 is none.
  #free: number[] = []
  #at = 0 // Address of the engine's mr_refs; 0 until the first value.
  #capacity = 0
  /** What {@link touch} saw, for nobody: else V8 would leave its loop out. */
  functions = 0
  /** Are values of the user's frozen? See {@link Operator.kept}. */
  freezes = false

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** How many values are live. */
  get size(): number {
    return this.#values.length - 1 - this.#free.length
  }

  get(number: number): unknown {
    return this.#values[number]
  }

  /**
   * Look at the values of a column of cells, by its index in `views.f64`, before they are used one
   * by one: most are no longer in the processor's cache, and here its misses overlap.
   */
  touch(column: number, size: number): void {
    const { f64 } = this.#engine.views
    const values = this.#values
    let functions = 0
    for (let i = column; i < column + size; i++) {
      const cell = f64[i] as number
      if (!isEncoded(cell) && typeof values[cell] === "function") functions++
    }
    this.functions = functions
  }

  replace(number: number, value: unknown): void {
    this.#values[number] = value
  }

  /** Give a value a number. It is counted once a cell holds it. Throws `MEMORY`. */
  add(value: unknown): number {
    const reused = this.#free.pop()
    if (reused !== undefined) {
      this.#values[reused] = value
      return reused
    }
    if (this.#values.length >= this.#capacity) this.#grow()
    this.#values.push(value)
    return this.#values.length - 1
  }

  /** Take a number back that no cell holds. */
  remove(number: number): void {
    this.#values[number] = undefined
    this.#free.push(number)
  }

  /** Free what C has let go of. Also what only removes rows may have grown memory. */
  collect(): void {
    const { views } = this.#engine
    views.follow()
    if (this.#at === 0) return
    const { dropped, next } = layouts.refs.at
    let number = views.word(this.#at + dropped)
    if (number === 0) return
    const chain = views.word(this.#at + next) >>> 2
    while (number !== 0) {
      this.remove(number)
      number = views.u32[chain + number] as number
    }
    views.u32[(this.#at + dropped) >>> 2] = 0
  }

  /** The engine is closed; its memory is somebody else's. */
  clear(): void {
    this.#values = [undefined]
    this.#free = []
    this.#at = 0
    this.#capacity = 0
  }

  #grow(): void {
    const engine = this.#engine
    const capacity = Math.max(64, this.#capacity * 2)
    const result = engine.wasm.mr_refs_reserve(engine.handle, capacity, engine.scratch)
    engine.check("keep another value in state", result)
    this.#at = engine.views.word(engine.scratch)
    this.#capacity = capacity
  }
}

/** The addresses of the cells of a blob of refs (c/ref.h), which hold something or not; 0: none. */
export function cellsOfBlob(views: Views, blob: number): number[] {
  if (blob === 0) return []
  const count = views.word(blob + 4)
  const first = blob + 4 + views.word(blob) - 4 * count
  return Array.from({ length: count }, (_, i) => first + 4 * i)
}

/** Does a cell hold encoded bytes instead of a number? */
export function isEncoded(cell: number): boolean {
  return (cell & encodedBit) !== 0
}

/** The address of the blob of an encoded cell: u32 size, then the bytes. */
export function blobOf(cell: number): number {
  return ((cell & ~encodedBit) << 3) >>> 0
}
