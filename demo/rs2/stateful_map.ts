/** Stateful map: events go out with what is known of their user. */
import { from } from "millrace"

const activities = [
  { user_id: "alice", action: "login", timestamp: 1_000_000, duration: 5 },
  { user_id: "alice", action: "browse", timestamp: 1_020_000, duration: 120 },
  { user_id: "bob", action: "login", timestamp: 1_030_000, duration: 3 },
  { user_id: "alice", action: "search", timestamp: 1_035_000, duration: 60 },
  { user_id: "bob", action: "search", timestamp: 1_040_000, duration: 45 },
  { user_id: "alice", action: "purchase", timestamp: 1_050_000, duration: 30 },
  { user_id: "carol", action: "login", timestamp: 1_200_000, duration: 8 },
  { user_id: "alice", action: "logout", timestamp: 1_210_000, duration: 1 },
]
const byUser = from(activities, { time: "timestamp" }).keyBy("user_id")

console.log("1. Profiles: who returns, and how often")
await byUser
  .map(
    ({ user_id, timestamp }, state) => {
      const { visits, lastVisit } = state.get()
      state.set({ visits: visits + 1, lastVisit: timestamp })
      const since = visits === 0 ? "new" : `back after ${(timestamp - lastVisit) / 1000} s`
      return `${user_id}: visit ${visits + 1}, ${since}`
    },
    { state: { value: () => ({ visits: 0, lastVisit: 0 }) } },
  )
  .forEach(say)

console.log("2. Sessions: how long each has lasted")
await byUser
  .map(
    ({ user_id, action, timestamp }, state) => {
      const session = state.get()
      session.start ??= timestamp
      state.set(session)
      return `${user_id}: ${action}, ${(timestamp - session.start) / 1000} s into the session`
    },
    // A minute and a half of silence ends a session: its state is gone then.
    { state: { ttl: "90s", value: () => ({ start: undefined as number | undefined }) } },
  )
  .forEach(say)

console.log("3. Rates: at most three actions a minute")
await byUser
  .map(
    ({ user_id, action, timestamp }, state) => {
      const window = state.get()
      const isOver = timestamp - window.start >= 60_000
      const next = isOver ? { start: timestamp, count: 1 } : { ...window, count: window.count + 1 }
      state.set(next)
      return `${user_id}: ${action} ${next.count > 3 ? "is RATE LIMITED" : `is ${next.count} of 3`}`
    },
    { state: { value: () => ({ start: -Infinity, count: 0 }) } },
  )
  .forEach(say)

console.log("4. Anomalies: half as long again as the average so far")
await byUser
  .map(
    ({ user_id, action, duration }, state) => {
      const { count, total } = state.update(({ count, total }) => ({
        count: count + 1,
        total: total + duration,
      }))
      const average = total / count
      const isAnomaly = count > 1 && duration > average * 1.5
      const judged = isAnomaly ? "ANOMALY" : "normal"
      return `${judged}: ${user_id} ${action}, ${duration} s, average ${average.toFixed(2)} s`
    },
    { state: { value: () => ({ count: 0, total: 0 }) } },
  )
  .forEach(say)

function say(line: string): void {
  console.log(`  ${line}`)
}
