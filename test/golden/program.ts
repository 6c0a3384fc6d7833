/**
 * The program of the golden savepoints: state of every kind, in both kinds of time.
 *
 * Savepoints of released formats must go on in it for ever, so it never changes; what it lacks goes
 * into another program with a savepoint of its own. It needs nothing but the package, as it runs in
 * browsers and workers, too.
 */
import { boundedDisorder, count, from, listState, manualClock, mapState } from "../../js/index.ts"
import { max, mean, of, record, run, sessions, sum, tumbling } from "../../js/index.ts"
import type { JobBase, Replayable, RunOptions, Stream } from "../../js/index.ts"

interface Reading {
  readonly id: string | number
  readonly n: number
  readonly at: number
}

const ids = ["a", "ünï", 7, -0.5, "", "__proto__"]

const readings: readonly Reading[] = Array.from({ length: 80 }, (_, i) => {
  const mixed = Math.imul(i + 1, 2_654_435_761) >>> 8
  return { id: ids[mixed % 6] as string, n: (mixed % 40) / 4, at: i * 3 - (mixed % 5) }
})

/** Where the savepoint is taken. */
export const middle = 40

const makeOutputs = (events: Stream<Reading>) => {
  const byId = events.keyBy("id")
  return {
    object: byId.fold(
      () => ({ total: 0, last: undefined as number | undefined }),
      ({ total }, { n }) => ({ total: total + n, last: n }),
    ),
    record: byId.fold(record({ n: "f64", s: "string", at: "timestamp" }), (acc, { n, at }) => {
      acc.n += n
      acc.s = `${acc.s}${n}`.slice(-12)
      acc.at = at
      return acc
    }),
    evicting: byId.reduce((a, b) => ({ ...b, n: a.n + b.n }), {
      state: { maxSize: 4, onFull: "evict" },
    }),
    aggregate: byId.aggregate({ events: count(), n: sum("n"), mean: mean("n"), most: max("n") }),
    once: byId.deduplicate({ ttl: 20 }),
    slow: byId.throttle({ limit: 2, per: 25 }),
    windows: byId.window(tumbling(30), { allowedLateness: 5 }).aggregate({ n: sum("n") }),
    spans: byId.window(sessions(8)).reduce((a, b) => ({ ...b, n: a.n + b.n })),
    visits: byId.session(
      {
        gap: 10,
        state: { value: () => ({ total: 0 }) },
        onEnd: ({ start, end, count }, state) => ({ start, end, count, ...state.get() }),
      },
      ({ n }, isNew, state) => {
        state.get().total += n
        return isNew
      },
    ),
    process: byId.process({
      state: {
        list: listState(of<number>(), { ttl: 40 }),
        map: mapState(of<number>(), of<Date>()),
      },
      emits: of<unknown>(),
      process({ n, at }, { list, map }, { timers, key }, out) {
        list.add(n)
        map.put(Math.floor(n), new Date(at))
        timers.eventTime(at + 12, n > 5 ? "late" : undefined)
        timers.processingTime(1000 + at)
        out.collect([key, [...list.values()], [...map.entries()]])
      },
      onTimer: (time, { map }, { key }, out) => out.collect([key, time, [...map.keys()]]),
    }),
  }
}

/** Readings up to one of them; then the source ends, or goes on for ever without any. */
function readingsTo(upto: number, ends: boolean): Replayable<Reading, number> {
  return {
    async *read(position = 0) {
      yield { events: readings.slice(position, upto), position: upto }
      if (!ends) await new Promise(() => undefined)
    },
  }
}

function start(upto: number, ends: boolean, options: RunOptions) {
  const events = from(readingsTo(upto, ends), { time: "at", watermark: boundedDisorder(4) })
  return run(makeOutputs(events), { clock: manualClock(), ...options })
}

/** The results of each output to the end, and how many there were in the middle. */
export async function resultsFrom(options: RunOptions = {}): Promise<Record<string, unknown[]>> {
  return collected(await start(readings.length, true, options))
}

/** Go on as far as a reading: what that gives, and a savepoint there. */
export async function travelTo(
  upto: number,
  options: RunOptions = {},
): Promise<{ readonly results: Record<string, unknown[]>; readonly savepoint: Uint8Array }> {
  const job = await start(upto, false, options)
  const results: Record<string, unknown[]> = {}
  void collected(job, results).catch(() => undefined)
  return { results, savepoint: await savepointAt(upto, job) }
}

/** What comes before the savepoint. */
export async function resultsBefore(): Promise<Record<string, unknown[]>> {
  return (await travelTo(middle)).results
}

async function collected(
  job: JobBase,
  results: Record<string, unknown[]> = {},
): Promise<Record<string, unknown[]>> {
  const names = Object.keys(job.stats().discarded)
  const read = async (name: string) => {
    const all: unknown[] = (results[name] = [])
    for await (const row of job.output(name as never)) all.push(row)
  }
  await Promise.all(names.map(read))
  await job.close()
  return results
}

/** The savepoint in the middle. */
export async function savepointInTheMiddle(options: RunOptions = {}): Promise<Uint8Array> {
  const job = await start(middle, false, options)
  void job.finished().catch(() => undefined)
  return savepointAt(middle, job)
}

/** The job is closed. */
async function savepointAt(upto: number, job: JobBase): Promise<Uint8Array> {
  while (job.stats().position < upto) await new Promise((resolve) => setTimeout(resolve))
  const savepoint = await job.savepoint()
  await job.close()
  return new Uint8Array(await new Response(savepoint).arrayBuffer())
}
