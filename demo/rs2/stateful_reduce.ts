/** Stateful reduce: running aggregations, one result for every event. */
import { from, StateConfigs } from "millrace"

const transactions = [
  { user_id: "ada", amount: 100, category: "food", timestamp: 1000 },
  { user_id: "ada", amount: 50, category: "transport", timestamp: 1100 },
  { user_id: "bob", amount: 75, category: "cinema", timestamp: 1200 },
  { user_id: "ada", amount: 200, category: "food", timestamp: 1300 },
  { user_id: "bob", amount: 450, category: "shopping", timestamp: 1400 },
]
const stream = from(transactions, { time: "timestamp" })
const byUser = stream.keyBy("user_id")

interface Spending {
  readonly user: string
  readonly spent: number
  readonly count: number
  readonly categories: Readonly<Record<string, number>>
}
const nothing: Spending = { user: "", spent: 0, count: 0, categories: {} }

console.log("1. What each user has spent, and on what")
await byUser
  .reduce(
    (acc, { user_id, amount, category }) => ({
      user: user_id,
      spent: acc.spent + amount,
      count: acc.count + 1,
      categories: { ...acc.categories, [category]: (acc.categories[category] ?? 0) + amount },
    }),
    () => nothing,
  )
  .forEach(({ user, spent, count, categories }) => {
    console.log(`  ${user}: $${spent} in ${count}, ${JSON.stringify(categories)}`)
  })

console.log("2. Analytics of all users: one key for everything")
await stream
  .keyBy(() => "global_analytics")
  .reduce(
    (acc, { amount, category }) => {
      acc.revenue += amount
      acc.transactions += 1
      acc.byCategory.set(category, (acc.byCategory.get(category) ?? 0) + amount)
      return acc // What goes out is a copy: later events do not change it.
    },
    () => ({ revenue: 0, transactions: 0, byCategory: new Map<string, number>() }),
    { state: StateConfigs.session() },
  )
  .forEach(({ revenue, transactions, byCategory }) => {
    const parts = [...byCategory].map(([category, sum]) => `${category} $${sum}`)
    console.log(`  $${revenue} in ${transactions} transactions: ${parts.join(", ")}`)
  })

console.log("3. Fraud: flagged above $500, and for good")
await byUser
  .reduce(
    ([total, count, flagged], { amount }) => {
      const sum = total + amount
      return [sum, count + 1, flagged || sum > 500 || count + 1 > 10] as const
    },
    () => [0, 0, false] as readonly [number, number, boolean],
    { state: StateConfigs.longLived() },
  )
  .forEach(([total, count, flagged]) => {
    console.log(`  $${total} in ${count}${flagged ? ": FLAGGED" : ""}`)
  })

console.log("4. Without an initial value: the largest transaction of each user so far")
await byUser
  .reduce((largest, next) => (next.amount > largest.amount ? next : largest))
  .forEach(({ user_id, amount, category }) => {
    console.log(`  ${user_id}: $${amount} for ${category}`)
  })
