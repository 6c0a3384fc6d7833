/**
 * The windows of the flights demo, and what its report says of them.
 *
 *     flights ──┬── by origin ── hours ──── aggregate ──┬── count    "windows"
 *               │                                       └── fold     "busiest"
 *               └── by route ─── sessions ─ aggregate ───── count    "sessions"
 *
 * Windows come out when event time has passed them. What came out is counted in state, too, so that
 * the report is the same after a kill.
 */
import { count, type JobBase, max, mean, sessions, type Stream, tumbling } from "millrace"
import type { Flight } from "./source.ts"

/** Flights of an airport in an hour. */
export interface Hour {
  origin: string
  /** The hour's first instant, ms since 1970. */
  start: number
  flights: number
}

/** What is so many hours apart on a route is not of one session. */
const sessionGap = "6h"

const busiestMax = 3

/** The windows over one stream of flights, to be given to `run` beside the other branches. */
export function flightWindows(flights: Stream<Flight>) {
  const hours = flights
    .keyBy("origin")
    .window(tumbling("1h"))
    .aggregate({ flights: count(), mean: mean("delay"), worst: max("delay") }, { uid: "hours" })

  const windows = hours
    .keyBy(() => null)
    .aggregate({ count: count() }, { uid: "windows", emit: "final" })

  const busiest = hours
    .map(({ key, start, flights }): Hour => ({ origin: key, start, flights }))
    .keyBy(() => null)
    .fold(() => [] as Hour[], largest, { uid: "busiest" })

  const routes = flights
    .keyBy(({ origin, destination }) => [origin, destination] as const)
    .window(sessions(sessionGap))
    .aggregate({ flights: count() }, { uid: "routes" })
    .keyBy(() => null)
    .aggregate({ count: count() }, { uid: "sessions", emit: "final" })

  return { windows, busiest, routes }
}

function largest(hours: Hour[], hour: Hour): Hour[] {
  const last = hours[busiestMax - 1]
  if (last !== undefined && byFlightsThenStart(hour, last) > 0) return hours
  return [...hours, hour].sort(byFlightsThenStart).slice(0, busiestMax)
}

function byFlightsThenStart(a: Hour, b: Hour): number {
  return b.flights - a.flights || a.start - b.start || (a.origin < b.origin ? -1 : 1)
}

/** What the report says of windows. */
export interface WindowReport {
  /** Hours in which an airport had flights, over all airports. */
  windows: number
  /** The largest of them, the earliest first where they are alike. */
  busiest: Hour[]
  /** Runs of flights on a route without a pause of {@link sessionGap}. */
  sessions: number
}

/** Read it from the state of a job that ran {@link flightWindows}. */
export function windowReportOf(job: JobBase): WindowReport {
  const countOf = (uid: string) =>
    (job.state(uid).get(null) as { count: number } | undefined)?.count ?? 0
  const busiest = (job.state("busiest").get(null) as Hour[] | undefined) ?? []
  return { windows: countOf("windows"), busiest, sessions: countOf("sessions") }
}
