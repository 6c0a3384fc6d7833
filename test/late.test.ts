/** Late events: by the watermark of their own source, counted by reason. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, run } from "../js/index.ts"
import type { FromOptions, Stream } from "../js/index.ts"
import { guardRejections } from "./probe.ts"
import { watched } from "./watched.ts"
import type { Seen } from "./watched.ts"

guardRejections()

interface Event {
  readonly at: number
  readonly of: string
}

const events = (of: string, ...times: number[]): Event[] => times.map((at) => ({ of, at }))
const timed = (disorder: number): FromOptions<Event> => {
  return { time: "at", watermark: boundedDisorder(disorder) }
}

const shown = (seen: readonly Seen[]) =>
  seen.map(({ value, watermark, own }) => {
    const { of, at } = value as Event
    return [of, at, watermark, own]
  })

describe("the watermark of an event's own source", () => {
  it("comes with it through a union, where the watermark is the least", async () => {
    const ahead = from(events("a", 100, 200, 150), timed(0))
    const behind = from(events("b", 5, 20, 10), timed(5))
    const { stream, seen } = watched(ahead.union(behind))
    const job = await run(stream, { chunkSize: 1 })
    await job.finished()
    expect(shown(seen)).toEqual([
      ["a", 100, -Infinity, -Infinity],
      ["b", 5, -Infinity, -Infinity],
      ["a", 200, 0, 100],
      ["b", 20, 0, 0],
      ["a", 150, 15, 200], // Late, by its own.
      ["b", 10, 15, 15],
    ])
    await job.close()
  })

  const through: [string, (events: Stream<Event>) => Stream<Event>][] = [
    ["map", (stream) => stream.map((event) => ({ ...event }))],
    ["filter", (stream) => stream.filter(({ at }) => at !== 200)],
    ["flatMap", (stream) => stream.flatMap((event) => [event, event])],
    ["a branch of the union", (stream) => stream.filter(({ at }) => at > 150).union(stream)],
    ["a union of the union", (stream) => stream.union(from(events("c", 1000), timed(0)))],
    ["deduplicate", (stream) => stream.keyBy("at").deduplicate()],
    ["throttle", (stream) => stream.throttle({ limit: 2, per: 1 })],
    ["an error", (stream) => stream.map(failFirst, { onError: ({ event }) => ({ emit: event }) })],
  ]
  const failFirst = (event: Event): Event => {
    if (event.at === 100) throw new Error("the first fails")
    return event
  }

  it.each(through)("comes with it through %s", async (_, verb) => {
    const own = async (chunkSize: number) => {
      const ahead = from(events("a", 100, 200, 300), timed(0))
      const behind = from(events("b", 5, 20), timed(5))
      const { stream, seen } = watched(verb(ahead.union(behind)))
      const job = await run(stream, { chunkSize })
      await job.finished()
      await job.close()
      return new Map(seen.map(({ value, own }) => [(value as Event).at, own]))
    }
    for (const chunkSize of [1, 1024]) {
      const by = await own(chunkSize)
      expect([by.get(100), by.get(300), by.get(5), by.get(20)]).toEqual([
        ...[-Infinity, 200, -Infinity, 0],
      ])
    }
  })

  it("is none under processing time", async () => {
    const { stream, seen } = watched(from(events("a", 2, 1)))
    await stream.toArray()
    expect(seen.map(({ own }) => own)).toEqual([-Infinity, -Infinity])
  })
})

describe("late events", () => {
  it("are figures of the operators that drop them, and of no other", async () => {
    const { stream } = watched(from(events("a", 10, 5, 20, 7, 12), timed(4)), "look")
    const job = await run(stream.map(({ at }) => at))
    await job.finished()
    const { operators } = job.stats()
    expect(operators["look"]?.late).toEqual({ behind: 3, idle: 0 })
    expect(operators["map-1"]).not.toHaveProperty("late")
    await job.close()
  })
})
