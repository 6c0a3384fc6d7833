/**
 * The traps of SEMANTICS section 8 that sessions and groups can fall into, by their numbers.
 */
import { describe, expect, it } from "vitest"
import { from, manualClock, run, StateConfigs } from "../js/index.ts"
import type { KeyedStream, Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { clock, event, play, restore } from "./play.ts"
import { guardRejections, handFed, turns } from "./probe.ts"

guardRejections()

const gap = 10
const timed = { time: "at" } as const

describe("trap 2: a session that begins and nobody is told", () => {
  const ttls = { none: {}, shorter: { ttl: 3 }, "as long": { ttl: gap }, longer: { ttl: 90 } }

  it.each(Object.entries(ttls))("does not happen with a ttl that is %s", async (_, state) => {
    const events = from(hits("a0 a9 a30 b31 a55"), timed).keyBy("k")
    const told = await events.session({ gap, state }, (_, isNew) => isNew).toArray()
    expect(told).toEqual([true, false, true, true, true])
  })

  it("does not happen with a preset whose ttl is the gap", async () => {
    const minute = 60_000
    const script = [0, 29, 59, 89.5].map((at) => event<Hit>({ k: "a", at: at * minute }))
    const told = await play<Hit, unknown>(
      (events) =>
        events
          .keyBy("k")
          .session(
            { gap: "30m", state: { ...StateConfigs.session(), value: () => 0 } },
            (_, isNew, pages) => [isNew, pages.update((n) => n + 1)],
          ),
      script,
      { from: timed },
    )
    expect(told).toEqual([
      [true, 1],
      [false, 2],
      [false, 3],
      [true, 1],
    ])
  })

  it("does not happen after a restart, or where the first event has failed", async () => {
    const script = [
      ...[event({ k: "a", at: 0 }), restore(), event({ k: "a", at: 5 }), event({ k: "b", at: 6 })],
      ...[
        restore(),
        event({ k: "a", at: 15 }),
        event({ k: "b", at: 7 }),
        event({ k: "a", at: 26 }),
      ],
    ]
    const told = await play<Hit, unknown>(
      (events) =>
        events.keyBy("k").session({ gap, onError: "skip" }, (hit, isNew) => {
          if (hit.at === 6) throw new Error("no")
          return [shown(hit), isNew]
        }),
      script,
      { from: timed },
    )
    const wanted = { a0: true, a5: false, a15: false, b7: true, a26: true }
    expect(told).toEqual(Object.entries(wanted))
  })
})

describe("trap 4: groups that are lost", () => {
  it("loses none of 20,000 keys on a crash, nor when they have to make room", async () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => i)
    const script = [...keys.map((key) => event({ key })), restore(), event({ key: 7 })]
    const group = (state: object) =>
      play<{ key: number }, number>(
        (events) => events.keyBy("key").group({ state }, (key, { length }) => key + length / 10),
        script,
      )
    const wanted = keys.map((key) => key + (key === 7 ? 0.2 : 0.1))
    expect(await group({})).toEqual(wanted)
    const evicting = await group({ maxSize: 100, onFull: "evict" })
    expect(evicting).toEqual([...keys.map((key) => key + 0.1), 7.1])
  })
})

type Make = (events: KeyedStream<string, Hit>) => Stream<string>

describe("trap 5: a timeout that waits for its key to come again", () => {
  const makes: Readonly<Record<string, Make>> = {
    session: (events) => events.session({ gap, onEnd: (_, __, { key }) => key }, () => undefined),
    group: (events) => events.group({ timeout: gap }, (key) => key),
  }
  const names = Object.keys(makes)

  it.each(names)("is not that of a %s: another key's event will do", async (name) => {
    const events = from(hits("a0 b5 c40 d90"), timed).keyBy("k")
    const job = await run((makes[name] as Make)(events), { chunkSize: 1 })
    const results = job[Symbol.asyncIterator]()
    const gone = [(await results.next()).value, (await results.next()).value]
    expect([gone, job.stats().events]).toEqual([["a", "b"], 3])
    await job.close()
  })

  it.each(names)("is not that of a %s: nothing need come", async (name) => {
    const fed = handFed<Hit>()
    const time = manualClock()
    const job = await run((makes[name] as Make)(from(fed).keyBy("k")), { clock: time })
    const results: unknown[] = []
    const read = (async () => {
      for await (const result of job) results.push([result, time.now()])
    })()
    fed.give(...hits("a0 b0"))
    await turns() // Both are there before the clock goes on, however slow the machine is.
    for (let ms = 0; ms < 30; ms++) {
      await turns(2)
      time.advance(1)
    }
    await turns()
    const due = name === "session" ? gap + 1 : gap // At the gap an event would still belong.
    expect(results).toEqual([
      ["a", due],
      ["b", due],
    ])
    fed.end()
    await read
    await job.close()
  })

  it.each(names)(
    "is not that of a %s: what is overdue after a restart goes first",
    async (name) => {
      const script = [event({ k: "a", at: 0 }), restore(), clock(50), event({ k: "b", at: 50 })]
      const results = await play<Hit, unknown>(
        (events) => (makes[name] as Make)(events.keyBy("k")),
        script,
      )
      expect(results).toEqual(["a", "b"])
    },
  )
})

describe("trap 15: sessions and groups that cannot be chained", () => {
  it("give plain values, with times of their own", async () => {
    const events = from(hits("a0 a5 b7 a30 b32 a34 c80 a81 c200"), timed).keyBy("k")
    const visits = events.session(
      {
        gap,
        state: { value: () => 0 },
        onEnd: ({ start, end }, n, { key }) => ({ key, start, end, hits: n.get() }),
      },
      (_, __, n) => void n.update((n) => n + 1),
    )
    const days = visits
      .keyBy("key")
      .group({ timeout: 40 }, (key, all) => ({ key, visits: all.length, at: all[0]?.end ?? 0 }))
      .keyBy(() => "all")
      .session(
        { gap: 30, onEnd: ({ start, count }, _, { key }) => `${key} ${start}: ${count}` },
        ({ key, visits }) => `${key} ${visits}`,
      )
    expect(await days.toArray()).toEqual(await days.toArray())
    expect((await days.toArray()).sort()).toEqual(
      ["a 2", "a 1", "b 2", "c 1", "c 1", "all 55: 2", "all 130: 2", "all 250: 1"].sort(),
    )
  })
})
