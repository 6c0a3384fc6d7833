/**
 * The twenty keys with the most events, and what the state of all keys weighs.
 */
import Table from "cli-table3"
import type { JobBase } from "millrace"
import { bar, digits } from "../flights/table.ts"

interface Count {
  key: unknown
  events: number
  first: number | undefined
  last: number | undefined
}

const topSize = 20
const keyWidth = 40

/** Print what the job's state "counts" holds. */
export function printCounts(job: JobBase, withTime: boolean): void {
  const { top, events } = largest(job)
  const most = top[0]?.events ?? 0
  const table = new Table({
    head: ["key", "events", "", ...(withTime ? ["first", "last"] : [])],
    colAligns: ["left", "right", "left", "left", "left"],
    style: { head: [], border: [], compact: true },
  })
  for (const { key, events, first, last } of top) {
    const times = withTime ? [first, last].map(timeText) : []
    table.push([keyText(key), digits(events), bar(events, most, 30), ...times])
  }
  if (top.length > 0) console.log(table.toString())

  const { rows, bytes } = job.stats().operators["counts"] ?? { rows: 0, bytes: 0 }
  console.log(`${digits(events)} events, ${digits(rows)} keys, ${digits(bytes)} bytes of state`)
}

/** The largest counts, most first, and the sum of all. No more than a few are held at a time. */
function largest(job: JobBase): { top: Count[]; events: number } {
  const top: Count[] = []
  let events = 0
  for (const [key, value] of job.state("counts").scan()) {
    const count = { key, ...(value as Omit<Count, "key">) }
    events += count.events
    if (top.length === topSize && count.events <= top[topSize - 1]!.events) continue
    const place = top.findIndex((other) => other.events < count.events)
    top.splice(place < 0 ? top.length : place, 0, count)
    top.length = Math.min(top.length, topSize)
  }
  return { top, events }
}

/** Strings as they are, control characters escaped; other keys as JSON. */
function keyText(key: unknown): string {
  const text = typeof key === "string" ? JSON.stringify(key).slice(1, -1) : JSON.stringify(key)
  return text.length <= keyWidth ? text : `${text.slice(0, keyWidth - 1)}…`
}

function timeText(time: number | undefined): string {
  return time === undefined ? "" : new Date(time).toISOString()
}
