/**
 * A page of any state of the job. What is typed and pressed becomes a question to the worker, which
 * filters and sorts; the answer is written into the rows that are there.
 */
import { byId, make, write } from "../dom.ts"
import { digits, inTable } from "../format.ts"
import { statePaths } from "../shown.ts"
import { pageRows } from "../messages.ts"
import type { Cell, TablePage, TableQuery } from "../messages.ts"

/** How often the rows are read again, ms. */
const everyMs = 500

export interface TableEvents {
  /** Something else is to be asked for. */
  readonly changed: () => void
  /** A key was pressed. */
  readonly why: (key: string) => void
}

export function tablePanel({ changed, why }: TableEvents) {
  const states = byId("table-state", HTMLSelectElement)
  const filter = byId("table-filter", HTMLInputElement)
  const found = byId("table-found", HTMLElement)
  const [back, next] = [
    byId("table-back", HTMLButtonElement),
    byId("table-next", HTMLButtonElement),
  ]
  const rows = new Rows(byId("table", HTMLTableElement), sortBy, why)
  const sort = { column: "flights", descending: true }
  let page = 0
  let askedMs = -Infinity

  function sortBy(column: string): void {
    sort.descending = sort.column === column ? !sort.descending : true
    sort.column = column
    again(0)
  }

  function again(of: number): void {
    page = of
    askedMs = -Infinity
    changed()
  }

  states.append(...statePaths.map((path) => make("option", { value: path }, path)))
  states.value = "routes"
  states.onchange = () => again(0)
  filter.oninput = () => again(0)
  back.onclick = () => again(page - 1)
  next.onclick = () => again(page + 1)

  return {
    /** What to ask for, if it is time to. */
    query(nowMs: number): TableQuery | undefined {
      if (nowMs - askedMs < everyMs) return undefined
      askedMs = nowMs
      return { state: states.value, filter: filter.value, sort: { ...sort }, page }
    },
    draw(given: TablePage): void {
      if (given.state !== states.value) return // Another one was chosen in the meantime.
      rows.draw(given, sort)
      page = given.page
      const all = given.total === given.found ? "" : ` of ${digits(given.total)}`
      const pages = `page ${digits(page + 1)} of ${digits(given.pages)}`
      write(found, `${digits(given.found)}${all} keys, ${pages}`)
      back.disabled = page === 0
      next.disabled = page === given.pages - 1
    },
  }
}

/** The head and the rows of a table, which change only where something else stands in them. */
class Rows {
  readonly #table: HTMLTableElement
  readonly #sortBy: (column: string) => void
  readonly #why: (key: string) => void
  #made = ""
  #heads: HTMLTableCellElement[] = []
  /** Cells, or the buttons in them. */
  #cells: HTMLElement[][] = []

  constructor(
    table: HTMLTableElement,
    sortBy: (column: string) => void,
    why: (key: string) => void,
  ) {
    this.#table = table
    this.#sortBy = sortBy
    this.#why = why
  }

  draw(page: TablePage, sort: NonNullable<TableQuery["sort"]>): void {
    const { columns, numbers, rows } = page
    this.#make(page)
    for (const [at, head] of this.#heads.entries()) {
      const order = sort.descending ? "descending" : "ascending"
      head.ariaSort = columns[at] === sort.column ? order : "none"
      head.className = numbers[at] === true ? "number" : ""
    }
    for (const [at, row] of this.#cells.entries()) {
      for (const [place, cell] of row.entries()) writeCell(cell, rows[at]?.[place] ?? "")
    }
  }

  /** Make cells, unless they are there. */
  #make({ columns, explains }: TablePage): void {
    const made = `${columns.join()} ${explains}`
    if (made === this.#made) return
    this.#made = made
    this.#heads = columns.map((column) => {
      const button = make("button", { onclick: () => this.#sortBy(column) }, column || "value")
      return make("th", { scope: "col" }, button)
    })
    this.#cells = Array.from({ length: pageRows }, () =>
      columns.map((_, at) => (at === 0 && explains ? this.#key() : make("td"))),
    )
    this.#table.tHead?.rows[0]?.replaceChildren(...this.#heads)
    const rows = this.#cells.map((row) => {
      const inRow = (each: HTMLElement) =>
        each instanceof HTMLButtonElement ? make("td", {}, each) : each
      return make("tr", {}, ...row.map(inRow))
    })
    this.#table.tBodies[0]?.replaceChildren(...rows)
  }

  #key(): HTMLButtonElement {
    const button = make("button", { onclick: () => this.#why(button.textContent) })
    return button
  }
}

function writeCell(cell: HTMLElement, value: Cell): void {
  write(cell, typeof value === "number" ? inTable(value) : value)
  cell.className = typeof value === "number" ? "number" : ""
  cell.hidden = cell instanceof HTMLButtonElement && value === ""
}
