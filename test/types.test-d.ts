/** What users write must compile, and what is wrong must not; `tsc` is the test. */
import { ascending, boundedDisorder, count, from, max, mean, of, outputTag } from "../js/index.ts"
import { punctuated, record, run, StateConfigBuilder } from "../js/index.ts"
import { StateConfigs, sum } from "../js/index.ts"
import type { ErrorEvent, EvictedKey } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface UserEvent {
  user_id: string
  amount: number
  timestamp: number
  category?: string
  user: { id: string; tags: string[] }
  action: string
}
interface Flight {
  date: Date
  delay: bigint | null
  origin: string
  destination: string
}
declare const events: UserEvent[]
declare const flights: AsyncIterable<Flight>

export const quickStart = from(events)
  .keyBy("user_id")
  .map(
    (event, state) => {
      const current = state.get()
      exactly<{ total: number; n: number }>()(current, true)
      state.set({ total: current.total + event.amount, n: current.n + 1 })
      return [event.user_id, current.total] as const
    },
    { state: { ttl: "30m", maxSize: 1000, value: () => ({ total: 0, n: 0 }) } },
  )

export async function quickStartResults(): Promise<void> {
  for await (const result of quickStart) exactly<readonly [string, number]>()(result, true)
}

export const untyped = from(events)
  .keyBy("user_id")
  .map((_, state) => {
    const current = state.get()
    exactly<unknown>()(current, true)
    return 1
  })

export const typed = from(events)
  .keyBy("user_id")
  .map((_, state) => state.get(), { state: { ttl: "1h", type: of<string>() } })

export const records = from(events)
  .keyBy("user_id")
  .map(
    (_, state) => {
      const row = state.get()
      exactly<{ n: number; last: string; exact: bigint; on: boolean }>()(row, true)
      row.n += 1
      return row
    },
    { state: { value: record({ n: "f64", last: "string", exact: "i64", on: "bool" }) } },
  )

export const chained = from(events)
  .keyBy("user.id")
  .filter((_, state) => state.get() < 10 && state.update((n) => n + 1) > 0, {
    state: { value: () => 0 },
  })
  .deduplicate({ ttl: "1h" })
  .keyBy(["user_id", "category"])
  .deduplicate()

export const ofSession = from(events)
  .keyBy("user_id")
  .map(
    (event, state) => {
      exactly<string | undefined>()(state.get(), true)
      return event.action
    },
    {
      state: { ...StateConfigs.session(), type: of<string>() },
    },
  )
export const built = new StateConfigBuilder().ttl("1h").maxSize(50_000).build()
// @ts-expect-error no unit
new StateConfigBuilder().ttl("1x")
// @ts-expect-error a type that does not exist
new StateConfigBuilder().storageType("Redis")

export const marked = from(flights, {
  time: "date",
  watermark: punctuated((flight) => (flight.delay === null ? flight.date.getTime() : undefined)),
  idleAfter: "5m",
})
export const generated = from(flights, {
  time: "date",
  watermark: {
    create: () => ({ onEvent: ({ delay }, timeMs) => (delay === null ? timeMs : undefined) }),
  },
})
from(flights, { time: "date", watermark: ascending() })
// @ts-expect-error a field that an event does not have
from(flights, { time: "date", watermark: punctuated((flight) => Number(flight.wheels)) })
// @ts-expect-error a watermark is a number
from(flights, { time: "date", watermark: punctuated(() => "now") })
// @ts-expect-error a generator of other events
from(flights, { time: "date", watermark: punctuated((event: { at: string }) => event.at.length) })
// @ts-expect-error no duration
from(flights, { time: "date", idleAfter: "soon" })

export const folded = from(flights, { time: "date", watermark: boundedDisorder("5m") })
  .keyBy("origin")
  .fold(
    () => ({ flights: 0, delay: 0 }),
    (acc, flight) => {
      acc.flights++
      acc.delay += Number(flight.delay)
      return acc
    },
  )

export const foldedRecord = from(flights)
  .keyBy((flight) => [flight.origin, flight.destination, Math.floor(+flight.date / 864e5)])
  .fold(record({ flights: "f64" }), (acc) => {
    acc.flights++
    return acc
  })

export const latest = from(events)
  .keyBy("user_id")
  .reduce((_, event) => event)
export const totals = from(events)
  .keyBy("user_id")
  .reduce(
    (acc, event) => acc + event.amount,
    () => 0,
    { uid: "totals" },
  )

export const delays = from(flights)
  .keyBy("origin")
  .aggregate({ flights: count(), late: sum("delay"), worst: max("delay"), usual: mean("delay") })

export async function jobs(): Promise<void> {
  for await (const row of delays) {
    exactly<string>()(row.key, true)
    exactly<number>()(row.flights, true)
    exactly<number | undefined>()(row.worst, true)
  }
  const job = await run({ delays, folded })
  for await (const row of job.output("folded"))
    exactly<{ flights: number; delay: number }>()(row, true)
  // @ts-expect-error no such output
  job.output("nope")
  const one = await run(delays)
  for await (const row of one) exactly<number>()(row.late, true)
}

export const both = from(events)
  .union(from(flights))
  .map((either) => either)

// @ts-expect-error a misspelt path
from(flights).keyBy("orign")
// @ts-expect-error a date is no key
from(flights).keyBy("date")
const byOrigin = from(flights).keyBy("origin")
// @ts-expect-error a misspelt field
byOrigin.aggregate({ late: sum("dleay") })
// @ts-expect-error a text has no sum
byOrigin.aggregate({ late: sum("origin") })
// @ts-expect-error a reserved column
byOrigin.aggregate({ key: count() })
// @ts-expect-error an unknown option
from(events).keyBy("user_id").deduplicate({ ttl: "1h", tll: 3 })
from(events).keyBy("user_id").throttle({ limit: 3, per: "1h", algorithm: "tokenBucket", burst: 9 })
// @ts-expect-error a limit needs its time
from(events).keyBy("user_id").throttle({ limit: 3 })
// @ts-expect-error an algorithm that does not exist
from(events).keyBy("user_id").throttle({ limit: 3, per: "1h", algorithm: "leakyBucket" })
// @ts-expect-error no unit
from(events).keyBy("user_id").deduplicate({ ttl: "60x" })
// @ts-expect-error a time that is no time
from(events, { time: "user" })

declare const target: EventTarget
declare const form: HTMLFormElement
export const clicks = from(target, { event: "click", bufferMax: 10, overflow: "dropOldest" })
  .filter((event) => exactly<Event>()(event, true)[1])
  .map((event) => event.timeStamp)
export const details = from<CustomEvent<Flight>>(target, {
  event: "flight",
  time: ({ detail }) => detail.date,
}).map(({ detail }) => exactly<Flight>()(detail, true))
export const sent = from(form, { event: "submit" }).map((event) => exactly<Event>()(event, true))
// @ts-expect-error: which events?
export const unnamed = from(target)
// @ts-expect-error: an array has no events to listen for.
export const heard = from([1], { event: "click" })

export const parts = from([1])
  .concat(from(["a"]), from([true]))
  .map((event) => exactly<string | number | boolean>()(event, true))

// ---- evictedTo ----

const forgotten = outputTag("forgotten", of<EvictedKey<string>>())
const anyForgotten = outputTag<EvictedKey>("any")
const few = { maxSize: 2, onFull: "evict" } as const
const byText = from(["a"]).keyBy((text) => text)
export const told = byText
  .deduplicate({ state: few, evictedTo: forgotten })
  .sideOutput(forgotten)
  .map(({ key, position }) => exactly<string>()(key, true) && exactly<number>()(position, true))
byText.throttle({ limit: 1, per: 5, state: few, evictedTo: forgotten })
byText.throttle({ limit: 1, per: 5, state: few, evictedTo: anyForgotten })
from([1]).throttle({ limit: 1, per: 5, state: few, evictedTo: anyForgotten })
// @ts-expect-error the keys are strings
byText.deduplicate({ state: few, evictedTo: outputTag("numbers", of<EvictedKey<number>>()) })
// @ts-expect-error the keys are strings
byText.throttle({ limit: 1, per: 5, evictedTo: outputTag("numbers", of<EvictedKey<number>>()) })

// ---- errors of what holds back ----

const failures = outputTag("failures", of<ErrorEvent<string, string>>())
const aside = { onError: "route", errorsTo: failures } as const
byText.debounce(5, aside)
byText.sample(5, aside)
byText.buffer({ count: 2, ...aside })
byText.throttle({ limit: 1, per: 5, ...aside })
byText.debounce(5, { onError: ({ key }) => ({ emit: key.trim() }) })
byText.buffer({ count: 2, onError: ({ event, key }) => ({ emit: [event, key] }) })
// @ts-expect-error it gives lists
byText.buffer({ count: 2, onError: ({ event }) => ({ emit: event }) })
// @ts-expect-error the keys are strings
byText.sample(5, { onError: "route", errorsTo: outputTag("n", of<ErrorEvent<string, number>>()) })
