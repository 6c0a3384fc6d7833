/** Stateful session: visits that a pause ends, with state of their own, and a report of each. */
import { from, of, StateConfigs } from "millrace"

interface UserEvent {
  readonly user_id: string
  readonly action: string
  readonly timestamp: number
}

const minute = 60_000
const at = (minutes: number, user_id: string, action: string): UserEvent => {
  return { user_id, action, timestamp: minutes * minute }
}
const events = [
  at(0, "ada", "login"),
  at(2, "bob", "view"),
  at(10, "ada", "view"),
  at(40, "ada", "buy"), // Exactly 30 minutes later: still the same session.
  at(45, "bob", "login"),
  at(50, "bob", "buy"),
  at(100, "ada", "view"),
  at(101, "cleo", "view"),
]
const byUser = from(events, { time: "timestamp" }).keyBy("user_id")

console.log("1. Session tracking: who begins a session, after 30 minutes without an event")
await byUser
  .session({ gap: "30m", state: StateConfigs.session() }, (event, is_new_session) => {
    return { event, is_new_session }
  })
  .forEach(({ event, is_new_session }) => {
    if (is_new_session) console.log(`  New session started for user: ${event.user_id}`)
    console.log(`  ${event.user_id}: ${event.action}`)
  })

console.log("2. Session-based analytics: each session when it is over")
await byUser
  .session(
    {
      gap: "30m",
      state: { value: () => [] as string[] },
      onEnd: ({ start, end, count }, actions, { key }) =>
        `${key}, minutes ${start / minute} to ${end / minute}, ` +
        `events ${count}: ${actions.get().join()}`,
    },
    ({ action }, _, actions) => void actions.update((before) => [...before, action]),
  )
  .forEach((line) => console.log(`  ${line}`))

console.log("3. Authentication flows: only what comes behind a login of the same session passes")
await byUser
  .session({ gap: "30m", state: { value: () => false } }, (event, _, loggedIn) => {
    if (event.action === "login") loggedIn.set(true)
    return loggedIn.get() ? event : undefined
  })
  .forEach(({ user_id, action }) => console.log(`  ${user_id}: ${action}`))

console.log("4. User journey tracking: steps, and those who left without buying")
await byUser
  .session(
    {
      gap: "30m",
      state: { ...StateConfigs.session(), type: of<{ step: number; last: string }>() },
      onEnd({ count }, state, { key }) {
        const last = state.get()?.last
        return last === "buy" ? undefined : `${key} left after step ${count}, ${last}`
      },
    },
    ({ user_id, action }, is_new_session, state) => {
      const before = state.get()
      const step = is_new_session || before === undefined ? 1 : before.step + 1
      state.set({ step, last: action })
      return `${user_id}, step ${step}: ${action}`
    },
  )
  .forEach((line) => console.log(`  ${line}`))
