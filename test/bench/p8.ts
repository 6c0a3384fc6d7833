/**
 * P8: pauses, while a state grows to five million keys and while all of them expire.
 *
 * Chunks are timed from outside: by the source, from handing out 1,024 events to being asked for
 * the next. Calls into C are timed one by one, on the engine itself. A warm-up lets the compiler
 * finish before.
 *
 * What is taken of each is the smaller of wall time and CPU time of the process: the first alone
 * would count the time that other processes had the processor, the second what the garbage
 * collector does meanwhile on other threads. Neither is a pause.
 *
 *     time     0 ........ 5M keys, one event each ........ | + 2 h | a few keys, again and again
 *     state    grows                                       |       | expires, some at every chunk
 */
import { setImmediate } from "node:timers/promises"
import { count, from, run, sum } from "millrace"
import { status } from "../../js/engine/abi.ts"
import { noLimits } from "../../js/state/config.ts"
import { freshStrings } from "./data.ts"
import { chunkSize, fill, openTotals, stopwatch } from "./direct.ts"
import { type Extent, type Figure, median, quantile, rounded } from "./harness.ts"

const hourMs = 3_600_000
const warmUpKeys = 200_000

/** Rows that one call to expire may look at. */
const expireSteps = 1024

/** Measure P8; a quick run grows to a million keys. */
export async function p8({ quick }: Extent): Promise<Figure[]> {
  const keys = quick ? 1_000_000 : 5_000_000
  const size = `${keys / 1e6}M`
  const runs = quick ? 1 : 3
  const chunks: Phases[] = []
  const calls: Phases[] = []
  await timeChunks(warmUpKeys)
  callDirectly(warmUpKeys)
  for (let run = 0; run < runs; run++) {
    await forget()
    chunks.push(await timeChunks(keys))
    await forget()
    calls.push(callDirectly(keys))
  }
  return [
    chunkFigure(
      `growing to ${size}`,
      chunks.map(({ growing }) => growing),
    ),
    chunkFigure(
      `${size} expiring`,
      chunks.map(({ expiring }) => expiring),
    ),
    callFigure(
      `growing to ${size}`,
      calls.map(({ growing }) => growing),
    ),
    callFigure(
      `${size} expiring`,
      calls.map(({ expiring }) => expiring),
    ),
  ]
}

/** Give back the memory of the run before; else that is done in the middle of some call. */
async function forget(): Promise<void> {
  for (let time = 0; time < 3; time++) {
    globalThis.gc?.()
    await setImmediate()
  }
}

/** Milliseconds of each chunk or call. */
interface Phases {
  growing: number[]
  expiring: number[]
}

interface TimedEvent {
  key: string
  value: number
  time: number
}

async function timeChunks(keys: number): Promise<Phases> {
  const phases: Phases = { growing: [], expiring: [] }
  const ask = async function* (chunks: Iterable<TimedEvent[]>, times: number[]) {
    for (const events of chunks) {
      const busy = stopwatch()
      yield { events, position: 0 }
      times.push(busy())
    }
  }
  const source = {
    async *read() {
      yield* ask(chunksAt(0, keys, keys), phases.growing)
      yield* ask(chunksAt(2 * hourMs, chunkSize, 2 * keys), phases.expiring)
    },
  }
  const stream = from(source, { time: "time" })
    .keyBy("key")
    .aggregate(
      { count: count(), sum: sum("value") },
      { uid: "totals", emit: "final", state: { ttl: "1h" } },
    )
  const job = await run(stream, { chunkSize })
  await job.finished()
  const { expired } = job.stats().operators["totals"]!
  await job.close()
  if (expired < keys) throw new Error(`only ${expired} of ${keys} keys expired`)
  return phases
}

/** `count` events at one time over `keys` keys in turn. */
function* chunksAt(time: number, keys: number, count: number): Generator<TimedEvent[]> {
  for (let from = 0; from < count; from += chunkSize) {
    const numbers = Uint32Array.from({ length: chunkSize }, (_, index) => (from + index) % keys)
    yield freshStrings(numbers).map((key) => ({ key, value: 1, time }))
  }
}

/** The same, on the engine itself: every push and every expire by itself. */
function callDirectly(keys: number): Phases {
  const operator = openTotals({ ...noLimits, ttlMs: hourMs, cleanupMs: hourMs })
  const { engine } = operator
  const { wasm, scratch, views } = engine
  const { handle, input, results } = operator
  const phases: Phases = { growing: [], expiring: [] }
  for (let from = 0; from < keys; from += chunkSize) {
    fill(operator, (row) => from + row)
    const push = () => wasm.mr_operator_push(handle, input.handle, 0, scratch, results.handle)
    if (timeCall(phases.growing, push) !== status.OK) throw new Error("a push failed")
    views.follow()
  }
  const expire = () => wasm.mr_operator_expire(handle, 2 * hourMs, expireSteps)
  while (timeCall(phases.expiring, expire) === status.MORE);
  if (operator.stats().rows > 0) throw new Error("not all rows expired")
  engine.close()
  return phases
}

function timeCall(times: number[], call: () => number): number {
  const busy = stopwatch()
  const result = call()
  times.push(busy())
  return result
}

const common = { id: "P8", unit: "ms", better: "lower", control: "" } as const

function chunkFigure(phase: string, runs: number[][]): Figure {
  const at = (share: number) => median(runs.map((times) => quantile(times, share)))
  const detail = { p50: rounded(at(0.5)), p99: rounded(at(0.99)), max: rounded(at(1)) }
  return { ...common, case: `chunk p99.9, ${phase}`, figure: at(0.999), must: 2, aim: 1, detail }
}

function callFigure(phase: string, runs: number[][]): Figure {
  const at = (share: number) => median(runs.map((times) => quantile(times, share)))
  const total = median(runs.map((times) => times.reduce((sum, time) => sum + time, 0)))
  const detail = { calls: runs[0]!.length, p50: rounded(at(0.5)), sum: rounded(total) }
  return { ...common, case: `call into C, ${phase}`, figure: at(1), must: 5, aim: 2, detail }
}
