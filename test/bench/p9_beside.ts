/**
 * How much of its throughput a job keeps while a checkpoint is written: P9.
 *
 *     events  ........ | checkpoint() ............ durable | ........ | checkpoint() ...
 *             without    during                              without
 */
import { count, from, memoryStorage, type Replayable, run, sum } from "millrace"
import { chunkSize, stopwatch } from "./direct.ts"
import { type Figure, median, rounded } from "./harness.ts"

/** Spreads event numbers over all keys; a prime that divides no count of keys here. */
const stride = 7_368_787

/** Chunks that are there at once: a stream keeps no events, so the heap has not to be large. */
const chunks = 64

interface Event {
  key: number
  value: number
}

/** Measure a job of so many rows, of which `changing` change, ten times between checkpoints. */
export async function throughputBeside(
  rows: number,
  changing: number,
  rounds: number,
): Promise<Figure> {
  const pool = Array.from({ length: chunks * chunkSize }, () => ({ key: 0, value: 1 }))
  const eventsAt = (from: number): Event[] => {
    const events = pool.slice(from % pool.length, (from % pool.length) + chunkSize)
    const keys = from < rows ? rows : changing
    for (let i = 0; i < chunkSize; i++) {
      ;(events[i] as Event).key = (((from + i) % keys) * stride) % rows
    }
    return events
  }
  let given = 0
  let going = true
  const source: Replayable<Event, number> = {
    async *read(position = 0) {
      for (let at = position; going; at += chunkSize) {
        given = at + chunkSize
        yield { events: eventsAt(at), position: given }
      }
    },
  }
  const totals = from(source)
    .keyBy("key")
    .aggregate({ count: count(), sum: sum("value") }, { emit: "final" })
  const job = await run(totals, { storage: memoryStorage(), memory: { maxBytes: 3 * 2 ** 30 } })
  const finished = job.finished()
  /** Events per millisecond until a promise settles. */
  const rateUntil = async (settled: Promise<unknown>): Promise<number> => {
    const before = given
    const busy = stopwatch()
    await settled
    return (given - before) / busy()
  }
  const reached = async (target: number): Promise<void> => {
    while (given < target) await new Promise((resolve) => setImmediate(resolve))
  }
  await reached(rows)
  await job.checkpoint()
  const [without, during]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    without.push(await rateUntil(reached(given + 10 * changing)))
    during.push(await rateUntil(job.checkpoint()))
  }
  going = false
  await finished
  await job.close()
  const shares = during.map((rate, round) => rate / (without[round] as number))
  return {
    id: "P9",
    control: "",
    case: `throughput during a checkpoint, ${changing / rows} of ${rows / 1e6}M rows change`,
    figure: 100 * median(shares),
    unit: "%",
    must: 70,
    aim: 85,
    better: "higher",
    detail: { without: rounded(median(without)), during: rounded(median(during)) },
  }
}
