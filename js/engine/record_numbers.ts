/**
 * The number fields of the record that a call is at, as an array of doubles.
 *
 * They are loaded when a call begins and stored when it has succeeded. Between the two the user's
 * function reads and writes a plain array, which is less work than linear memory, where every
 * access asks whether the buffer was detached; and a call that fails needs no undoing.
 */
import { closed } from "../state/access.ts"
import type { Field } from "./record_cells.ts"

/** The numbers outside a call: using one throws `CLOSED`, so that nobody has to ask first. */
export const noNumbers: number[] = new Proxy([], {
  get() {
    throw closed()
  },
  set() {
    throw closed()
  },
})

export class Numbers {
  /** In the order of {@link Field.number}. */
  readonly values: number[] = []
  /** Where each lies in the record, in steps of 8 bytes. */
  readonly #at: number[] = []

  constructor(fields: readonly Field[]) {
    for (const { at, number } of fields) {
      if (number < 0) continue
      this.#at.push(at >>> 3)
      this.values.push(0.5) // No integer: so V8 keeps it an array of doubles, whatever comes.
    }
  }

  load(f64: Float64Array, record: number): void {
    const { values } = this
    const at = this.#at
    const from = record >>> 3
    for (let i = 0; i < at.length; i++) values[i] = f64[from + (at[i] as number)] as number
  }

  store(f64: Float64Array, record: number): void {
    const { values } = this
    const at = this.#at
    const to = record >>> 3
    for (let i = 0; i < at.length; i++) f64[to + (at[i] as number)] = values[i] as number
  }

  clear(): void {
    this.values.fill(0)
  }
}
