/**
 * The job of the flights demo: one source, two branches, and a report made of their state.
 *
 *     flights ──┬── by origin ─────────────────────── fold         "origins"
 *               └── by origin, destination, day ───── deduplicate  "route-days"
 *                                                          └────── aggregate "passed"
 *
 * Nothing here counts on the side: every figure of the report is read from the job's state, so it
 * is the same whether the job ran in one go, or was killed and went on in another process.
 */
import { count, type JobBase, record, type Stream } from "millrace"
import type { Flight } from "./source.ts"

/** A flight that comes in later than this is late. */
const lateAfterMinutes = 15

const dayMs = 24 * 60 * 60 * 1000

/** What is kept of an airport: a typed record of 24 bytes in linear memory, not an object. */
const airport = record({ flights: "f64", late: "f64", delaySum: "f64" })

/** The two branches over one stream of flights, to be given to `run`. */
export function flightBranches(flights: Stream<Flight>) {
  const origins = flights.keyBy("origin").fold(
    airport,
    (airport, flight) => {
      const delay = Number(flight.delay)
      airport.flights += 1
      airport.late += delay > lateAfterMinutes ? 1 : 0
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

  return { origins, routeDays }
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
  top: Airport[]
}

/** Read the report from the state of a job that ran {@link flightBranches}. */
export function reportOf(job: JobBase): Report {
  const airports: Airport[] = []
  for (const [origin, totals] of job.state("origins").scan()) {
    airports.push({ origin, ...(totals as object) } as Airport)
  }
  const passed = job.state("passed").get(null) as { count: number } | undefined
  const total = (field: "flights" | "late" | "delaySum") =>
    airports.reduce((sum, airport) => sum + airport[field], 0)

  return {
    events: total("flights"),
    origins: airports.length,
    lateFlights: total("late"),
    delaySum: total("delaySum"),
    routeDays: passed?.count ?? 0,
    top: airports.sort(byFlightsThenOrigin).slice(0, 10),
  }
}

function byFlightsThenOrigin(a: Airport, b: Airport): number {
  return b.flights - a.flights || (a.origin < b.origin ? -1 : 1)
}
