/**
 * The process that P7 starts: holds count and sum, or an open session, of so many keys, and says
 * what that weighs.
 *
 *     node --expose-gc --import tsx test/bench/memory.ts '{"holder":"Map","keys":1000000}'
 *
 * The same work is done with a thousand keys first: code is compiled before the first reading.
 * Both readings are taken by the source after its last chunk, so the state is there and nothing was
 * emitted yet.
 */
import { count, from, run, sum } from "millrace"
import { type Event, eventsOf, freshStrings } from "./data.ts"

/** What holds the state. */
export type Holder = "Map" | "aggregate" | "aggregate, ttl, LRU" | "sessions"

/** What the state weighs, in bytes. */
export interface Footprint {
  residentBytes: number
  /** Linear memory in use by the engine; 0 for a Map. */
  linearBytes: number
}

const { holder, keys } = JSON.parse(process.argv[2]!) as { holder: Holder; keys: number }
const hold = holder === "Map" ? holdInMap : holdInJob
const before = await hold(1_000, keys)
const after = await hold(keys, keys)
const footprint: Footprint = {
  residentBytes: after.resident - before.resident,
  linearBytes: after.linear - before.linear,
}
console.log(JSON.stringify(footprint))

/** `count` events in chunks, over `keys` keys in turn, every string new. */
function* chunks(keys: number, count: number): Generator<Event[]> {
  const size = 1024
  for (let from = 0; from < count; from += size) {
    const length = Math.min(size, count - from)
    yield eventsOf(freshStrings(Uint32Array.from({ length }, (_, index) => (from + index) % keys)))
  }
}

function residentNow(): number {
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  return process.memoryUsage.rss()
}

async function holdInMap(keys: number, events: number) {
  const rows = new Map<string, { count: number; sum: number }>()
  for (const chunk of chunks(keys, events)) {
    for (const { key, value } of chunk) {
      const row = rows.get(key)
      if (row === undefined) rows.set(key, { count: 1, sum: value })
      else {
        row.count += 1
        row.sum += value
      }
    }
  }
  const resident = residentNow()
  if (rows.size !== keys) throw new Error(`${rows.size} keys instead of ${keys}`)
  return { resident, linear: 0 }
}

async function holdInJob(keys: number, events: number) {
  const reading = { resident: 0, linear: 0 }
  let rows = 0
  const source = {
    async *read(position = 0) {
      for (const chunk of chunks(keys, events)) {
        yield { events: chunk, position: (position += chunk.length) }
      }
      reading.resident = residentNow()
      reading.linear = job.stats().memory.live
      rows = job.stats().operators["totals"]!.rows
    },
  }
  const bounded = { ttl: "1d", maxSize: 10_000_000, onFull: "evict" } as const
  const keyed = from(source).keyBy("key")
  const totals = () =>
    keyed.aggregate(
      { count: count(), sum: sum("value") },
      { uid: "totals", emit: "final", ...(holder === "aggregate" ? {} : { state: bounded }) },
    )
  const open = () => keyed.session({ uid: "totals", gap: "1d" }, () => undefined)
  const job = await run<unknown>(holder === "sessions" ? open() : totals())
  await job.finished()
  await job.close()
  if (rows !== keys) throw new Error(`${rows} keys instead of ${keys}`)
  return reading
}
