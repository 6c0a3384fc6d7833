/**
 * How much of its throughput a job keeps while a checkpoint is written: P9.
 *
 *     events  ........ | checkpoint() ............ durable | ........ | checkpoint() ...
 *             without    during                              without
 */
import { count, from, memoryStorage, type Replayable, run, sum } from "millrace"
import { type Event, eventsOf, freshStrings, uniform } from "./data.ts"
import { chunkSize, stopwatch } from "./direct.ts"
import { type Figure, median, rounded } from "./harness.ts"

/** Measure a job with so many keys, each of which changes between two checkpoints. */
export async function throughputBeside(keys: number, rounds: number): Promise<Figure> {
  const events = eventsOf(freshStrings(uniform(keys, 2 * keys)))
  let given = 0
  let going = true
  const source: Replayable<Event, number> = {
    async *read(position = 0) {
      for (let at = position; going; at += chunkSize) {
        const from = at % (events.length - chunkSize)
        given = at + chunkSize
        yield { events: events.slice(from, from + chunkSize), position: given }
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
  await reached(events.length)
  await job.checkpoint()
  const [without, during]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    without.push(await rateUntil(reached(given + events.length)))
    during.push(await rateUntil(job.checkpoint()))
  }
  going = false
  await finished
  await job.close()
  const shares = during.map((rate, round) => rate / (without[round] as number))
  return {
    id: "P9",
    control: "",
    case: `throughput during a checkpoint of ${keys / 1e6}M rows`,
    figure: 100 * median(shares),
    unit: "%",
    must: 70,
    aim: 85,
    better: "higher",
    detail: { without: rounded(median(without)), during: rounded(median(during)) },
  }
}
