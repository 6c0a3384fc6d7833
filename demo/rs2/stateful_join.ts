/** Stateful join: events of two streams that belong together, and what is known of their user. */
import { asOf, from, interval, tumbling, windowJoin, within } from "millrace"
import { clock, event, play } from "millrace/testing"

interface Click {
  readonly user_id: string
  readonly page: string
  readonly timestamp: number
}
interface Purchase {
  readonly user_id: string
  readonly amount: number
  readonly timestamp: number
}
interface Profile {
  readonly user_id: string
  readonly tier: string
  readonly timestamp: number
}

const minute = 60_000
const clicks: Click[] = [
  { user_id: "user1", page: "/shoes", timestamp: 0 },
  { user_id: "user2", page: "/hats", timestamp: 1 * minute },
  { user_id: "user1", page: "/socks", timestamp: 4 * minute },
  { user_id: "user3", page: "/shoes", timestamp: 20 * minute },
]
const purchases: Purchase[] = [
  { user_id: "user1", amount: 120, timestamp: 5 * minute }, // Five minutes after the shoes.
  { user_id: "user2", amount: 30, timestamp: 7 * minute }, // More than five after the hats.
  { user_id: "user1", amount: 8, timestamp: 8 * minute },
]
const profiles: Profile[] = [
  { user_id: "user1", tier: "bronze", timestamp: -60 * minute },
  { user_id: "user1", tier: "silver", timestamp: 6 * minute },
  { user_id: "user2", tier: "gold", timestamp: 6 * minute },
]
const timed = { time: "timestamp" } as const
const clicked = from(clicks, timed).keyBy("user_id")
const bought = from(purchases, timed).keyBy("user_id")
const known = from(profiles, timed).keyBy("user_id")

console.log("1. Stream correlation: purchases within five minutes after a click")
await clicked
  .join(bought, interval({ after: "5m" }), ({ user_id, page }, { amount }) => {
    return `${user_id} saw ${page} and paid $${amount}`
  })
  .forEach(say)

console.log("2. Event matching with state: how often a user's clicks came to something")
await clicked
  .join(
    bought,
    interval({ after: "5m" }),
    ({ user_id, page }, _, matched) => `${user_id}: ${matched.update((n) => n + 1)}, ${page}`,
    { state: { value: () => 0 } },
  )
  .forEach(say)

console.log("3. Enrichment: each purchase with the profile as it was then")
await bought
  .join(known, asOf({ type: "left" }), ({ user_id, amount }, profile) => {
    return `${user_id} paid $${amount} as ${profile?.tier ?? "a stranger"}`
  })
  .forEach(say)

console.log("4. Side by side: clicks and purchases of each quarter of an hour")
await clicked
  .join(bought, windowJoin(tumbling("15m"), { type: "left" }), (click, purchase) => {
    const paid = purchase === undefined ? "no purchase" : `$${purchase.amount}`
    return `${click.user_id}: ${click.page}, ${paid}`
  })
  .forEach(say)
await clicked
  .coGroup(bought, tumbling("15m"), (clicks, purchases, { key, window }) => {
    const minutes = window.start / minute
    return `${key} from minute ${minutes}: ${clicks.length} clicks, ${purchases.length} purchases`
  })
  .forEach(say)

console.log("5. RS2's own: what comes less than ten seconds after the other, by the clock")
const request = (id: string) => event({ kind: "request", id })
const answer = (id: string) => event({ kind: "answer", id })
const answered = await play(
  (messages) => {
    const sent = messages.filter(({ kind }) => kind === "request").keyBy("id")
    const answers = messages.filter(({ kind }) => kind === "answer").keyBy("id")
    return sent.join(answers, within("10s"), ({ id }) => `${id} was answered in time`)
  },
  [
    ...[clock(0), request("a")],
    ...[clock(1000), request("b")],
    ...[clock(9999), answer("a")],
    ...[clock(11_000), answer("b")], // Ten seconds after its request.
    ...[answer("c"), clock(12_000), request("c")], // Whichever comes first.
  ],
)
answered.forEach(say)

function say(line: string): void {
  console.log(`  ${line}`)
}
