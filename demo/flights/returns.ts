/**
 * The join of the flights demo, and what its report says of it.
 *
 *     flights ──┬── by origin, destination ──┐
 *               └── by destination, origin ──┴── join ── aggregate    "returns"
 *
 * Each flight with those that fly its route the other way two to six hours later. Flights wait for
 * partners in linear memory, and only so long as there may be any.
 */
import { count, interval, type JobBase, type Stream } from "millrace"
import type { Flight } from "./source.ts"

/** The join of two streams of flights, which may be one, to be given to `run`. */
export function flightReturns(there: Stream<Flight>, back: Stream<Flight> = there) {
  const returns = there
    .keyBy(({ origin, destination }) => [origin, destination] as const)
    .join(
      back.keyBy(({ origin, destination }) => [destination, origin] as const),
      interval({ before: "-2h", after: "6h" }),
      () => 1,
      { uid: "pairs" },
    )
    .keyBy(() => null)
    .aggregate({ count: count() }, { uid: "returns", emit: "final" })
  return { returns }
}

/** What the report says of the join. */
export interface ReturnReport {
  /** Pairs of a flight and one back. */
  returns: number
}

/** Read it from the state of a job that ran {@link flightReturns}. */
export function returnReportOf(job: JobBase): ReturnReport {
  const { count = 0 } = (job.state("returns").get(null) ?? {}) as { count?: number }
  return { returns: count }
}
