/**
 * P2: count and sum per key over a million JavaScript events.
 *
 * The control does what a good programmer would write: chunks of 1,024 events, a `Map` of small
 * objects, one result per key at the end. The plain loop over the whole array, without a stream,
 * is printed for information.
 */
import { count, from, type Stream, sum } from "millrace"
import { chunksOf, Digest, eventsOf, freshStrings, heldEvents, internedStrings } from "./data.ts"
import { type Event, uniform, zipf } from "./data.ts"
import { type Extent, type Figure, interleave, speedup, type Variant } from "./harness.ts"
import { held } from "./held.ts"

interface Row {
  key: string
  count: number
  sum: number
}

const ours = "millrace"
const control = "chunked + Map"

const common = { id: "P2", unit: "x", better: "higher", control } as const

const cases = [
  { name: "fresh 1k", keys: (n: number) => freshStrings(uniform(1e3, n)), must: 0.9, aim: 1 },
  { name: "fresh 100k", keys: (n: number) => freshStrings(uniform(1e5, n)), must: 1.8, aim: 2.5 },
  { name: "fresh 1M", keys: (n: number) => freshStrings(uniform(1e6, n)), must: 1.8, aim: 2.5 },
  { name: "warm Zipf 1k", keys: (n: number) => internedStrings(zipf(1e3, n)), must: 0.6, aim: 1 },
]

const hold = (events: Event[]) => held(sums(events.slice(0, heldEvents)))

const variants: Variant<Event[]>[] = [
  { name: ours, run: (events) => sums(events).toArray(), check: digestOf, hold },
  { name: control, run: withChunks, check: digestOf },
  { name: "loop + Map", run: withLoop, check: digestOf },
]

/** Measure P2; a quick run takes fewer events, and leaves the million keys and the loop out. */
export async function p2({ quick }: Extent): Promise<Figure[]> {
  const events = quick ? 400_000 : 1_000_000
  const figures: Figure[] = []
  for (const { name, keys, must, aim } of cases) {
    if (quick && name === "fresh 1M") continue
    const chosen = quick ? variants.slice(0, 2) : variants
    const timings = await interleave(quick ? 2 : 7, () => eventsOf(keys(events)), chosen)
    const measured = speedup(timings, { ours, control, events })
    figures.push({ ...common, case: quick ? `${name}, 400k events` : name, must, aim, ...measured })
  }
  return figures
}

function sums(events: Event[]): Stream<Row> {
  return from(events)
    .keyBy("key")
    .aggregate({ count: count(), sum: sum("value") }, { emit: "final" })
}

async function withChunks(events: Event[]): Promise<Row[]> {
  const rows = new Map<string, Row>()
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) add(rows, event)
  }
  return [...rows.values()]
}

function withLoop(events: Event[]): Row[] {
  const rows = new Map<string, Row>()
  for (const event of events) add(rows, event)
  return [...rows.values()]
}

function add(rows: Map<string, Row>, { key, value }: Event): void {
  const row = rows.get(key)
  if (row === undefined) {
    rows.set(key, { key, count: 1, sum: value })
  } else {
    row.count += 1
    row.sum += value
  }
}

function digestOf(rows: Row[]): Digest {
  const digest = new Digest()
  for (const { key, count, sum } of rows) digest.add(key, count, sum)
  return digest
}
