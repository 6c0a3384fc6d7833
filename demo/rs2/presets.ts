/** The four presets, each at the work that it is meant for. */
import { from, StateConfigs } from "millrace"

const minute = 60_000

await highPerformance()
await session()
await shortLived()
await longLived()

/** Updates come often: a rate limit of 100 events a minute for each user. */
async function highPerformance(): Promise<void> {
  const requests = Array.from({ length: 450 }, (_, i) => ({
    user_id: i % 3 === 0 ? "bob" : "ada",
    timestamp: i * 200,
  }))
  const passed = await from(requests, { time: "timestamp" })
    .keyBy("user_id")
    .throttle({ limit: 100, per: "60s", state: StateConfigs.highPerformance() })
    .toArray()
  const count = (all: typeof requests, user: string) =>
    all.filter(({ user_id }) => user_id === user).length

  console.log("highPerformance: 100 requests a minute")
  for (const user of ["ada", "bob"]) {
    console.log(`  ${user}: ${count(passed, user)} of ${count(requests, user)} requests passed`)
  }
}

/** Users come and go: half an hour of silence ends a session, and its state. */
async function session(): Promise<void> {
  const clicks = [
    { user_id: "ada", page: "home", timestamp: 0 },
    { user_id: "bob", page: "home", timestamp: 5 * minute },
    { user_id: "ada", page: "search", timestamp: 29 * minute },
    { user_id: "ada", page: "cart", timestamp: 58 * minute },
    { user_id: "bob", page: "cart", timestamp: 60 * minute },
    { user_id: "ada", page: "home", timestamp: 89 * minute },
  ]
  const visits = from(clicks, { time: "timestamp" })
    .keyBy("user_id")
    .session(
      { gap: "30m", state: { ...StateConfigs.session(), value: () => 0 } },
      (click, isNewSession, state) => {
        const pages = state.update((before) => before + 1)
        return { click, isNewSession, pages }
      },
    )

  console.log("session: a new one after 30 minutes without a click")
  for await (const { click, isNewSession, pages } of visits) {
    if (isNewSession) console.log(`  New session started for user: ${click.user_id}`)
    console.log(`  ${click.user_id} opens ${click.page}, page ${pages} of the session`)
  }
}

/** One request may be sent twice: it passes once in five minutes. */
async function shortLived(): Promise<void> {
  const requests = [
    { user_id: "ada", request_id: 1, timestamp: 0 },
    { user_id: "ada", request_id: 1, timestamp: 1 * minute },
    { user_id: "bob", request_id: 1, timestamp: 2 * minute },
    { user_id: "ada", request_id: 2, timestamp: 3 * minute },
    { user_id: "ada", request_id: 1, timestamp: 5 * minute },
  ]
  const once = from(requests, { time: "timestamp" })
    .keyBy(["user_id", "request_id"])
    .deduplicate({ ttl: "5m", state: StateConfigs.shortLived() })

  console.log("shortLived: each request once in five minutes")
  for await (const { user_id, request_id, timestamp } of once) {
    console.log(`  ${user_id} sends request ${request_id} in minute ${timestamp / minute}`)
  }
}

/** A profile is built over days, and every event goes out with what is known by then. */
async function longLived(): Promise<void> {
  const day = 24 * 60 * minute
  const orders = [
    { user_id: "ada", amount: 30, timestamp: 0 },
    { user_id: "ada", amount: 12, timestamp: 6 * day },
    { user_id: "bob", amount: 5, timestamp: 7 * day },
    { user_id: "ada", amount: 8, timestamp: 12 * day },
    { user_id: "bob", amount: 1, timestamp: 14 * day },
  ]
  const enriched = from(orders, { time: "timestamp" })
    .keyBy("user_id")
    .map(
      (event, state) => {
        const profile = state.update(({ totalPurchases, totalSpent }) => ({
          totalPurchases: totalPurchases + 1,
          totalSpent: totalSpent + event.amount,
          lastSeen: event.timestamp,
        }))
        return { event, profile }
      },
      {
        state: {
          ...StateConfigs.longLived(),
          value: () => ({ totalPurchases: 0, totalSpent: 0, lastSeen: 0 }),
        },
      },
    )

  console.log("longLived: profiles that a week of silence ends")
  for await (const { event, profile } of enriched) {
    const { totalPurchases, totalSpent, lastSeen } = profile
    const known = `${totalPurchases} purchases, $${totalSpent}, last seen on day ${lastSeen / day}`
    console.log(`  ${event.user_id} pays $${event.amount}: ${known}`)
  }
}
