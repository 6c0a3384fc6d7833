/** The examples of RS2's document as types: what is inferred, and what must not compile. */
import { count, from, of, record, StateConfigs } from "../js/index.ts"
import type { KeyedStream, Stream } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface UserEvent {
  readonly user_id: string
  readonly request_id: string
  readonly session_id: string
  readonly category: string
  readonly amount: number
  readonly timestamp: number
  readonly nickname?: string
  readonly device: { readonly id: string; readonly tags: readonly string[] }
}
interface UserState {
  total_amount: number
  event_count: number
}
declare const events: AsyncIterable<UserEvent>
const stream = from(events, { time: "timestamp" })
const byUser = stream.keyBy("user_id")

/** The events and the key of a stream. */
const eventsOf = <T>(of: Stream<T>) => of.event
const keyOf = <K, T>(of: KeyedStream<K, T>) => of.key

// ---- Quick Start, and map ----

const fresh = (): UserState => ({ total_amount: 0, event_count: 0 })
const quickStart = byUser.map(
  (event, state) => {
    exactly<UserEvent>()(event, true)
    const user = state.get()
    exactly<UserState>()(user, true)
    state.set({ ...user, event_count: user.event_count + 1 })
    return [event.user_id, user.total_amount, user.event_count] as const
  },
  { state: { ...StateConfigs.session(), value: fresh } },
)
exactly<readonly [string, number, number]>()(eventsOf(quickStart), true)

const enriched = byUser.map((event, profile) => ({ event, profile: profile.get() }), {
  state: { ...StateConfigs.longLived(), value: record({ purchases: "f64", last: "timestamp" }) },
})
exactly<{ purchases: number; last: number }>()(eventsOf(enriched).profile, true)

byUser.map((_, state) => {
  exactly<unknown>()(state.get(), true)
  state.set("anything")
})
byUser.map(
  (_, state) => {
    exactly<boolean>()(state.exists(), true)
    exactly<UserState | undefined>()(state.get(), true)
    const next = state.update((current) => {
      exactly<UserState | undefined>()(current, true)
      return current ?? fresh()
    })
    exactly<UserState>()(next, true)
    exactly<void>()(state.delete(), true)
    // @ts-expect-error not the state's type
    state.set({ total_amount: 1 })
    // @ts-expect-error a record may be missing
    void state.get().total_amount
  },
  { state: { ttl: "1h", type: of<UserState>() } },
)
byUser.map(
  (_, state) => {
    // @ts-expect-error not the state's type
    state.set("one")
    // @ts-expect-error what the change gives is not the state's type
    state.update((n) => String(n))
    return state.get() + 1
  },
  { state: { value: () => 0 } },
)
byUser.map(
  (_, state) => {
    // @ts-expect-error a field that the record does not have
    void state.get().purchase
    // @ts-expect-error a field of another type
    state.get().purchases = "many"
  },
  { state: { value: record({ purchases: "f64" }) } },
)
// @ts-expect-error a kind of field that does not exist
record({ purchases: "u8" })
// @ts-expect-error a default and a type
byUser.map((_, s) => s.get(), { state: { value: () => 0, type: of<number>() } })
// @ts-expect-error a default that is no function
byUser.map((_, s) => s.get(), { state: { value: 0 } })
// @ts-expect-error a misspelt field of the event
byUser.map((event) => void event.usr_id)

// ---- filter ----

const few = byUser.filter((_, seen) => seen.update((n) => n + 1) <= 3, {
  state: { value: () => 0, ttl: "1m" },
})
exactly<UserEvent>()(eventsOf(few), true)
exactly<string>()(keyOf(few), true)
const named = byUser.filter((event): event is UserEvent & { nickname: string } => "n" in event)
exactly<string>()(eventsOf(named).nickname, true)
exactly<string>()(keyOf(named), true)
byUser.filter(
  (event, state) => {
    exactly<number[] | undefined>()(state.get(), true)
    return event.amount > 10
  },
  { state: { type: of<number[]>() } },
)
byUser.filter((event, state) => event.amount > 10 && state.exists())
const seen = byUser.filter(
  (event, state) => {
    exactly<UserEvent>()(event, true)
    exactly<unknown>()(state.get(), true)
    return state.exists()
  },
  { uid: "seen", state: StateConfigs.session() },
)
exactly<UserEvent>()(eventsOf(seen), true)
byUser.filter((event, spent) => spent.update((sum) => sum + event.amount) < 100, {
  uid: "spent",
  state: { ...StateConfigs.session(), value: () => 0 },
})
// @ts-expect-error neither true nor false
byUser.filter((event) => event.amount)
// @ts-expect-error a state of another type
byUser.filter((_, state) => state.get() > 3, { state: { value: () => "none" } })

// ---- fold and reduce ----

const folded = byUser.fold(fresh, (acc, event, state) => {
  exactly<UserState>()(acc, true)
  exactly<UserState | undefined>()(state.get(), true)
  return { ...acc, total_amount: acc.total_amount + event.amount }
})
exactly<UserState>()(eventsOf(folded), true)
const foldedRecord = byUser.fold(
  record({ spent: "f64", last: "string" }),
  (acc, { amount, category }) => {
    acc.spent += amount
    acc.last = category
    return acc
  },
  { uid: "spent", state: StateConfigs.highPerformance() },
)
exactly<{ spent: number; last: string }>()(eventsOf(foldedRecord), true)
const lists = byUser.fold(
  () => [] as string[],
  (acc, { category }) => [...acc, category],
)
exactly<string[]>()(eventsOf(lists), true)
// @ts-expect-error an empty initial value needs its own type
byUser.fold(() => [], (acc, { category }) => [...acc, category]) // prettier-ignore
// @ts-expect-error gives something else than it began with
byUser.fold(() => 0, (acc, event) => `${acc}${event.amount}`) // prettier-ignore
// @ts-expect-error the default is fold's own
byUser.fold(fresh, (acc) => acc, { state: { value: fresh } })

exactly<UserEvent>()(eventsOf(byUser.reduce((a, b) => (a.amount > b.amount ? a : b))), true)
const spent = byUser.reduce(
  ([total, n], { amount }) => [total + amount, n + 1] as const,
  () => [0, 0] as readonly [number, number],
  { state: StateConfigs.session() },
)
exactly<readonly [number, number]>()(eventsOf(spent), true)
// @ts-expect-error without an initial value the state is an event
byUser.reduce((acc, event) => acc.amount + event.amount)

// ---- deduplicate and throttle: the presets' examples ----

const once = stream
  .keyBy(["user_id", "request_id"])
  .deduplicate({ ttl: "5m", state: StateConfigs.shortLived() })
exactly<UserEvent>()(eventsOf(once), true)
exactly<readonly [string, string]>()(keyOf(once), true)
const calm = byUser.throttle({ limit: 100, per: "60s", state: StateConfigs.highPerformance() })
exactly<UserEvent>()(eventsOf(calm), true)
exactly<string>()(keyOf(calm), true)
// @ts-expect-error a duration without its unit
byUser.deduplicate({ ttl: "300" })
// @ts-expect-error yes or no
byUser.deduplicate({ refresh: "always" })
// @ts-expect-error no state of this kind
byUser.deduplicate({ state: { value: () => 0 } })
// @ts-expect-error no limit
byUser.throttle({ per: "60s" })
// @ts-expect-error a limit is a number
byUser.throttle({ limit: "100", per: "60s" })
// @ts-expect-error a window is `per` here
byUser.throttle({ limit: 100, window: "60s" })

// ---- session and group by ----

const tracked = byUser.session(
  { gap: 1_800_000, state: StateConfigs.session() },
  (event, is_new_session, state) => {
    exactly<unknown>()(state.get(), true)
    return { event, session_id: event.session_id, is_new_session }
  },
)
exactly<{ event: UserEvent; session_id: string; is_new_session: boolean }>()(
  eventsOf(tracked),
  true,
)
const reported = byUser.session(
  {
    gap: "30m",
    state: { ...StateConfigs.session(), value: fresh },
    onEnd: ({ start, end, count }, state, { key }) =>
      count > 1 ? ([key, end - start, state.get().total_amount] as const) : undefined,
  },
  ({ amount }, is_new_session, state) => {
    state.update((before) => ({ ...before, total_amount: before.total_amount + amount }))
    return is_new_session ? "new" : undefined
  },
)
exactly<string | readonly [string, number, number]>()(eventsOf(reported), true)
const quiet = byUser.session({ gap: "30m", state: { type: of<UserState>() } }, (_, __, state) => {
  exactly<UserState | undefined>()(state.get(), true)
})
exactly<never>()(eventsOf(quiet), true)
// @ts-expect-error no gap
byUser.session({ state: StateConfigs.session() }, () => 1)
// @ts-expect-error the state has another type
byUser.session({ gap: "1m", state: { value: () => 0 } }, (_, __, state) => state.set("one"))

const batches = stream
  .keyBy("category")
  .group((category, events) => ({ category, size: events.length }))
exactly<{ category: string; size: number }>()(eventsOf(batches), true)
const advanced = stream.keyBy(["user_id", "category"]).group(
  {
    ...{ maxSize: 100, timeout: "5s", emitOnKeyChange: true },
    state: { ...StateConfigs.longLived(), value: () => 0 },
  },
  async ([user_id], events, total) => {
    exactly<readonly UserEvent[]>()(events, true)
    total.update((sum) => sum + events.length)
    return events.length > 1 ? user_id : undefined
  },
)
exactly<string>()(eventsOf(advanced), true)
// @ts-expect-error a size is a number
byUser.group({ maxSize: "100" }, () => 1)
// @ts-expect-error no function
byUser.group({ maxSize: 100 })

// ---- key extractors ----

const session = (event: UserEvent) => `session:${event.user_id}:${event.session_id}` as const
exactly<`session:${string}:${string}`>()(keyOf(stream.keyBy(session)), true)
const hourly = stream.keyBy((event) => [event.user_id, Math.floor(event.timestamp / 3600)])
exactly<readonly [string, number]>()(keyOf(hourly), true)
exactly<string>()(keyOf(stream.keyBy("device.id")), true)
exactly<string>()(keyOf(stream.keyBy("device.tags.0")), true)
exactly<string>()(keyOf(stream.keyBy("nickname", { missing: { use: "anonymous" } })), true)
exactly<"global">()(keyOf(stream.keyBy(() => "global")), true)
exactly<string>()(keyOf(stream.keyBy(({ nickname }) => nickname, { missing: "skip" })), true)
for await (const { key, n } of hourly.aggregate({ n: count() })) exactly<number>()(key[1] + n, true)
// @ts-expect-error a field that events do not have
stream.keyBy("userId")
// @ts-expect-error a field of a field that it does not have
stream.keyBy("device.name")
// @ts-expect-error an object is no key
stream.keyBy("device")
// @ts-expect-error an object is no key
stream.keyBy((event) => event.device)
// @ts-expect-error one of two does not exist
stream.keyBy(["user_id", "page"])
// @ts-expect-error nothing else can be done about a missing key
stream.keyBy("nickname", { missing: "drop" })
