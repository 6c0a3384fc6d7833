/** Stateful pattern: fraud, intruders, and anomalies, as sequences of the events of one key. */
import {
  countWindow,
  from,
  of,
  outputTag,
  pattern,
  skipPastLastEvent,
  StateConfigs,
  where,
} from "millrace"
import type { TimedOutMatch } from "millrace"

interface UserEvent {
  readonly user_id: string
  readonly action: string
  readonly amount: number
  readonly timestamp: number
}

const second = 1000
const at = (seconds: number, user_id: string, action: string, amount = 0): UserEvent => {
  return { user_id, action, amount, timestamp: seconds * second }
}
const events = [
  at(0, "ada", "login_failed"),
  at(2, "bob", "charge", 1),
  at(5, "ada", "login_failed"),
  at(6, "cleo", "order"),
  at(9, "ada", "login_failed"),
  at(12, "bob", "charge", 2),
  at(15, "ada", "login"),
  at(20, "bob", "view"),
  at(31, "bob", "charge", 900),
  at(40, "cleo", "pay", 30),
  at(50, "dan", "order"),
  at(60, "ada", "charge", 10),
  at(62, "ada", "charge", 20),
  at(64, "ada", "charge", 40),
  at(95, "cleo", "order"),
  at(400, "bob", "charge", 5),
]
const byUser = from(events, { time: "timestamp" }).keyBy("user_id")

console.log("1. Fraud detection: two small charges, then a large one, within a minute")
const small = (event: UserEvent) => event.action === "charge" && event.amount < 5
const fraud = pattern("small", small)
  .times(2)
  .followedBy("large", ({ action, amount }) => action === "charge" && amount > 500)
  .within("1m")
await byUser
  .pattern(
    fraud,
    ({ large }, alerts, { key }) => {
      return `${key} was charged ${large[0]?.amount}, alert ${alerts.update((n) => n + 1)}`
    },
    { state: { ...StateConfigs.session(), value: () => 0 } },
  )
  .forEach((line) => console.log(`  ${line}`))

console.log("2. Security monitoring: three failures in a row, then a login")
const intruder = pattern("failed", where("action", "==", "login_failed"))
  .timesOrMore(3)
  .consecutive()
  .greedy()
  .next("login", where("action", "==", "login"))
  .within("5m")
await byUser
  .pattern(intruder, ({ failed }, _, { key }) => `${key} after ${failed.length} failures`, {
    afterMatch: skipPastLastEvent(),
  })
  .forEach((line) => console.log(`  ${line}`))

console.log(
  "3. Business intelligence: orders that are paid within a minute, and those that are not",
)
const unpaid = outputTag("unpaid", of<TimedOutMatch<UserEvent, "order" | "pay", string>>())
const paid = byUser.pattern(
  pattern("order", where("action", "==", "order"))
    .followedBy("pay", where("action", "==", "pay"))
    .within("1m"),
  ({ pay }, _, { key }) => `${key} paid ${pay[0]?.amount}`,
  { timedOutTo: unpaid },
)
await paid.forEach((line) => console.log(`  ${line}`))
await paid.sideOutput(unpaid).forEach(({ key, timestamp }) => {
  console.log(`  ${key} had not paid by second ${timestamp / second}`)
})

console.log("4. Anomaly detection: charges that double, each compared with the one before")
const doubling = pattern("charge", (event: UserEvent, { charge }) => {
  const before = charge.at(-1)
  return event.action === "charge" && (before === undefined || event.amount >= 2 * before.amount)
}).times(3)
await byUser
  .pattern(doubling, ({ charge }, _, { key }) => {
    return `${key}: ${charge.map(({ amount }) => amount).join(", ")}`
  })
  .forEach((line) => console.log(`  ${line}`))

console.log("5. What RS2 calls a pattern of size 3: every three events of a user")
await byUser
  .window(countWindow(3))
  .process((chunk, _, { key }) => `${key}: ${chunk.map(({ action }) => action).join(", ")}`)
  .forEach((line) => console.log(`  ${line}`))
