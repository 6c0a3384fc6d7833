/** The Quick Start: what each user has spent so far, and in how many events. */
import { from, StateConfigs } from "millrace"

const events = [
  { user_id: "ada", amount: 19.99, timestamp: 1000 },
  { user_id: "bob", amount: 5, timestamp: 2000 },
  { user_id: "ada", amount: 80.01, timestamp: 3000 },
  { user_id: "bob", amount: 2.5, timestamp: 4000 },
  { user_id: "ada", amount: 10, timestamp: 5000 },
]

const config = StateConfigs.session()

await from(events, { time: "timestamp" })
  .keyBy("user_id")
  .map(
    (event, state) => {
      const user = state.get()
      user.totalAmount += event.amount
      user.eventCount += 1
      state.set(user)
      return [event.user_id, user.totalAmount, user.eventCount] as const
    },
    { state: { ...config, value: () => ({ totalAmount: 0, eventCount: 0 }) } },
  )
  .forEach(([user, total, count]) => {
    console.log(`User ${user}: $${total.toFixed(2)} total, ${count} events`)
  })
