/**
 * P13: a million timers outstanding, each of another row: what it costs to set one, and to fire it.
 *
 * Their times lie at random within a minute, an hour and a day, in no relation to the rows' places
 * in memory: an operator whose keys time out has it so. The control is a binary heap of plain
 * objects; both must fire in the order of time.
 */
import { readFileSync } from "node:fs"
import { Engine } from "../../js/engine/engine.ts"
import { Operator } from "../../js/engine/operator.ts"
import { Rows } from "../../js/engine/rows.ts"
import { Timers } from "../../js/engine/timers.ts"
import { noLimits } from "../../js/state/config.ts"
import { random } from "./data.ts"
import { cpuMsSince, type Extent, type Figure, inFreshProcess, rounded } from "./harness.ts"

const spans = [
  { name: "within an hour", spanMs: 3_600_000 },
  { name: "within a minute", spanMs: 60_000 },
  { name: "within a day", spanMs: 86_400_000 },
]

/** Nanoseconds of CPU per timer. */
interface Cost {
  setNs: number
  fireNs: number
}

/** Measure P13; a quick run takes the times within an hour only, and fewer timers. */
export async function p13({ quick }: Extent): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { name, spanMs } of quick ? spans.slice(0, 1) : spans) {
    const asked = { timers: quick ? 400_000 : 1_000_000, spanMs }
    const size = quick ? ", 400k timers" : ""
    const { ours, heap } = inFreshProcess<Costs>("alone.ts", { suite: "p13", given: asked })
    const common = { id: "P13", unit: "ns", must: 150, aim: 80, better: "lower" } as const
    const detail = { "heap: set": rounded(heap.setNs), "heap: fire": rounded(heap.fireNs) }
    const control = "binary heap"
    figures.push({ ...common, control, case: `set, ${name}${size}`, figure: ours.setNs, detail })
    figures.push({ ...common, control, case: `fire, ${name}${size}`, figure: ours.fireNs, detail })
  }
  return figures
}

interface Costs {
  ours: Cost
  heap: Cost
}

/** Both ways, in one process, one after the other, after a round that warms them up. */
export async function alone(given: { timers: number; spanMs: number }): Promise<Costs> {
  const ways = [await ourTimers(given.timers), heapTimers()]
  let costs: Cost[] = []
  for (let round = 1; round <= 2; round++) {
    const next = random(round)
    const base = round * 1e11
    const times = Float64Array.from({ length: given.timers }, () => {
      return base + Math.floor(next() * given.spanMs)
    })
    const sorted = times.slice().sort()
    costs = ways.map((way) => measure(way, times, sorted))
  }
  const [ours, heap] = costs as [Cost, Cost]
  return { ours, heap }
}

interface Way {
  readonly set: (timer: number, timeMs: number) => void
  /** The time of the first timer, which is off now. */
  readonly fire: () => number
}

function measure({ set, fire }: Way, times: Float64Array, sorted: Float64Array): Cost {
  const count = times.length
  const fired = new Float64Array(count)
  globalThis.gc?.()
  let before = process.cpuUsage()
  for (let i = 0; i < count; i++) set(i, times[i]!)
  const setNs = (cpuMsSince(before) / count) * 1e6
  before = process.cpuUsage()
  for (let i = 0; i < count; i++) fired[i] = fire()
  const fireNs = (cpuMsSince(before) / count) * 1e6
  if (fired.some((time, i) => time !== sorted[i])) throw new Error("timers fired out of order")
  return { setNs, fireNs }
}

/** Rows of an operator, whose timers these are. */
async function ourTimers(count: number): Promise<Way> {
  const file = new URL("../../dist/millrace.wasm", import.meta.url)
  const module = await WebAssembly.compile(readFileSync(process.env["MILLRACE_WASM"] ?? file))
  const engine = new Engine(module, { memoryBytesMax: 2 ** 30 })
  const spec = { kind: "custom", limits: noLimits, fields: ["f64"], timers: true } as const
  const operator = new Operator(engine, "timers", spec)
  const rows = new Rows(operator)
  const record = engine.alloc(operator.layout.recordBytes)
  const text = new TextEncoder()
  const addresses = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    rows.findKey(text.encode(`\u0005key-${i}`), 0) // Tag 5: a string.
    rows.create(0, record)
    addresses[i] = rows.row(0)
  }
  const timers = new Timers(operator)
  return {
    set: (timer, timeMs) => timers.set(addresses[timer]!, timeMs),
    fire: () => timers.take(8e15)!.timeMs,
  }
}

interface Waiting {
  timer: number
  timeMs: number
}

/** What one would write by hand: the earliest of all at the top. */
function heapTimers(): Way {
  const heap: Waiting[] = []
  const swap = (a: number, b: number) => ([heap[a], heap[b]] = [heap[b]!, heap[a]!])
  return {
    set(timer, timeMs) {
      let at = heap.push({ timer, timeMs }) - 1
      for (; at > 0; at = (at - 1) >> 1) {
        const parent = (at - 1) >> 1
        if (heap[parent]!.timeMs <= heap[at]!.timeMs) break
        swap(at, parent)
      }
    },
    fire() {
      const { timeMs } = heap[0]!
      const last = heap.pop()!
      if (heap.length === 0) return timeMs
      heap[0] = last
      for (let at = 0; ;) {
        const left = 2 * at + 1
        if (left >= heap.length) return timeMs
        const right = left + 1
        const least = right < heap.length && heap[right]!.timeMs < heap[left]!.timeMs ? right : left
        if (heap[at]!.timeMs <= heap[least]!.timeMs) return timeMs
        swap(at, least)
        at = least
      }
    },
  }
}
