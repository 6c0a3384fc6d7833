/**
 * The streams of the dashboard. What the page shows is in their state, so that it is the same after
 * a reload, whatever was shown before.
 *
 *     arrivals ──┬── flights ─┬── by origin ─────────── aggregate                       "airports"
 *                │            ├── by route ──────────── aggregate                       "routes"
 *                │            ├── all ───────────────── aggregate topK                  "top"
 *                │            ├── by origin ── hours ── aggregate "hours" ────── fold   "closed"
 *                │            │                  └ late ──────────────────────── fold   "late"
 *                │            ├── five airports ─ days ─ aggregate p95 ───────── fold   "lines"
 *                └── rules ── broadcast ── severe ── pattern "threes" ────────── fold   "alerts"
 */
import { count, from, mapState, max, mean, of, outputTag, pattern, quantile } from "millrace"
import { boundedDisorder, skipPastLastEvent, sliding, topK, tumbling } from "millrace"
import type { Replayable, Stream } from "millrace"
import { firstMinutes } from "./rules.ts"
import { hubs, pointsMax, recentMax, shownFlights, topMax } from "./shown.ts"
import type { Arrival, Departure, Position, RuleEvent } from "./source.ts"

/** How far flights may be out of order. */
const disorder = "15m"

/** How many there were, and the last of them, the newest first. */
export interface Recent<T> {
  count: number
  last: T[]
}

/** An hour of an airport that is over. */
export interface ClosedHour {
  readonly key: string
  readonly start: number
  readonly flights: number
  readonly mean: number | undefined
  readonly worst: number | undefined
}

/** Three flights of an airport within an hour, each as late as the rule says, or later. */
export interface Alert {
  readonly origin: string
  /** When the third was to depart, ms since 1970. */
  readonly date: number
  /** Of the three, minutes. */
  readonly delays: readonly number[]
}

/** The line of an airport: ends of windows, ms since 1970, and their p95, minutes. */
export interface Line {
  ends: number[]
  p95: number[]
}

const isRule = (arrival: Arrival): arrival is RuleEvent => "minutes" in arrival
const isDeparture = (arrival: Arrival): arrival is Departure => !isRule(arrival)

/** All streams, to be given to `run`. */
export function dashboardStreams(source: Replayable<Arrival, Position>) {
  const all = from(source, { time: "date", watermark: boundedDisorder(disorder) })
  const flights = all.filter(isDeparture)
  return {
    ...totals(flights),
    ...hours(flights),
    ...lines(flights),
    ...alerts(flights, all.filter(isRule)),
  }
}

function totals(flights: Stream<Departure>) {
  const airports = flights
    .keyBy("origin")
    .aggregate(
      { flights: count(), mean: mean("delay"), worst: max("delay"), last: max("date") },
      { uid: "airports", emit: "final" },
    )
  const routes = flights
    .keyBy("route")
    .aggregate({ flights: count(), mean: mean("delay") }, { uid: "routes", emit: "final" })
  const top = flights
    .keyBy(() => null)
    .aggregate({ routes: topK("route", topMax, { capacity: 4096 }) }, { uid: "top", emit: "final" })
  return { airports, routes, top }
}

function hours(flights: Stream<Departure>) {
  const lateTo = outputTag("late-flights", of<Departure>())
  const hours = flights
    .keyBy("origin")
    .window(tumbling("1h"), { lateTo })
    .aggregate(
      { flights: count(), mean: mean("delay"), worst: max("delay") },
      { uid: "hours", name: "hours of airports" },
    )
  return {
    closed: recent<ClosedHour>(
      hours.map(({ key, start, flights, mean, worst }) => ({ key, start, flights, mean, worst })),
      "closed",
      ({ flights }) => flights >= shownFlights,
    ),
    late: recent(hours.sideOutput(lateTo), "late"),
  }
}

function lines(flights: Stream<Departure>) {
  const ofHub = new Set<string>(hubs)
  const lines = flights
    .filter(({ origin }) => ofHub.has(origin))
    .keyBy("origin")
    .window(sliding("24h", "1h"))
    .aggregate({ p95: quantile("delay", 0.95) }, { uid: "days" })
    .keyBy("key")
    .fold((): Line => ({ ends: [], p95: [] }), longer, { uid: "lines" })
  return { lines }
}

function longer(line: Line, { end, p95 }: { end: number; p95: number | undefined }): Line {
  if (p95 === undefined) return line
  line.ends.push(end)
  line.p95.push(p95)
  if (line.ends.length > pointsMax) for (const column of [line.ends, line.p95]) column.shift()
  return line
}

function alerts(flights: Stream<Departure>, rules: Stream<RuleEvent>) {
  const rule = { rule: mapState(of<"minutes">(), of<number>()) }
  const severe = flights
    .keyBy("origin")
    .connect(rules.broadcast(rule))
    .process({
      uid: "severe",
      emits: of<Departure>(),
      process(flight, { rule }, _, out) {
        if (flight.delay >= (rule.get("minutes") ?? firstMinutes)) out.collect(flight)
      },
      processBroadcast: ({ minutes }, { rule }) => rule.put("minutes", minutes),
    })
  const three = pattern("flights").times(3).consecutive().within("1h")
  const threes = severe.keyBy("origin").pattern(
    three,
    ({ flights }, _, { key, timestamp }): Alert => {
      return { origin: key, date: timestamp, delays: flights.map(({ delay }) => delay) }
    },
    { uid: "threes", afterMatch: skipPastLastEvent() },
  )
  return { alerts: recent(threes, "alerts") }
}

/** Count values, and keep the last of those that are shown. */
function recent<T>(values: Stream<T>, uid: string, shown: (value: T) => boolean = () => true) {
  return values
    .keyBy(() => null)
    .fold(
      (): Recent<T> => ({ count: 0, last: [] }),
      (recent, value) => {
        recent.count++
        if (!shown(value)) return recent
        recent.last.unshift(value)
        if (recent.last.length > recentMax) recent.last.pop()
        return recent
      },
      { uid },
    )
}
