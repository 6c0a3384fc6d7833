/** The five methods of state: get, set, exists, delete, update. */
import { from, of } from "millrace"
import type { StateAccess } from "millrace"

interface UserState {
  count: number
}

const steps = [
  { user: "ada", does: "get" },
  { user: "ada", does: "set" },
  { user: "ada", does: "exists" },
  { user: "bob", does: "exists" },
  { user: "ada", does: "update" },
  { user: "bob", does: "update" },
  { user: "ada", does: "delete" },
  { user: "ada", does: "get" },
] as const

function step(does: (typeof steps)[number]["does"], state: StateAccess<UserState>): string {
  switch (does) {
    case "get":
      return `has ${(state.get() ?? { count: 0 }).count}`
    case "set":
      state.set({ count: 10 })
      return "is set to 10"
    case "exists":
      return state.exists() ? "exists" : "does not exist"
    case "delete":
      state.delete()
      return "is deleted"
    case "update":
      // Nothing comes between the reading and the writing.
      return `is now ${state.update((current) => ({ count: (current?.count ?? 0) + 1 })).count}`
  }
}

await from(steps)
  .keyBy("user")
  .map(({ user, does }, state) => `${user} ${step(does, state)}`, {
    state: { ttl: "1h", type: of<UserState>() },
  })
  .forEach((line) => console.log(line))
