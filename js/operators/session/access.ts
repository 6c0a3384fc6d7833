/**
 * One event's session, and the state of it that the user's function sees.
 *
 *   begin:  C says what becomes of the event; where its key has several sessions, or it is not near
 *           the one that there is, they are arranged here
 *   call:   what the function sets is kept aside
 *   commit: the session has the event, and the state; abandon: nothing was
 */
import { sessionWays } from "../../engine/abi.ts"
import type { OpenSession, SessionRows } from "../../engine/session_rows.ts"
import type { Access } from "../../state/access.ts"
import { copyOf } from "../../copy.ts"
import { fitted, overAt } from "./rule.ts"
import type { Fitted, SessionRule } from "./rule.ts"

/** What is known of the events that are being run, by their input rows. */
export interface Moments {
  timeAt(row: number): number
  /** Sessions that are over by this time are over for the event. */
  passedAt(row: number): number
  /** The event has taken effect; other rows may have made room. */
  committed(row: number): void
}

const kept = 0
const replaced = 1
const deleted = 2

export class SessionAccess implements Access {
  readonly #sessions: SessionRows
  readonly #moments: Moments
  readonly #rule: SessionRule
  readonly #initial: (() => unknown) | undefined
  readonly #evicts: boolean
  #index = -1
  /** The event of a call that is suspended. */
  #suspended = -1
  #time = 0
  #way: number = sessionWays.SESSION_BEGINS
  /** Of an event that is apart: its session, and where that will be among those of its key. */
  #fitted: Fitted | undefined
  #change = kept
  #pending: unknown
  #fresh: unknown
  #hasFresh = false
  #detached = false
  /** Was there state when the call was detached? */
  #had = false
  /** Is the event the first of its session? */
  isNew = false
  /** Is its session over already, so that it is of none? */
  late = false

  constructor(
    sessions: SessionRows,
    moments: Moments,
    rule: SessionRule,
    initial: (() => unknown) | undefined,
  ) {
    this.#sessions = sessions
    this.#moments = moments
    this.#rule = rule
    this.#initial = initial
    this.#evicts = sessions.rows.op.spec.limits.evict
  }

  get open(): boolean {
    return this.#index >= 0
  }

  begin(index: number): void {
    this.beginAt(index, this.#moments.timeAt(index))
  }

  /** The same, where the time of the event is known. */
  beginAt(index: number, time: number): void {
    this.#index = index
    this.#time = time
    this.#change = kept
    this.#hasFresh = false
    this.#detached = false
    this.#decide(index, this.#sessions.look(index))
    this.isNew = this.#way === sessionWays.SESSION_BEGINS || this.#own?.count === 1
  }

  detach(): void {
    this.#had = this.#hasState()
    if (this.#had && this.#change === kept) {
      this.#fresh = this.#stateNow()
      this.#hasFresh = true
    }
    this.#detached = true
  }

  suspend(): void {
    this.#suspended = this.#index
    this.#index = -1
  }

  resume(): void {
    if (this.#suspended < 0) return
    this.#index = this.#suspended
    this.#suspended = -1
  }

  exists(): boolean {
    if (this.#change !== kept) return this.#change === replaced
    return this.#hasState()
  }

  get(): unknown {
    if (this.#change === replaced) return this.#pending
    if (this.#hasFresh) return this.#fresh
    if (this.#change === kept && this.#hasState()) return this.#stateNow()
    if (this.#initial === undefined) return undefined
    this.#fresh = this.#initial()
    this.#hasFresh = true
    return this.#fresh
  }

  set(value: unknown): void {
    this.#pending = value
    this.#change = replaced
  }

  delete(): void {
    this.#change = deleted
    if (!this.#detached || !this.#had) return
    this.#fresh = undefined // It was the session's.
    this.#hasFresh = false
  }

  /** The state itself is copied, so that a later event cannot change what was emitted. */
  plain(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value
    const own =
      this.#change === replaced
        ? this.#pending
        : this.#change === kept && this.#hasState()
          ? this.#stateNow()
          : this.#fresh
    return value === own ? copyOf(value) : value
  }

  commit(): void {
    const index = this.#index
    // Others may have gone meanwhile.
    if (this.#detached) this.#decide(index, this.#sessions.lookAgain(index))
    if (this.#way === sessionWays.SESSION_BEGINS) this.#begin(index)
    else if (this.#way === sessionWays.SESSION_JOINS) this.#join(index)
    else if (!this.late) this.#rearrange(index)
    this.#close()
    this.#moments.committed(index)
  }

  abandon(): void {
    this.#close()
  }

  #close(): void {
    this.#index = -1
    this.#pending = undefined
    this.#fresh = undefined
    this.#fitted = undefined
  }

  /** The event goes this way; it is late if its session is over already. */
  #decide(index: number, way: number): void {
    this.#fitted = undefined
    this.#way = way
    if (way === sessionWays.SESSION_APART) this.#fit(index)
    else this.late = way === sessionWays.SESSION_LATE
  }

  /** Put the event among the sessions of its key. */
  #fit(index: number): void {
    const fit = fitted(this.#sessions.sessionsOf(this.#row), this.#time, this.#rule)
    this.#fitted = fit
    this.late = overAt(fit.own.last, this.#rule) <= this.#moments.passedAt(index)
  }

  get #own(): OpenSession | undefined {
    return this.#fitted?.own
  }

  get #row(): number {
    return this.#sessions.rows.row(this.#index)
  }

  #hasState(): boolean {
    if (this.#detached) return this.#had
    if (this.#own !== undefined) return this.#own.has
    return this.#way === sessionWays.SESSION_JOINS && this.#sessions.hasState(this.#row)
  }

  #stateNow(): unknown {
    if (this.#detached) return this.#fresh
    return this.#own === undefined ? this.#sessions.stateOf(this.#row) : this.#own.state
  }

  #begin(index: number): void {
    const sessions = this.#sessions
    sessions.take(index, this.#time + this.#rule.gapMs)
    try {
      if (this.#change === replaced) sessions.setState(this.#row, this.#pending)
    } catch (error) {
      sessions.rows.drop(this.#row)
      throw error
    }
    if (this.#evicts) sessions.rows.touch(index, true)
  }

  #join(index: number): void {
    const sessions = this.#sessions
    if (this.#change === replaced) sessions.setState(this.#row, this.#pending)
    else if (this.#change === deleted) sessions.clearState(this.#row)
    sessions.take(index, this.#time + this.#rule.gapMs)
    if (this.#evicts) sessions.rows.touch(index, true)
  }

  #rearrange(index: number): void {
    const sessions = this.#sessions
    const row = this.#row
    const { own, from, upto } = this.#fitted as Fitted
    if (this.#change === replaced) {
      own.has = true
      own.state = this.#pending
    } else if (this.#change === deleted) {
      own.has = false
      own.state = undefined
    }
    const before = overAt(sessions.lastOf(row), this.#rule)
    sessions.put(row, from, upto, own)
    const due = overAt(sessions.lastOf(row), this.#rule)
    if (due !== before) sessions.timers.set(row, due)
    if (sessions.rows.touchesWrites) sessions.rows.touch(index, true)
  }
}
