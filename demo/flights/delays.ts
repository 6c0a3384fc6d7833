/**
 * The worst hour of each airport: the one in which a flight in twenty was this late, or later.
 *
 *     flights ── by origin ── hours ── aggregate p95 ── the greatest     "worst"
 *
 * An hour is a sketch of its delays, not a list of them, so p95 is right to one per cent.
 */
import { argMax, count, type JobBase, quantile, type Stream, tumbling } from "millrace"
import type { Flight } from "./source.ts"

/** With fewer flights an hour has no worst in twenty. */
const flightsMin = 20

/** An hour of an airport. */
interface DelayedHour {
  /** The hour's first instant, ms since 1970. */
  readonly start: number
  /** Minutes. */
  readonly p95: number
}

/** The branch over one stream of flights, to be given to `run` beside the others. */
export function flightDelays(flights: Stream<Flight>) {
  const worst = flights
    .keyBy("origin")
    .window(tumbling("1h"))
    .aggregate({ flights: count(), p95: quantile("delay", 0.95) }, { uid: "delays" })
    .filter((hour) => hour.flights >= flightsMin)
    .keyBy("key")
    .aggregate({ hour: argMax("p95") }, { uid: "worst", emit: "final" })
  return { worst }
}

/** The worst hour of an airport, from the state of a job that ran {@link flightDelays}. */
export function worstHourOf(job: JobBase, origin: string): DelayedHour | undefined {
  const [hour] = (job.state("worst/values").get(origin) ?? []) as [DelayedHour?]
  return hour
}
