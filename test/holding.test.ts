/** Operators that hold events back: debounce, sample, buffer, and the last of deduplicate. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { KeyedStream, Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { refusal } from "./refusal.ts"
import { errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

const texts = (results: readonly (Hit | readonly Hit[])[]) =>
  results.map((result) => (Array.isArray(result) ? result.map(shown) : shown(result as Hit)))

type Make = (events: KeyedStream<string, Hit>) => Stream<Hit> | Stream<Hit[]>

const make: Readonly<Record<string, Make>> = {
  debounce: (events) => events.debounce(10),
  sample: (events) => events.sample(10),
  buffer: (events) => events.buffer({ time: 10 }),
  pairs: (events) => events.buffer({ count: 2 }),
  last: (events) => events.deduplicate({ ttl: 10, keep: "last" }),
  refreshed: (events) => events.deduplicate({ ttl: 10, keep: "last", refresh: true }),
}
const names = Object.keys(make)

describe("in event time, what is held goes when the watermark has come there", () => {
  const script = hits("a1 b2 a6 a15 b16 a17 c40")
  const wanted: Readonly<Record<string, unknown>> = {
    // Between a6 and a15 is no pause of 10.
    debounce: ["b2", "b16", "a17", "c40"],
    sample: ["a6", "b2", "a17", "b16", "c40"],
    buffer: [["a1", "a6"], ["b2"], ["a15", "a17"], ["b16"], ["c40"]],
    pairs: [["a1", "a6"], ["b2", "b16"], ["a15", "a17"], ["c40"]],
    last: ["a6", "b2", "a17", "b16", "c40"],
    refreshed: ["b2", "b16", "a17", "c40"],
  }

  it.each(names)("%s, whatever the chunk size", async (name) => {
    for (const chunkSize of [1, 2, 3, 1024]) {
      const events = from(script, { time: "at" }).keyBy("k")
      const job = await run((make[name] as Make)(events) as Stream<Hit>, { chunkSize })
      expect(texts(await pull(job))).toEqual(wanted[name])
      await job.close()
    }
  })

  it("by the event's own time, where others are late", async () => {
    const disorder = { time: "at", watermark: boundedDisorder(20) } as const
    const events = from(hits("a0 a12 a9 a5 b50"), disorder).keyBy("k")
    // a12 is past the end of a0's stretch; a9 and a5 belong to a12's, and are older.
    expect(texts(await events.debounce(10).toArray())).toEqual(["a0", "a12", "b50"])
  })

  it("at the time of its timer, so that what follows in time is in time", async () => {
    const events = from(hits("a0 b3 a5 b30 a31 b60"), { time: "at" }).keyBy("k")
    const twice = events.debounce(4).keyBy("k").sample(20)
    // Out at 4, 7, 9, 34, 35, 64: the last of each stretch of 20.
    expect(texts(await twice.toArray())).toEqual(["a5", "b3", "b30", "a31", "b60"])
  })

  it("in the order of events beside another branch", async () => {
    for (const chunkSize of [1, 2, 1024]) {
      const events = from(hits("a1 b2 a12 b30"), { time: "at" })
      const both = events.map(shown).union(
        events
          .keyBy("k")
          .sample(10)
          .map((hit) => `(${shown(hit)})`),
      )
      const job = await run(both, { chunkSize })
      expect(await pull(job)).toEqual(["a1", "b2", "a12", "(a1)", "(b2)", "b30", "(a12)", "(b30)"])
      await job.close()
    }
  })
})

describe("in processing time, what is held goes while nothing comes", () => {
  const held = async (name: string) => {
    const fed = handFed<Hit>()
    const clock = manualClock()
    const results: [number, unknown][] = []
    const job = await run((make[name] as Make)(from(fed).keyBy("k")) as Stream<Hit>, { clock })
    const read = (async () => {
      for await (const result of job) results.push([clock.now(), texts([result])[0]])
    })()
    const until = async (ms: number) => {
      while (clock.now() < ms) {
        clock.advance(1)
        await turns(2)
      }
    }
    for (const hit of hits("a1 b2 a6 a17")) {
      await until(hit.at)
      fed.give(hit)
      await turns(3)
    }
    await until(40)
    const pending = job.stats().operators
    fed.end()
    await read
    await job.close()
    return { results, rows: Object.values(pending)[0]?.rows }
  }

  it.each([
    ["debounce", [[12, "b2"], [16, "a6"], [27, "a17"]]], // prettier-ignore
    ["sample", [[10, "a6"], [10, "b2"], [20, "a17"]]], // prettier-ignore
    ["buffer", [[11, ["a1", "a6"]], [12, ["b2"]], [27, ["a17"]]]], // prettier-ignore
    ["last", [[11, "a6"], [12, "b2"], [27, "a17"]]], // prettier-ignore
  ])("%s", async (name, results) => {
    expect(await held(name)).toEqual({ results, rows: 0 })
  })

  it("in the order of time over all operators, when the clock makes a leap", async () => {
    const fed = handFed<Hit>()
    const clock = manualClock()
    const events = from(fed).keyBy("k")
    const job = await run(events.debounce(5).keyBy("k").buffer({ time: 3 }), { clock })
    const read = pull(job)
    for (const [hit, ms] of [
      ["a1", 2],
      ["b2", 30],
    ] as const) {
      // prettier-ignore
      fed.give(...hits(hit))
      await turns()
      clock.advance(ms)
      await turns()
    }
    fed.end()
    // a1 goes at 5 and its list at 8; b2 came at 2, goes at 7 and its list at 10.
    expect((await read).map(texts)).toEqual([["a1"], ["b2"]])
    await job.close()
  })

  it("never before its time, also by a clock with fractions of a millisecond", async () => {
    const clock = manualClock(0.7)
    const fed = handFed<Hit>()
    const job = await run(from(fed).keyBy("k").debounce(10), { clock })
    const results: [number, string][] = []
    const read = (async () => {
      for await (const hit of job) results.push([clock.now(), shown(hit)])
    })()
    fed.give(...hits("a1"))
    await turns()
    clock.advance(3)
    fed.give(...hits("b2"))
    await turns()
    for (const ms of [9.5, 0.6, 0.4]) {
      clock.advance(ms)
      await turns()
    }
    fed.end()
    await read
    expect(results.map(([ms, text]) => `${text} at ${ms.toFixed(1)}`)).toEqual([
      "a1 at 13.2",
      "b2 at 14.2", // Due at 13.7, which is 14 in whole milliseconds.
    ])
    await job.close()
  })

  it("at the end of the source, all at once", async () => {
    const clock = manualClock()
    const job = await run(from(hits("b1 a2 b3")).keyBy("k").debounce("1h"), { clock })
    expect(texts(await pull(job))).toEqual(["b3", "a2"])
    await job.close()
  })
})

describe("what is held", () => {
  it("is saved, and goes in its order after a restart", async () => {
    const storage = memoryStorage()
    const clock = manualClock()
    const position = { read: hits("a1 b1 c1 a1"), more: hits("d9") }
    const source = {
      async *read(at = 0) {
        if (at === 0) yield { events: position.read, position: 1 }
        await new Promise((resolve) => clock.after(50, () => resolve(undefined)))
        yield { events: position.more, position: 2 }
      },
    }
    const make = () => from(source).keyBy("k").debounce(10)
    const first = await run(make(), { storage, clock })
    const results = first[Symbol.asyncIterator]()
    void results.next()
    await turns(10)
    await first.checkpoint()
    await first.close()

    clock.advance(30) // All are overdue.
    const second = await run(make(), { storage, clock })
    expect(second.state("debounce-1").entries()).toEqual([
      { key: "a", value: hits("a1") },
      { key: "b", value: hits("b1") },
      { key: "c", value: hits("c1") },
    ])
    const read = pull(second)
    await turns(10)
    clock.advance(50)
    await turns(10)
    clock.advance(50)
    expect(texts(await read)).toEqual(["a1", "b1", "c1", "d9"])
    await second.close()
  })

  it("is bounded by a limit with a name", async () => {
    const events = from(hits("a1 b2 c3")).keyBy("k")
    expect(await errorFrom(() => events.debounce(9, { state: { maxSize: 2 } }).toArray())).toEqual(
      expect.objectContaining({
        code: "LIMIT",
        message:
          "debounce-1: event 2: could not keep state for another key: " +
          "state.maxSize of 2 is reached",
      }),
    )
  })

  it("needs no key: then all events have one", async () => {
    const events = from(hits("a1 b2 a6 a15 b16 a40"), { time: "at" })
    expect(texts(await events.debounce(5).toArray())).toEqual(["a6", "b16", "a40"])
    expect(texts(await events.sample(10).toArray())).toEqual(["a6", "b16", "a40"])
    expect(texts(await events.buffer({ count: 4 }).toArray())).toEqual([
      ["a1", "b2", "a6", "a15"],
      ["b16", "a40"],
    ])
    expect(texts(await events.throttle({ limit: 1, per: 10 }).toArray())).toEqual([
      "a1",
      "a15",
      "a40",
    ])
  })

  it("refuses what makes no sense", () => {
    const events = from(hits("a1")).keyBy("k")
    expect([
      refusal(() => events.buffer({})),
      refusal(() => events.buffer({ count: 0 })),
      refusal(() => events.debounce(0)),
      refusal(() => events.sample("1x" as never)),
      refusal(() => events.debounce(5, { state: { ttl: 5 } })),
    ]).toEqual([
      { code: "OPTION", message: "buffer needs a count, a time, or both" },
      {
        code: "OPTION",
        message: "buffer.count must be a whole number from 1 to 65536, not 0",
      },
      { code: "OPTION", message: expect.stringContaining("debounce") as string },
      { code: "OPTION", message: expect.stringContaining("sample") as string },
      {
        code: "STATE_CONFIG",
        message: "debounce.state has no ttl: what is held goes when its time has come",
      },
    ])
  })
})
