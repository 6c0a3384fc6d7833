/** How time goes through a job: every verb lets it through, and where streams meet it waits. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, count, from, memoryStorage, outputTag, run } from "../js/index.ts"
import type { ErrorEvent, Stream, StreamOf } from "../js/index.ts"
import { guardRejections, handFed, turns } from "./probe.ts"
import { watched } from "./watched.ts"

guardRejections()

const none = -Infinity
const time = (at: number) => at
const timed = (...times: number[]) => from(times, { time })
const even = outputTag<ErrorEvent>("even")
const failEven = (n: number) => {
  if (n % 2 === 0) throw new Error("even")
  return n
}

type Verb = (events: Stream<number>) => StreamOf<unknown>

const verbs: Record<string, Verb> = {
  map: (events) => events.map((n) => -n),
  mapAsync: (events) => events.mapAsync((n) => Promise.resolve(n)),
  lookup: (events) =>
    events.lookup(
      (n) => n,
      (n) => Promise.resolve(n),
      (n) => n,
      { cache: {} },
    ),
  "filter, of all": (events) => events.filter(() => false),
  flatMap: (events) => events.flatMap((n) => (n > 20 ? [] : [n, n])),
  tap: (events) => events.tap(() => undefined),
  take: (events) => events.take(1),
  skip: (events) => events.skip(2),
  takeWhile: (events) => events.takeWhile((n) => n < 20),
  scan: (events) => events.scan((sum, n) => sum + n),
  distinctUntilChanged: (events) => events.distinctUntilChanged(),
  throttle: (events) => events.throttle({ limit: 1, per: 1000 }),
  debounce: (events) => events.debounce(1000),
  sample: (events) => events.sample(15),
  buffer: (events) => events.buffer({ time: 15 }),
  "a union of branches": (events) => events.filter((n) => n > 20).union(events.map((n) => n)),
  "a side output": (events) =>
    events.map(failEven, { onError: "route", errorsTo: even }).sideOutput(even),
  "a keyed map": (events) => events.keyBy((n) => n).map((n) => n),
  "a keyed filter": (events) => events.keyBy((n) => n).filter(() => false),
  "a keyed map that waits": (events) => events.keyBy((n) => n).map((n) => Promise.resolve(n)),
  "events without a key": (events) =>
    events.keyBy(() => undefined as never, { missing: "skip" }).map(() => 0),
  fold: (events) =>
    events
      .keyBy(() => 0)
      .fold(
        () => 0,
        (sum) => sum,
      ),
  reduce: (events) => events.keyBy(() => 0).reduce((last) => last),
  aggregate: (events) => events.keyBy(() => 0).aggregate({ n: count() }),
  "aggregate at the end": (events) =>
    events.keyBy(() => 0).aggregate({ n: count() }, { emit: "final" }),
  deduplicate: (events) => events.keyBy(() => 0).deduplicate(),
  "deduplicate the last": (events) => events.keyBy(() => 0).deduplicate({ keep: "last", ttl: 15 }),
}

describe("time goes through", () => {
  it.each(Object.entries(verbs))("%s", async (_, verb) => {
    for (const chunkSize of [1, 2, 1024]) {
      const source = from([10, 30, 20, 41], { time, watermark: boundedDisorder(5) })
      const { stream, watermarks } = watched(verb(source))
      const other = source.map((n) => n) // So that the job goes on behind a take.
      const job = await run({ stream, other }, { chunkSize })
      await job.finished()
      await job.close()
      expect([chunkSize, watermarks.at(-1)]).toEqual([chunkSize, 36])
      expect(watermarks).toEqual([...watermarks].sort((a, b) => a - b))
    }
  })

  it("every event at its own place, whatever the chunk", async () => {
    for (const chunkSize of [1, 3, 1024]) {
      const { stream, seen } = watched(
        timed(1, 12, 13, 28, 40)
          .filter((n) => n !== 13)
          .flatMap((n) => [n, n]),
      )
      const job = await run(stream, { chunkSize })
      await job.finished()
      await job.close()
      expect(seen.map(({ watermark }) => watermark)).toEqual([
        ...[none, none, 1, 1, 13, 13, 28, 28],
      ])
    }
  })
})

describe("where streams meet", () => {
  it.each(["union", "concat"] as const)("the end of one lets a %s go on", async (verb) => {
    const [first, second] = [handFed<number>(), handFed<number>()]
    const joined = from(first, { time })[verb](from(second, { time }))
    const { stream, watermarks } = watched(joined)
    const job = await run(stream.keyBy((n) => n).sample(10))
    const results: number[] = []
    const reading = (async () => {
      for await (const result of job) results.push(result)
    })()
    first.give(5, 14)
    await turns()
    second.give(21, 33)
    await turns()
    expect(results).toEqual([5])
    first.end()
    await turns(10)
    expect(results).toEqual([5, 14, 21])
    expect(watermarks.at(-1)).toBe(33)
    second.end()
    await reading
    expect(results).toEqual([5, 14, 21, 33])
    await job.close()
  })

  it("what is let go by an end is not behind the watermark", async () => {
    const [behind, ahead] = [handFed<number>(), handFed<number>()]
    const both = from(behind, { time }).union(from(ahead, { time }))
    const { stream, seen } = watched(both.keyBy((n) => n).sample(10))
    const job = await run(stream)
    const reading = job.finished()
    behind.give(3)
    ahead.give(15, 1000)
    await turns(10)
    behind.end()
    await turns(10)
    ahead.end()
    await reading
    expect(seen).toEqual([
      { value: 3, time: 10, watermark: 3, own: 3 },
      { value: 15, time: 20, watermark: 3, own: 3 },
      { value: 1000, time: 1010, watermark: 1000, own: 1000 },
    ])
    await job.close()
  })

  it("what comes at the end has the watermark that was reached, not an old one", async () => {
    const both = timed(5).union(timed(900, 1000))
    const { stream, seen } = watched(
      both.keyBy(() => 0).aggregate({ n: count() }, { emit: "final" }),
    )
    const job = await run(stream, { chunkSize: 1 })
    await job.finished()
    expect(seen).toEqual([{ value: { key: 0, n: 3 }, time: 1000, watermark: 1000, own: 1000 }])
    await job.close()
  })

  it("one that has ended gives what is left before the others go on without it", async () => {
    const held = timed(5, 17)
      .keyBy((n) => n)
      .sample(100)
    const { stream, seen } = watched(held.union(timed(50, 60, 70)))
    const job = await run(stream, { chunkSize: 1 })
    await job.finished()
    expect(seen.filter(({ time = 0, watermark }) => time < watermark)).toEqual([])
    expect(seen.map(({ value }) => value)).toEqual([50, 60, 5, 17, 70])
    await job.close()
  })

  it("one that has ended gives what is left once, also over a restart", async () => {
    const storage = memoryStorage()
    const runs: unknown[] = []
    const upTo = async (length: number, last: boolean) => {
      const other = handFed<number>()
      const counted = from([1, 2, 3].slice(0, length))
        .keyBy(() => "counted")
        .aggregate({ n: count() }, { emit: "final" })
      const both = counted.union(from(other, { replay: "none" }))
      const job = await run(both, { storage })
      const results: unknown[] = []
      const reading = (async () => {
        for await (const result of job) results.push(result)
      })()
      await turns(10)
      other.give(0)
      await turns(10)
      if (last) other.end()
      else await job.checkpoint()
      await (last ? reading : job.close())
      await job.close()
      runs.push(results)
    }
    await upTo(2, false)
    await upTo(2, false)
    await upTo(3, false) // It has more after all.
    await upTo(3, true)
    expect(runs).toEqual([[{ key: "counted", n: 2 }, 0], [0], [{ key: "counted", n: 3 }, 0], [0]])
  })

  it("one that gives nothing more does not count, although it is read on", async () => {
    const [short, long] = [handFed<number>(), handFed<number>()]
    const source = from(short, { time })
    const { stream, watermarks } = watched(source.take(1).union(from(long, { time })))
    const job = await run({ stream, all: source })
    const reading = job.finished()
    short.give(7)
    long.give(50)
    await turns(10)
    expect(watermarks).toEqual([none, 50])
    short.give(8, 9)
    long.give(60)
    await turns(10)
    expect(watermarks).toEqual([none, 50, 60])
    short.end()
    long.end()
    await reading
    await job.close()
  })
})
