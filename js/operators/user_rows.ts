/**
 * The rows of a state that is a user function's, a value or a record each, and accessors to them.
 */
import { fieldKinds } from "../engine/cells.ts"
import { Operator } from "../engine/operator.ts"
import { RecordAccess } from "../engine/record_access.ts"
import { RefAccess } from "../engine/ref_access.ts"
import { Rows } from "../engine/rows.ts"
import type { Site } from "../graph.ts"
import { copyOf } from "../copy.ts"
import type { Access } from "../state/access.ts"
import type { StateSetting } from "../state/config.ts"
import { RecordType } from "../state/record.ts"
import { TracedAccess } from "../state/trace.ts"
import type { Tracing } from "../state/trace.ts"
import { Evictions } from "./evictions.ts"

export class UserRows {
  readonly operator: Operator
  readonly rows: Rows
  readonly evictions: Evictions
  readonly #value: StateSetting["value"]
  /** For rows that are looked at from outside. */
  #reader: RecordAccess | RefAccess | undefined

  constructor({ engine, uid, label }: Site, { limits, value, own, migrate }: StateSetting) {
    const fields = fieldKinds(value instanceof RecordType ? value : undefined)
    this.operator = new Operator(
      engine,
      uid,
      { kind: "custom", limits, fields, own, migrate },
      label,
    )
    this.rows = new Rows(this.operator)
    this.evictions = new Evictions(this.operator, (row) => this.readRow(row))
    this.#value = value
  }

  /** A new accessor, whose use is told of if anybody looks on. */
  access(tracing: Tracing | undefined): Access {
    const own = this.#newAccess()
    if (tracing === undefined) return own
    const { uid, input } = this.operator
    return new TracedAccess(own, uid, (index) => input.keyAt(index), tracing)
  }

  /** A row as the user sees it. */
  readRow(row: number): unknown {
    const reader = (this.#reader ??= this.#newAccess())
    if (reader instanceof RecordAccess) return reader.plainAt(this.rows.record(row))
    return copyOf(reader.peek(row))
  }

  #newAccess(): RecordAccess | RefAccess {
    const value = this.#value
    return value instanceof RecordType
      ? new RecordAccess(this.rows, value)
      : new RefAccess(this.rows, value)
  }
}
