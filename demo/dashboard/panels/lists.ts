/** The lists: what came last, and the busiest routes. Rows are made once, and written into. */
import { byId, make, write } from "../dom.ts"
import { digits, hour, minutes, shortDay } from "../format.ts"
import { recentMax, topMax } from "../shown.ts"
import type { View } from "../messages.ts"

/** What stands in a row: a word, what there is to say of it, and a figure. */
type Row = readonly [word: string, text: string, figure: string]

/** A list of so many rows, which has its height from the start. */
function feed(id: string): (rows: readonly Row[]) => void {
  const list = byId(id, HTMLElement)
  const cells = Array.from({ length: recentMax }, () => {
    const row = [make("b"), make("i"), make("span")] as const
    list.append(make("li", {}, ...row))
    return row
  })
  return (rows) => {
    for (const [at, row] of cells.entries()) {
      for (const [place, cell] of row.entries()) write(cell, rows[at]?.[place] ?? "")
    }
  }
}

export function listsPanel() {
  const [alerts, closed, late] = [feed("alerts"), feed("closed"), feed("late")]
  const routes = routesPanel()

  return (view: View): void => {
    alerts(
      view.alerts.last.map(({ origin, date, delays }) => {
        const three = delays.map((delay) => digits(delay)).join(", ")
        return [origin, `${shortDay(date)}, ${hour(date)}`, `${three} min`]
      }),
    )
    closed(
      view.closed.last.map(({ key, start, flights, mean = 0 }) => {
        const when = `${shortDay(start)}, ${hour(start)}`
        return [key, `${when}: ${digits(flights)} flights`, minutes(mean)]
      }),
    )
    late(
      view.late.last.map(({ route, date, delay }) => {
        return [route, `of ${shortDay(date)}, ${hour(date)}`, minutes(delay)]
      }),
    )
    routes(view)
  }
}

function routesPanel() {
  const list = byId("routes", HTMLElement)
  const rows = Array.from({ length: topMax }, () => {
    const row = { name: make("b"), bar: make("div", { className: "bar-of" }), count: make("span") }
    list.append(make("li", {}, row.name, row.bar, row.count))
    return row
  })
  return ({ top }: View): void => {
    const most = top[0]?.flights ?? 1
    for (const [at, { name, bar, count }] of rows.entries()) {
      const { route, flights } = top[at] ?? { route: "", flights: 0 }
      write(name, route)
      write(count, flights === 0 ? "" : digits(flights))
      bar.style.transform = `scaleX(${flights / most})`
    }
  }
}
