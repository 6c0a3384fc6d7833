/**
 * Three million flights from a file of a package that is installed here; rows.ts reads it.
 */
import { fileURLToPath } from "node:url"
import { asyncBufferFromFile } from "hyparquet"
import { countOf, flightsOf, openFlights } from "./rows.ts"

export type { Flight, FlightSlice } from "./rows.ts"

// The package's `exports` hide the file, so it is opened by its path.
const path = new URL("../../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url)

/** The first `limit` flights of the file, in time order; all of them by default. */
export function flightSource(limit = Infinity) {
  return flightsOf(openFlightFile, limit)
}

/** How many flights the file has. */
export async function flightCount(): Promise<number> {
  return countOf(await openFlightFile())
}

/** The file, for who reads rows otherwise. */
export async function openFlightFile() {
  return openFlights(await asyncBufferFromFile(fileURLToPath(path)))
}
