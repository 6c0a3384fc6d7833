/** Stateful filter: what passes depends on what was seen of the same user before. */
import { from } from "millrace"

interface Transaction {
  readonly id: string
  readonly user_id: string
  readonly amount: number
  readonly category: string
  readonly timestamp: number
}

const second = 1000
const transactions: Transaction[] = [
  { id: "T1", user_id: "alice", amount: 50, category: "food", timestamp: 1000 * second },
  { id: "T2", user_id: "alice", amount: 200, category: "electronics", timestamp: 1020 * second },
  { id: "T3", user_id: "alice", amount: 1000, category: "luxury", timestamp: 1060 * second },
  { id: "T4", user_id: "bob", amount: 25, category: "food", timestamp: 1100 * second },
  { id: "T5", user_id: "bob", amount: 5000, category: "luxury", timestamp: 1120 * second },
  { id: "T6", user_id: "carol", amount: 75, category: "cinema", timestamp: 1200 * second },
  { id: "T7", user_id: "alice", amount: 1500, category: "luxury", timestamp: 1220 * second },
  { id: "T8", user_id: "bob", amount: 150, category: "electronics", timestamp: 1500 * second },
]
const byUser = from(transactions, { time: "timestamp" }).keyBy("user_id")

console.log("1. Fraud: far more than the user has spent on average is blocked")
await show(
  byUser.filter(
    ({ amount, category }, state) => {
      const profile = state.update(({ count, total, luxury }) => ({
        count: count + 1,
        total: total + amount,
        luxury: luxury + (category === "luxury" ? 1 : 0),
      }))
      const average = profile.total / profile.count
      const excess = Math.max(amount / average - 1, 0)
      const risk = 0.4 * (profile.luxury / profile.count) + 0.6 * excess
      return risk < 0.7
    },
    { state: { ttl: "30d", value: () => ({ count: 0, total: 0, luxury: 0 }) } },
  ),
)

console.log("2. Rates: three transactions in five minutes")
await show(
  byUser.filter(
    ({ timestamp }, state) => {
      const recent = state.get().filter((at) => at > timestamp - 300 * second)
      const passes = recent.length < 3
      state.set(passes ? [...recent, timestamp] : recent)
      return passes
    },
    { state: { ttl: "5m", value: () => [] as number[] } },
  ),
)

console.log("3. Budgets: so much for each category, and what is blocked is not spent")
const budgets: Readonly<Record<string, number>> = { luxury: 2000, electronics: 1000, food: 500 }
await show(
  byUser.filter(
    ({ amount, category }, state) => {
      const spent = state.get()
      const total = (spent.get(category) ?? 0) + amount
      const passes = total <= (budgets[category] ?? 300)
      if (passes) state.set(spent.set(category, total))
      return passes
    },
    { state: { value: () => new Map<string, number>() } },
  ),
)

console.log("4. Quality: less than 30 seconds after the one before is too soon for a person")
await show(
  byUser.filter(
    ({ timestamp }, state) => {
      const last = state.get()
      state.set(timestamp)
      return timestamp - last >= 30 * second
    },
    { state: { value: () => -Infinity } },
  ),
)

/** The events that pass are the objects that came in. */
async function show(passed: AsyncIterable<Transaction>): Promise<void> {
  const ids = new Set<string>()
  for await (const { id } of passed) ids.add(id)
  for (const { id, user_id, amount, category } of transactions) {
    const judged = ids.has(id) ? "passes " : "BLOCKED"
    console.log(`  ${judged} ${id} ${user_id}: $${amount} for ${category}`)
  }
}
