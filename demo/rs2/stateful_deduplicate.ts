/** Stateful deduplicate: the first event of a key passes, and again once its time is over. */
import { from } from "millrace"
import type { Duration, KeyedStream } from "millrace"

interface Event {
  readonly id: string
  readonly user_id: string
  readonly action: string
  readonly data: string
  readonly timestamp: number
}

const second = 1000
const events: Event[] = [
  { id: "e1", user_id: "ada", action: "login", data: "home", timestamp: 0 },
  { id: "e1", user_id: "ada", action: "login", data: "home", timestamp: 10 * second },
  { id: "e2", user_id: "ada", action: "buy", data: "book", timestamp: 20 * second },
  { id: "e3", user_id: "bob", action: "login", data: "home", timestamp: 25 * second },
  { id: "e2", user_id: "ada", action: "buy", data: "book", timestamp: 50 * second },
  { id: "e4", user_id: "ada", action: "buy", data: "lamp", timestamp: 55 * second },
  { id: "e1", user_id: "ada", action: "login", data: "home", timestamp: 60 * second },
  { id: "e5", user_id: "bob", action: "logout", data: "home", timestamp: 70 * second },
]
const stream = from(events, { time: "timestamp" })

await show("1. By event id, for a minute", stream.keyBy("id"), "60s")
await show("2. By user and action, for half a minute", stream.keyBy(["user_id", "action"]), "30s")
await show("3. By content, for two minutes", stream.keyBy("data"), "2m")

const slot = ({ timestamp }: Event) => Math.floor(timestamp / (20 * second))
await show("4. By slots of 20 seconds, for ten", stream.keyBy(slot), "10s")

console.log("5. By user, after ten seconds of silence: each duplicate begins them anew")
await stream.keyBy("user_id").deduplicate({ ttl: "10s", refresh: true }).forEach(say)

async function show<K>(title: string, keyed: KeyedStream<K, Event>, ttl: Duration): Promise<void> {
  console.log(title)
  await keyed.deduplicate({ ttl }).forEach(say)
}

function say({ id, user_id, action, data, timestamp }: Event): void {
  console.log(`  at ${timestamp / second} s: ${id}, ${user_id} ${action} ${data}`)
}
