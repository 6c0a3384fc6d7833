/**
 * What arrives: flights, a little out of order, at the pace that was asked for, and changes of the
 * rule in between. Replayable: a position says how many of each came before it.
 */
import { countOf, readColumns } from "../flights/rows.ts"
import type { FlightColumns, FlightFile } from "../flights/rows.ts"
import { arrivalOrder, blockSize } from "./arrival.ts"
import type { Pace } from "./pace.ts"
import type { Rules } from "./rules.ts"

/** A flight that has departed. */
export interface Departure {
  /** When it was to depart, ms since 1970. */
  readonly date: number
  /** How late it arrived, minutes; early ones are below zero. */
  readonly delay: number
  readonly origin: string
  readonly destination: string
  /** `ORD → LGA`. */
  readonly route: string
}

/** The rule has changed. */
export interface RuleEvent {
  readonly date: number
  readonly minutes: number
}

export type Arrival = Departure | RuleEvent

/** How many flights, and changes of the rule, came before. */
export interface Position {
  readonly flights: number
  readonly rules: number
}

interface Slice {
  readonly events: readonly Arrival[]
  readonly position: Position
}

const sliceSize = 1024

/** Rows of one block in the order in which they arrive. */
interface Block {
  readonly firstRow: number
  readonly columns: FlightColumns
  readonly order: Uint16Array
  /** When each arrives: as it departs, or with the one before it. */
  readonly arrivedMs: Float64Array
}

/** The first `limit` flights of a file. */
export function arrivals(file: FlightFile, limit: number, pace: Pace, rules: Rules) {
  return {
    async *read(from: Position = { flights: 0, rules: 0 }): AsyncGenerator<Slice> {
      let { flights, rules: passed } = from
      for await (const block of blocksOf(file, flights, Math.min(limit, countOf(file)))) {
        const end = block.firstRow + block.order.length
        while (flights < end) {
          const timeMs = block.arrivedMs[flights - block.firstRow]!
          pace.reach(timeMs)
          await rules.settle(flights, passed)
          const next = rules.log[passed]
          if (next !== undefined && next.at <= flights) {
            const position = { flights, rules: ++passed }
            yield { events: [{ date: timeMs, minutes: next.minutes }], position }
          } else if (pace.now < timeMs || pace.paused) await pace.wait(timeMs)
          else {
            const until = Math.min(end, flights + sliceSize, next?.at ?? Infinity)
            const events = departuresOf(block, flights, until, pace.now)
            flights += events.length
            yield { events, position: { flights, rules: passed } }
          }
        }
      }
    },
  }
}

/** Blocks from the one that has `flight`: whole ones, as rows change places inside of them. */
async function* blocksOf(file: FlightFile, flight: number, limit: number): AsyncGenerator<Block> {
  for (const { rowStart, rowEnd } of file.ranges) {
    const end = Math.min(limit, rowEnd)
    if (end <= Math.max(flight, rowStart)) continue
    const passed = Math.max(0, Math.floor((flight - rowStart) / blockSize)) * blockSize
    const columns = await readColumns(file, rowStart + passed, end)
    for (let at = 0; at < columns.date.length; at += blockSize) {
      yield blockOf(columns, at, rowStart + passed + at)
    }
  }
}

/** The block that begins at `from` in columns, and at `firstRow` in the file. */
function blockOf(all: FlightColumns, from: number, firstRow: number): Block {
  const part = <T>(column: readonly T[]) => column.slice(from, from + blockSize)
  const columns = {
    date: part(all.date),
    delay: part(all.delay),
    origin: part(all.origin),
    destination: part(all.destination),
  }
  const order = arrivalOrder(firstRow, columns.date.length)
  let latestMs = -Infinity
  const arrivedMs = Float64Array.from(order, (row) => {
    return (latestMs = Math.max(latestMs, columns.date[row]!.getTime()))
  })
  return { firstRow, columns, order, arrivedMs }
}

/** Flights `[from, to)` that have arrived by then; at least one. */
function departuresOf(block: Block, from: number, to: number, byMs: number): Departure[] {
  const { columns, firstRow, order, arrivedMs } = block
  const departures: Departure[] = []
  for (let flight = from; flight < to && arrivedMs[flight - firstRow]! <= byMs; flight++) {
    const row = order[flight - firstRow]!
    const [origin, destination] = [columns.origin[row]!, columns.destination[row]!]
    departures.push({
      date: columns.date[row]!.getTime(),
      delay: Number(columns.delay[row]),
      origin,
      destination,
      route: `${origin} → ${destination}`,
    })
  }
  return departures
}
