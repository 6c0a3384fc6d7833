/**
 * The job of the flights demo: one source, three branches, and a report made of their state.
 *
 *     flights ──┬── by origin ─────────────────────── fold         "origins"
 *               ├── by origin, destination, day ───── deduplicate  "route-days"
 *               │                                          └────── aggregate "passed"
 *               └── severely late, by origin ──────── throttle     "calm"
 *                                                          └────── aggregate "alerts"
 *
 * Nothing here counts on the side: every figure of the report is read from the job's state, so it
 * is the same whether the job ran in one go, or was killed and went on in another process.
 */
import { count, type JobBase, record, type Stream } from "millrace"
import type { Flight } from "./source.ts"

/** A flight that comes in later than this is late. */
const lateAfterMinutes = 15

/** A flight that comes in this late is worth an alert, but not more than three an hour. */
const severeFromMinutes = 180
const calm = { limit: 3, per: "1h" } as const

const dayMs = 24 * 60 * 60 * 1000

/** What is kept of an airport: a typed record of 32 bytes in linear memory, not an object. */
const airport = record({ flights: "f64", late: "f64", severe: "f64", delaySum: "f64" })

/** The branches over one stream of flights, to be given to `run`; it has the flights' time. */
export function flightBranches(flights: Stream<Flight>) {
  const origins = flights.keyBy("origin").fold(
    airport,
    (airport, flight) => {
      const delay = Number(flight.delay)
      airport.flights += 1
      if (delay > lateAfterMinutes) airport.late += 1
      if (delay >= severeFromMinutes) airport.severe += 1
      airport.delaySum += delay
      return airport
    },
    { uid: "origins" },
  )

  const routeDays = flights
    .keyBy((flight) => [flight.origin, flight.destination, dayOf(flight.date)] as const)
    .deduplicate({ uid: "route-days" })
    .keyBy(() => null)
    .aggregate({ count: count() }, { uid: "passed", emit: "final" })

  const alerts = flights
    .filter(({ delay }) => delay >= severeFromMinutes)
    .keyBy("origin")
    .throttle({ uid: "calm", ...calm })
    .keyBy(() => null)
    .aggregate({ count: count() }, { uid: "alerts", emit: "final" })

  return { origins, routeDays, alerts }
}

function dayOf(date: Date): number {
  return Math.floor(date.getTime() / dayMs)
}

/** One airport of the report. */
export interface Airport {
  origin: string
  flights: number
  late: number
  delaySum: number
}

/** What the demo prints with `--json`. */
export interface Report {
  events: number
  origins: number
  lateFlights: number
  delaySum: number
  routeDays: number
  /** Flights severely late that passed as alerts, and those that did not. */
  alerts: number
  suppressed: number
  top: Airport[]
}

/** Read the report from the state of a job that ran {@link flightBranches}. */
export function reportOf(job: JobBase): Report {
  const airports: Airport[] = []
  let severe = 0
  for (const [origin, totals] of job.state("origins").scan()) {
    const { severe: some, ...airport } = totals as Omit<Airport, "origin"> & { severe: number }
    severe += some
    airports.push({ origin: origin as string, ...airport })
  }
  const countOf = (uid: string) =>
    (job.state(uid).get(null) as { count: number } | undefined)?.count
  const alerts = countOf("alerts") ?? 0
  const total = (field: "flights" | "late" | "delaySum") =>
    airports.reduce((sum, airport) => sum + airport[field], 0)

  return {
    events: total("flights"),
    origins: airports.length,
    lateFlights: total("late"),
    delaySum: total("delaySum"),
    routeDays: countOf("passed") ?? 0,
    alerts,
    suppressed: severe - alerts,
    top: airports.sort(byFlightsThenOrigin).slice(0, 10),
  }
}

function byFlightsThenOrigin(a: Airport, b: Airport): number {
  return b.flights - a.flights || (a.origin < b.origin ? -1 : 1)
}
