/**
 * The refs of the events of a slice, on their way to C, which keeps them, or gives them up.
 */
import type { Operator } from "../engine/operator.ts"
import { sliceRowsMax } from "../engine/operator.ts"
import type { Slice } from "./pushed.ts"

export class SliceRefs {
  readonly #operator: Operator
  /** By the rows of the slice. */
  readonly #refs = new Float64Array(sliceRowsMax)
  #size = 0

  constructor(operator: Operator) {
    this.#operator = operator
  }

  /** Make a ref of each event. May grow memory. */
  make(slice: Slice): void {
    const { refs } = this.#operator.engine
    const { chunk, from, filled } = slice
    const { values } = chunk
    const { rows, size } = filled
    const numbers = this.#refs
    this.#size = 0 // Also where there is no memory for more.
    for (let row = 0; row < size; row++) {
      numbers[row] = refs.add(values[rows === undefined ? from + row : (rows[row] as number)])
      this.#size = row + 1
    }
  }

  /** Write them to a column of the input. */
  write(column: number): void {
    const { input, engine } = this.#operator
    engine.views.f64.set(this.#refs.subarray(0, this.#size), input.column(column))
  }

  /** C did not keep that of a row. */
  remove(row: number): void {
    this.#operator.engine.refs.remove(this.#refs[row] as number)
  }

  /** What C has not taken of the slice is nobody's. */
  takeBack(): void {
    const { engine, upto } = this.#operator
    for (const ref of this.#refs.subarray(upto, this.#size)) engine.refs.remove(ref)
    this.#size = 0
  }
}
