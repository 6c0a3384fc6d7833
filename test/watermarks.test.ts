/** Watermarks of one source: what makes them, that they never go back, and what is refused. */
import { describe, expect, it } from "vitest"
import { ascending, boundedDisorder, from, punctuated, run, memoryStorage } from "../js/index.ts"
import type { FromOptions, Watermark } from "../js/index.ts"
import { event, play } from "./play.ts"
import { errorFrom, guardRejections, pull, pullToError } from "./probe.ts"
import { refusal } from "./refusal.ts"
import { watched } from "./watched.ts"

guardRejections()

interface Event {
  readonly at: number
  readonly mark?: number
}

const none = -Infinity

const events: Event[] = [
  { at: 10, mark: 3 },
  { at: 30 },
  { at: 20, mark: 25 },
  { at: 40, mark: 15 }, // A mark that goes back.
  { at: 35 },
  { at: 60, mark: 60.9 },
  { at: 70, mark: -0 },
]

/** Trails by a tenth of the events that it has seen. */
const counting: Watermark<Event> = {
  create(saved) {
    let { count, latest } = (saved ?? { count: 0, latest: none }) as Record<string, number>
    return {
      onEvent(_, timeMs) {
        count = (count ?? 0) + 1
        latest = Math.max(latest ?? none, timeMs)
        return count % 2 === 0 ? latest - count : undefined
      },
      save: () => ({ count, latest }),
    }
  },
}

/** Each with the watermark before each event, and after the last. */
const generators: [string, Watermark<Event> | undefined, number[]][] = [
  ["none, which is ascending", undefined, [none, 10, 30, 30, 40, 40, 60, 70]],
  ["ascending()", ascending(), [none, 10, 30, 30, 40, 40, 60, 70]],
  ["boundedDisorder(7)", boundedDisorder(7), [none, 3, 23, 23, 33, 33, 53, 63]],
  ["punctuated(f)", punctuated(({ mark }: Event) => mark), [none, 3, 3, 25, 25, 25, 60, 60]],
  ["{ create }", counting, [none, none, 28, 28, 36, 36, 54, 54]],
]

const options = (watermark: Watermark<Event> | undefined): FromOptions<Event> =>
  watermark === undefined ? { time: "at" } : { time: "at", watermark }

describe("the watermark", () => {
  it.each(generators)("is made after each event: %s", async (_, watermark, expected) => {
    for (const chunkSize of [1, 2, 7, 1024]) {
      const { stream, seen, watermarks } = watched(from(events, options(watermark)))
      const job = await run(stream, { chunkSize })
      await job.finished()
      await job.close()
      const before = seen.map(({ watermark }) => watermark)
      expect([chunkSize, [...before, watermarks.at(-1)]]).toEqual([chunkSize, expected])
    }
  })

  it.each(generators)(
    "is the same after a crash at any step: %s",
    async (_, watermark, expected) => {
      const script = events.map((each) => event(each))
      for (let crashAfter = 0; crashAfter < script.length; crashAfter++) {
        const marks: number[] = []
        await play(
          (stream: ReturnType<typeof from<Event>>) => {
            const { stream: passed, seen } = watched(stream)
            return passed.tap(() => marks.push(seen.at(-1)?.watermark ?? NaN))
          },
          script,
          { from: options(watermark), crashAfter, chunkSize: 1 },
        )
        expect([crashAfter, marks]).toEqual([crashAfter, expected.slice(0, -1)])
      }
    },
  )

  it("does not go back when a job goes on with a larger bound, or another generator", async () => {
    const storage = memoryStorage()
    const all: number[] = []
    const marks = async (watermark: Watermark<Event>, upto: number) => {
      const { stream, seen } = watched(from(events.slice(0, upto), { time: "at", watermark }))
      const job = await run(stream, { storage })
      await job.finished()
      await job.close()
      all.push(...seen.map(({ watermark }) => watermark))
    }
    await marks(boundedDisorder(0), 3)
    await marks(boundedDisorder(100), 5)
    await marks(
      punctuated(({ mark }) => mark),
      7,
    )
    expect(all).toEqual([none, 10, 30, 30, 30, 30, 60])
  })

  it("goes on past events that are left out, and with times that are the least", async () => {
    const least = -8.64e15
    const given = [{ at: least }, { at: "never" }, { at: least + 3 }, { at: 5 }]
    const { stream, seen } = watched(
      from(given as Event[], {
        time: "at",
        watermark: boundedDisorder(10),
        onError: "skip",
      }),
    )
    expect((await stream.toArray()).length).toBe(3)
    expect(seen.map(({ watermark }) => watermark)).toEqual([none, least, least])
  })
})

describe("a watermark that is none", () => {
  const bad: [string, unknown, string][] = [
    ["NaN", NaN, "is NaN, which is no time"],
    ["infinite", Infinity, "is beyond the 8640000000000000 ms around 1970 that a time can be"],
    ["-Infinity", -Infinity, "is beyond the 8640000000000000 ms around 1970 that a time can be"],
    ["a text", "2001-01-01", "is a string, which is no time"],
    ["null", null, "is null, which is no time"],
    ["a promise", Promise.resolve(1), "is a Promise, which is no time"],
  ]
  it.each(bad)("as it is %s, is TIMESTAMP with the event's position", async (_, given, why) => {
    const f = ({ at }: Event) => (at === 20 ? (given as number) : at)
    const source = from(events, { time: "at", watermark: punctuated(f) })
    expect(await pullToError(source)).toEqual({
      pulled: events.slice(0, 2),
      code: "TIMESTAMP",
      message: `source-1: event 2: the watermark ${why}`,
      cause: expect.anything() as unknown,
    })
  })

  it("is dealt with as a time that cannot be read", async () => {
    const f = ({ at }: Event) => (at === 20 ? NaN : at)
    const source = from(events, { time: "at", watermark: punctuated(f), onError: "skip" })
    const { stream, seen } = watched(source)
    expect(await stream.map(({ at }) => at).toArray()).toEqual([10, 30, 40, 35, 60, 70])
    expect(seen.map(({ watermark }) => watermark)).toEqual([none, 10, 30, 40, 40, 60])
  })

  it("is told with what its function threw", async () => {
    const cause = new Error("no idea")
    const watermark = punctuated(() => {
      throw cause
    })
    expect(await pullToError(from(events, { time: "at", watermark }))).toEqual({
      pulled: [],
      code: "USER_FUNCTION",
      message: "source-1: event 0: the function threw Error",
      cause,
    })
  })

  it("is refused where it can be", async () => {
    const wanted = "must be boundedDisorder(…), ascending(), punctuated(…) or { create }"
    const source = (watermark: unknown) => from(events, { time: "at", watermark } as never)
    const given = [{}, null, { create: 1 }, () => 1]
    expect(given.map((watermark) => refusal(() => source(watermark)).message)).toEqual(
      ["an object", "null", "an object", "a function"].map(
        (type) => `from.watermark ${wanted}, not ${type}`,
      ),
    )
    expect(refusal(() => punctuated("at" as never)).message).toBe(
      "punctuated must be a function, not a string",
    )
    expect(await errorFrom(() => run(source({ create: () => 5 })))).toMatchObject({
      code: "OPTION",
      message: "source-1: watermark.create must give { onEvent }, not a number",
    })
    const cause = new Error("no")
    const create = () => {
      throw cause
    }
    expect(await errorFrom(() => run(source({ create })))).toEqual({
      code: "USER_FUNCTION",
      message: "source-1: watermark.create threw; see cause",
      cause,
    })
  })

  it("fails a checkpoint when it cannot be saved", async () => {
    const cause = new Error("no")
    const save = () => {
      throw cause
    }
    const watermark = { create: () => ({ onEvent: (_: Event, timeMs: number) => timeMs, save }) }
    const job = await run(from(events, { time: "at", watermark }), { storage: memoryStorage() })
    expect(await errorFrom(() => pull(job))).toEqual({
      code: "USER_FUNCTION",
      message: "source-1: the watermark's save threw; see cause",
      cause,
    })
    await job.close()
  })
})
