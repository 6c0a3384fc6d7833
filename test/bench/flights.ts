/**
 * What the flights job costs beside plain JavaScript, once the rows are decoded.
 *
 * The control is one pass over the same rows: a `Map` by origin, and a `Set` of one text per
 * route and day; it has no time and no alerts. It keeps its result in the heap and loses it when
 * the process ends; the job keeps its own in linear memory, and with a storage it survives.
 */
import { from, type JobBase, run } from "millrace"
import { flightBranches, type Report, reportOf } from "../../demo/flights/job.ts"
import { type Flight, flightSource } from "../../demo/flights/source.ts"
import { type Extent, type Figure, interleave, printFigures, speedup } from "./harness.ts"
import type { Timing, Variant } from "./harness.ts"

const ours = "millrace"
const control = "Map + Set"
const dayMs = 86_400_000

/** Measure the job of the demo against its control; a quick run takes 300,000 flights. */
export async function flights({ quick }: Extent): Promise<Figure[]> {
  const decoded = await decode(quick ? 300_000 : Infinity)
  return [figureOf(await measure(decoded, 1024, quick ? 2 : 5), decoded)]
}

/** Print the comparison for `make demo ARGS=--compare`. */
export async function printComparison(given: { events: number; chunkSize: number }): Promise<void> {
  const decoded = await decode(given.events)
  printFigures([figureOf(await measure(decoded, given.chunkSize, 5), decoded)])
}

function measure(
  decoded: Flight[][],
  chunkSize: number,
  rounds: number,
): Promise<Map<string, Timing>> {
  const withMillrace: Variant<Flight[][]> = {
    name: ours,
    run: async (decoded) => {
      const source = from(sourceOf(decoded), { time: "date" })
      const job = await run(flightBranches(source), { chunkSize })
      await job.finished()
      return job
    },
    check: async (job: JobBase) => {
      const report: Partial<Report> = reportOf(job)
      delete report.alerts
      delete report.suppressed
      await job.close()
      return report
    },
  }
  const withMap: Variant<Flight[][]> = { name: control, run: onePass, check: plainReport }
  return interleave(rounds, () => decoded, [withMillrace, withMap])
}

function figureOf(timings: Map<string, Timing>, decoded: Flight[][]): Figure {
  const events = decoded.reduce((sum, slice) => sum + slice.length, 0)
  const { figure, detail } = speedup(timings, { ours, control, events })
  return {
    id: "flights",
    case: `cost of the job, ${events.toLocaleString("en-GB")} flights`,
    figure: 1 / figure,
    unit: "x",
    must: 1.6,
    aim: 1,
    better: "lower",
    control,
    detail,
  }
}

async function decode(limit: number): Promise<Flight[][]> {
  const decoded: Flight[][] = []
  for await (const { events } of flightSource(limit).read()) decoded.push(events)
  return decoded
}

/** The decoded slices again; the position is the index of a slice. */
function sourceOf(decoded: Flight[][]) {
  return {
    async *read(position = 0) {
      for (let index = position; index < decoded.length; index++) {
        yield { events: decoded[index]!, position: index + 1 }
      }
    },
  }
}

interface Plain {
  origins: Map<string, { flights: number; late: number; delaySum: number }>
  routeDays: Set<string>
}

function onePass(decoded: Flight[][]): Plain {
  const origins: Plain["origins"] = new Map()
  const routeDays = new Set<string>()
  for (const slice of decoded) {
    for (const { origin, destination, date, delay } of slice) {
      let totals = origins.get(origin)
      if (totals === undefined) {
        origins.set(origin, (totals = { flights: 0, late: 0, delaySum: 0 }))
      }
      const minutes = Number(delay)
      totals.flights += 1
      if (minutes > 15) totals.late += 1
      totals.delaySum += minutes
      routeDays.add(`${origin}|${destination}|${Math.floor(date.getTime() / dayMs)}`)
    }
  }
  return { origins, routeDays }
}

/** The report of the control, in the shape of the demo's. */
export function plainReport(plain: Plain): Omit<Report, "alerts" | "suppressed"> {
  const { origins, routeDays } = plain
  const airports = [...origins].map(([origin, totals]) => ({ origin, ...totals }))
  const total = (field: "flights" | "late" | "delaySum") =>
    airports.reduce((sum, airport) => sum + airport[field], 0)
  return {
    events: total("flights"),
    origins: airports.length,
    lateFlights: total("late"),
    delaySum: total("delaySum"),
    routeDays: routeDays.size,
    top: airports
      .sort((a, b) => b.flights - a.flights || (a.origin < b.origin ? -1 : 1))
      .slice(0, 10),
  }
}
