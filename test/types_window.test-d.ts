/** Windows as types: what is inferred, and what must not compile. */
import {
  approxDistinct,
  argMax,
  collect,
  count,
  countDistinct,
  countWindow,
  delta,
  ewma,
  first,
  from,
  max,
  of,
  onCount,
  outputTag,
  quantile,
  sample,
  sessions,
  sum,
  topK,
  tumbling,
} from "../js/index.ts"
import type { Stream, TopValue, WindowRange } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface Flight {
  readonly date: Date
  readonly origin: string
  readonly delay: bigint | null
  readonly distance: number
}
declare const flights: AsyncIterable<Flight>
const byOrigin = from(flights, { time: "date" }).keyBy("origin")
const eventsOf = <T>(of: Stream<T>) => of.event

const hours = byOrigin.window(tumbling("1h")).aggregate({
  flights: count(),
  late: sum("delay"),
  worst: max("delay"),
  top: argMax("delay"),
  from: first("origin"),
  delays: collect("delay"),
  places: countDistinct("origin"),
})
const row = eventsOf(hours)
exactly<string>()(row.key, true)
exactly<number>()(row.start, true)
exactly<number>()(row.end, true)
exactly<number | undefined>()(row.revision, true)
exactly<number>()(row.flights, true)
exactly<number>()(row.late, true)
exactly<number | undefined>()(row.worst, true)
exactly<Flight | undefined>()(row.top, true)
exactly<string | undefined>()(row.from, true)
exactly<bigint[]>()(row.delays, true)
exactly<number>()(row.places, true)

const sketches = eventsOf(
  byOrigin.window(tumbling("1h")).aggregate({
    places: approxDistinct("origin", { precision: 14 }),
    p95: quantile("delay", 0.95),
    spread: quantile("delay", [0.25, 0.5, 0.75]),
    top: topK("delay", 3),
    mean: ewma("distance", { halfLife: "5m" }),
    some: sample("delay", 10),
    flights: sample(10, { seed: 1 }),
  }),
)
type MayBe = number | undefined
exactly<number>()(sketches.places, true)
exactly<MayBe>()(sketches.p95, true)
exactly<[MayBe, MayBe, MayBe]>()(sketches.spread, true)
exactly<TopValue<bigint>[]>()(sketches.top, true)
exactly<MayBe>()(sketches.mean, true)
exactly<bigint[]>()(sketches.some, true)
exactly<Flight[]>()(sketches.flights, true)

// @ts-expect-error: there is no such field.
byOrigin.window(tumbling("1h")).aggregate({ late: sum("dleay") })
// @ts-expect-error: there is no such field.
byOrigin.window(tumbling("1h")).aggregate({ late: quantile("dleay", 0.5) })
// @ts-expect-error: it is no number.
byOrigin.window(tumbling("1h")).aggregate({ late: quantile("origin", [0.5]) })
// @ts-expect-error: there is no such field.
byOrigin.window(tumbling("1h")).aggregate({ top: topK("orgin", 3) })
// @ts-expect-error: there is no such field.
byOrigin.aggregate({ some: sample("orgin", 3) })
// @ts-expect-error: there is no such option.
approxDistinct("origin", { precison: 14 })
// @ts-expect-error: the half-life is missing.
ewma("distance")
// @ts-expect-error: it is no number.
byOrigin.window(tumbling("1h")).aggregate({ late: argMax("origin") })
// @ts-expect-error: a column of every row.
byOrigin.window(tumbling("1h")).aggregate({ end: count() })
// @ts-expect-error: no duration.
tumbling("1x")

const late = outputTag("late", of<Flight>())
const other = outputTag("other", of<{ readonly user: string }>())
byOrigin.window(tumbling("1h"), { lateTo: late })
// @ts-expect-error: late events are flights.
byOrigin.window(tumbling("1h"), { lateTo: other })
byOrigin.window(sessions((flight) => flight.distance))
byOrigin.window((flight, time) => [{ start: time, end: time + flight.distance }])
byOrigin.window(tumbling("1h"), { trigger: onCount(3) })
byOrigin.window(tumbling("1h"), { trigger: delta<Flight>(3, (a, b) => b.distance - a.distance) })

const counted = byOrigin.window(countWindow(2)).process(
  (events, state, ctx) => {
    exactly<readonly Flight[]>()(events, true)
    exactly<string>()(ctx.key, true)
    exactly<WindowRange>()(ctx.window, true)
    exactly<number>()(state.get(), true)
    ctx.output(late, events[0] as Flight)
    // @ts-expect-error: a flight goes there.
    ctx.output(late, 1)
    return state.update((n) => n + events.length)
  },
  { state: { value: () => 0 }, outputs: [late] },
)
exactly<number>()(eventsOf(counted), true)
const some = byOrigin
  .window(countWindow(2))
  .process((events) => (events.length > 1 ? events[0]?.origin : undefined))
exactly<string>()(eventsOf(some), true)
const reduced = byOrigin.window(tumbling("1h")).reduce((a, b) => (a.distance > b.distance ? a : b))
exactly<Flight>()(eventsOf(reduced), true)
