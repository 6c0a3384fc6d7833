/** What was wrong in patterns, as readers and random scripts found it. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, outputTag, pattern, run } from "../js/index.ts"
import type { ErrorEvent, Stream, TimedOutMatch } from "../js/index.ts"
import { pull, pullToError } from "./probe.ts"

interface Hit {
  readonly key: string
  readonly at: number
  readonly id: number
}

const ofKeys = (keys: string, times: readonly number[]): Hit[] =>
  times.map((at, id) => ({ key: keys[id] as string, at, id }))

const pairs = pattern<"a", Hit>("a").next("b")

describe("events of one time", () => {
  const hits = ofKeys("abba", [1, 3, 3, 3])
  const find = (events: Stream<Hit>) =>
    events.keyBy("key").pattern(pairs, ({ a, b }) => `${a[0]?.id} and ${b[0]?.id}`)

  it.each([1, 2, 3, 1024])("make matches when they come, in chunks of %i", async (chunkSize) => {
    const events = from(hits, { time: "at" })
    const job = await run(
      { all: events.map(({ id }) => `${id}`).union(find(events)) },
      { chunkSize },
    )
    expect(await pull(job.output("all"))).toEqual(["0", "1", "2", "1 and 2", "3", "0 and 3"])
    await job.close()
  })

  it.each([1, 1024])("leave the matches of others before them: %i at once", async (chunkSize) => {
    const found = find(from(ofKeys("ababb", [1, 4, 7, 7, 8]), { time: "at" })).map((pair) => {
      if (pair === "1 and 3") throw new Error("no")
      return pair
    })
    const job = await run(found, { chunkSize })
    const { pulled, message } = await pullToError(job)
    expect(pulled).toEqual(["0 and 2"])
    expect(message).toMatch("event 3: the function threw")
    await job.close()
  })
})

describe("events that are too many", () => {
  const errorsTo = outputTag<ErrorEvent>("errors")

  it("are told of in their order, in the same words, whatever the chunk size", async () => {
    const times = [0, 1, 2, 3, 3, 2, 5, 6, 9, 9, 10, 8]
    const hits = ofKeys("ababaababaab", times)
    const told = async (chunkSize: number) => {
      const found = from(hits, { time: "at", watermark: boundedDisorder(1) })
        .keyBy("key")
        .pattern(pattern<"a", Hit>("a").followedByAny("b").within(100), () => undefined, {
          ...{ onError: "route", errorsTo, maxPartialMatches: 1 },
        })
      const job = await run(found, { chunkSize })
      const errors = await pull(job.output(errorsTo))
      await job.close()
      return errors.map(({ event, error, position }) => {
        return [(event as Hit).id, position, (error as Error).message]
      })
    }
    const each = await told(1)
    expect(each.length).toBeGreaterThan(3)
    for (const chunkSize of [2, 3, 1024]) expect(await told(chunkSize)).toEqual(each)
  })
})

describe("a limit of what is kept", () => {
  it("is reached by the same events, whatever the chunk size", async () => {
    const hits = ofKeys("aaaaa", [1, 2, 3, 4, 5])
    const gives = async (chunkSize: number) => {
      const found = from(hits, { time: "at" })
        .keyBy("key")
        .pattern(pairs, ({ a, b }) => [a[0]?.id, b[0]?.id], {
          state: { value: () => 0, maxSize: 1 },
          onError: ({ event }) => ({ emit: [(event as Hit).id] }),
        })
      const job = await run(found, { chunkSize })
      const results = await pull(job)
      await job.close()
      return results
    }
    const each = await gives(1)
    for (const chunkSize of [2, 1024]) expect(await gives(chunkSize)).toEqual(each)
  })
})

describe("matches whose time is over at once", () => {
  const timedOutTo = outputTag<TimedOutMatch<Hit>>("over")

  it("are told of in one order, whatever the chunk size", async () => {
    const hits = ofKeys("aaaaabaabba", [0, 0, 0, 4, 4, 4, 5, 6, 6, 10, 12])
    const told = async (chunkSize: number) => {
      const found = from(hits, { time: "at" })
        .keyBy("key")
        .pattern(pairs.within(4), () => undefined, { timedOutTo })
      const job = await run(found, { chunkSize })
      const over = await pull(job.output(timedOutTo))
      await job.close()
      return over.map(({ key, timestamp, match }) => [key, timestamp, match["a"]?.[0]?.id])
    }
    const each = await told(1)
    for (const chunkSize of [2, 3, 1024]) expect(await told(chunkSize)).toEqual(each)
  })
})

describe("the key of a match", () => {
  it("is as the state has it, whatever its first event has", async () => {
    const keys: [unknown, unknown, unknown][] = [
      [-0, 0, 0],
      [
        ["a", -0],
        ["a", 0],
        ["a", 0],
      ],
    ]
    for (const [first, second, wanted] of keys) {
      const events = [first, second].map((key, at) => ({ key, at }))
      const seen: unknown[] = []
      await from(events, { time: "at" })
        .keyBy(({ key }) => key as number)
        .pattern(pattern<"a", { key: unknown }>("a").next("b"), (_, __, { key }) => seen.push(key))
        .toArray()
      expect(seen).toStrictEqual([wanted])
      expect(seen[0]).not.toBe(first)
    }
  })
})
