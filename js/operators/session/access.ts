/**
 * One event's session, and the state of it that the user's function sees.
 *
 *   enter: which of its key's open sessions the event is of: joins, bridges two, begins one
 *   call:  what the function sets is kept aside
 *   commit: the session has the event, and the state; abandon: nothing was
 *
 */
import { numbers } from "../../engine/session_rows.ts"
import type { OpenSession, SessionRows } from "../../engine/session_rows.ts"
import type { Access } from "../../state/access.ts"
import { copyOf } from "../../copy.ts"
import { fitted, isNear, overAt } from "./rule.ts"
import type { SessionRule } from "./rule.ts"

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

/** How an event comes to its session. */
const begins = 0 // With a row that is made for it.
const joins = 1 // It is the row's.
const rearranges = 2 // The row has several, before or after.

export class SessionAccess implements Access {
  readonly #sessions: SessionRows
  readonly #moments: Moments
  readonly #rule: SessionRule
  readonly #initial: (() => unknown) | undefined
  #index = -1
  /** The event of a call that is suspended. */
  #suspended = -1
  #time = 0
  #passed = 0
  #row = 0
  /** Where its numbers begin. */
  #at = 0
  #way = begins
  /** Where it rearranges: the sessions of the key as they will be, and which is the event's. */
  #all: OpenSession[] = []
  #own: OpenSession | undefined
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
  }

  get open(): boolean {
    return this.#index >= 0
  }

  begin(index: number): void {
    this.beginAt(index, this.#moments.timeAt(index), this.#moments.passedAt(index))
  }

  /** The same, where the moment of the event is known. */
  beginAt(index: number, time: number, passed: number): void {
    this.#index = index
    this.#time = time
    this.#passed = passed
    this.#change = kept
    this.#hasFresh = false
    this.#detached = false
    this.#place(index, time, passed)
    this.isNew = this.#own === undefined ? this.#way === begins : this.#own.count === 1
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
    const sessions = this.#sessions
    // Others may have gone meanwhile.
    if (this.#detached) this.#place(index, this.#time, this.#passed)
    if (!this.late) {
      if (this.#way === rearranges) this.#rearrange()
      else if (this.#way === joins) this.#join()
      else this.#begin(index)
      if (sessions.rows.touchesWrites) sessions.rows.touch(index, true)
    }
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
    if (this.#own === undefined) return
    this.#own = undefined
    this.#all = []
  }

  /** Find the event's session; it is late if that is over already. */
  #place(index: number, time: number, passed: number): void {
    const { rows } = this.#sessions
    const row = rows.enter(index)
    let lastMs = time
    this.#row = row
    this.#own = undefined
    this.#way = begins
    if (row !== 0) {
      const { f64 } = rows.views
      const at = this.#sessions.at(row)
      const last = f64[at + numbers.last] as number
      const near = isNear(time, f64[at + numbers.start] as number, last, this.#rule)
      if (!near || !this.#sessions.isAlone(at)) return this.#fit(row)
      this.#at = at
      this.#way = joins
      if (last > time) lastMs = last
    }
    // Only what is so far behind can be late: no session is over before it begins.
    this.late = lastMs < passed && overAt(lastMs, this.#rule) <= passed
  }

  /** Put the event among the sessions of its key. */
  #fit(row: number): void {
    const { all, own } = fitted(this.#sessions.sessionsOf(row), this.#time, this.#rule)
    this.#way = rearranges
    this.#own = own
    this.#all = all
    this.late = overAt(own.last, this.#rule) <= this.#passed
  }

  #hasState(): boolean {
    if (this.#detached) return this.#had
    if (this.#own !== undefined) return this.#own.has
    return this.#way === joins && this.#sessions.hasState(this.#row)
  }

  #stateNow(): unknown {
    if (this.#detached) return this.#fresh
    return this.#own === undefined ? this.#sessions.stateOf(this.#row) : this.#own.state
  }

  #begin(index: number): void {
    const sessions = this.#sessions
    const row = sessions.create(index, this.#time)
    try {
      if (this.#change === replaced) sessions.setState(row, this.#pending)
    } catch (error) {
      sessions.rows.drop(row)
      throw error
    }
    sessions.timers.set(row, overAt(this.#time, this.#rule))
  }

  #join(): void {
    const sessions = this.#sessions
    const row = this.#row
    const time = this.#time
    if (this.#change === replaced) sessions.setState(row, this.#pending)
    else if (this.#change === deleted) sessions.clearState(row)
    const { f64 } = sessions.rows.views
    const at = this.#at
    f64[at + numbers.count] = (f64[at + numbers.count] as number) + 1
    if (time < (f64[at + numbers.start] as number)) f64[at + numbers.start] = time
    if (time <= (f64[at + numbers.last] as number)) return
    f64[at + numbers.last] = time
    sessions.timers.set(row, overAt(time, this.#rule))
  }

  #rearrange(): void {
    const sessions = this.#sessions
    const own = this.#own as OpenSession
    if (this.#change === replaced) {
      own.has = true
      own.state = this.#pending
    } else if (this.#change === deleted) {
      own.has = false
      own.state = undefined
    }
    const before = overAt(sessions.lastOf(this.#row), this.#rule)
    sessions.replace(this.#row, this.#all)
    const due = overAt(sessions.lastOf(this.#row), this.#rule)
    if (due !== before) sessions.timers.set(this.#row, due)
  }
}
