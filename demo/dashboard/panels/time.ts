/** How far the flights have come: the time, the number, and a line with marks of checkpoints. */
import { byId, colour, pencil, write } from "../dom.ts"
import { day, digits, hour } from "../format.ts"
import type { View } from "../messages.ts"

export function timePanel() {
  const line = byId("timeline", HTMLCanvasElement)
  const date = byId("date", HTMLElement)
  const time = byId("hour", HTMLElement)
  const flights = byId("flights", HTMLElement)
  const flightsMax = byId("flights-max", HTMLElement)
  const marks = new Marks()

  return (view: View): void => {
    const { timeMs } = view
    const known = Number.isFinite(timeMs)
    write(date, known ? day(timeMs) : "–")
    write(time, known ? hour(timeMs) : "")
    write(flights, digits(view.flights))
    write(flightsMax, digits(view.flightsMax))
    marks.see(view)
    drawLine(line, view, marks)
  }
}

/** The checkpoints that this page has seen, each in a thousandth of the flights. */
class Marks {
  readonly shares = new Set<number>()

  see({ flights, flightsMax, checkpoints: { at } }: View): void {
    if (at !== undefined) this.shares.add(Math.round((1000 * at) / flightsMax) / 1000)
    const most = flights / flightsMax + 0.001
    for (const share of this.shares) if (share > most) this.shares.delete(share) // Begun again.
  }
}

function drawLine(
  canvas: HTMLCanvasElement,
  { flights, flightsMax, checkpoints }: View,
  { shares }: Marks,
): void {
  const { context, width, height } = pencil(canvas)
  const xOf = (count: number) => Math.round((count / flightsMax) * width)
  context.fillStyle = colour("fill")
  context.fillRect(0, 6, width, 4)
  context.fillStyle = colour("ink")
  context.fillRect(0, 6, xOf(flights), 4)
  context.fillStyle = colour("quiet")
  for (const share of shares) context.fillRect(Math.round(share * width), 2, 1, 12)
  if (checkpoints.restoredAt === undefined) return
  context.fillStyle = colour("focus")
  context.fillRect(xOf(checkpoints.restoredAt) - 1, 0, 3, height)
}
