/**
 * The ends of sessions: by timers, the watermark, the end of the source, or to make room.
 *
 * They come in the order of time, and of setting: a session's timer is set by its latest event; of
 * a key with several open sessions, the next one's when the one before ends.
 */
import type { Chunk } from "../../chunk.ts"
import type { StateLimits } from "../../engine/operator.ts"
import type { OpenSession, SessionRows } from "../../engine/session_rows.ts"
import type { StateAccess } from "../../state/access.ts"
import type { KeyValue } from "../../state/keys.ts"
import type { AnyTag } from "../../tag.ts"
import type { Emissions } from "../emissions.ts"
import type { Concurrency } from "../in_flight.ts"
import { Taken } from "../taken.ts"
import { overAt } from "./rule.ts"
import type { SessionRule } from "./rule.ts"

/** The user's function of each event. */
export type EachEvent = (
  event: unknown,
  isNew: boolean,
  state: StateAccess<unknown, unknown>,
) => unknown

/** What a session operator is. */
export interface SessionPlan {
  readonly rule: SessionRule
  readonly limits: StateLimits
  readonly initial: (() => unknown) | undefined
  readonly concurrency: Concurrency
  readonly lateTo: AnyTag | undefined
  readonly each: EachEvent
  /** What goes out at the end of a session; undefined: nothing does. */
  readonly ended: ((key: KeyValue, session: OpenSession) => unknown) | undefined
}

/** How many sessions end in one go, while nothing comes. */
const endedMax = 4096

export class SessionEnds {
  readonly #sessions: SessionRows
  readonly #plan: SessionPlan
  readonly taken = new Taken()

  constructor(sessions: SessionRows, plan: SessionPlan) {
    this.#sessions = sessions
    this.#plan = plan
  }

  /** End what is over by a watermark. */
  upTo(watermark: number, chunk: Chunk, out: Emissions): void {
    for (;;) {
      const due = this.#sessions.timers.take(watermark)
      if (due === undefined) return
      const cause = this.taken.causeOf(chunk, due.timeMs)
      this.first(due.row, (ended, endMs) => out.emit(ended, cause, endMs))
    }
  }

  /** End a bounded number of sessions that are over by a time; undefined if none is. */
  some(uptoMs: number): { values: unknown[]; times: Float64Array<ArrayBuffer> } | undefined {
    const values: unknown[] = []
    const times: number[] = []
    let count = 0
    for (; count < endedMax; count++) {
      const due = this.#sessions.timers.take(uptoMs)
      if (due === undefined) break
      this.first(due.row, (ended, endMs) => {
        values.push(ended)
        times.push(endMs)
      })
    }
    return count === 0 ? undefined : { values, times: Float64Array.from(times) }
  }

  /** The first session of a row is over; `tell` what goes out, if anything does. */
  first(row: number, tell: (ended: unknown, endMs: number) => void): void {
    const sessions = this.#sessions
    if (this.#plan.ended === undefined && sessions.isAlone(sessions.at(row)))
      return sessions.rows.drop(row)
    const { first, others } = sessions.sessionsOf(row)
    const key = sessions.keyOf(row)
    if (others.length === 0) sessions.rows.drop(row)
    else {
      sessions.takeFirst(row)
      sessions.timers.set(row, overAt(sessions.lastOf(row), this.#plan.rule))
    }
    this.#end(key, first, tell)
  }

  /** All sessions of a row end, which is gone already. */
  all(row: number, out: Emissions, cause: number, timeMs: number): void {
    const key = this.#sessions.keyOf(row)
    const { first, others } = this.#sessions.sessionsOf(row)
    for (const session of [first, ...others]) {
      this.#end(key, session, (ended) => out.emit(ended, cause, timeMs))
    }
  }

  #end(key: KeyValue, session: OpenSession, tell: (ended: unknown, endMs: number) => void): void {
    const { ended, rule } = this.#plan
    if (ended !== undefined) tell(ended(key, session), session.last + rule.gapMs)
  }
}
