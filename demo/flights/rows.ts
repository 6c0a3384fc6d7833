/**
 * Three million flights from a Parquet file, as a replayable source, wherever its bytes are.
 *
 * The file has eleven row groups of 272,727 rows, each column dictionary-encoded in one page. So
 * one group is decoded at a time, and only the columns that are read; events are made of them in
 * small slices. A position is the index of a row: reading may start at any of them, and groups
 * before it are not touched.
 */
import { parquetScan } from "hyparquet"
import type { AsyncBuffer } from "hyparquet"
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

/** Rows that are decoded, as one array for each column. */
export interface FlightColumns {
  readonly date: readonly Date[]
  readonly delay: readonly bigint[]
  readonly origin: readonly string[]
  readonly destination: readonly string[]
}

/** Enough to make a slice's overhead vanish, few enough to die young in the garbage collector. */
const sliceSize = 1024

/** The file, once its end was read, where it says what is in it. */
export type FlightFile = Awaited<ReturnType<typeof openFlights>>

/** Open the file by its bytes. */
export function openFlights(file: AsyncBuffer) {
  return parquetScan({ file, compressors, useOffsetIndex: false })
}

/** How many flights the file has. */
export function countOf({ metadata }: FlightFile): number {
  return Number(metadata.num_rows)
}

/** Rows `[rowStart, rowEnd)`, which are of one group. */
export async function readColumns(
  file: FlightFile,
  rowStart: number,
  rowEnd: number,
): Promise<FlightColumns> {
  const read = (column: keyof Flight) => file.readColumn({ column, rowStart, rowEnd })
  const [date, delay, origin, destination] = await Promise.all([
    read("date") as Promise<Date[]>,
    read("delay") as Promise<bigint[]>,
    read("origin") as Promise<string[]>,
    read("destination") as Promise<string[]>,
  ])
  return { date, delay, origin, destination }
}

/** The first `limit` flights of a file, in time order. */
export function flightsOf(open: () => Promise<FlightFile>, limit: number) {
  return {
    async *read(position = 0): AsyncGenerator<FlightSlice> {
      const file = await open()
      for (const group of file.ranges) {
        const rowStart = Math.max(position, group.rowStart)
        const rowEnd = Math.min(limit, group.rowEnd)
        if (rowStart >= rowEnd) continue

        const columns = await readColumns(file, rowStart, rowEnd)
        for (let from = rowStart; from < rowEnd; from += sliceSize) {
          const to = Math.min(rowEnd, from + sliceSize)
          yield { events: rowsOf(columns, from - rowStart, to - rowStart), position: to }
        }
      }
    },
  }
}

function rowsOf({ date, delay, origin, destination }: FlightColumns, from: number, to: number) {
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
