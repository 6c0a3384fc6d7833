/** Stateful throttle: of each key so many events pass in so much time; others are dropped. */
import { from, StateConfigs } from "millrace"
import type { KeyedStream, ThrottleOptions } from "millrace"

interface Request {
  readonly id: string
  readonly user_id: string
  readonly endpoint: string
  readonly priority: number
  readonly timestamp: number
}

const requests: Request[] = [
  { id: "r1", user_id: "ada", endpoint: "/data", priority: 1, timestamp: 1000 },
  { id: "r2", user_id: "ada", endpoint: "/data", priority: 2, timestamp: 1100 },
  { id: "r3", user_id: "ada", endpoint: "/data", priority: 1, timestamp: 1200 },
  { id: "r4", user_id: "bob", endpoint: "/users", priority: 3, timestamp: 1300 },
  { id: "r5", user_id: "ada", endpoint: "/users", priority: 1, timestamp: 1400 },
  { id: "r6", user_id: "bob", endpoint: "/data", priority: 2, timestamp: 1500 },
  { id: "r7", user_id: "ada", endpoint: "/data", priority: 1, timestamp: 2000 },
  { id: "r8", user_id: "ada", endpoint: "/data", priority: 1, timestamp: 2050 },
  { id: "r9", user_id: "bob", endpoint: "/data", priority: 1, timestamp: 2400 },
]
const stream = from(requests, { time: "timestamp" })

await show("1. By user: 2 a second", stream.keyBy("user_id"), {
  limit: 2,
  per: "1s",
  state: StateConfigs.highPerformance(),
})
await show("2. By endpoint: 3 in 2 seconds", stream.keyBy("endpoint"), {
  limit: 3,
  per: "2s",
  state: StateConfigs.session(),
})
await show("3. By user and endpoint: 1 in half a second", stream.keyBy(["user_id", "endpoint"]), {
  limit: 1,
  per: "500ms",
  state: StateConfigs.shortLived(),
})
await show("4. By priority: 5 in 3 seconds", stream.keyBy("priority"), {
  limit: 5,
  per: "3s",
  state: StateConfigs.longLived(),
})

const [first] = requests as [Request]
const rapid = [0, 1, 2, 3, 40, 99, 100, 101, 102, 140].map((at, i) => ({
  ...first,
  id: `q${i + 1}`,
  timestamp: 10_000 + at,
}))
const rapidByUser = from(rapid, { time: "timestamp" }).keyBy("user_id")
for (const algorithm of ["sliding", "fixed", "tokenBucket", "gcra"] as const) {
  const title = `5. In rapid succession: 2 in 100 ms, ${algorithm}`
  await show(title, rapidByUser, { limit: 2, per: "100ms", algorithm })
}

async function show<K>(
  title: string,
  keyed: KeyedStream<K, Request>,
  options: ThrottleOptions<Request>,
): Promise<void> {
  const passed = await keyed.throttle(options).toArray()
  const list = passed.map(({ id, timestamp }) => `${id} at ${timestamp}`)
  console.log(title)
  console.log(`  ${list.join(", ")}`)
}
