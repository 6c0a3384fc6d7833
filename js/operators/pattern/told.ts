/**
 * What `job.explain` tells of a pattern: events that wait have rows of their own, each under its
 * `[time, number]`; those that partial matches have taken are in the one row of these.
 */
import { copyOf } from "../../copy.ts"
import { decodeCell } from "../../engine/adopt.ts"
import { layouts } from "../../engine/abi.ts"
import type { Operator } from "../../engine/operator.ts"
import { cellsOfBlob, isEncoded } from "../../engine/refs.ts"
import { recordAt } from "../../engine/scan.ts"
import type { KeyValue } from "../../state/keys.ts"
import type { ToldRows } from "../../states.ts"

/** The fields of a row: the event that waits, or what has been taken. */
const [eventField, matchesField] = [0, 1]

export function toldEvents(operator: Operator): ToldRows {
  const { engine, layout } = operator
  const { views } = engine
  const { bytes, at } = layouts.pattern_taken
  const valueAt = (cellAt: number): unknown => {
    const cell = views.word(cellAt)
    return isEncoded(cell) ? decodeCell(operator, cellAt, cell) : engine.refs.get(cell)
  }
  const taken = (blob: number): object[] => {
    const cells = cellsOfBlob(views, blob)
    const first = (cells[0] as number) - cells.length * bytes
    return cells.flatMap((cellAt, i) => {
      if (views.word(cellAt) === 0) return []
      const event = copyOf(valueAt(cellAt))
      return { timeMs: views.f64[(first + i * bytes + at.time_ms) >>> 3], event }
    })
  }
  return {
    keysOf: (key) => [key],
    tell(row, _, entry) {
      const record = recordAt(operator, row)
      const eventAt = record + (layout.fieldAt[eventField] as number)
      if (views.word(eventAt) === 0) {
        const blob = views.word(record + (layout.fieldAt[matchesField] as number))
        return { list: "matches", events: taken(blob) }
      }
      const timeMs = (entry as readonly KeyValue[])[0]
      return { list: "buffered", events: [{ timeMs, event: copyOf(valueAt(eventAt)) }] }
    },
  }
}
