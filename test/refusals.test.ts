/**
 * What operators refuse: code and message name the operator, the event and the limit; results of
 * the events before are given, whatever the chunk size.
 */
import { describe, expect, it } from "vitest"
import type { MillraceError } from "../js/index.ts"
import type { JobBase, Stream, StreamOf } from "../js/index.ts"
import { event, playAll } from "./play.ts"
import { boom, odd, refused, rows, throwing } from "./refused.ts"
import type { Row } from "./refused.ts"

describe("an event is refused", () => {
  it.each(refused)("$name", async ({ make, bad = odd, before = 4, says }) => {
    const script = rows(bad).map((row) => event(row))
    for (const chunkSize of [1, 2, 1024]) {
      const { results, error } = await playAll<Row>(
        (events) => make(events.keyBy("k"), events),
        script,
        { chunkSize },
      )
      const { code, message } = error as MillraceError
      expect([code, message, results["out"]?.length]).toEqual([...says, before])
    }
  })

  it("with what the function threw as cause", async () => {
    const { error } = await playAll<Row>((events) => events.map(throwing), [event(odd)])
    expect((error as MillraceError).cause).toEqual(new Error("boom"))
  })

  it("for want of memory, and then there are as many rows as results", async () => {
    const script = Array.from({ length: 3000 }, (_, n) => event({ k: `key ${n}`, n }))
    const make = (events: Stream<Row>) =>
      events.keyBy("k").fold(
        () => 0,
        (_, { n }) => n,
        { uid: "last" },
      )
    for (const chunkSize of [1, 64, 1024]) {
      let size = 0
      const look = (job: JobBase) => void (size = job.state("last").size)
      const played = await playAll<Row>(make, script, { chunkSize, maxBytes: 1 << 20, look })
      const { code, message } = played.error as MillraceError
      expect([code, message]).toEqual([
        "MEMORY",
        `last: event ${size}: could not keep state for another key: ` +
          "memory.maxBytes of 1048576 is reached",
      ])
      expect(size).toBeGreaterThan(500)
      expect(played.results["out"]).toEqual(Array.from({ length: size }, (_, n) => n))
    }
  })

  it("by the first of two operators that fail in one chunk", async () => {
    const at = (bad: number) => (row: Row) => (row.n === bad ? boom() : row)
    const script = Array.from({ length: 6 }, (_, n) => event({ k: "a", n }))
    const chains: [(events: Stream<Row>) => StreamOf<Row>, string][] = [
      [(events) => events.map(at(2)).map(at(4)), "map-1: event 2: the function threw Error"],
      [(events) => events.map(at(4)).map(at(2)), "map-2: event 2: the function threw Error"],
      [
        (events) =>
          events
            .keyBy("k")
            .reduce((_, row) => at(4)(row))
            .union(events.map(at(2))),
        "map-1: event 2: the function threw Error",
      ],
      [
        (events) =>
          events
            .map(at(4))
            .filter(({ n }) => n > 1)
            .keyBy("k")
            .map(at(3)),
        "map-2: event 3: the function threw Error",
      ],
    ]
    for (const [make, message] of chains) {
      const results: unknown[] = []
      for (const chunkSize of [1, 2, 3, 1024]) {
        const played = await playAll(make, script, { chunkSize })
        expect((played.error as Error).message).toBe(message)
        results.push(played.results)
      }
      expect(results).toEqual(results.map(() => results[0]))
    }
  })

  it("but not once take has all that it takes, whatever the chunk size", async () => {
    const script = Array.from({ length: 6 }, (_, n) => event({ k: "a", n: n - 3 }))
    const bad = ({ n }: Row) => (n === 0 ? boom() : n)
    for (const chunkSize of [1, 2, 3, 1024]) {
      const first = await playAll<Row>((events) => events.map(bad).take(3), script, { chunkSize })
      expect(first).toEqual({ results: { out: [-3, -2, -1] }, error: undefined })
      const fourth = await playAll<Row>((events) => events.map(bad).take(4), script, { chunkSize })
      expect([fourth.results, (fourth.error as Error).message]).toEqual([
        { out: [-3, -2, -1] },
        "map-1: event 3: the function threw Error",
      ])
      const after = await playAll<Row>((events) => events.take(4).map(bad), script, { chunkSize })
      expect([after.results, (after.error as Error | undefined)?.message]).toEqual([
        { out: [-3, -2, -1] },
        "map-1: event 3: the function threw Error",
      ])
    }
  })
})
