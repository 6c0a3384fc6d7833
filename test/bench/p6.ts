/**
 * P6: a million JavaScript events over twenty keys in sliding windows of 10, 100 and 1,000 slides.
 *
 * A slide is a thousand events, and the windows of a key are counted, summed and searched for their
 * greatest value, which cannot be subtracted. Every key string is new, and the results are
 * gathered. The control is the same algorithm in plain code: a `Map` of keys, slices of a slide
 * each, and two stacks over them. How flat the cost is, is measured by the jobs alone.
 *
 * Beside it: tumbling windows of a million events over 100,000 keys, and the same aggregates
 * without windows.
 */
import { count, from, max, sliding, sum, tumbling } from "millrace"
import { chunksOf, type Event, freshStrings, heldEvents, keyNumber, uniform } from "./data.ts"
import { type Extent, type Figure, inFreshProcess, interleave } from "./harness.ts"
import { held } from "./held.ts"
import { speedup, type Timing, type Variant } from "./harness.ts"

interface TimedEvent extends Event {
  time: number
}

interface WindowRow {
  key: string
  start: number
  end: number
  count: number
  sum: number
  max: number
}

const slideMs = 1000
const sizes = [10, 100, 1000]
const ours = "millrace"
const control = "chunked + Map"
const aggregates = { count: count(), sum: sum("value"), max: max("value") }

/** How much of it. */
interface Amount {
  readonly rounds: number
  readonly events: number
}

/** Measure P6; a quick run takes fewer events, and not the longest windows: none would be full. */
export async function p6({ quick }: Extent): Promise<Figure[]> {
  const amount: Amount = quick ? { rounds: 2, events: 200_000 } : { rounds: 5, events: 1_000_000 }
  const alone = (given: object) =>
    inFreshProcess<Alone>("alone.ts", { suite: "p6", given: { ...given, ...amount } })
  const taken = quick ? sizes.slice(0, -1) : sizes
  const all = taken.map((slides) => alone({ slides }))
  const costs = all.map(({ cpuNs }) => cpuNs)
  const flat: Figure = {
    id: "P6",
    case: `cost of ${taken.at(-1)} slides / of the cheapest`,
    figure: (costs.at(-1) as number) / Math.min(...costs),
    unit: "x",
    must: 1.2,
    aim: 1.1,
    better: "lower",
    control: "the same job",
    detail: Object.fromEntries(costs.map((cost, i) => [`${taken[i]} slides, ns`, cost])),
  }
  const figures = [...all, alone({})].map(({ figure }) => figure).concat(flat)
  if (!quick) return figures
  return figures.map((figure) => ({ ...figure, case: `${figure.case}, 200k events` }))
}

interface Alone {
  readonly figure: Figure
  readonly cpuNs: number
}

/** One size; or, without slides, windows beside none. */
export function alone(given: Amount & { slides?: number }): Promise<Alone> {
  return given.slides === undefined ? unwindowed(given) : overlapping(given.slides, given)
}

const inputOf = (keys: number, events: number) => {
  const numbers = uniform(keys, events)
  return () => freshStrings(numbers).map((key, value) => ({ key, value, time: value }))
}

const cpuNsOf = (timings: Map<string, Timing>, name: string, events: number) =>
  Math.round((timings.get(name)!.cpuMs / events) * 1e6)

async function overlapping(slides: number, { rounds, events }: Amount): Promise<Alone> {
  const sizeMs = slides * slideMs
  const stream = (events: TimedEvent[]) =>
    from(events, { time: "time" })
      .keyBy("key")
      .window(sliding(sizeMs, slideMs))
      .aggregate(aggregates)
  const variants: Variant<TimedEvent[]>[] = [
    {
      name: ours,
      run: (events) => stream(events).toArray(),
      check: digestOf,
      hold: (events) => held(stream(events.slice(0, heldEvents))),
    },
    { name: control, run: (events) => twoStacks(events, sizeMs), check: digestOf },
  ]
  const timings = await interleave(rounds, inputOf(20, events), variants)
  const { figure, detail } = speedup(timings, { ours, control, events })
  const goal = { id: "P6", unit: "x", must: 2.5, aim: 4, better: "higher", control } as const
  return {
    figure: { ...goal, case: `${slides} slides`, figure, detail },
    cpuNs: cpuNsOf(timings, ours, events),
  }
}

/** Tumbling windows of a tenth of the events, and the same keys without windows: a row each. */
async function unwindowed({ rounds, events }: Amount): Promise<Alone> {
  const keyed = (events: TimedEvent[]) => from(events, { time: "time" }).keyBy("key")
  const windowed = "tumbling windows"
  const none = "no windows"
  const variants: Variant<TimedEvent[]>[] = [
    {
      name: windowed,
      run: (events) => keyed(events).window(tumbling(100_000)).aggregate(aggregates).toArray(),
      check: totalOf,
    },
    {
      name: none,
      run: (events) => keyed(events).aggregate(aggregates).toArray(),
      check: (rows: readonly Total[]) =>
        totalOf([...new Map(rows.map((r) => [r.key, r])).values()]),
    },
  ]
  const timings = await interleave(rounds, inputOf(100_000, events), variants)
  const [cpuNs, plainNs] = [windowed, none].map((name) => cpuNsOf(timings, name, events)) as [
    number,
    number,
  ]
  const goal = { id: "P6", unit: "x", must: 2, aim: 1.5, better: "lower", control: none } as const
  const figure = {
    ...goal,
    case: "tumbling / no windows, 100k keys",
    figure: cpuNs / plainNs,
    detail: { [`${windowed}, ns`]: cpuNs, [`${none}, ns`]: plainNs },
  }
  return { figure, cpuNs }
}

type Total = Pick<WindowRow, "key" | "count" | "sum">

/** Of the last row of every key, or window. */
function totalOf(rows: readonly Total[]) {
  const total = { events: 0, sum: 0 }
  for (const { count, sum } of rows) {
    total.events += count
    total.sum += sum
  }
  return total
}

/** Rows of one end are in the order of their first events here, and of their keys there. */
function digestOf(rows: readonly WindowRow[]) {
  const mix = (mixed: number, { key, end, count, sum, max }: WindowRow) =>
    (mixed + ((end / slideMs + keyNumber(key)) % 97) * ((count + sum + max) % 1e6)) % 1e9
  return { rows: rows.length, mixed: rows.reduce(mix, 0) }
}

// ---- the control ----

interface Cells {
  count: number
  sum: number
  max: number
}

interface Slice extends Cells {
  start: number
  /** Of this slice and those of the front behind it. */
  suffix: Cells | undefined
}

/** The slices of a key: front, back, and those that are in no window that has come. */
interface Slices {
  list: Slice[]
  oldest: number
  front: number
  back: number
  inBack: Cells
}

const nothing = (): Cells => ({ count: 0, sum: 0, max: -Infinity })

function merge(into: Cells, { count, sum, max }: Cells): void {
  into.count += count
  into.sum += sum
  if (max > into.max) into.max = max
}

async function twoStacks(events: TimedEvent[], sizeMs: number): Promise<WindowRow[]> {
  const keys = new Map<string, Slices>()
  const rows: WindowRow[] = []
  let end = NaN
  const fire = () => {
    for (const [key, slices] of keys) {
      const cells = windowOf(slices, end - sizeMs, end)
      if (cells === undefined) keys.delete(key)
      else rows.push({ key, start: end - sizeMs, end, ...cells })
    }
    end += slideMs
  }
  for await (const chunk of chunksOf(events)) {
    for (const { key, value, time } of chunk) {
      const start = Math.floor(time / slideMs) * slideMs
      if (Number.isNaN(end)) end = start + slideMs
      while (time > end) fire() // The watermark follows an event.
      addTo(keys, key, start, value)
    }
  }
  while (keys.size > 0) fire()
  return rows
}

function addTo(keys: Map<string, Slices>, key: string, start: number, value: number): void {
  let slices = keys.get(key)
  if (slices === undefined) {
    slices = { list: [], oldest: 0, front: 0, back: 0, inBack: nothing() }
    keys.set(key, slices)
  }
  const last = slices.list.at(-1)
  if (last?.start !== start) {
    slices.list.push({ start, count: 1, sum: value, max: value, suffix: undefined })
    return
  }
  last.count++
  last.sum += value
  if (value > last.max) last.max = value
}

/** All of a window as one; undefined where the key has nothing left. */
function windowOf(slices: Slices, from: number, upto: number): Cells | undefined {
  while (slices.oldest < slices.list.length && slices.list[slices.oldest]!.start < from) {
    if (slices.front === 0) turn(slices)
    slices.oldest++
    if (slices.front > 0) slices.front--
  }
  const { list } = slices
  if (slices.oldest === list.length) return undefined
  for (let at = slices.oldest + slices.front + slices.back; at < list.length; at++) {
    if (list[at]!.start >= upto) break
    merge(slices.inBack, list[at]!)
    slices.back++
  }
  const cells = { ...slices.inBack }
  if (slices.front > 0) merge(cells, list[slices.oldest]!.suffix!)
  return cells
}

/** All of the back becomes front. */
function turn(slices: Slices): void {
  const { list, oldest, back } = slices
  let behind: Cells | undefined
  for (let at = oldest + back - 1; at >= oldest; at--) {
    const { count, sum, max } = list[at]!
    const suffix = { count, sum, max }
    if (behind !== undefined) merge(suffix, behind)
    behind = list[at]!.suffix = suffix
  }
  slices.list = list.slice(oldest)
  slices.oldest = 0
  slices.front = back
  slices.back = 0
  slices.inBack = nothing()
}
