/** State management: several stateful operators in one program, and what happens to errors. */
import { from, MillraceError, of, run, StateConfigs } from "millrace"

interface UserEvent {
  readonly user_id: string
  readonly type: "login" | "purchase" | "logout"
  readonly amount: number
  readonly timestamp: number
}

const events: UserEvent[] = [
  { user_id: "user1", type: "login", amount: 0, timestamp: 1000 },
  { user_id: "user1", type: "purchase", amount: 100, timestamp: 2000 },
  { user_id: "user2", type: "login", amount: 0, timestamp: 3000 },
  { user_id: "user1", type: "purchase", amount: 950, timestamp: 4000 },
  { user_id: "user2", type: "purchase", amount: 20, timestamp: 5000 },
  { user_id: "user1", type: "purchase", amount: 10, timestamp: 6000 },
]
const stream = from(events, { time: "timestamp" })
const byUser = stream.keyBy("user_id")

console.log("1. Map: what is known of each user")
await byUser
  .map(
    ({ user_id, type, timestamp }, state) => {
      const user = state.get()
      user.total += 1
      user.counts.set(type, (user.counts.get(type) ?? 0) + 1)
      state.set(user)
      const counts = [...user.counts].map(([name, n]) => `${n} ${name}`).join(", ")
      return `${user_id} at ${timestamp}: ${user.total} events, ${counts}`
    },
    {
      state: {
        ...StateConfigs.session(),
        value: () => ({ total: 0, counts: new Map<string, number>() }),
      },
    },
  )
  .forEach(say)

console.log("2. Fold: running totals of all purchases")
await stream
  .filter(({ type }) => type === "purchase")
  .keyBy(() => "global_analytics")
  .fold(
    () => ({ revenue: 0, orders: 0 }),
    ({ revenue, orders }, { amount }) => ({ revenue: revenue + amount, orders: orders + 1 }),
    { state: StateConfigs.longLived() },
  )
  .map(({ revenue, orders }) => `$${revenue} in ${orders}, $${(revenue / orders).toFixed(2)} each`)
  .forEach(say)

console.log("3. Filter: alerts of a user who has spent more than $1000")
await byUser
  .filter(({ amount }, spent) => spent.update((sum) => sum + amount) > 1000, {
    state: { value: () => 0 },
  })
  .map(({ user_id, amount, timestamp }) => `ALERT ${user_id}: $${amount} at ${timestamp}`)
  .forEach(say)

console.log("4. One after another: each takes what the one before gives")
await byUser
  .deduplicate({ ttl: "3s" })
  .throttle({ limit: 1, per: "1s" })
  .reduce((_, event) => event)
  .keyBy("type")
  .fold(
    () => [] as string[],
    (users, { user_id }) => [...users, user_id],
  )
  .map((users) => users.join(", "))
  .forEach(say)

console.log("5. Side by side: branches of one source, each with state of its own")
const job = await run({
  events: byUser.fold(
    () => 0,
    (n) => n + 1,
    { uid: "events" },
  ),
  spent: byUser.fold(
    () => 0,
    (sum, { amount }) => sum + amount,
    { uid: "spent" },
  ),
})
await job.finished()
for (const uid of ["events", "spent"]) say(`${uid}: ${JSON.stringify(job.state(uid).entries())}`)
await job.close()

console.log("6. Without state, and with it")
await byUser
  .map(
    ({ user_id, amount }, state) => {
      const before = state.get()
      state.set({ spent: (before?.spent ?? 0) + amount })
      return `${user_id}: ${before === undefined ? "is new" : `had spent $${before.spent}`}`
    },
    { state: { ttl: "2s", type: of<{ spent: number }>() } },
  )
  .forEach(say)

console.log("7. Errors have a code, and the results of all events before")
await untilError(
  byUser.map(({ user_id, amount }, state) => {
    if (amount > 500) throw new RangeError(`${user_id} pays too much`)
    state.set(amount)
    return user_id
  }),
)
await untilError(
  byUser.map(({ user_id, timestamp }, state) => `${user_id} ${state.update(() => timestamp)}`, {
    state: { maxSize: 1, value: () => 0 },
  }),
)
await untilError(stream.keyBy("userid" as "user_id").map(({ type }) => type))

console.log("8. Debugging: what comes, and what was there")
await byUser
  .take(3)
  .keyBy("user_id")
  .map(
    ({ user_id, amount }, state) => {
      say(`processing an event of ${user_id}, who has ${JSON.stringify(state.get())}`)
      state.set([...state.get(), amount])
    },
    { state: { value: () => [] as number[] } },
  )
  .forEach(() => undefined)

async function untilError(results: AsyncIterable<string>): Promise<void> {
  const before: string[] = []
  try {
    for await (const result of results) before.push(result)
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    say(`${before.length} results, then ${error.code}: ${error.message}`)
  }
}

function say(line: string): void {
  console.log(`  ${line}`)
}
