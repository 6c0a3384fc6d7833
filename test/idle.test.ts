/** Sources that are silent: the others go on without them, by the clock. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { FromOptions, Stream, StreamOf } from "../js/index.ts"
import type { RunOptions } from "../js/index.ts"
import { guardRejections, handFed, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"
import { watched } from "./watched.ts"

guardRejections()

const time = (at: number) => at
const none = -Infinity

/** A source that is fed by hand. */
function fed(options: Partial<FromOptions<number>> = {}) {
  const source = handFed<number>()
  const give = (...events: number[]) => source.give(...events)
  return { give, stream: from(source, { time, ...options }) }
}

/** A job that is read all the time, by a clock that is moved by hand. */
async function reading<T>(stream: StreamOf<T>, options: RunOptions = {}) {
  const clock = manualClock()
  const job = await run(stream as Stream<T>, { clock, ...options })
  const results: T[] = []
  const read = (async () => {
    for await (const result of job) results.push(result)
  })()
  await turns()
  return {
    job,
    clock,
    /** What has come out after something was done. */
    after: async (act: () => void): Promise<T[]> => {
      act()
      await turns(10)
      return results.splice(0)
    },
    leave: async () => {
      await job.close()
      await read.catch(() => undefined)
    },
  }
}

describe("a source that is silent for idleAfter", () => {
  it("holds time back no more, and what is due goes while nothing comes", async () => {
    const [ahead, quiet] = [fed(), fed({ idleAfter: 100 })]
    const { stream, watermarks } = watched(ahead.stream.union(quiet.stream))
    const { clock, after, leave } = await reading(stream.keyBy((n) => n).sample(10))
    expect([
      await after(() => quiet.give(5)),
      await after(() => ahead.give(7, 12, 31)),
      await after(() => clock.advance(99)),
      [...watermarks],
      await after(() => clock.advance(1)),
      await after(() => ahead.give(40)),
    ]).toEqual([[], [], [], [none, 5], [5, 7, 12], [31]])
    expect(watermarks).toEqual([none, 5, 31, 40])
    await leave()
  })

  it("counts again when it speaks, and time does not go back", async () => {
    const [ahead, quiet] = [fed(), fed({ idleAfter: 100, watermark: boundedDisorder(10) })]
    const { stream, watermarks, seen } = watched(ahead.stream.union(quiet.stream), "look")
    const { clock, after, job, leave } = await reading(stream)
    await after(() => quiet.give(5))
    await after(() => ahead.give(50))
    await after(() => clock.advance(100))
    await after(() => quiet.give(20, 4, 8)) // Behind its own watermark of 10: the last two.
    await after(() => ahead.give(90))
    expect(watermarks).toEqual([none, -5, 50]) // It stands: of the quiet one 10 is known.
    await after(() => quiet.give(75))
    await after(() => ahead.give(95))
    expect(watermarks).toEqual([none, -5, 50, 65])
    expect(seen.map(({ value, own }) => [value, own])).toEqual([
      [5, none],
      [50, none],
      [20, -5],
      [4, 10],
      [8, 10],
      [90, 50],
      [75, 10],
      [95, 90],
    ])
    expect(job.stats().operators["look"]?.late).toEqual({ behind: 2, idle: 1 })
    await leave()
  })

  it("leaves it to the furthest when all are silent", async () => {
    const [a, b, c] = [fed({ idleAfter: 30 }), fed({ idleAfter: 20 }), fed({ idleAfter: 10 })]
    const { stream, watermarks } = watched(a.stream.union(b.stream, c.stream))
    const { clock, after, leave } = await reading(stream.keyBy((n) => n).sample(10))
    expect([
      await after(() => a.give(11)),
      await after(() => b.give(25, 32)),
      await after(() => c.give(3)),
      await after(() => clock.advance(10)), // c
      await after(() => clock.advance(10)), // b
      await after(() => clock.advance(10)), // a
      await after(() => clock.advance(1000)),
      await after(() => a.give(33, 44)),
    ]).toEqual([[], [], [], [3], [], [11, 25], [], [32, 33]])
    expect(watermarks).toEqual([none, 3, 11, 32, 33, 44])
    await leave()
  })

  it("is one that was asked: not while nobody reads, and not by events that wait", async () => {
    const [ahead, quiet] = [fed(), fed({ idleAfter: 100 })]
    const clock = manualClock()
    const { stream, watermarks } = watched(ahead.stream.union(quiet.stream))
    const job = await run(stream, { clock })
    const results = job[Symbol.asyncIterator]()
    quiet.give(5)
    expect((await results.next()).value).toBe(5)
    clock.advance(1000) // Nobody has asked for more than that.
    await turns()
    ahead.give(50)
    quiet.give(6)
    const next = [await results.next(), await results.next()]
    expect(next).toEqual([50, 6].map((value) => ({ value, done: false })))
    await turns()
    ahead.give(60)
    await results.next()
    expect(watermarks.at(-1)).toBe(6)
    await job.close()
  })

  it("holds back neither a union of unions nor what is behind a concat", async () => {
    const [a, b, c] = [fed(), fed({ idleAfter: 50 }), fed({ idleAfter: 40 })]
    const later = from([1000], { time })
    const inner = watched(a.stream.union(b.stream.map((n) => n)))
    const outer = watched(inner.stream.filter((n) => n > 0).union(c.stream.concat(later)))
    const { clock, after, leave } = await reading(outer.stream)
    await after(() => a.give(30))
    await after(() => b.give(20))
    await after(() => c.give(10))
    await after(() => a.give(40))
    expect([inner.watermarks, outer.watermarks]).toEqual([
      [none, 20],
      [none, 10],
    ])
    await after(() => clock.advance(40))
    expect(outer.watermarks.at(-1)).toBe(20)
    await after(() => clock.advance(10))
    expect([inner.watermarks, outer.watermarks]).toEqual([
      [none, 20, 40],
      [none, 10, 20, 40],
    ])
    await leave()
  })

  it("does not let time go back after a restart", async () => {
    const storage = memoryStorage()
    const options = { replay: "none", idleAfter: 10 } as const
    const marks: (readonly number[])[] = []
    const during = async (act: (a: number[], b: number[], silence: () => void) => void) => {
      const [a, b] = [fed(options), fed(options)]
      const { stream, watermarks } = watched(a.stream.union(b.stream))
      const { job, clock, after, leave } = await reading(stream, { storage })
      const given: [number[], number[]] = [[], []]
      let silent = false
      act(...given, () => (silent = true))
      await after(() => a.give(...given[0]))
      await after(() => b.give(...given[1]))
      if (silent) await after(() => clock.advance(10))
      await after(() => void job.checkpoint())
      marks.push(watermarks)
      await leave()
    }
    await during((a, b, silence) => {
      a.push(100)
      b.push(20)
      silence()
    })
    await during((_, b) => b.push(30, 40))
    await during((a, b) => {
      a.push(120)
      b.push(130)
    })
    expect(marks).toEqual([[none, 20, 100], [100], [100, 120]])
  })

  it("is refused where there is no event time, and as no time at all", () => {
    const refused = [{ idleAfter: 5 }, { time, idleAfter: 0 }].map((options) =>
      refusal(() => from([1], options as FromOptions<number>)),
    )
    expect(refused).toEqual([
      { code: "OPTION", message: "from.idleAfter needs from.time: which field has the time?" },
      { code: "OPTION", message: "from.idleAfter cannot be zero" },
    ])
  })
})
