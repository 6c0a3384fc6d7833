/** What the program of the consumers must give. */
import { isDeepStrictEqual } from "node:util"
import { orders } from "./consumers/program.ts"

const hourMs = 3_600_000

interface Row {
  readonly key: string
  readonly start: number
  readonly end: number
  orders: number
  spent: number
  nth: number
}

/** What plain JavaScript makes of the orders, as windows come: by their ends, then first events. */
function expectedRows(): Row[] {
  const numbers = new Map<string, number>()
  const rows = new Map<string, Row>()
  for (const { user, price, at } of orders) {
    const nth = (numbers.get(user) ?? 0) + 1
    numbers.set(user, nth)
    const [start, id] = [at - (at % hourMs), `${user} ${Math.floor(at / hourMs)}`]
    const empty = { key: user, start, end: start + hourMs, orders: 0, spent: 0, nth }
    const row = rows.get(id) ?? empty
    row.orders++
    row.spent += price
    row.nth = nth
    rows.set(id, row)
  }
  return [...rows.values()]
}

const expected = expectedRows()

/** Throws if a run did not give that, or did not go on from its checkpoint. */
export function check(output: string): void {
  const { position, rows } = parsed(output)
  if (!(position > 0 && position < orders.length)) {
    throw new Error(`it went on from event ${position}, not from a checkpoint in the middle`)
  }
  const wrong = Array.from({ length: Math.max(rows.length, expected.length) }, (_, n) => n).find(
    (n) => !isDeepStrictEqual(rows[n], expected[n]),
  )
  if (wrong === undefined) return
  const [given, wanted] = [rows[wrong], expected[wrong]].map((row) => JSON.stringify(row))
  throw new Error(`row ${wrong} is ${given}, not ${wanted}`)
}

function parsed(output: string): { readonly position: number; readonly rows: readonly unknown[] } {
  try {
    const { position = 0, rows } = JSON.parse(output) as { position?: number; rows: unknown[] }
    return { position, rows }
  } catch {
    throw new Error(`it gave no rows, but ${output || "nothing"}`)
  }
}
