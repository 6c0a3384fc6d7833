/**
 * The map: a dot for each airport, as large as it has flights, in the colour of its mean delay.
 */
import { byId, colour, make, pencil } from "../dom.ts"
import type { AirportView, FlightMap, View } from "../messages.ts"

/** Colours by mean delay, minutes: each from so many on. */
const steps = [
  { from: -Infinity, name: "calm", label: "below 5 min" },
  { from: 5, name: "warm", label: "5 – 10 min" },
  { from: 10, name: "hot", label: "10 – 15 min" },
  { from: 15, name: "severe", label: "15 min and more" },
] as const

/** The radius of the largest dot, and of the smallest, pixels of the map. */
const radius = { max: 20, min: 2 }

/** So many of the largest have their code beside them. */
const named = 12

export function mapPanel() {
  const canvas = byId("map", HTMLCanvasElement)
  const legend = byId("map-legend", HTMLElement)
  const ground = document.createElement("canvas")
  let drawnAs = ""
  for (const { name, label } of steps) {
    const swatch = make("span", { className: "swatch" })
    swatch.style.color = `var(--${name})`
    legend.append(make("span", {}, swatch, label))
  }

  return ({ airports }: View, map: FlightMap | undefined): void => {
    if (map === undefined) return
    const { context, width, height } = pencil(canvas)
    const scale = width / map.width
    const as = `${width} ${devicePixelRatio} ${colour("line")}`
    if (as !== drawnAs) drawGround(ground, canvas, map, scale)
    drawnAs = as
    context.drawImage(ground, 0, 0, width, height)
    context.scale(scale, scale)
    drawAirports(context, map, airports)
  }
}

/** The borders, once for each size and theme: it is the dots that change. */
function drawGround(
  ground: HTMLCanvasElement,
  { width, height }: HTMLCanvasElement,
  map: FlightMap,
  scale: number,
): void {
  Object.assign(ground, { width, height })
  const context = ground.getContext("2d")
  if (context === null) return
  context.scale(scale * devicePixelRatio, scale * devicePixelRatio)
  context.strokeStyle = colour("line")
  context.stroke(new Path2D(map.borders))
}

function drawAirports(
  context: CanvasRenderingContext2D,
  map: FlightMap,
  airports: readonly AirportView[],
): void {
  const shown = airports
    .filter(([code]) => Object.hasOwn(map.airports, code))
    .sort(([, a], [, b]) => b - a)
  const most = shown[0]?.[1] ?? 1
  const colours = steps.map(({ name }) => colour(name))
  const unit = map.width / context.canvas.clientWidth // A pixel of the page.
  context.strokeStyle = colour("paper")
  context.lineWidth = unit
  for (const [code, flights, mean] of shown) {
    const { x, y } = map.airports[code]!
    const step = steps.findLastIndex(({ from }) => mean >= from)
    context.beginPath()
    context.arc(x, y, Math.max(radius.min, radius.max * Math.sqrt(flights / most)), 0, 2 * Math.PI)
    context.fillStyle = colours[step] ?? ""
    context.fill()
    context.stroke()
  }
  context.font = `600 ${11 * unit}px system-ui, sans-serif`
  context.textAlign = "center"
  context.lineWidth = 3 * unit
  context.fillStyle = colour("ink")
  for (const [code, flights] of shown.slice(0, named)) {
    const { x, y } = map.airports[code]!
    const below = y + radius.max * Math.sqrt(flights / most) + 12 * unit
    context.strokeText(code, x, below)
    context.fillText(code, x, below)
  }
}
