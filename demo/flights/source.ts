/**
 * Three million flights from a Parquet file, as a replayable source.
 *
 * The file has eleven row groups of 272,727 rows, each column dictionary-encoded in one page. So
 * one group is decoded at a time, and only the columns that are read; events are made of them in
 * small slices. A position is the index of a row: reading may start at any of them, and groups
 * before it are not touched.
 */
import { fileURLToPath } from "node:url"
import { asyncBufferFromFile, parquetScan } from "hyparquet"
import { compressors } from "hyparquet-compressors"

/** One flight inside the United States in 2001, as the file has it. */
export interface Flight {
  /** Scheduled departure. */
  readonly date: Date
  /** How late it arrived, in minutes; early ones are below zero. */
  readonly delay: bigint
  readonly origin: string
  readonly destination: string
}

/** Some flights, and the row index of the first flight after them. */
export interface FlightSlice {
  events: Flight[]
  position: number
}

// The package's `exports` hide the file, so it is opened by its path.
const file = new URL("../../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url)

/** Enough to make a slice's overhead vanish, few enough to die young in the garbage collector. */
const sliceSize = 1024

/** The first `limit` flights of the file, in time order; all of them by default. */
export function flightSource(limit = Infinity) {
  return {
    async *read(position = 0): AsyncGenerator<FlightSlice> {
      const scan = await openFile()
      for (const group of scan.ranges) {
        const rowStart = Math.max(position, group.rowStart)
        const rowEnd = Math.min(limit, group.rowEnd)
        if (rowStart >= rowEnd) continue

        const columns = await readColumns(scan, rowStart, rowEnd)
        for (let from = rowStart; from < rowEnd; from += sliceSize) {
          const to = Math.min(rowEnd, from + sliceSize)
          yield { events: flightsOf(columns, from - rowStart, to - rowStart), position: to }
        }
      }
    },
  }
}

/** How many flights the file has. */
export async function flightCount(): Promise<number> {
  const { metadata } = await openFile()
  return Number(metadata.num_rows)
}

type Scan = Awaited<ReturnType<typeof openFile>>
type Columns = Awaited<ReturnType<typeof readColumns>>

async function openFile() {
  const buffer = await asyncBufferFromFile(fileURLToPath(file))
  return parquetScan({ file: buffer, compressors, useOffsetIndex: false })
}

async function readColumns(scan: Scan, rowStart: number, rowEnd: number) {
  const read = (column: keyof Flight) => scan.readColumn({ column, rowStart, rowEnd })
  const [date, delay, origin, destination] = await Promise.all([
    read("date") as Promise<Date[]>,
    read("delay") as Promise<bigint[]>,
    read("origin") as Promise<string[]>,
    read("destination") as Promise<string[]>,
  ])
  return { date, delay, origin, destination }
}

function flightsOf({ date, delay, origin, destination }: Columns, from: number, to: number) {
  const flights: Flight[] = []
  for (let row = from; row < to; row++) {
    flights.push({
      date: date[row]!,
      delay: delay[row]!,
      origin: origin[row]!,
      destination: destination[row]!,
    })
  }
  return flights
}
