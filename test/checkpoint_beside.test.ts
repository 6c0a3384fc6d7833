/** A job goes on while its checkpoint is written. */
import { expect, it } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import type { Replayable, Sink, StateStorage, Watermark } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, turns } from "./probe.ts"

guardRejections()

/** A storage in memory that takes nothing while it is held. */
function heldStorage() {
  const memory = memoryStorage()
  let released = Promise.resolve()
  let release: () => void = () => undefined
  const storage: StateStorage = {
    get: (key) => memory.get(key),
    list: (prefix, options) => memory.list(prefix, options),
    set: (key, value) => released.then(() => memory.set(key, value)),
    delete: (key) => memory.delete(key),
  }
  const hold = () => void (released = new Promise((resolve) => (release = resolve)))
  return { storage, hold, release: () => release() }
}

/** A job that counts, fed by hand, whose storage is held. */
async function started(sink?: Sink<{ count: number }>) {
  const source = handFed<number>()
  const { storage, hold, release } = heldStorage()
  const counts = from(source, { replay: "none" })
    .keyBy((n) => n % 2)
    .fold(
      () => ({ count: 0 }),
      (state, n) => {
        if (n < 0) throw new Error("no")
        state.count++ // In place.
        return state
      },
    )
  const job = await run({ counts: sink === undefined ? counts : counts.to(sink) }, { storage })
  const results: unknown[] = []
  const reading =
    sink === undefined
      ? (async () => {
          for await (const { count } of job.output("counts")) results.push(count)
        })()
      : job.finished()
  const failed = reading.catch((error: unknown) => error)
  source.give(1, 2, 3)
  await turns()
  hold()
  return { source, release, job, results, failed }
}

it("results come while storage takes its time", async () => {
  const { source, release, job, results, failed } = await started()
  let durable = false
  const checkpoint = job.checkpoint().then(() => (durable = true))
  await turns()
  source.give(5, 7)
  await turns()
  expect([results, durable]).toEqual([[1, 1, 2, 3, 4], false])
  release()
  await checkpoint
  expect(job.stats().checkpoints.completed).toBe(1)
  await job.close()
  await failed
})

it("one that is asked for meanwhile comes after it, with what came meanwhile", async () => {
  const { source, release, job, failed } = await started()
  const first = job.checkpoint()
  await turns()
  const second = job.checkpoint()
  source.give(5)
  await turns()
  release()
  await Promise.all([first, second])
  expect(job.stats().checkpoints).toMatchObject({ completed: 2, failed: 0 })
  await job.close()
  await failed
})

it("keeps up with a stream that makes a row of each event", async () => {
  const events = Array.from({ length: 200_000 }, (_, n) => n)
  const ends: number[] = []
  const seen = from(events)
    .keyBy((n) => n)
    .deduplicate()
  const on = { checkpoint: () => void ends.push(job.stats().position) }
  const job = await run(seen, { storage: memoryStorage(), checkpoint: { interval: 1 }, on })
  let going = true
  const finished = job.finished().finally(() => (going = false))
  while (going) await job.checkpoint().catch(() => undefined)
  await finished
  await job.close()
  const lengths = ends.map((end, i) => end - (ends[i - 1] ?? 0))
  expect(Math.max(...lengths)).toBeLessThan(events.length / 4)
})

it("closing waits for it", async () => {
  const { release, job, failed } = await started()
  const checkpoint = job.checkpoint()
  await turns()
  let closed = false
  const closing = job.close().then(() => (closed = true))
  await turns()
  expect(closed).toBe(false)
  release()
  await checkpoint
  await closing
  await failed
})

it("is given up by a job that fails before all is encoded, or finished: nobody waits", async () => {
  const { source, release, job, failed } = await started()
  const checkpoint = job.checkpoint().catch((error: unknown) => error)
  await turns()
  source.give(-1)
  await turns()
  release()
  expect(await failed).toMatchObject({ code: "USER_FUNCTION" })
  await job.close()
  await checkpoint
  expect(await errorFrom(() => job.checkpoint())).toMatchObject({ code: "CLOSED" })
})

it("a job with a sink stands still: what the sink takes belongs to its epoch", async () => {
  const taken: unknown[] = []
  const sink: Sink<{ count: number }> = {
    delivery: "at-least-once",
    write: (results) => void taken.push(...results.map(({ count }) => count)),
  }
  const { source, release, job, failed } = await started(sink)
  const checkpoint = job.checkpoint()
  await turns()
  source.give(5)
  await turns()
  expect(taken).toEqual([1, 1, 2])
  release()
  await checkpoint
  await turns()
  expect(taken).toEqual([1, 1, 2, 3])
  await job.close()
  await failed
})

it("keys that are evicted meanwhile are told, also while functions are waited for", async () => {
  const source = handFed<number>()
  const { storage, hold, release } = heldStorage()
  const told: unknown[] = []
  let settle: () => void = () => undefined
  const waited = new Promise<void>((resolve) => (settle = resolve))
  const count = async (state: { count: number }, n: number) => {
    if (n === 4) await waited
    state.count++
    return state
  }
  const state = {
    maxSize: 2,
    onFull: "evict",
    onEvict: (key: unknown) => void told.push(key),
  } as const
  const keyed = from(source, { replay: "none" }).keyBy((n) => n)
  const job = await run(
    keyed.fold(() => ({ count: 0 }), count, { state, concurrency: 2 }),
    { storage },
  )
  const running = job.finished().catch(() => undefined)
  source.give(1, 2)
  await turns()
  hold()
  const checkpoint = job.checkpoint()
  await turns()
  source.give(3, 4)
  await turns()
  release()
  await checkpoint
  settle()
  await turns()
  expect(told).toEqual([1, 2])
  await job.close()
  await running
})

it("what a watermark saves is as it was, although it goes on with the same object", async () => {
  const { storage, hold, release } = heldStorage()
  const restored: unknown[] = []
  let goOn: () => void = () => undefined
  const later = new Promise<void>((resolve) => (goOn = resolve))
  const source: Replayable<number, number> = {
    async *read(position = 0) {
      if (position === 0) yield { events: [1, 2], position: 2 }
      await later
      yield { events: [3, 4, 5], position: 5 }
      await new Promise(() => undefined)
    },
  }
  const watermark: Watermark<number> = {
    create(saved) {
      restored.push(structuredClone(saved))
      const seen = (saved ?? { count: 0 }) as { count: number }
      return { onEvent: () => void seen.count++, save: () => seen }
    },
  }
  const counts = from(source, { time: (n) => n, watermark })
    .keyBy((n) => n)
    .deduplicate()
  const job = await run(counts, { storage })
  const running = job.finished().catch(() => undefined)
  await turns()
  hold()
  const checkpoint = job.checkpoint()
  await turns()
  goOn()
  await turns()
  release()
  await checkpoint
  await job.close()
  await running
  await (await run(counts, { storage })).close()
  expect(restored).toEqual([undefined, { count: 2 }])
})
