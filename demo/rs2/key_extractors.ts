/** Key extractors: every way to say whose state an event belongs to, and the keys that come out. */
import { count, from } from "millrace"
import type { KeyedStream } from "millrace"

interface UserEvent {
  readonly user_id?: string
  readonly event_type: "login" | "purchase" | "view" | "search"
  readonly category: string
  readonly amount: number
  readonly frequency: number
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly session_id: string
  readonly is_new_session: boolean
  readonly is_premium: boolean
  readonly product_id: string
  readonly page_id: string
  readonly query_hash: string
  readonly experiment_id: string
  readonly device: { readonly id: string; readonly type: string; readonly fingerprint: string }
  readonly place: { readonly country: string; readonly region: string; readonly ip: string }
  readonly precomputed_key: string
}

const first: UserEvent = {
  user_id: "ada",
  event_type: "login",
  category: "home",
  amount: 0,
  frequency: 1,
  timestamp: 86_400,
  session_id: "s1",
  is_new_session: true,
  is_premium: true,
  product_id: "p1",
  page_id: "g1",
  query_hash: "q1",
  experiment_id: "x1",
  device: { id: "d1", type: "phone", fingerprint: "f7" },
  place: { country: "FR", region: "IDF", ip: "192.0.2.1" },
  precomputed_key: "ada:home",
}
const events: UserEvent[] = [
  first,
  { ...first, event_type: "view", is_new_session: false, timestamp: 86_650 },
  { ...first, event_type: "purchase", category: "books", amount: 1200, timestamp: 90_000 },
  {
    ...first,
    user_id: "bob",
    event_type: "search",
    frequency: 12,
    is_premium: false,
    session_id: "s2",
    device: { id: "d2", type: "laptop", fingerprint: "f9" },
    place: { country: "IT", region: "LAZ", ip: "192.0.2.9" },
    timestamp: 90_200,
    precomputed_key: "bob:home",
  },
]
const stream = from(events)

console.log("Custom key extractors are functions")
await show("simple", stream.keyBy(userOf))
await show(
  "composite",
  stream.keyBy((event) => [userOf(event), event.category]),
)
await show("by hour", stream.keyBy(per(3600)))
await show("by event type", stream.keyBy(byType))
await show(
  "conditional",
  stream.keyBy((event) => `${event.is_premium ? "premium" : "standard"}:${event.user_id}`),
)

console.log("Field key extractors are paths, which the compiler checks")
await show("user_id", stream.keyBy("user_id"))
await show("category", stream.keyBy("category"))
await show("session_id", stream.keyBy("session_id"))
await show("a field of a field", stream.keyBy("device.type"))
await show("several fields", stream.keyBy(["user_id", "category"]))

console.log("Patterns by user")
await show("user and device", stream.keyBy(["user_id", "device.id"]))
await show("user and session", stream.keyBy(["user_id", "session_id"]))

console.log("Patterns by time")
await show("hourly", stream.keyBy(per(3600)))
await show("daily", stream.keyBy(per(86_400)))
await show("five minutes", stream.keyBy(per(300)))
await show(
  "five minutes, by their start",
  stream.keyBy((event) => [userOf(event), event.timestamp - (event.timestamp % 300)]),
)

console.log("Patterns by category, place and hierarchy")
await show(
  "category",
  stream.keyBy(({ category }) => `category:${category}`),
)
await show("user and category", stream.keyBy(["user_id", "category"]))
await show(
  "place",
  stream.keyBy(({ place }) => `geo:${place.country}:${place.region}`),
)
await show("many dimensions", stream.keyBy(["user_id", "category", "device.type", "place.country"]))
await show(
  "hierarchy",
  stream.keyBy((event) => `user:${event.user_id}:session:${event.session_id}:${event.page_id}`),
)

console.log("Patterns by what an event says")
await show(
  "a new session",
  stream.keyBy(({ is_new_session, user_id, session_id }) =>
    is_new_session ? `session:${user_id}:${session_id}` : `user:${user_id}`,
  ),
)
await show(
  "value and frequency",
  stream.keyBy(({ amount, frequency, user_id }) => {
    if (amount > 1000) return `high_value:${user_id}`
    return frequency > 10 ? `high_freq:${user_id}` : `regular:${user_id}`
  }),
)

console.log("Missing values are an error, or what you say")
const { user_id: _, ...anonymous } = { ...first, session_id: "s3", timestamp: 90_250 }
const mixed = from<UserEvent>([...events, anonymous])
await show("left out", mixed.keyBy("user_id", { missing: "skip" }))
await show("a key for them", mixed.keyBy("user_id", { missing: { use: "anonymous" } }))
await show(
  "made of another field",
  mixed.keyBy(({ user_id, session_id }) => user_id ?? `anonymous:${session_id}`),
)
await show("else", mixed.keyBy("user_id")).catch(({ message }: Error) =>
  console.log(`  else: ${message}`),
)

console.log("Too coarse, too fine, and computed before")
await show(
  "one key for all",
  stream.keyBy(() => "global"),
)
await show("a key for each event", stream.keyBy(["user_id", "timestamp"]))
await show("computed before", stream.keyBy("precomputed_key"))

console.log("By use")
await show(
  "user sessions",
  stream.keyBy(({ user_id, session_id }) => `session:${user_id}:${session_id}`),
)
await show("fraud detection", stream.keyBy(["user_id", "place.ip", "device.fingerprint"]))
await show(
  "real-time analytics",
  stream.keyBy(({ category, timestamp }) => [category, Math.floor(timestamp / 3600)]),
)
await show("rate limiting", stream.keyBy(per(60)))
await show("A/B tests", stream.keyBy(["user_id", "experiment_id"]))

/** A plain function, to be used in many places. */
function userOf(event: UserEvent): string {
  return event.user_id ?? "nobody"
}

/** A function that makes key extractors: the user, and the number of the time that it is. */
function per(seconds: number) {
  return (event: UserEvent) => [userOf(event), Math.floor(event.timestamp / seconds)] as const
}

function byType(event: UserEvent): string {
  const user = userOf(event)
  switch (event.event_type) {
    case "purchase":
      return `purchase:${user}:${event.category}:${event.product_id}`
    case "view":
      return `view:${user}:${event.page_id}`
    case "search":
      return `search:${user}:${event.query_hash}`
    default:
      return `session:${user}`
  }
}

/** Print the keys in the order in which they were first seen, each with its number of events. */
async function show<K>(name: string, keyed: KeyedStream<K, UserEvent>): Promise<void> {
  const rows = await keyed.aggregate({ events: count() }, { emit: "final" }).toArray()
  const keys = rows.map(({ key, events }) => `${JSON.stringify(key)} × ${events}`)
  console.log(`  ${name}: ${keys.join(", ")}`)
}
