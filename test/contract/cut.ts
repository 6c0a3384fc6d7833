/**
 * What every operator does while a checkpoint is written: the job goes on, and what is saved is the
 * state of the moment at which the checkpoint began.
 *
 *     events  | savepoint, checkpoint() | the rest, and time, while storage waits | crash
 *             ^ cut                                 from the checkpoint: the same savepoint,
 *                                                   and the same results of the rest
 */
import { expect } from "vitest"
import { runWith } from "../../js/handles.ts"
import type { Jobs } from "../../js/handles.ts"
import { from, manualClock, memoryStorage } from "../../js/index.ts"
import type { FromOptions, Replayable, StateStorage, Stream, StreamOf } from "../../js/index.ts"
import { runSettings } from "../../js/run.ts"
import { turns } from "../probe.ts"
import { bytesOf, contentsOf } from "../savepoints.ts"

/** How far time goes on after the cut, ms: rows expire and timers fire. */
const laterMs = 20

/** What is played. */
export interface CutPlay<T> {
  readonly make: (events: Stream<T>) => StreamOf<unknown>
  readonly from: FromOptions<T>
  readonly events: readonly T[]
  /** Events before the cut. */
  readonly cut: number
  readonly chunkSize: number
  /** The most rows that are encoded at once. */
  readonly sliceRows: number
}

/** Play it, and compare. */
export async function expectTheCut<T>(play: CutPlay<T>): Promise<void> {
  const { storage, hold, release } = waitingStorage()
  const job = await open(play, storage)
  if (job.ended()) return job.close() // It wants no more.
  const saved = await job.savepoint()
  const before = job.results.length
  hold()
  const durable = job.jobs.checkpoint()
  await turns(3) // It has begun.
  await job.goOn()
  const rest = job.results.slice(before)
  release()
  await durable
  await job.close()
  for (const key of (await storage.list("job/manifest/")).slice(1)) await storage.delete(key)

  const again = await open(play, storage)
  expect(await again.savepoint()).toEqual(saved)
  await again.goOn()
  expect(again.results).toEqual(rest)
  await again.close()
}

/** A job that has taken all events before the cut, or goes on from there. */
async function open<T>(play: CutPlay<T>, storage: StateStorage) {
  const clock = manualClock()
  const results: unknown[] = []
  let goOn: () => void = () => undefined
  const later = new Promise<void>((resolve) => (goOn = resolve))
  const { cut, events, chunkSize, sliceRows } = play
  const source: Replayable<T, number> = {
    async *read(position = 0) {
      if (position < cut) yield { events: events.slice(position, cut), position: cut }
      await later
      yield { events: events.slice(cut), position: events.length }
      await new Promise(() => undefined)
    },
  }
  const settings = runSettings({ storage, clock, chunkSize })
  const out = play.make(from(source, play.from))
  const jobs: Jobs<{ out: StreamOf<unknown> }> = await runWith({ out }, { ...settings, sliceRows })
  let ended = false
  const reading = (async () => {
    for await (const result of jobs.output("out")) results.push(result)
    ended = true
  })()
  await turns(8)
  return {
    ...{ jobs, results },
    ended: () => ended,
    savepoint: async () => contentsOf(await bytesOf(await jobs.savepoint())),
    goOn: async () => {
      clock.advance(laterMs)
      goOn()
      await turns(8 + 2 * events.length) // Beside a checkpoint each chunk is followed by one.
    },
    close: async () => {
      await jobs.close()
      await reading
    },
  }
}

/** A storage in memory that takes nothing while it is held. */
function waitingStorage() {
  const memory = memoryStorage()
  let released = Promise.resolve()
  let release: () => void = () => undefined
  const set: StateStorage["set"] = (key, value) => released.then(() => memory.set(key, value))
  const storage: StateStorage = {
    get: (key) => memory.get(key),
    set,
    delete: (key) => memory.delete(key),
    list: (prefix, options) => memory.list(prefix, options),
  }
  return {
    storage,
    hold: () => void (released = new Promise<void>((resolve) => (release = resolve))),
    release: () => release(),
  }
}
