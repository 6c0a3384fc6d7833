/**
 * The open sessions of keys in linear memory: a row per key, which is the session that ends first.
 *
 *   record  [start][last][count] [state] [others]
 *
 * `state` is the user's value, if there is one; `others` a list of the sessions that are open
 * beside it, which only events out of order make, by their start. The row's timer is when its own
 * session is over.
 */
import { layouts, sessionWays } from "./abi.ts"
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
const numbers = {
  start: layouts.session.at.start_ms >>> 3,
  last: layouts.session.at.last_ms >>> 3,
  count: layouts.session.at.count >>> 3,
} as const

/** The open sessions of a key, by their start; they are not to be changed. */
export interface OpenSessions {
  /** The one that ends first. */
  readonly first: OpenSession
  readonly others: readonly OpenSession[]
}

const none: readonly OpenSession[] = []

export class SessionRows {
  readonly rows: Rows
  readonly timers: Timers
  readonly #op: Operator
  readonly #state: RefCell
  readonly #others: RefCell

  constructor(op: Operator) {
    this.#op = op
    this.rows = new Rows(op)
    this.timers = new Timers(op)
    this.#state = new RefCell(this.rows, stateField)
    this.#others = new RefCell(this.rows, othersField)
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

  /** The sessions of a row; the first is a copy, but for its state. */
  sessionsOf(row: number): OpenSessions {
    const { f64 } = this.rows.views
    const at = this.at(row)
    const first: OpenSession = {
      start: f64[at + numbers.start] as number,
      last: f64[at + numbers.last] as number,
      count: f64[at + numbers.count] as number,
      has: this.hasState(row),
      state: undefined,
    }
    if (first.has) first.state = this.stateOf(row)
    return { first, others: this.#othersOf(row) }
  }

  #othersOf(row: number): readonly OpenSession[] {
    if (this.isAlone(this.at(row))) return none
    return this.#others.get(row) as readonly OpenSession[]
  }

  /** Set the state of a row's session. Throws `LIMIT`, `MEMORY`. */
  setState(row: number, value: unknown): void {
    this.#state.set(row, value)
  }

  clearState(row: number): void {
    this.#state.clear(row)
  }

  /** What becomes of an event: one of `sessionWays`. Changes nothing. */
  look(index: number): number {
    const way = this.rows.row(index) === 0 ? sessionWays.SESSION_ASK : this.rows.way(index)
    return way === sessionWays.SESSION_ASK ? this.lookAgain(index) : way
  }

  /** The same of an event that was looked at before. */
  lookAgain(index: number): number {
    return this.#event(index, 0)
  }

  /**
   * The session that an event joins or begins has it; it is not over before a gap behind the event,
   * `leastMs`. Throws `LIMIT`, `MEMORY`.
   */
  take(index: number, leastMs: number): void {
    const way = this.#event(index, 1)
    this.timers.changed(leastMs)
    if (way !== sessionWays.SESSION_BEGINS) return
    this.#op.engine.views.follow()
    if (this.rows.touchesWrites) this.#op.engine.refs.collect()
  }

  #event(index: number, takes: number): number {
    const way = this.#op.engine.wasm.mr_session_event(this.#op.handle, index, takes)
    if (way < 0) throw this.#op.refusal("keep state for another key", way)
    return way
  }

  /**
   * Put a session in the place of those of a row from one to before another, by their start; the
   * first is number 0. Throws `LIMIT`, `MEMORY`: then they are as they were.
   */
  put(row: number, from: number, upto: number, session: OpenSession): void {
    if (from > 0) return this.#splice(row, from - 1, upto - from, session)
    if (upto > 0) {
      this.#setFirst(row, session)
      return this.#splice(row, 0, upto - 1)
    }
    this.#splice(row, 0, 0, this.sessionsOf(row).first)
    try {
      this.#setFirst(row, session)
    } catch (error) {
      this.#splice(row, 0, 1)
      throw error
    }
  }

  /** Take off the first of several. Throws `LIMIT`, `MEMORY`. */
  takeFirst(row: number): void {
    this.#setFirst(row, this.#othersOf(row)[0] as OpenSession)
    this.#splice(row, 0, 1)
  }

  #setFirst(row: number, { start, last, count, has, state }: OpenSession): void {
    if (has) this.#state.set(row, state)
    else this.#state.clear(row)
    const { f64 } = this.rows.views
    const at = this.at(row)
    f64[at + numbers.start] = start
    f64[at + numbers.last] = last
    f64[at + numbers.count] = count
  }

  /** Of the others; in place, unless they are frozen, as in tests. */
  #splice(row: number, from: number, count: number, ...put: OpenSession[]): void {
    const others = this.#othersOf(row)
    if (others.length - count + put.length === 0) return this.#others.clear(row)
    const changed = others.length === 0 || Object.isFrozen(others) ? others.slice() : others
    ;(changed as OpenSession[]).splice(from, count, ...put)
    if (changed !== others) this.#others.set(row, changed)
  }
}
