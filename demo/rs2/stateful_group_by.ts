/** Stateful group by: the events of a key together; the advanced one says when a group goes. */
import { from, StateConfigs } from "millrace"

interface Order {
  readonly tenant: string
  readonly category: string
  readonly amount: number
  readonly timestamp: number
}

const second = 1000
const orders: Order[] = [
  { tenant: "acme", category: "books", amount: 30, timestamp: 0 },
  { tenant: "acme", category: "tools", amount: 10, timestamp: 1 * second },
  { tenant: "bolt", category: "books", amount: 20, timestamp: 2 * second },
  { tenant: "acme", category: "books", amount: 5, timestamp: 3 * second },
  { tenant: "bolt", category: "tools", amount: 40, timestamp: 9 * second },
  { tenant: "bolt", category: "tools", amount: 15, timestamp: 10 * second },
  { tenant: "acme", category: "books", amount: 25, timestamp: 20 * second },
]
const stream = from(orders, { time: "timestamp" })
const total = (group: readonly Order[]) => group.reduce((sum, { amount }) => sum + amount, 0)
const say = (line: string) => console.log(`  ${line}`)

console.log("1. By category: all of a key, at the end")
await stream
  .keyBy("category")
  .group((category, group) => `${category}: ${group.length} orders, ${total(group)}`)
  .forEach(say)

console.log("2. By tenant in batches of two, with state that outlives them")
await stream
  .keyBy("tenant")
  .group(
    { maxSize: 2, state: { ...StateConfigs.longLived(), value: () => 0 } },
    (tenant, group, spent) => {
      const sum = spent.update((before) => before + total(group))
      return `${tenant}: a batch of ${group.length}, ${sum} so far`
    },
  )
  .forEach(say)

console.log("3. Advanced, by time: five seconds after the first order of a group")
await stream
  .keyBy("tenant")
  .group({ timeout: "5s" }, (tenant, group) => {
    return `${tenant}: ${group.map(({ timestamp }) => timestamp / second).join()}`
  })
  .forEach(say)

console.log("4. Advanced, when the key changes: each run of one tenant's orders")
await stream
  .keyBy("tenant")
  .group({ emitOnKeyChange: true }, (tenant, group) => `${tenant}: ${total(group)}`)
  .forEach(say)

console.log("5. Advanced, all at once: two orders, five seconds, or another tenant's turn")
await stream
  .keyBy("tenant")
  .group({ maxSize: 2, timeout: "5s", emitOnKeyChange: true }, (tenant, group) => {
    return `${tenant}: ${group.map(({ amount }) => amount).join(" + ")}`
  })
  .forEach(say)
