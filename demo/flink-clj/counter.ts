/** ValueState: count the events of each user. */
import { from, of, valueState } from "millrace"

interface Event {
  readonly user_id: string
  readonly action: string
}

const events: Event[] = [
  { user_id: "ada", action: "login" },
  { user_id: "bob", action: "login" },
  { user_id: "ada", action: "search" },
  { user_id: "ada", action: "buy" },
  { user_id: "bob", action: "logout" },
]

const counts = from(events)
  .keyBy("user_id")
  .process({
    state: { counter: valueState({ default: 0 }) },
    emits: of<{ key: string; count: number }>(),
    process(_, { counter }, ctx, out) {
      const count = counter.value() + 1
      counter.update(count)
      out.collect({ key: ctx.key, count })
    },
  })

for await (const { key, count } of counts) console.log(`${key} ${count}`)
