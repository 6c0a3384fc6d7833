/**
 * Rows carried over from one operator to another, with values that a function makes of theirs.
 *
 * What stays is the key, when it was first seen, and when it was last used. No segment has the new
 * rows, so the next checkpoint writes all of them.
 */
import type { RecordType } from "../state/record.ts"
import { cellsOf } from "./cells.ts"
import type { RowMaker } from "./cells.ts"
import type { Operator } from "./operator.ts"
import { scanPages } from "./scan.ts"

/** What the rows of an operator hold: records of a type, or, undefined, any value. */
export interface Held {
  readonly operator: Operator
  readonly record: RecordType<unknown> | undefined
}

/**
 * Carry all rows over to a new operator of the same engine. `change` gives the new value of one;
 * undefined: the row does not come along. Throws what `change` throws; `SERIALIZATION`, `MEMORY`.
 */
export function carryRows(from: Held, into: Held, change: (old: unknown) => unknown): void {
  const { engine } = from.operator
  const { wasm, scratch, views } = engine
  const [old, made] = [cellsOf(from.operator, from.record), cellsOf(into.operator, into.record)]
  let carried = 0
  const maker: RowMaker = {
    make(record) {
      const { handle } = into.operator
      const result = wasm.mr_row_carry(handle, from.operator.handle, carried, record, scratch)
      if (result < 0) throw into.operator.refusal("carry saved state over", result)
      views.follow()
      return views.word(scratch)
    },
  }
  for (const { rows, count } of scanPages(from.operator, -Infinity)) {
    for (const row of views.u32.slice(rows, rows + count)) {
      const value = change(old.read(row))
      if (value === undefined) continue
      carried = row
      made.make(maker, value)
    }
  }
}
