/**
 * One field of rows that holds a JavaScript value, or none: for operators whose rows stand whether
 * there is a value or not.
 */
import { decodeCell } from "./adopt.ts"
import { isEncoded } from "./refs.ts"
import type { Rows } from "./rows.ts"

export class RefCell {
  readonly #rows: Rows
  readonly #field: number
  readonly #at: number

  /** Field `field` of the records. */
  constructor(rows: Rows, field: number) {
    this.#rows = rows
    this.#field = field
    this.#at = rows.op.layout.fieldAt[field] as number
  }

  /** Has the record at this address a value? */
  has(record: number): boolean {
    return this.#rows.views.u32[(record + this.#at) >>> 2] !== 0
  }

  get(row: number): unknown {
    const { op, engine, views } = this.#rows
    const cellAt = this.#rows.record(row) + this.#at
    const cell = views.word(cellAt)
    return isEncoded(cell) ? decodeCell(op, cellAt, cell) : engine.refs.get(cell)
  }

  /** Throws `LIMIT`, `MEMORY`: then it is as it was. */
  set(row: number, value: unknown): void {
    const { op, engine, views } = this.#rows
    const cell = views.word(this.#rows.record(row) + this.#at)
    if (cell !== 0 && !isEncoded(cell)) return engine.refs.replace(cell, op.kept(value))
    const number = engine.refs.add(op.kept(value))
    try {
      this.#put(row, number)
    } catch (error) {
      engine.refs.remove(number)
      throw error
    }
  }

  clear(row: number): void {
    if (!this.has(this.#rows.record(row))) return
    this.#put(row, 0)
    this.#rows.engine.refs.collect()
  }

  #put(row: number, number: number): void {
    const { op, engine, views } = this.#rows
    const result = engine.wasm.mr_ref_put(op.handle, row, this.#field, number)
    if (result < 0) throw op.refusal("keep a value", result)
    views.follow()
  }
}
