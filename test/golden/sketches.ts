/**
 * The program of the golden savepoint of sketches, of windows that share slices, and of those that
 * do not; as program.ts, it never changes.
 */
import { approxDistinct, boundedDisorder, count, ewma, from, manualClock } from "../../js/index.ts"
import { quantile, run, sample, sessions, sliding, topK } from "../../js/index.ts"
import type { JobBase, Replayable, RunOptions, Stream } from "../../js/index.ts"

interface Reading {
  readonly id: string
  readonly value: string | number | bigint | boolean
  readonly n: number
  readonly at: number
}

const extremes = [5e-324, -1e-300, 1.7976931348623157e308, Infinity, -0, NaN, -2.5, 1e16]
const values = ["", "ünï", 7, -0.5, 7n, -(2n ** 70n), true, NaN, "x".repeat(40)]

const readings: readonly Reading[] = Array.from({ length: 400 }, (_, i) => {
  const mixed = Math.imul(i + 1, 2_654_435_761) >>> 0
  const odd = mixed % 7 === 0
  return {
    id: "abc".charAt(mixed % 3),
    value: odd ? (values[mixed % 9] as Reading["value"]) : `user ${mixed % 150}`,
    n: mixed % 11 === 0 ? (extremes[mixed % 8] as number) : (mixed % 1000) / 8 - 20,
    at: i * 3 - (mixed % 5),
  }
})

/** Where the savepoint is taken. */
export const middle = 200

const sketches = {
  users: approxDistinct("value", { precision: 8 }),
  few: approxDistinct("id"),
  quantiles: quantile("n", [0, 0.25, 0.5, 0.95, 1], { maxBuckets: 64 }),
  top: topK("value", 3, { capacity: 12 }),
  mean: ewma("n", { halfLife: 50 }),
  some: sample("value", 4, { seed: 9 }),
  events: count(),
}

const outputsOf = (events: Stream<Reading>) => {
  const byId = events.keyBy("id")
  return {
    all: byId.aggregate(sketches),
    slices: byId.window(sliding(100, 30), { allowedLateness: 5 }).aggregate(sketches),
    spans: byId.window(sessions(8)).aggregate(sketches),
  }
}

function start(upto: number, ends: boolean, options: RunOptions) {
  const source: Replayable<Reading, number> = {
    async *read(position = 0) {
      yield { events: readings.slice(position, upto), position: upto }
      if (!ends) await new Promise(() => undefined)
    },
  }
  const events = from(source, { time: "at", watermark: boundedDisorder(4) })
  return run(outputsOf(events), { clock: manualClock(), ...options })
}

/** The results of each output up to a reading, or to the end. */
export async function sketchResults(options: RunOptions = {}, upto = readings.length) {
  const job = await start(upto, upto === readings.length, options)
  const results: Record<string, unknown[]> = {}
  const read = async (name: "all" | "slices" | "spans") => {
    const rows: unknown[] = (results[name] = [])
    for await (const row of job.output(name)) rows.push(row)
  }
  const reading = Promise.all([read("all"), read("slices"), read("spans")])
  if (upto === readings.length) await reading
  else await savepointOf(job, upto)
  await job.close()
  await reading.catch(() => undefined)
  return results
}

async function savepointOf(job: JobBase, upto: number): Promise<Uint8Array> {
  while (job.stats().position < upto) await new Promise((resolve) => setTimeout(resolve))
  return new Uint8Array(await new Response(await job.savepoint()).arrayBuffer())
}

/** The savepoint in the middle. */
export async function sketchesInTheMiddle(options: RunOptions = {}): Promise<Uint8Array> {
  const job = await start(middle, false, options)
  void job.finished().catch(() => undefined)
  const savepoint = await savepointOf(job, middle)
  await job.close()
  return savepoint
}
