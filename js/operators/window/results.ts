/**
 * The rows that windows emit: `{ key, start, end, …aggregates }`, made of columns in linear memory.
 */
import { valueOf } from "../aggregate_rows.ts"
import { windowColumns } from "../../engine/abi.ts"
import { keysOf } from "../../engine/keys.ts"
import type { Operator } from "../../engine/operator.ts"
import { givesNone } from "../aggregates.ts"
import type { AggregateSpec } from "../aggregates.ts"
import { shapeOf } from "../shapes.ts"
import type { Row } from "../shapes.ts"

export type { Row } from "../shapes.ts"

/** Makes rows `{ key, start, end, …aggregates }` of the first `size` results. */
export type RowsOf = (size: number) => Row[]

export function rowMaker(
  operator: Operator,
  specs: readonly AggregateSpec[],
  revised: boolean,
): RowsOf {
  const { WINDOW_START, WINDOW_END, WINDOW_REVISION, WINDOW_COLUMNS } = windowColumns
  const results = specs.map(([name, { kind }]) => ({ name, mayBeNone: givesNone(kind) }))
  const more = [...(revised ? ["revision"] : []), ...specs.map(([name]) => name)]
  const shape = shapeOf(["key", "start", "end", ...more], () => {
    return function (key: unknown, start: number, end: number) {
      this["key"] = key
      this["start"] = start
      this["end"] = end
    }
  })
  const [first, second, third] = results
  return (size) => {
    const { results: from, engine } = operator
    const keys = keysOf(from)
    const { f64 } = engine.views
    const starts = from.column(WINDOW_START)
    const ends = from.column(WINDOW_END)
    const revisions = from.column(WINDOW_REVISION)
    const at = results.map((_, column) => from.column(WINDOW_COLUMNS + column))
    const [atFirst = 0, atSecond = 0, atThird = 0] = at
    const rows = new Array<Row>(size)
    for (let i = 0; i < size; i++) {
      const row = new shape.Made(keys[i], f64[starts + i] as number, f64[ends + i] as number)
      if (revised) row["revision"] = f64[revisions + i]
      // Statements of their own, as in aggregate_rows.ts.
      if (first !== undefined) {
        row[first.name] = valueOf(f64[atFirst + i] as number, first.mayBeNone)
      }
      if (second !== undefined) {
        row[second.name] = valueOf(f64[atSecond + i] as number, second.mayBeNone)
      }
      if (third !== undefined) {
        row[third.name] = valueOf(f64[atThird + i] as number, third.mayBeNone)
      }
      for (let column = 3; column < at.length; column++) {
        const { name, mayBeNone } = results[column] as (typeof results)[number]
        row[name] = valueOf(f64[(at[column] as number) + i] as number, mayBeNone)
      }
      rows[i] = row
    }
    if (size > 0) shape.last = rows[0]
    return rows
  }
}
