/**
 * The state that the function of a window has: it belongs to the key and outlives windows.
 *
 * Windows emit one at a time and at any time, so the row of a key is looked up when one does; all
 * that emit because of one event are one call, which counts as a whole or not at all.
 */
import { Operator } from "../../engine/operator.ts"
import type { FieldKind } from "../../engine/operator.ts"
import { RecordAccess } from "../../engine/record_access.ts"
import { RefAccess } from "../../engine/ref_access.ts"
import { Rows } from "../../engine/rows.ts"
import type { Site } from "../../graph.ts"
import { copyOf } from "../../copy.ts"
import { UserState } from "../../state/access.ts"
import type { Access } from "../../state/access.ts"
import type { StateSetting } from "../../state/config.ts"
import { RecordType } from "../../state/record.ts"
import type { NamedState } from "../../states.ts"
import { TracedAccess } from "../../state/trace.ts"
import type { Tracing } from "../../state/trace.ts"
import { Evictions } from "../evictions.ts"
import { schemaOf } from "../keyed.ts"

export class WindowState {
  readonly operator: Operator
  readonly named: NamedState
  readonly evictions: Evictions
  readonly #rows: Rows
  readonly #setting: StateSetting
  readonly #reader: RecordAccess | RefAccess
  #access: Access
  #user: UserState

  constructor(site: Site, setting: StateSetting) {
    const { value, limits } = setting
    const fields: FieldKind[] =
      value instanceof RecordType ? value.fields.map(([, kind]) => kind) : ["ref"]
    this.operator = new Operator(
      site.engine,
      site.uid,
      { kind: "custom", limits, fields },
      site.label,
    )
    this.evictions = new Evictions(this.operator, (row) => this.readRow(row))
    this.#setting = setting
    this.#rows = new Rows(this.operator)
    this.#reader = this.#newAccess()
    this.#access = this.#newAccess()
    this.#user = new UserState(this.#access)
    this.named = {
      name: "state",
      schema: schemaOf("window", setting),
      operator: this.operator,
      readRow: (row) => this.readRow(row),
    }
  }

  /** What the function gets. */
  get user(): UserState {
    return this.#user
  }

  get access(): Access {
    return this.#access
  }

  /** Be at the row of a key; `timeMs` is the event's or the window's, in the stream's time. */
  begin(key: Uint8Array, now: number, timeMs: number | undefined, watermark: number): void {
    this.#rows.findKey(key, now, timeMs === undefined ? undefined : { timeMs, watermark })
    this.#access.begin(0)
  }

  /** What was done counts; `position` is the event of the job that it is told of with. */
  commit(position: number): void {
    this.#access.commit()
    this.evictions.takeFor(position)
  }

  trace(tracing: Tracing | undefined): void {
    const own = this.#newAccess()
    const { operator } = this
    const keyAt = () => operator.input.keyAt(0)
    this.#access = tracing === undefined ? own : new TracedAccess(own, operator.uid, keyAt, tracing)
    this.#user = new UserState(this.#access)
  }

  readRow(row: number): unknown {
    const reader = this.#reader
    if (reader instanceof RecordAccess) return reader.plainAt(this.#rows.record(row))
    return copyOf(reader.peek(row))
  }

  #newAccess(): RecordAccess | RefAccess {
    const { value } = this.#setting
    return value instanceof RecordType
      ? new RecordAccess(this.#rows, value)
      : new RefAccess(this.#rows, value)
  }
}
