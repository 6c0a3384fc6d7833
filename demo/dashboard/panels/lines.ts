/** p95 of the delays at five airports, of the 24 hours before each hour; two weeks of it. */
import type uPlot from "uplot"
import { byId, colour, make, write } from "../dom.ts"
import { digits, hour, shortDay } from "../format.ts"
import type { Line } from "../job.ts"
import type { View } from "../messages.ts"
import { axis, plotIn } from "./plots.ts"

const hourMs = 3_600_000

/** How far apart times may be that are named, ms. */
const steps = [1, 3, 6, 12, 24, 48, 72].map((hours) => hours * hourMs)

/** A day by its date, and within it the hour. */
const timeLabel = (timeMs: number) =>
  timeMs % (24 * hourMs) === 0 ? shortDay(timeMs) : hour(timeMs)

export function linesPanel(hubs: readonly string[]) {
  let highlit: string | undefined
  let endMs = NaN
  const series = hubs.map((hub): uPlot.Series => {
    return {
      label: hub,
      stroke: () => colour(hub.toLowerCase()),
      width: 1.5,
      points: { show: false },
      alpha: 1,
    }
  })
  const plot = plotIn(
    byId("lines", HTMLElement),
    {
      scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(60, max * 1.05)] } },
      axes: [axis(timeLabel, 28, steps), axis(digits, 40)],
      series: [{}, ...series],
      cursor: { drag: { x: false, y: false } },
    },
    [[], ...hubs.map(() => [])],
  )
  const buttons = hubs.map((hub) => legendButton(hub, () => highlight(hub)))

  function highlight(hub: string): void {
    highlit = highlit === hub ? undefined : hub
    for (const [at, { button }] of buttons.entries()) {
      button.setAttribute("aria-pressed", String(hubs[at] === highlit))
      const shown = plot.series[at + 1] as uPlot.Series
      shown.alpha = highlit === undefined || hubs[at] === highlit ? 1 : 0.2
    }
    plot.redraw()
  }

  return {
    /** The end of the last window that is drawn. */
    get endMs(): number {
      return endMs
    },
    redraw: () => plot.redraw(),
    draw({ lines }: View): void {
      if (lines === undefined) return
      const all = hubs.map((hub) => lines[hub] ?? { ends: [], p95: [] })
      endMs = Math.max(...all.map(({ ends }) => ends.at(-1) ?? -Infinity))
      const hours = hoursOf(all)
      plot.setData([hours, ...all.map((line) => alignedTo(hours, line))])
      for (const [at, { value }] of buttons.entries()) {
        const last = all[at]?.p95.at(-1)
        write(value, last === undefined ? "–" : digits(last))
      }
    },
  }
}

function legendButton(hub: string, press: () => void) {
  const swatch = make("span", { className: "swatch" })
  swatch.style.color = `var(--${hub.toLowerCase()})`
  const value = make("b", {}, "–")
  const button = make("button", { onclick: press }, swatch, `${hub} `, value)
  button.setAttribute("aria-pressed", "false")
  byId("hubs", HTMLElement).append(button)
  return { button, value }
}

/** Each hour from the first end of a window to the last. */
function hoursOf(lines: readonly Line[]): number[] {
  const ends = lines.flatMap(({ ends }) => ends)
  if (ends.length === 0) return []
  const first = ends.reduce((a, b) => Math.min(a, b))
  const last = ends.reduce((a, b) => Math.max(a, b))
  return Array.from({ length: (last - first) / hourMs + 1 }, (_, n) => first + n * hourMs)
}

function alignedTo(hours: readonly number[], { ends, p95 }: Line): (number | null)[] {
  const values = new Map(ends.map((end, at) => [end, p95[at] as number]))
  return hours.map((hour) => values.get(hour) ?? null)
}
