/**
 * Session tracker: a session ends half an hour after its last event.
 *
 * The timeout is a timer with a name, so that setting it again moves it. Without a name each event
 * would add one, and the first of them would end a session that goes on.
 */
import { of, valueState } from "millrace"
import type { Stream } from "millrace"
import { clock, event, play } from "millrace/testing"

const minute = 60_000
const sessionTimeout = 30 * minute

interface UserEvent {
  readonly user_id: string
  readonly action: string
}

interface Session {
  readonly startTime: number
  readonly eventCount: number
  readonly lastEvent: string | undefined
}

const sessions = (events: Stream<UserEvent>) =>
  events.keyBy("user_id").process({
    uid: "session-tracker",
    state: { session: valueState(of<Session>()) },
    emits: of<string>(),
    process({ action }, { session }, ctx, out) {
      const { startTime, eventCount } = session.value() ?? { startTime: ctx.now, eventCount: 0 }
      const updated = { startTime, eventCount: eventCount + 1, lastEvent: action }
      session.update(updated)
      ctx.timers.processingTime(ctx.now + sessionTimeout, "timeout")
      out.collect(`${ctx.key}: ${action}, number ${updated.eventCount} of its session`)
    },
    onTimer(timestamp, { session }, ctx, out) {
      const { startTime = 0, eventCount = 0 } = session.value() ?? {}
      const minutes = (timestamp - startTime) / minute
      out.collect(`${ctx.key}: session ended after ${minutes} minutes with ${eventCount} events`)
      session.clear()
    },
  })

const script = [
  event({ user_id: "ada", action: "login" }),
  event({ user_id: "bob", action: "login" }),
  clock(20 * minute),
  event({ user_id: "ada", action: "search" }),
  clock(30 * minute), // Bob has been silent for half an hour; Ada has not.
  clock(45 * minute),
  event({ user_id: "ada", action: "buy" }),
  clock(75 * minute),
  clock(80 * minute),
  event({ user_id: "ada", action: "login" }),
]

for (const line of await play(sessions, script, { time: false })) console.log(line)
