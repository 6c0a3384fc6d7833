/** concat in event time: a stream goes on where the one before had come to. */
import { describe, expect, it } from "vitest"
import { from, run } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { guardRejections, handFed, turns } from "./probe.ts"

guardRejections()

const timed = (...times: number[]) => from(times, { time: (n) => n })

/** How often something came within `ttl` of what came before. */
const counted = <T>(events: Stream<T>, ttl: number) =>
  events
    .keyBy(() => 0)
    .map((_, state) => state.update((count) => count + 1), { state: { value: () => 0, ttl } })

describe("event time in a concat", () => {
  it("is that of the stream that is read, and does not go back", async () => {
    const due = timed(1, 12).concat(timed(15, 23)).sample(10)
    expect(await due.toArray()).toEqual([1, 15, 23])
    // 100 was promised: what is older is late, and has expired when the next comes.
    const old = (events: Stream<number>) =>
      counted(
        events.filter((n) => n < 50),
        50,
      ).toArray()
    expect(await old(timed(1, 100, 3, 4))).toEqual([1, 1, 1])
    expect(await old(timed(1, 100).concat(timed(3, 4)))).toEqual([1, 1, 1])
    expect(await old(timed(1, 100).concat(timed(), timed(3), timed(4)))).toEqual([1, 1, 1])
  })

  it("has at the end come as far as the last stream", async () => {
    const left = (events: Stream<number>) =>
      counted(events.keyBy((n) => n).buffer({ count: 10 }), 150).toArray()
    expect(await left(timed(1, 105, 205))).toEqual([1, 1, 2])
    expect(await left(timed(1).concat(timed(105, 205)))).toEqual([1, 1, 2])
  })

  it.each([1, 1024])("holds a union back as far as it has come, by %i", async (chunkSize) => {
    const time = (n: number) => n
    const [ahead, first, second] = [handFed<number>(), handFed<number>(), handFed<number>()]
    const parts = from(first, { time }).concat(from(second, { time }))
    const both = parts.union(from(ahead, { time })).keyBy((n) => n)
    const job = await run(both.sample(10), { chunkSize })
    const results: number[] = []
    const passed = [1, 12, 13, 25]
    const ended = [...passed, 41, 1000] // Nothing holds time back any more.
    const read = job[Symbol.asyncIterator]()
    const reading = (async () => {
      for (let step = await read.next(); !step.done; step = await read.next()) {
        results.push(step.value)
      }
    })()
    const after = async (act: () => void) => {
      act()
      await turns(20)
      return [...results]
    }
    expect([
      await after(() => ahead.give(1000)),
      await after(() => first.give(1, 12)),
      await after(() => first.end()),
      await after(() => ahead.give(2000)),
      await after(() => second.give(13, 25, 41)),
      await after(() => second.end()),
      await after(() => ahead.give(2001)),
    ]).toEqual([[], [1], [1], [1], passed, ended, ended])
    ahead.end()
    await reading
    expect(results).toEqual([...ended, 2000, 2001])
    await job.close()
  })
})
