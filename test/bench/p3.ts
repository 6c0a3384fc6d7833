/**
 * P3: a user function with four fields of state per key, over 100,000 Zipf keys.
 *
 * All three variants call the same kind of function for every event and keep the same four fields:
 * in a typed record in linear memory, in a plain object that Millrace holds, or in a plain object
 * that a `Map` holds (the control: nothing can be written that is closer to the machine in
 * JavaScript). Results of the function are thrown away by all of them.
 */
import { from, type JobBase, record, run, type Stream } from "millrace"
import { chunksOf, Digest, type Event, eventsOf, freshStrings, heldEvents } from "./data.ts"
import { zipf } from "./data.ts"
import { type Extent, type Figure, interleave, speedup, type Variant } from "./harness.ts"

interface Totals {
  count: number
  sum: number
  least: number
  last: number
}

const keys = 100_000
const control = "chunked + Map of objects"

const plain = (): Totals => ({ count: 0, sum: 0, least: 0, last: 0 })
const typed = record({ count: "f64", sum: "f64", least: "f64", last: "f64" })

const variants: Variant<Event[]>[] = [
  { name: "record", run: withRecord, check: digestOfState, hold: holding(withRecord) },
  { name: "schema-less", run: withObjects, check: digestOfState, hold: holding(withObjects) },
  { name: control, run: withMap, check: digestOfMap },
]

const cases = [
  { ours: "record", must: 1.4, aim: 2 },
  { ours: "schema-less", must: 0.7, aim: 1 },
]

/** Measure P3; a quick run takes fewer events. */
export async function p3({ quick }: Extent): Promise<Figure[]> {
  const events = quick ? 400_000 : 1_000_000
  const numbers = zipf(keys, events)
  const makeInput = () => eventsOf(freshStrings(numbers))
  const timings = await interleave(quick ? 2 : 7, makeInput, variants)
  return cases.map(({ ours, must, aim }) => {
    const measured = speedup(timings, { ours, control, events })
    const name = quick ? `${ours}, 400k events` : ours
    return { id: "P3", case: name, unit: "x", must, aim, better: "higher", control, ...measured }
  })
}

// The function is written out three times: shared, it would meet three shapes of object, and the
// compiler would make all three slow.

function withRecord(events: Event[]): Promise<JobBase> {
  const sums = from(events)
    .keyBy("key")
    .map(
      ({ value }, state) => {
        const totals = state.get()
        totals.count += 1
        totals.sum += value
        if (value < totals.least) totals.least = value
        totals.last = value
        return totals.sum
      },
      { uid: "totals", state: { value: typed } },
    )
  return finish(sums)
}

function withObjects(events: Event[]): Promise<JobBase> {
  const sums = from(events)
    .keyBy("key")
    .map(
      ({ value }, state) => {
        const totals = state.get()
        totals.count += 1
        totals.sum += value
        if (value < totals.least) totals.least = value
        totals.last = value
        state.set(totals)
        return totals.sum
      },
      { uid: "totals", state: { value: plain } },
    )
  return finish(sums)
}

function holding(runJob: (events: Event[]) => Promise<JobBase>) {
  return async (events: Event[]) => {
    const job = await runJob(events.slice(0, heldEvents))
    return () => job.close()
  }
}

async function finish(sums: Stream<number>): Promise<JobBase> {
  const job = await run(sums)
  await job.finished()
  return job
}

async function digestOfState(job: JobBase): Promise<Digest> {
  const digest = new Digest()
  for (const [key, value] of job.state("totals").scan()) {
    const { count, sum } = value as Totals
    digest.add(key as string, count, sum)
  }
  await job.close()
  return digest
}

async function withMap(events: Event[]): Promise<Map<string, Totals>> {
  const state = new Map<string, Totals>()
  const onEvent = ({ key, value }: Event): number => {
    let totals = state.get(key)
    if (totals === undefined) state.set(key, (totals = plain()))
    totals.count += 1
    totals.sum += value
    if (value < totals.least) totals.least = value
    totals.last = value
    return totals.sum
  }
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) onEvent(event)
  }
  return state
}

function digestOfMap(state: Map<string, Totals>): Digest {
  const digest = new Digest()
  for (const [key, { count, sum }] of state) digest.add(key, count, sum)
  return digest
}
