/**
 * What `job.explain` tells of a pattern: rows are under the key, each under `[time, number]`.
 */
import { copyOf } from "../../copy.ts"
import type { Operator } from "../../engine/operator.ts"
import { RefCell } from "../../engine/ref_cell.ts"
import { Rows } from "../../engine/rows.ts"
import type { KeyValue } from "../../state/keys.ts"
import type { ToldRows } from "../../states.ts"

/** The field with the conditions that hold for an event, and with how many matches have it. */
const wordField = 2

/** The events that wait for their time, or that partial matches have taken. */
export function toldEvents(operator: Operator): ToldRows {
  const rows = new Rows(operator)
  const events = new RefCell(rows, 0)
  const wordAt = operator.layout.fieldAt[wordField] as number
  return {
    keysOf: (key) => [key],
    listOf(row) {
      const record = rows.record(row)
      if (!events.has(record)) return undefined // The row of the matches.
      return rows.views.word(record + wordAt + 4) > 0 ? "matches" : "buffered"
    },
    tell(row, _, entry) {
      return { timeMs: (entry as readonly KeyValue[])[0], event: copyOf(events.get(row)) }
    },
  }
}
