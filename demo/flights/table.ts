/**
 * How the flights demo looks in a terminal: the table with its bars, and the progress bar.
 *
 * The table goes to stdout and progress to stderr, so that a pipe gets only the result.
 */
import { SingleBar } from "cli-progress"
import Table from "cli-table3"
import type { JobStats } from "millrace"
import type { Report } from "./job.ts"
import type { ReturnReport } from "./returns.ts"
import type { WindowReport } from "./windows.ts"

const grouped = new Intl.NumberFormat("en-GB")
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

/** A number in groups of three digits: `1,234,567`. */
export function digits(value: number): string {
  return grouped.format(value)
}

/** A bar of at most `width` cells, drawn to an eighth of a cell. */
export function bar(value: number, largest: number, width: number): string {
  const cells = largest > 0 ? (value / largest) * width : 0
  const whole = Math.floor(cells)
  return "█".repeat(whole) + eighths[Math.floor((cells - whole) * 8)]
}

type All = Report & WindowReport & ReturnReport

/** Print the ten largest airports with their worst hours, the totals, and what they took. */
export function printReport(
  report: All,
  worstOf: (origin: string) => { readonly start: number; readonly p95: number } | undefined,
  seconds: number,
  stats: JobStats,
): void {
  const table = new Table({
    head: ["origin", "flights", "", "late", "mean delay", "worst hour", "p95 delay"],
    colAligns: ["left", "right", "left", "right", "right", "left", "right"],
    style: { head: [], border: [], compact: true },
  })
  const most = report.top[0]?.flights ?? 0
  for (const { origin, flights, late, delaySum } of report.top) {
    const share = ((100 * late) / flights).toFixed(1)
    const mean = (delaySum / flights).toFixed(1)
    const hour = worstOf(origin)
    const worst = hour === undefined ? [] : [hourOf(hour.start), `${hour.p95.toFixed(0)} min`]
    table.push([
      origin,
      digits(flights),
      bar(flights, most, 16),
      `${share} %`,
      `${mean} min`,
      ...worst,
    ])
  }
  console.log(table.toString())
  for (const line of [...totals(report), ...windows(report), ...cost(seconds, stats)])
    console.log(line)
}

function totals(report: Report): string[] {
  const { events, origins, lateFlights, delaySum, routeDays, alerts, suppressed } = report
  return [
    `${digits(events)} flights from ${digits(origins)} airports; ${digits(lateFlights)} were late,`,
    `${digits(delaySum)} minutes of delay in all; ${digits(routeDays)} routes, counted once a day;`,
    `${digits(alerts)} alerts of flights three hours late or more, ${digits(suppressed)} held back`,
  ]
}

function windows({ windows, busiest, sessions, returns }: All): string[] {
  const hours = busiest.map(({ origin, start, flights }) => {
    return `${origin} on ${hourOf(start)}, ${digits(flights)} flights`
  })
  return [
    `${digits(windows)} hours of airports; the busiest: ${hours.join("; ")}`,
    `${digits(sessions)} sessions of routes; ${digits(returns)} pairs of a flight and one back`,
  ]
}

/** `2001-02-28 19:00`. */
function hourOf(start: number): string {
  return `${new Date(start).toISOString().slice(0, 13).replace("T", " ")}:00`
}

function cost(seconds: number, { events, operators }: JobStats): string[] {
  const states = Object.values(operators)
  const rows = states.reduce((sum, state) => sum + state.rows, 0)
  const mebibytes = states.reduce((sum, state) => sum + state.bytes, 0) / 2 ** 20
  const state = `${digits(rows)} rows of state in ${mebibytes.toFixed(1)} MiB`
  if (events === 0) return [`nothing left to read; ${state}`]

  const speed = digits(Math.round(events / seconds))
  return [`${digits(events)} events in ${seconds.toFixed(1)} s: ${speed} a second; ${state}`]
}

/** A progress bar; without a terminal a line now and then, or nothing if `quiet`. */
export function progressBar(quiet: boolean): SingleBar {
  return new SingleBar({
    format: "{bar} {percentage} %  {value} of {total} flights",
    formatValue: (value, _, type) => (type === "percentage" ? `${value}` : digits(value)),
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 40,
    hideCursor: true,
    noTTYOutput: !quiet,
    notTTYSchedule: 1000,
  })
}
