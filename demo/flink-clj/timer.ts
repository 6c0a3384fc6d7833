/**
 * Timers: the count of each user, a minute after an event.
 *
 * The clock is a script's, so that a minute takes no time; see `millrace/testing`.
 */
import { of, valueState } from "millrace"
import type { Stream } from "millrace"
import { clock, event, play } from "millrace/testing"

const minute = 60_000

const counted = (events: Stream<{ user_id: string }>) =>
  events.keyBy("user_id").process({
    state: { counter: valueState({ default: 0 }) },
    emits: of<{ key: string; count: number; firedAt: number }>(),
    process(_, { counter }, ctx) {
      counter.update(counter.value() + 1)
      ctx.timers.processingTime(ctx.now + minute)
    },
    onTimer(timestamp, { counter }, ctx, out) {
      out.collect({ key: ctx.key, count: counter.value(), firedAt: timestamp })
      counter.clear()
    },
  })

const script = [
  event({ user_id: "ada" }),
  clock(20_000),
  event({ user_id: "ada" }),
  event({ user_id: "bob" }),
  clock(minute), // Ada's first timer: both of her events.
  clock(80_000), // Her second one, and Bob's.
]

for (const row of await play(counted, script, { time: false })) console.log(JSON.stringify(row))
