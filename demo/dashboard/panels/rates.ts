/** How many flights a second, over the last minute of this page. */
import { byId, colour } from "../dom.ts"
import { digits } from "../format.ts"
import { axis, plotIn } from "./plots.ts"

/** So many points, one each half second. */
const pointsMax = 120
const pointMs = 500

/** What is counted over so long is the rate now, ms. */
const spanMs = 1000

export function ratesPanel() {
  const rates: (number | null)[] = Array.from({ length: pointsMax }, () => null)
  const seconds = rates.map((_, at) => ((at - pointsMax + 1) * pointMs) / 1000)
  let counts: { atMs: number; flights: number }[] = []
  let drawnMs = 0
  const plot = plotIn(
    byId("rates", HTMLElement),
    {
      scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(10, max * 1.1)] } },
      axes: [axis((second) => `${second} s`, 28), axis(digits, 64)],
      series: [{}, { stroke: () => colour("ink"), width: 1.5, points: { show: false } }],
      cursor: { show: false },
    },
    [seconds, rates],
  )

  return {
    redraw: () => plot.redraw(),
    /** After a kill the flights are fewer again. */
    reset(): void {
      counts = []
    },
    /** Flights a second, as they are now. */
    count(flights: number, nowMs: number): number {
      counts.push({ atMs: nowMs, flights })
      while ((counts[1]?.atMs ?? nowMs) <= nowMs - spanMs) counts.shift()
      const [first] = counts as [{ atMs: number; flights: number }]
      const passedMs = nowMs - first.atMs
      const rate = passedMs > 0 ? ((flights - first.flights) * 1000) / passedMs : 0
      if (nowMs - drawnMs >= pointMs) {
        drawnMs = nowMs
        rates.shift()
        rates.push(rate)
        plot.setData([seconds, rates])
      }
      return rate
    },
  }
}
