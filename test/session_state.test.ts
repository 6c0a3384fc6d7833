/** session: the state of each, and what its functions do. */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, of, outputTag, record, run } from "../js/index.ts"
import type { ErrorEvent, Replayable, Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { errorFrom, guardRejections, handFed, pull, resultsOf, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"
import { bytesOf } from "./savepoints.ts"
import { disorder, gap, sessions, state, timed, told } from "./told_sessions.ts"

guardRejections()

describe("the state of a session", () => {
  it("is its own: fresh for each, and gone at its end", async () => {
    const events = from(hits("a0 a5 a20 b50"), timed).keyBy("k")
    const job = await run(
      events.session(
        { gap, uid: "visits", state: { value: () => 0 }, onEnd: (_, n) => n.exists() },
        (_, __, n) => n.update((n) => n + 1),
      ),
    )
    const results = job[Symbol.asyncIterator]()
    for (const wanted of [1, 2, 1, true, 1, true, true]) {
      expect((await results.next()).value).toBe(wanted)
    }
    expect((await results.next()).done).toBe(true)
    expect(job.stats().operators["visits"]).toMatchObject({ rows: 0, bytes: 0 })
    await job.close()
  })

  it("can be seen from outside, with the sessions that are open", async () => {
    const fed = handFed<Hit>()
    const job = await run(sessions(from(fed, disorder(90)).keyBy("k"), { uid: "visits" }))
    const read = pull(job)
    fed.give(...hits("a50 a52 a0 b7"))
    await turns()
    expect(job.state("visits").entries()).toEqual([
      {
        key: "a",
        value: [
          { start: 0, end: 10, count: 1, state: [0] },
          { start: 50, end: 62, count: 2, state: [50, 52] },
        ],
      },
      { key: "b", value: [{ start: 7, end: 17, count: 1, state: [7] }] },
    ])
    fed.end()
    await read
    await job.close()
  })

  it("lives as long as its session, whatever the ttl of a preset is", async () => {
    const events = from(hits("a0 a4 a9 a19 b99"), timed).keyBy("k")
    const seen = events.session(
      { gap, state: { ttl: 5, value: () => 0 }, onEnd: ({ count }, n) => [count, n.get()] },
      ({ at }, isNew, n) => (isNew ? n.set(at + 7) : [at, n.get()]),
    )
    const each = [4, 9, 19].map((at) => [at, 7])
    expect(await resultsOf(seen)).toEqual([...each, [4, 7], [1, 106]])
  })

  it("is as before an event whose function throws, which its session never had", async () => {
    const script = hits("a0 a5 a12 b99").map((hit) => ({ ...hit, bad: hit.at === 5 }))
    const events = from(script, timed).keyBy("k")
    const ends = events.session(
      { gap, state, onError: "skip", onEnd: ({ start, end, count }) => [start, end, count] },
      ({ at, bad }, isNew, times) => {
        times.update((all) => [...all, at])
        if (bad) throw new Error("no")
        return isNew
      },
    )
    expect(await resultsOf(ends)).toEqual([true, true, [0, 10, 1], true, [12, 22, 1], [99, 109, 1]])
  })

  it("cannot be a record yet, nor be told of where it goes", () => {
    const events = from(hits("a0")).keyBy("k")
    const each = () => 0
    expect([
      refusal(() => events.session({ gap, state: { value: record({ n: "f64" }) } }, each)),
      refusal(() => events.session({ gap, state: { ttl: 5, update: "readWrite" } }, each)),
      refusal(() =>
        events.session({ gap, state: { maxSize: 1, onFull: "evict", onEvict: each } }, each),
      ),
      refusal(() => events.session({ gap: 0 }, each)),
      refusal(() => events.session({} as never, each)),
      refusal(() => events.session({ gap, onend: each } as never, each)),
    ]).toEqual([
      {
        code: "UNSUPPORTED",
        message: "session.state.value cannot be a record in this version yet; give a function",
      },
      {
        code: "STATE_CONFIG",
        message: "session.state.update has no meaning: session has a time of its own",
      },
      {
        code: "STATE_CONFIG",
        message: "session.state.onEvict has no meaning: what makes room ends, and onEnd is told",
      },
      { code: "OPTION", message: expect.stringContaining("session.gap") as string },
      { code: "OPTION", message: "session.gap is missing" },
      { code: "OPTION", message: expect.stringContaining('did you mean "onEnd"?') as string },
    ])
  })
})

describe("a session's functions", () => {
  it("emit nothing by undefined, also where nobody is told of ends", async () => {
    const events = from(hits("a0 a5 a20 b50"), timed).keyBy("k")
    const news = events.session({ gap }, (hit, isNew) => (isNew ? shown(hit) : undefined))
    expect(await resultsOf(news)).toEqual(["a0", "a20", "b50"])
  })

  it("may give promises: what ends waits for the events before", async () => {
    const script = hits("a0 b1 a5 c8 b30 a31 c60 a62 b63")
    const events = from(script, timed).keyBy("k")
    const wanted = await resultsOf(sessions(events))
    for (const concurrency of [1, 2, 8]) {
      const slow = events.session(
        { gap, state, onEnd: told.onEnd, concurrency },
        async (...given) => {
          for (let i = given[0].at % 3; i >= 0; i--) await turns(1)
          return told.each(...given)
        },
      )
      expect(await resultsOf(slow)).toEqual(wanted)
    }
  })

  it("end the job by what they throw: the event's, or the one that brought the end", async () => {
    const events = from(hits("a0 b3 b50 c99"), timed).keyBy("k")
    const fails = () => {
      throw new TypeError("no")
    }
    const at = <O>(stream: Stream<O>) => errorFrom(() => resultsOf(stream))
    expect([
      await at(events.session({ gap }, ({ at }) => (at === 50 ? fails() : 0))),
      await at(events.session({ gap, onEnd: fails }, () => 0)),
      await at(events.session({ gap, onEnd: async () => 0 }, () => 0)),
    ]).toMatchObject([
      { code: "USER_FUNCTION", message: "session-1: event 2: the function threw TypeError" },
      { code: "USER_FUNCTION", message: "sessionEnd-1: event 2: the function threw TypeError" },
      { code: "UNSUPPORTED" },
    ])
  })

  it("are told of in errorsTo, the end of a session with the session", async () => {
    const errors = outputTag("errors", of<ErrorEvent>())
    const events = from(hits("a0 b3 b50"), timed).keyBy("k")
    const stream = events.session(
      {
        ...{ gap, uid: "visits", onError: "route" as const, errorsTo: errors },
        onEnd: ({ start }) => {
          if (start === 0) throw new Error("no")
          return start
        },
      },
      ({ at }) => {
        if (at === 3) throw new Error("nor this")
        return "fine"
      },
    )
    const job = await run({ stream, rest: stream.sideOutput(errors) })
    const rest = pull(job.output("rest"))
    expect(await pull(job.output("stream"))).toEqual(["fine", "fine", 50])
    expect(await rest).toMatchObject([
      { event: { k: "b", at: 3 }, operator: "visits", key: "b" },
      { event: { start: 0, end: 10, count: 1 }, operator: "visits.end", key: "a" },
    ])
    expect(job.stats().operators).toMatchObject({
      visits: { skipped: 1 },
      "visits.end": { skipped: 1 },
    })
    await job.close()
  })
})

describe("sessions that end without a word", () => {
  /** The first events, then no more for now. */
  const upTo = (count: number): Replayable<Hit, number> => ({
    async *read(position = 0) {
      const events = all.slice(position, count)
      if (events.length > 0) yield { events, position: count }
      await new Promise(() => {})
    },
  })
  const all = hits("z0 w1050 a100 a1000 b105 b1000 a109 c1300")

  /** The state after all events, if the job began anew after so many. */
  const savedAfter = async (count: number) => {
    const storage = memoryStorage()
    for (const given of [count, all.length]) {
      const events = from(upTo(given), disorder(1000)).keyBy("k")
      const job = await run(
        events.session({ gap, uid: "visits" }, () => undefined),
        { storage },
      )
      void pull(job)
      await turns()
      await job.checkpoint()
      if (given === all.length) return bytesOf(await job.savepoint())
      await job.close()
    }
    throw new Error("all were given")
  }

  it("leave what is saved as it is without a restart", async () => {
    const wanted = await savedAfter(all.length)
    for (let count = 1; count < all.length; count++) {
      expect(await savedAfter(count), `${count}`).toEqual(wanted)
    }
  })
})
