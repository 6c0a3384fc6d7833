/** join: what it gives, what it keeps, and what it refuses. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, interval, manualClock, of, outputTag } from "../js/index.ts"
import { run, tumbling } from "../js/index.ts"
import type { ErrorEvent, EvictedKey, Job, Pair, Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { errorFrom, guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"
import * as probe from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const timed = { time: "at" } as const
const side = (text: string) => from(text === "" ? [] : hits(text), timed).keyBy("k")
const both = (left: Hit, right: Hit) => `${shown(left)} ${shown(right)}`
const near = interval({ before: 2, after: 3 })

const resultsOf = <O>(stream: Stream<O>) => probe.resultsOf(stream, { inOrder: false })
const rowsOf = (job: Job<unknown>) => job.stats().operators["joinBuffers-1"]?.rows

describe("a join", () => {
  it("pairs events of a key whose times are near, bounds included", async () => {
    const pairs = side("a10 b10 a20").join(side("a7 a8 b9 a13 a14 b14 a23"), near, both)
    expect((await resultsOf(pairs)).sort()).toEqual(["a10 a13", "a10 a8", "a20 a23", "b10 b9"])
  })

  it("takes bounds that are both behind the left event, or both before it", async () => {
    const after = interval({ before: "-2ms", after: 4 })
    const right = "a1 a2 a3 a4 a5 a6"
    expect(await resultsOf(side("a1").join(side(right), after, both))).toEqual([
      "a1 a3",
      "a1 a4",
      "a1 a5",
    ])
    const before = interval({ before: 4, after: -2 })
    expect(await resultsOf(side("a6").join(side(right), before, both))).toEqual([
      "a6 a2",
      "a6 a3",
      "a6 a4",
    ])
  })

  it("emits nothing for undefined, and gives the function the state of the key", async () => {
    const nth = side("a1 b1 a2").join(
      side("a1 b1"),
      near,
      (left, right, state) => {
        const n = state.update((before) => before + 1)
        return right.k === "b" ? undefined : `${both(left, right)} ${n}`
      },
      { state: { value: () => 0 } },
    )
    expect(await resultsOf(nth)).toEqual(["a1 a1 1", "a2 a1 2"])
  })

  it("waits for functions that give promises", async () => {
    const slow = async (left: Hit, right: Hit) => {
      await turns(1)
      return both(left, right)
    }
    const later = side("a1 b2").join(side("a1 b2"), near, slow, { state: {}, concurrency: 2 })
    expect(await resultsOf(later)).toEqual(["a1 a1", "b2 b2"])
  })

  it("of a stream with itself pairs each event with itself as well", async () => {
    const stream = side("a1 a2 b2 a9")
    const pairs = stream.join(stream, interval({ after: 1 }), both)
    expect(await resultsOf(pairs)).toEqual(["a1 a1", "a1 a2", "a2 a2", "b2 b2", "a9 a9"])
  })

  it("gives a pair the later of its times", async () => {
    const days = side("a9 a19")
      .join(side("a11 a18"), near, both)
      .keyBy(() => null)
      .window(tumbling(10))
      .process((pairs, _, { window }) => [window.start, ...pairs])
    expect(await days.toArray()).toEqual([[10, "a9 a11", "a19 a18"]])
  })

  it("goes on past a full batch of results in the middle of an event", async () => {
    const many = Array.from({ length: 5000 }, (_, n) => ({ k: "a", n, at: n % 7 }))
    const wide = from(many, { time: "at", watermark: boundedDisorder(10) }).keyBy("k")
    const counted = side("a3").join(wide, interval({ before: 9, after: 9 }), (_, { n }) => n)
    expect((await resultsOf(counted)).sort((a, b) => a - b)).toEqual(many.map(({ n }) => n))
    const two = side("a3").join(wide, interval({}), (_, { n }) => n)
    expect(await resultsOf(two)).toHaveLength(many.filter(({ at }) => at === 3).length)
  })

  it("ends when both inputs have ended, and forgets what is over while one goes on", async () => {
    const fed = handFed<Hit>()
    const job = await run(from(fed, timed).keyBy("k").join(side("a1 a2 a50"), near, both))
    const results = job[Symbol.asyncIterator]()
    const first = results.next()
    await turns()
    const sizes = [rowsOf(job)]
    fed.give(...hits("a1"))
    expect((await first).value).toBe("a1 a1")
    expect((await results.next()).value).toBe("a1 a2")
    for (const text of ["b4", "b5", "b30"]) {
      fed.give(...hits(text))
      const next = results.next()
      await turns()
      sizes.push(rowsOf(job))
      void next
    }
    // Of the right side a1 goes at 4, a2 at 5; of the left each 4 after its time.
    expect(sizes).toEqual([3, 4, 3, 2])
    fed.end()
    await job.finished()
    await job.close()
  })

  it("keeps what waits for a silent side, but no promises, until that is idle", async () => {
    const [left, right] = [handFed<Hit>(), handFed<Hit>()]
    const clock = manualClock()
    const idle = { time: "at", idleAfter: 10 } as const
    const joined = from(left, timed).keyBy("k").join(from(right, idle).keyBy("k"), near, both)
    const job = await run(joined, { clock })
    const finished = job.finished()
    for (let at = 0; at < 50; at++) {
      left.give({ k: "a", at: at * 10 })
      await turns(2)
    }
    expect(rowsOf(job)).toBe(50)
    expect([left.asked, right.asked]).toEqual([51, 1])
    clock.advance(10)
    await turns(10)
    expect(rowsOf(job)).toBe(1)
    right.give(...hits("a480 a490 a500")) // It counts again; the first has been overtaken.
    for (const source of [left, right]) source.end()
    await finished
    expect(job.stats().operators["join-1"]?.out).toBe(1)
    expect(job.stats().operators["joinBuffers-1"]?.late).toEqual({ behind: 0, idle: 1 })
    await job.close()
  })
})

describe("late events of a join", () => {
  it("are those behind their own source; they are counted and sent aside", async () => {
    const late = outputTag("late", of<Hit>())
    const joined = side("a10 a4 a11").join(side("a3 a4 a10 a9"), near, both, { lateTo: late })
    const aside = joined.sideOutput(late).map(shown)
    for (const chunkSize of [1, 2, 1024]) {
      const job = await run({ joined, aside }, { chunkSize })
      const [pairs, told] = await Promise.all([
        pull(job.output("joined")),
        pull(job.output("aside")),
      ])
      expect([pairs.sort(), told.sort()]).toEqual([
        ["a10 a10", "a11 a10"],
        ["a4", "a9"],
      ])
      expect(job.stats().operators["joinBuffers-1"]?.late).toEqual({ behind: 2, idle: 0 })
      await job.close()
    }
  })
})

describe("the events that wait", () => {
  const events = "a1 a2 a3"

  it("are refused beyond a limit with a name", async () => {
    const full = side(events).join(side(""), near, both, { state: { maxSize: 2 } })
    expect(await pullToError(full)).toMatchObject({
      code: "LIMIT",
      message: expect.stringContaining("joinBuffers-1: event 2:") as unknown,
    })
    const large = side(events).join(side(""), near, both, { state: { maxBytes: 1500 } })
    expect(await pullToError(large)).toMatchObject({ code: "LIMIT" })
  })

  it("make room and are told, after the event has met them", async () => {
    const gone = outputTag("gone", of<EvictedKey<string>>())
    const state = { maxSize: 1, onFull: "evict" } as const
    const joined = side("a1 a2").join(side("a3"), near, both, { state, evictedTo: gone })
    const told = joined.sideOutput(gone).map(({ key, state }) => `${key} ${shown(state as Hit)}`)
    const job = await run({ joined, told }, { chunkSize: 2 })
    const [pairs, evicted] = await Promise.all([
      pull(job.output("joined")),
      pull(job.output("told")),
    ])
    expect([pairs, evicted]).toEqual([
      ["a1 a3", "a2 a3"],
      ["a a1", "a a3"],
    ])
    expect(job.stats().operators["joinBuffers-1"]).toMatchObject({ rows: 1, evicted: 2 })
    await job.close()
  })

  it("leave no values behind when they are over", async () => {
    const left = Array.from({ length: 3000 }, (_, at): Hit => ({ k: `${at % 7}`, at }))
    const job = await run(from(left, timed).keyBy("k").join(side("c1"), near, both))
    await job.finished()
    expect(rowsOf(job)).toBeLessThan(12)
    expect(job.stats().memory.external).toBe(512 * (rowsOf(job) as number))
    await job.close()
  })
})

describe("errors in a join", () => {
  it("are told with the event, or the pair, and its key", async () => {
    const wrong = outputTag("wrong", of<ErrorEvent<Hit | Pair<Hit, Hit>>>())
    const right = from([...hits("a1"), { at: 2 } as Hit, ...hits("b3")], timed).keyBy("k")
    const joined = side("a1 b2 b3").join(
      right,
      near,
      (left, event) => {
        if (left.at !== event.at) throw new Error("far")
        return both(left, event)
      },
      { onError: "route", errorsTo: wrong },
    )
    const routed = joined.sideOutput(wrong).map(({ event, key, operator }) => {
      return [operator, key, "left" in event ? both(event.left, event.right) : event]
    })
    const job = await run({ joined, routed })
    const [pairs, errors] = await Promise.all([
      pull(job.output("joined")),
      pull(job.output("routed")),
    ])
    expect(pairs).toEqual(["a1 a1", "b3 b3"])
    expect(errors).toEqual([
      ["joinBuffers-1", undefined, { at: 2 }],
      ["join-1", "b", "b2 b3"],
    ])
    await job.close()
  })

  it("may be replaced by results, which pass the function by", async () => {
    const right = from([...hits("a1"), { at: 2 } as Hit], timed).keyBy("k")
    const joined = side("a1").join(right, near, both, { onError: () => ({ emit: "none" }) })
    expect(await resultsOf(joined)).toEqual(["a1 a1", "none"])
  })

  it("are what a promise is, where there is no state", async () => {
    const joined = side("a1").join(side("a1"), near, async () => Promise.resolve(1))
    expect(await pullToError(joined)).toMatchObject({ code: "UNSUPPORTED" })
  })

  it("leave no values behind where events are refused", async () => {
    const state = { maxSize: 2 }
    const joined = side("a1 a2 a3 a4 a5").join(side(""), near, both, { state, onError: "skip" })
    const job = await run(joined)
    await job.finished()
    expect(job.stats().operators["joinBuffers-1"]).toMatchObject({ rows: 1, skipped: 3 })
    expect(job.stats().memory.external).toBe(512) // Of two, one is over.
    await job.close()
  })
})

describe("a join refuses", () => {
  const left = side("a1")
  const refused: [string, () => unknown, string][] = [
    ["bounds that are none", () => interval({ before: "soon" as never }), "interval.before"],
    ["bounds with nothing in between", () => interval({ before: -3, after: 2 }), "interval.after"],
    ["bounds that it does not know", () => interval({ until: 1 } as never), "until"],
    ["no bounds", () => interval(undefined as never), "interval needs { before, after }"],
    [
      "a stream without keys",
      () => left.join(from([1]) as never, near, both),
      "join needs another keyed stream",
    ],
    ["a time", () => left.join(left, "5m" as never, both), "join needs interval("],
    ["no function", () => left.join(left, near, undefined as never), "join"],
    [
      "concurrency without state",
      () => left.join(left, near, both, { concurrency: 2 } as never),
      "join.concurrency needs join.state",
    ],
    ["unknown options", () => left.join(left, near, both, { late: 1 } as never), "late"],
    [
      "evictedTo without eviction",
      () => left.join(left, near, both, { evictedTo: outputTag("gone") } as never),
      "join.evictedTo",
    ],
  ]

  it.each(refused)("%s", (_, make, message) => {
    expect(refusal(make)).toMatchObject({
      code: "OPTION",
      message: expect.stringContaining(message) as unknown,
    })
  })

  it("streams without event time", async () => {
    const keyed = from(hits("a1")).keyBy("k")
    const told = await errorFrom(() => run(keyed.join(keyed, near, both)))
    expect(told.code).toBe("OPTION")
    expect(told.message).toContain("joinBuffers-1: interval needs event time")
  })
})
