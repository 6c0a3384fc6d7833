/**
 * Sketches of sliding windows: the p95 of a value, and how many different ones there are, of events
 * over ten keys, in windows of 10 and of 100 slides that have 6,000 events each.
 *
 * The control is what one writes without a sketch: a `Map` of keys, the values of each window kept
 * as they are, and sorted, or put into a `Set`, whenever a window is over. It gives the exact
 * results; before anything is timed all of ours are compared with them.
 */
import { approxDistinct, from, quantile, sliding } from "millrace"
import { type Event, freshStrings, heldEvents, keyNumber, uniform } from "./data.ts"
import { type Extent, type Figure, inFreshProcess, interleave, speedup } from "./harness.ts"
import { held } from "./held.ts"

interface TimedEvent extends Event {
  time: number
}

interface WindowRow {
  key: string
  end: number
  result: number | undefined
}

const keys = 10
const sizeMs = 60_000
const slideCounts = [10, 100]
const ours = "millrace"
const control = "Map, sort or Set"

interface Sketch {
  aggregate: () => ReturnType<typeof quantile<"value">> | ReturnType<typeof approxDistinct<"value">>
  exact: (values: number[]) => number
  /** How far off a result may be, relative to the exact one: five standard errors of the second. */
  error: number
}

const sketches: Readonly<Record<string, Sketch>> = {
  quantile: {
    aggregate: () => quantile("value", 0.95),
    exact: (values) => values.sort((a, b) => a - b)[Math.floor(0.95 * (values.length - 1))]!,
    error: 0.01,
  },
  approxDistinct: {
    aggregate: () => approxDistinct("value"),
    exact: (values) => new Set(values).size,
    error: 5 * (1.04 / 64),
  },
}

interface Given {
  sketch: string
  slides: number
  quick: boolean
}

/** Measure the sketches, for information; a quick run takes fewer events. */
export async function sketchSuite({ quick }: Extent): Promise<Figure[]> {
  return (quick ? [10] : slideCounts).flatMap((slides) =>
    Object.keys(sketches).map((sketch) =>
      inFreshProcess<Figure>("alone.ts", { suite: "sketches", given: { sketch, slides, quick } }),
    ),
  )
}

/** One of them. */
export async function alone({ sketch, slides, quick }: Given): Promise<Figure> {
  const { aggregate, exact, error } = sketches[sketch]!
  const events = quick ? 100_000 : 500_000
  const numbers = uniform(keys, events)
  const values = uniform(100_000, events, 2)
  const input = (): TimedEvent[] =>
    freshStrings(numbers).map((key, i) => ({ key, value: 1 + values[i]!, time: i }))
  const slideMs = sizeMs / slides
  const jobOf = (given: TimedEvent[]) =>
    from(given, { time: "time" })
      .keyBy("key")
      .window(sliding(sizeMs, slideMs))
      .aggregate({ result: aggregate() })
  const plain = (given: TimedEvent[]) => recomputed(given, slideMs, exact)
  compare(await jobOf(input()).toArray(), plain(input()), error)
  const check = (rows: WindowRow[]) => rows.length
  const timings = await interleave(quick ? 2 : 5, input, [
    {
      name: ours,
      run: (given) => jobOf(given).toArray(),
      check,
      hold: (given) => held(jobOf(given.slice(0, heldEvents))),
    },
    { name: control, run: plain, check },
  ])
  return {
    id: "sketches",
    case: `${sketch}, ${slides} slides${quick ? ", 100k events" : ""}`,
    ...speedup(timings, { ours, control, events }),
    unit: "x",
    better: "higher",
    control,
  }
}

function compare(rows: readonly WindowRow[], expected: readonly WindowRow[], error: number): void {
  const nameOf = ({ key, end }: WindowRow) => `${keyNumber(key)} ${end}`
  const exact = new Map(expected.map((row) => [nameOf(row), row.result!]))
  if (exact.size !== rows.length) throw new Error(`${rows.length} rows, not ${exact.size}`)
  for (const row of rows) {
    const wanted = exact.get(nameOf(row)) ?? NaN
    if (Math.abs(row.result! - wanted) <= error * wanted + 1) continue
    throw new Error(`${nameOf(row)}: ${row.result} is not near ${wanted}`)
  }
}

/** Every window of every key, of the values that are kept of it. */
function recomputed(
  events: readonly TimedEvent[],
  slideMs: number,
  exact: (values: number[]) => number,
): WindowRow[] {
  const byKey = new Map<string, { values: number[]; times: number[]; from: number }>()
  const rows: WindowRow[] = []
  let end = slideMs
  const fire = () => {
    for (const [key, kept] of byKey) {
      while (kept.times[kept.from]! < end - sizeMs) kept.from++
      if (kept.from === kept.times.length) continue
      rows.push({ key, end, result: exact(kept.values.slice(kept.from)) })
      if (kept.from < 10_000) continue
      for (const list of [kept.values, kept.times]) list.splice(0, kept.from)
      kept.from = 0
    }
    end += slideMs
  }
  for (const { key, value, time } of events) {
    while (time >= end) fire()
    let kept = byKey.get(key)
    if (kept === undefined) byKey.set(key, (kept = { values: [], times: [], from: 0 }))
    kept.values.push(value)
    kept.times.push(time)
  }
  while (end <= events.at(-1)!.time + sizeMs) fire()
  return rows
}
