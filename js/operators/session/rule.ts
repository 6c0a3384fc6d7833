/**
 * Which events are one session, and when it is over.
 *
 * Sessions of a key lie more than `gap` apart, so an event is of one of them, or between two, which
 * it makes one: with the state of the earlier, or, where that has none, of the later.
 */
import type { OpenSession, OpenSessions } from "../../engine/session_rows.ts"

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

/** The session of an event, and in whose place it is: from one to before another. */
export interface Fitted {
  readonly own: OpenSession
  readonly from: number
  readonly upto: number
}

/**
 * Put an event at a time among the sessions of a key: of which there may be thousands, where the
 * watermark stays far behind.
 */
export function fitted({ first, others }: OpenSessions, time: number, rule: SessionRule): Fitted {
  const at = (index: number) => (index === 0 ? first : (others[index - 1] as OpenSession))
  const takes = ({ start, last }: OpenSession) => isNear(time, start, last, rule)
  const count = 1 + others.length
  let from = 0
  for (let high = count; from < high;) {
    const middle = (from + high) >>> 1
    const session = at(middle)
    if (time <= session.last || takes(session)) high = middle
    else from = middle + 1
  }
  const own: OpenSession = { start: time, last: time, count: 1, has: false, state: undefined }
  let upto = from
  for (; upto < count && takes(at(upto)); upto++) merge(own, at(upto))
  return { own, from, upto }
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
