/** What the dashboard's job comes to, by plain code over everything that arrives. */
import { hubs, pointsMax, recentMax, shownFlights, topMax } from "../demo/dashboard/shown.ts"
import type { Recent } from "../demo/dashboard/job.ts"
import { firstMinutes } from "../demo/dashboard/rules.ts"
import type { Arrival, Departure } from "../demo/dashboard/source.ts"

const hourMs = 3_600_000
const disorderMs = 900_000

/** A flight with what held when it came. */
interface Arrived extends Departure {
  readonly watermark: number
  readonly rule: number
}

/** The figures of a view; lines by exact quantiles. */
export function plainTotals(all: readonly Arrival[]) {
  let [watermark, rule] = [-Infinity, firstMinutes]
  const flights: Arrived[] = []
  for (const arrival of all) {
    if ("minutes" in arrival) rule = arrival.minutes
    else flights.push({ ...arrival, watermark, rule })
    watermark = Math.max(watermark, arrival.date - disorderMs)
  }
  const airports = [...grouped(flights, ({ origin }) => origin)].map(
    ([code, flights]) => [code, flights.length, meanOf(flights)] as const,
  )
  const { closed, late } = hoursOf(flights)
  const lines = Object.fromEntries(hubs.map((hub) => [hub, lineOf(flights, hub)]))
  const top = topOf(flights)
  const timeMs = flights.reduce((last, { date }) => Math.max(last, date), -Infinity)
  return {
    flights: flights.length,
    timeMs,
    airports,
    top,
    closed,
    late,
    alerts: alertsOf(flights),
    lines,
    rule,
  }
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}

const meanOf = (flights: readonly Departure[]) =>
  flights.reduce((sum, { delay }) => sum + delay, 0) / flights.length

/** By how many flights; of those with as many the one that came first is first. */
function topOf(flights: readonly Departure[]) {
  const routes = [...grouped(flights, ({ route }) => route)]
  const sorted = routes.sort(([, a], [, b]) => b.length - a.length)
  return sorted
    .slice(0, topMax)
    .map(([route, flights]) => ({ route, flights: flights.length, mean: meanOf(flights) }))
}

/** `last` are those of `shown` that came last. */
function recent<T>(values: readonly T[], shown: readonly T[] = values): Recent<T> {
  return { count: values.length, last: shown.slice(-recentMax).reverse() }
}

function hoursOf(flights: readonly Arrived[]) {
  const startOf = ({ date }: Departure) => Math.floor(date / hourMs) * hourMs
  const isLate = (flight: Arrived) => startOf(flight) + hourMs <= flight.watermark
  const inTime = flights.filter((flight) => !isLate(flight))
  const windows = [...grouped(inTime, (flight) => `${flight.origin} ${startOf(flight)}`).values()]
  const rows = windows
    .map((flights) => {
      const [first] = flights as [Arrived]
      const worst = Math.max(...flights.map(({ delay }) => delay))
      const [start, mean] = [startOf(first), meanOf(flights)]
      return { key: first.origin, start, flights: flights.length, mean, worst }
    })
    .sort((a, b) => a.start - b.start) // Where that is the same, in the order in which they opened.
  const shown = rows.filter(({ flights }) => flights >= shownFlights)
  const late = flights.filter(isLate).map(({ date, delay, origin, destination, route }) => {
    return { date, delay, origin, destination, route }
  })
  return { closed: recent(rows, shown), late: recent(late) }
}

function lineOf(flights: readonly Arrived[], hub: string) {
  const windows = new Map<number, number[]>()
  for (const { origin, date, delay, watermark } of flights) {
    if (origin !== hub) continue
    const first = (Math.floor(date / hourMs) + 1) * hourMs
    for (let end = first; end < first + 24 * hourMs; end += hourMs) {
      if (end <= watermark) continue
      windows.set(end, windows.get(end) ?? [])
      windows.get(end)?.push(delay)
    }
  }
  const ends = [...windows.keys()].sort((a, b) => a - b).slice(-pointsMax)
  const p95 = ends.map((end) => {
    const delays = (windows.get(end) as number[]).sort((a, b) => a - b)
    return delays[Math.floor(0.95 * (delays.length - 1))] as number
  })
  return { ends, p95 }
}

/** Three in a row of those that were severely late, in less than an hour; each is of one alert. */
function alertsOf(flights: readonly Arrived[]) {
  const severe = flights
    .filter(({ delay, rule, date, watermark }) => delay >= rule && date >= watermark)
    .sort((a, b) => a.date - b.date)
  const alerts: { origin: string; date: number; delays: number[] }[] = []
  const rows = new Map<string, Departure[]>()
  for (const flight of severe) {
    const row = [...(rows.get(flight.origin) ?? []), flight].slice(-3)
    const [first] = row as [Departure]
    const whole = row.length === 3 && flight.date - first.date < hourMs
    rows.set(flight.origin, whole ? [] : row)
    const { origin, date } = flight
    if (whole) alerts.push({ origin, date, delays: row.map(({ delay }) => delay) })
  }
  return recent(alerts)
}
