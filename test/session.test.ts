/** session: which events are one, and when it ends. */
import { describe, expect, it } from "vitest"
import { from, manualClock, memoryStorage, of, outputTag, run } from "../js/index.ts"
import type { Session } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { errorFrom, guardRejections, handFed, pull, resultsOf, turns } from "./probe.ts"
import { disorder, gap, sessions, state, timed } from "./told_sessions.ts"
import type { Times } from "./told_sessions.ts"

guardRejections()

describe("a session in event time", () => {
  it("begins with the first event of a key, and ends when the watermark is past it", async () => {
    const events = from(hits("a0 b3 a5 b30 a31 a33"), timed).keyBy("k")
    expect(await resultsOf(sessions(events))).toEqual([
      ...["a0 new", "b3 new", "a5 0+5", "b30 new", "b 3-13: 3", "a 0-15: 0+5"],
      ...["a31 new", "a33 31+33", "b 30-40: 30", "a 31-43: 31+33"],
    ])
  })

  it("has an event exactly a gap after its last, if the boundary is inclusive", async () => {
    const events = from(hits("a0 a10 a20"), timed).keyBy("k")
    expect(await resultsOf(sessions(events))).toEqual([
      ...["a0 new", "a10 0+10", "a20 0+10+20", "a 0-30: 0+10+20"],
    ])
    expect(await resultsOf(sessions(events, { boundary: "exclusive" }))).toEqual([
      ...["a0 new", "a10 new", "a 0-10: 0", "a20 new", "a 10-20: 10", "a 20-30: 20"],
    ])
  })

  it("waits while an event exactly at its end may come", async () => {
    const events = from(hits("a0 b10 a10 b11"), timed).keyBy("k")
    // At b10 the watermark is 10: a10 may come, and does.
    expect(await resultsOf(sessions(events))).toEqual([
      ...["a0 new", "b10 new", "a10 0+10", "b11 10+11", "a 0-20: 0+10", "b 10-21: 10+11"],
    ])
  })

  it("is one of several of its key, where events come out of order", async () => {
    const events = from(hits("a50 a0 a25 a5 a52 b100"), disorder(60)).keyBy("k")
    expect(await resultsOf(sessions(events))).toEqual([
      ...["a50 new", "a0 new", "a25 new", "a5 0+5", "a52 50+52", "b100 new"],
      ...["a 0-15: 0+5", "a 25-35: 25", "a 50-62: 50+52", "b 100-110: 100"],
    ])
  })

  it("is found among thousands of its key", async () => {
    const order = shuffled(10_000)
    // Each of these is between two sessions, and near both.
    const late = order.flatMap((i) => (i % 10 === 0 ? [i * 20 + 10] : []))
    const ats = [...order.map((i) => i * 20), ...late]
    const events = from(
      ats.map((at) => ({ k: "a", at })),
      disorder(1e6),
    ).keyBy("k")
    const ends = events.session(
      { gap, onEnd: ({ start, end, count }) => [start, end, count] },
      () => undefined,
    )
    expect(await resultsOf(ends)).toEqual(sessionsOf(ats))
  })

  it("takes in the next one by an event in between: the earlier's state stays", async () => {
    const events = from(hits("a0 a18 a20 a9 b99"), disorder(50)).keyBy("k")
    const onEnd = ({ start, end, count }: Session, times: Times) =>
      `${start}-${end} of ${count}: ${times.get().join("+")}`
    expect(await resultsOf(sessions(events, { onEnd }))).toEqual([
      ...["a0 new", "a18 new", "a20 18+20", "a9 0+9", "b99 new"],
      ...["0-30 of 4: 0+9", "99-109 of 1: 99"],
    ])
  })

  it("has the later's state where the earlier has none", async () => {
    const events = from(hits("a0 a18 a9 b99"), disorder(50)).keyBy("k")
    const text = events.session(
      {
        gap,
        state: { type: of<string>() },
        onEnd: ({ start }, state, { key }) => `${key}${start} ${state.get()}`,
      },
      ({ at }, _, state) => void (at === 18 && state.set("of the later")),
    )
    expect(await resultsOf(text)).toEqual(["a0 of the later", "b99 undefined"])
  })

  it("is over for an event that comes too late, which is counted and goes to lateTo", async () => {
    const late = outputTag("late", of<Hit>())
    const events = from(hits("a0 a100 b5 a79 a90 b140"), disorder(10)).keyBy("k")
    for (const chunkSize of [1, 2, 1024]) {
      const stream = sessions(events, { lateTo: late })
      const job = await run({ stream, rest: stream.sideOutput(late) }, { chunkSize })
      const [results, rest] = await Promise.all([
        pull(job.output("stream")),
        pull(job.output("rest")),
      ])
      expect(results).toEqual([
        ...["a0 new", "a100 new", "a 0-10: 0", "a90 100+90"],
        ...["b140 new", "a 90-110: 100+90", "b 140-150: 140"],
      ])
      // At 80 a session might still have come; the watermark is 90.
      expect(rest.map(shown)).toEqual(["b5", "a79"])
      expect(job.stats().operators["session-1"]?.late).toEqual({ behind: 2, idle: 0 })
      await job.close()
    }
  })

  it("ends for each key in the order of time, then of the events that set it", async () => {
    const events = from(hits("c0 a0 b0 a0 c5 b5 d90"), timed).keyBy("k")
    const ends = events.session({ gap, onEnd: (_, __, { key }) => key }, () => undefined)
    expect(await resultsOf(ends)).toEqual(["a", "c", "b", "d"])
  })

  it("gives its results their times, for what comes behind", async () => {
    const events = from(hits("a0 b3 a5 b30 a31 b60"), timed).keyBy("k")
    const ends = events.session(
      { gap: 4, onEnd: ({ end }, _, { key }) => ({ k: key, at: end }) },
      () => undefined,
    )
    // They end at 4, 7, 9, 34, 35, 64.
    expect((await ends.keyBy("k").sample(20).toArray()).map(shown)).toEqual([
      ...["a9", "b7", "b34", "a35", "b64"],
    ])
  })
})

describe("a session in processing time", () => {
  const play = async (script: readonly (string | number)[]) => {
    const fed = handFed<Hit>()
    const clock = manualClock()
    const job = await run(sessions(from(fed).keyBy("k"), { onEnd }), { clock })
    const results: unknown[] = []
    const read = (async () => {
      for await (const result of job) results.push([clock.now(), result])
    })()
    for (const step of script) {
      if (typeof step === "string") fed.give(...hits(step))
      else
        while (clock.now() < step) {
          clock.advance(1)
          await turns(2)
        }
      await turns(4)
    }
    fed.end()
    await read
    await job.close()
    return results
  }
  const onEnd = ({ start, end }: Session, times: Times, { now }: { now: number }) =>
    `${start}-${end} ${times.get().join("+")} at ${now}`

  it("ends by a timer while nothing comes, as soon as its key can add no more", async () => {
    expect(await play([5, "a0", 8, "b0", 15, "a1", 30, "a2"])).toEqual([
      [5, "a0 new"],
      [8, "b0 new"],
      [15, "a1 0+1"],
      [19, "8-18 0 at 19"],
      [26, "5-25 0+1 at 26"],
      [30, "a2 new"],
      [30, "30-40 2 at 30"],
    ])
  })
})

describe("an open session", () => {
  it("ends when it has to make room, and its key begins anew", async () => {
    const limits = { maxSize: 2, onFull: "evict" as const }
    const events = from(hits("a0 b1 a2 c3 b4"), timed).keyBy("k")
    expect(await resultsOf(sessions(events, { state: { ...state, ...limits } }))).toEqual([
      ...["a0 new", "b1 new", "a2 0+2", "c3 new", "b 1-11: 1", "b4 new", "a 0-12: 0+2"],
      ...["c 3-13: 3", "b 4-14: 4"],
    ])
  })

  it("is bounded by a limit with a name", async () => {
    const events = from(hits("a0 b1 c2"), timed).keyBy("k")
    const error = await errorFrom(() =>
      sessions(events, { state: { ...state, maxSize: 2 } }).toArray(),
    )
    expect(error).toMatchObject({
      code: "LIMIT",
      message:
        "session-1: event 2: could not keep state for another key: state.maxSize of 2 is reached",
    })
  })

  it("is as it was where there is no room for state, or for another", async () => {
    const ats = [50, 90, 10, 70, 30, 20, 80, 40, 5].flatMap((at) => [at * 10, at * 10 + 4])
    const refused = new Set<number>()
    for (let maxBytes = 64; maxBytes < 1500; maxBytes += 64) {
      const events = from(
        ats.map((at) => ({ k: "a", at })),
        disorder(1e6),
      ).keyBy("k")
      const stream = events.session(
        {
          ...{ gap, onError: "skip", state: { ...state, maxBytes } },
          onEnd: ({ start, end, count }): number[] => [start, end, count],
        },
        ({ at }, _, times) => {
          if (at < 200) times.update((all) => [...all, at])
          return [at]
        },
      )
      const results = await resultsOf(stream)
      const taken = results.filter((result) => result.length === 1).flat()
      expect(results.filter((result) => result.length === 3)).toEqual(sessionsOf(taken))
      refused.add(ats.length - taken.length)
    }
    expect(refused.size).toBeGreaterThan(2)
  })

  it("is saved with its state, and ends after a restart though its key never returns", async () => {
    const storage = memoryStorage()
    const clock = manualClock()
    const source = {
      async *read(at = 0) {
        if (at === 0) yield { events: hits("a1 b1 a1"), position: 1 }
        await new Promise((resolve) => clock.after(90, () => resolve(undefined)))
        yield { events: hits("c9"), position: 2 }
      },
    }
    const make = () => sessions(from(source).keyBy("k"))
    const first = await run(make(), { storage, clock })
    const results = first[Symbol.asyncIterator]()
    for (let i = 0; i < 3; i++) await results.next()
    void results.next()
    await turns(10)
    await first.checkpoint()
    await first.close()
    clock.advance(50)
    const second = await run(make(), { storage, clock })
    const read = pull(second)
    await turns(10)
    clock.advance(90)
    await turns(10)
    expect(await read).toEqual(["a 0-10: 1+1", "b 0-10: 1", "c9 new", "c 140-150: 9"])
    await second.close()
  })
})

/** The numbers below this, in an order that is the same each time. */
function shuffled(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7919) % count)
}

/** [start, end, count] of the sessions that events at these times are. */
function sessionsOf(ats: readonly number[]): number[][] {
  const all: number[][] = []
  for (const at of [...ats].sort((a, b) => a - b)) {
    const [, end = -Infinity, count = 0] = all.at(-1) ?? []
    if (at <= end) all[all.length - 1] = [all.at(-1)![0]!, at + gap, count + 1]
    else all.push([at, at + gap, 1])
  }
  return all
}
