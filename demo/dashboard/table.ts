/**
 * A page of the rows of a state, filtered and sorted: the work is here, in the worker, and what is
 * seen at once goes to the page.
 */
import type { JobBase } from "millrace"
import { brief } from "./format.ts"
import { pageRows } from "./messages.ts"
import type { Cell, TablePage, TableQuery } from "./messages.ts"

/** Read the page that was asked for, of the state as it is now. */
export function tableOf(job: JobBase, query: TableQuery): TablePage {
  const entries = job.state(query.state).entries()
  const names = new Set(entries.slice(0, 1).flatMap((entry) => Object.keys(entry)))
  const columns = [...names]
  const all = entries.map((entry) => columns.map((name) => cellOf(entry[name])))
  const wanted = query.filter.trim().toLowerCase()
  const found = all.filter((row) => row.some((cell) => textOf(cell).includes(wanted)))
  const { sort } = query
  const place = sort === undefined ? -1 : columns.indexOf(sort.column)
  if (place >= 0) {
    const sign = sort?.descending === true ? -1 : 1
    found.sort((a, b) => sign * compare(a[place] as Cell, b[place] as Cell))
  }
  const pages = Math.max(1, Math.ceil(found.length / pageRows))
  const page = Math.min(Math.max(0, query.page), pages - 1)
  return {
    state: query.state,
    columns,
    numbers: columns.map((name) => typeof entries[0]?.[name] === "number"),
    explains: typeof entries[0]?.["key"] === "string",
    rows: found.slice(page * pageRows, (page + 1) * pageRows),
    ...{ page, pages, found: found.length, total: all.length },
  }
}

const cellOf = (value: unknown): Cell => (typeof value === "number" ? value : brief(value))

const textOf = (cell: Cell) => String(cell).toLowerCase()

/** Numbers before texts, each among their own. */
function compare(a: Cell, b: Cell): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
