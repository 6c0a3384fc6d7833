/** What users write with joins must compile, and what is wrong must not; `tsc` is the test. */
import { asOf, from, globalWindow, interval, of, outputTag, sessions } from "../js/index.ts"
import { tumbling, windowJoin, within } from "../js/index.ts"
import type { ErrorEvent, EvictedKey, Pair } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface UserEvent {
  user_id: string
  amount: number
  timestamp: number
}
declare const events: UserEvent[]
const users = from(events, { time: "timestamp" }).keyBy("user_id")
const named = from([{ user: "ada", at: 0, plan: "free" }], { time: "at" }).keyBy("user")
interface Named {
  user: string
  at: number
  plan: string
}

export const joined = users.join(named, interval({ before: "1h" }), (event, { plan }) => {
  exactly<UserEvent>()(event, true)
  return event.amount > 0 ? { plan, amount: event.amount } : undefined
})
export async function joinedResults(): Promise<void> {
  for await (const result of joined) {
    exactly<{ plan: string; amount: number }>()(result, true)
  }
}

export const numberedPairs = users.join(
  named,
  interval({ before: "5m", after: 0 }),
  (_, { at }, state) => {
    exactly<number>()(state.get(), true)
    return [at, state.update((n) => n + 1)] as const
  },
  { lateTo: outputTag("late", of<UserEvent | Named>()), state: { value: () => 0 }, uid: "j" },
)
export async function numberedResults(): Promise<void> {
  for await (const pair of numberedPairs) exactly<readonly [number, number]>()(pair, true)
}

export const routedPairs = users.join(named, interval({}), () => 1, {
  onError: "route",
  errorsTo: outputTag(
    "wrong",
    of<ErrorEvent<UserEvent | Named | Pair<UserEvent, Named>, string>>(),
  ),
  evictedTo: outputTag("gone", of<EvictedKey<string>>()),
  state: { maxSize: 10, onFull: "evict" },
})

users.join(named, asOf({ tolerance: "1h" }), (_, right) => exactly<Named>()(right, true))
users.join(named, asOf({ type: "left" }), (left, right) => {
  exactly<UserEvent>()(left, true)
  exactly<Named | undefined>()(right, true)
})

const near = within("5m") // One value, which both take.
users.join(named, near, (_, right) => exactly<Named>()(right, true))
users.window(globalWindow(), { evictor: near })

users.join(named, windowJoin(tumbling("1h"), { type: "full" }), (left, right) => {
  exactly<UserEvent | undefined>()(left, true)
  exactly<Named | undefined>()(right, true)
})
const bySession = windowJoin((event: UserEvent | Named) => [
  "at" in event ? { start: event.at, end: event.at + 1 } : { start: 0, end: 1 },
])
users.join(named, bySession, (left) => exactly<UserEvent>()(left, true), {
  lateTo: outputTag("late", of<UserEvent | Named>()),
})
export const grouped = users.coGroup(named, sessions("5m"), (lefts, rights, { key, window }) => {
  exactly<readonly UserEvent[]>()(lefts, true)
  exactly<readonly Named[]>()(rights, true)
  exactly<string>()(key, true)
  return lefts.length > 0 ? window.start : undefined
})
export async function groupedResults(): Promise<void> {
  for await (const start of grouped) exactly<number>()(start, true)
}

export function wrongJoins(): void {
  const byNumber = from([{ id: 1 }]).keyBy("id")
  // @ts-expect-error keys of another type
  users.join(byNumber, interval({ before: 1 }), () => 1)
  // @ts-expect-error no keys
  users.join(from([1]), interval({ before: 1 }), () => 1)
  // @ts-expect-error what says which events are pairs is missing
  users.join(named, () => 1)
  const byNamed = windowJoin(sessions((event: Named) => event.at))
  // @ts-expect-error windows of events of one side alone
  users.join(named, byNamed, () => 1)
  const starts = (event: Named) => [{ start: event.at, end: event.at + 1 }]
  // @ts-expect-error the same
  users.coGroup(named, starts, () => 1)
  // @ts-expect-error no duration
  interval({ before: "5 minutes" })
  // @ts-expect-error a right event has no partner of its own
  asOf({ type: "full" })
  // @ts-expect-error late events are of both sides
  users.join(named, interval({}), () => 1, { lateTo: outputTag("late", of<UserEvent>()) })
}
