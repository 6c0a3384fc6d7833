/** ListState: what each user has done so far. */
import { from, listState, of } from "millrace"

const events = [
  { user_id: "ada", action: "login" },
  { user_id: "bob", action: "login" },
  { user_id: "ada", action: "search" },
  { user_id: "ada", action: "buy" },
  { user_id: "bob", action: "reset" },
  { user_id: "bob", action: "login" },
]

const histories = from(events)
  .keyBy("user_id")
  .process({
    state: { history: listState(of<string>()) },
    emits: of<{ key: string; history: string[] }>(),
    process({ action }, { history }, ctx, out) {
      // Each element is kept by itself: adding one does not touch the others.
      if (action === "reset") history.update(["(reset)"])
      else history.add(action)
      out.collect({ key: ctx.key, history: [...history.values()] })
    },
  })

for await (const { key, history } of histories) console.log(`${key}: ${history.join(", ")}`)
