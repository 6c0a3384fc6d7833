/**
 * The open sessions of keys in linear memory: a row per key, which is the session that ends first.
 *
 *   record  [start][last][count] [state] [others]
 *
 * `state` is the user's value, if there is one; `others` a list of the sessions that are open
 * beside it, which only events out of order make, by their start. The row's timer is when its own
 * session is over.
 */
import { keyOfRow } from "./keys.ts"
import type { FieldKind, Operator } from "./operator.ts"
import { RefCell } from "./ref_cell.ts"
import { Rows } from "./rows.ts"
import { Timers } from "./timers.ts"
import type { KeyValue } from "../state/key_bytes.ts"

/** A session that is open. */
export interface OpenSession {
  start: number
  /** Time of its latest event. */
  last: number
  count: number
  /** Has it state? */
  has: boolean
  state: unknown
}

/** The fields of {@link SessionRows}, in order. */
export const sessionFields: readonly FieldKind[] = ["f64", "f64", "f64", "ref", "ref"]

const stateField = 3
const othersField = 4

/** Where the numbers of a record lie in `views.f64`, counted from its first. */
export const numbers = { start: 0, last: 1, count: 2 } as const

export class SessionRows {
  readonly rows: Rows
  readonly timers: Timers
  readonly #op: Operator
  readonly #state: RefCell
  readonly #others: RefCell
  /** Address of a record that no row has. */
  readonly #scratch: number

  constructor(op: Operator) {
    const { fieldAt } = op.layout
    if (Object.values(numbers).some((place) => fieldAt[place] !== place * 8)) {
      throw new RangeError("the numbers of a session's record come first, in their order")
    }
    this.#op = op
    this.rows = new Rows(op)
    this.timers = new Timers(op)
    this.#state = new RefCell(this.rows, stateField)
    this.#others = new RefCell(this.rows, othersField)
    this.#scratch = this.rows.borrow()
  }

  /** Where the numbers of a row begin in `views.f64`. */
  at(row: number): number {
    return this.rows.record(row) >>> 3
  }

  lastOf(row: number): number {
    return this.rows.views.f64[this.at(row) + numbers.last] as number
  }

  keyOf(row: number): KeyValue {
    return keyOfRow(this.#op, row)
  }

  /** Is the session of a row the only one that is open, by where its numbers begin? */
  isAlone(at: number): boolean {
    return !this.#others.has(at * 8)
  }

  hasState(row: number): boolean {
    return this.#state.has(this.rows.record(row))
  }

  stateOf(row: number): unknown {
    const value = this.#state.get(row)
    this.rows.lent(row, value)
    return value
  }

  /** All sessions of a row, by their start; copies, but for the state. */
  sessionsOf(row: number): OpenSession[] {
    const { f64 } = this.rows.views
    const at = this.at(row)
    const own: OpenSession = {
      start: f64[at + numbers.start] as number,
      last: f64[at + numbers.last] as number,
      count: f64[at + numbers.count] as number,
      has: this.hasState(row),
      state: undefined,
    }
    if (own.has) own.state = this.stateOf(row)
    if (this.isAlone(at)) return [own]
    const others = this.#others.get(row) as readonly OpenSession[]
    return [own, ...others.map((other) => ({ ...other }))]
  }

  /** Set the state of a row's session. Throws `LIMIT`, `MEMORY`. */
  setState(row: number, value: unknown): void {
    this.#state.set(row, value)
  }

  clearState(row: number): void {
    this.#state.clear(row)
  }

  /** Make the row of an event, which begins a session without state. Throws `LIMIT`, `MEMORY`. */
  create(index: number, timeMs: number): number {
    const record = this.#scratch
    const { u32, f64 } = this.rows.views
    const end = (record + this.#op.layout.recordBytes) >>> 2
    for (let word = record >>> 2; word < end; word++) u32[word] = 0
    const at = record >>> 3
    f64[at + numbers.start] = timeMs
    f64[at + numbers.last] = timeMs
    f64[at + numbers.count] = 1
    this.rows.create(index, record)
    return this.rows.row(index)
  }

  /** These are the sessions of a row from now on, by their start. Throws `LIMIT`, `MEMORY`. */
  replace(row: number, sessions: readonly OpenSession[]): void {
    const [own, ...others] = sessions as [OpenSession, ...OpenSession[]]
    const at = this.at(row)
    const before = this.isAlone(at) ? [] : (this.#others.get(row) as readonly OpenSession[])
    this.#setOthers(row, others)
    try {
      if (own.has) this.#state.set(row, own.state)
      else this.#state.clear(row)
    } catch (error) {
      this.#setOthers(row, before)
      throw error
    }
    const { f64 } = this.rows.views
    f64[at + numbers.start] = own.start
    f64[at + numbers.last] = own.last
    f64[at + numbers.count] = own.count
  }

  #setOthers(row: number, others: readonly OpenSession[]): void {
    if (others.length > 0) this.#others.set(row, others)
    else this.#others.clear(row)
  }
}
