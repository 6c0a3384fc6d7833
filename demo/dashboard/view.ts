/**
 * What the page shows, read from the state of the job between two chunks.
 */
import type { JobBase } from "millrace"
import { hubs } from "./shown.ts"
import type { Alert, ClosedHour, Line, Recent } from "./job.ts"
import type { CheckpointView, View, ViewQuery } from "./messages.ts"
import type { Pace } from "./pace.ts"
import { firstMinutes } from "./rules.ts"
import type { Departure } from "./source.ts"

/** What the job does not know of itself. */
export interface Surroundings {
  readonly pace: Pace
  readonly flightsMax: number
  readonly checkpoints: CheckpointView
}

/** An airport, or a route, as its aggregate is. */
interface Totals {
  readonly flights: number
  readonly mean?: number
}

interface AirportTotals extends Totals {
  /** The last departure, ms since 1970. */
  readonly last?: number
}

export function viewOf(job: JobBase, query: ViewQuery, around: Surroundings): View {
  const { pace, flightsMax, checkpoints } = around
  const { live, external } = job.stats().memory
  const airports = airportsOf(job)
  const rule = job.state("severe/rule").get([null, "minutes"])
  return {
    flights: sumOf(airports),
    flightsMax,
    timeMs: airports.reduce((last, [, totals]) => Math.max(last, totals.last ?? last), -Infinity),
    pace: { speed: pace.speed, paused: pace.paused },
    rule: (rule as number | undefined) ?? firstMinutes,
    airports: airports.map(([code, { flights, mean = 0 }]) => [code, flights, mean]),
    top: topOf(job),
    closed: recentOf<ClosedHour>(job, "closed"),
    late: recentOf<Departure>(job, "late"),
    alerts: recentOf<Alert>(job, "alerts"),
    lines: linesOf(job, query.linesEndMs),
    memoryBytes: live + external,
    checkpoints,
  }
}

/** How many flights the state has. */
export const flightsOf = (job: JobBase) => sumOf(airportsOf(job))

const airportsOf = (job: JobBase) => [...job.state("airports").scan()] as [string, AirportTotals][]

const sumOf = (airports: readonly (readonly [string, Totals])[]) =>
  airports.reduce((sum, [, { flights }]) => sum + flights, 0)

function topOf(job: JobBase) {
  const [top = []] = (job.state("top/values").get(null) ?? []) as [{ value: string }[]?]
  return top.map(({ value: route }) => {
    const { flights, mean = 0 } = job.state("routes").get(route) as Totals
    return { route, flights, mean }
  })
}

function recentOf<T>(job: JobBase, uid: string): Recent<T> {
  return (job.state(uid).get(null) as Recent<T> | undefined) ?? { count: 0, last: [] }
}

/** The lines, if the page has others. */
function linesOf(job: JobBase, endMs: number): Record<string, Line> | undefined {
  const lines = [...job.state("lines").scan()] as [string, Line][]
  const last = Math.max(...lines.map(([, { ends }]) => ends.at(-1) ?? -Infinity))
  if (last === endMs) return undefined
  const byHub = new Map(lines)
  return Object.fromEntries(hubs.map((hub) => [hub, byHub.get(hub) ?? { ends: [], p95: [] }]))
}
