/**
 * Which events are one session, and when it is over.
 *
 * Sessions of a key lie more than `gap` apart, so an event is of one of them, or between two, which
 * it makes one: with the state of the earlier, or, where that has none, of the later.
 */
import type { OpenSession } from "../../engine/session_rows.ts"

/** What makes events one session. */
export interface SessionRule {
  readonly gapMs: number
  /** Does an event just `gap` after the last begin another session? */
  readonly exclusive: boolean
}

/** From when on a session whose latest event was at a time is over, in whole milliseconds. */
export function overAt(lastMs: number, { gapMs, exclusive }: SessionRule): number {
  const end = lastMs + gapMs
  return exclusive ? Math.ceil(end) : Math.floor(end) + 1
}

/** Does an event at a time belong to a session? */
export function isNear(
  time: number,
  startMs: number,
  lastMs: number,
  { gapMs, exclusive }: SessionRule,
): boolean {
  if (exclusive) return time > startMs - gapMs && time < lastMs + gapMs
  return time >= startMs - gapMs && time <= lastMs + gapMs
}

/**
 * The sessions of a key with one more event, by their start, and the one that the event is of.
 */
export function fitted(
  sessions: readonly OpenSession[],
  time: number,
  rule: SessionRule,
): { readonly all: OpenSession[]; readonly own: OpenSession } {
  const own: OpenSession = { start: time, last: time, count: 1, has: false, state: undefined }
  const others: OpenSession[] = []
  for (const session of sessions) {
    if (!isNear(time, session.start, session.last, rule)) others.push(session)
    else merge(own, session)
  }
  return { all: [...others, own].sort((a, b) => a.start - b.start), own }
}

/** Of two that are one now the earlier's state stays; the later's, where that has none. */
function merge(own: OpenSession, session: OpenSession): void {
  own.start = Math.min(own.start, session.start)
  own.last = Math.max(own.last, session.last)
  own.count += session.count
  if (own.has) return
  own.has = session.has
  own.state = session.state
}
