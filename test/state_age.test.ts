/** How long state lives by its configuration, and who is told when it makes room. */
import { describe, expect, it } from "vitest"
import { count, from, manualClock, record, run } from "../js/index.ts"
import type { KeyedStream, StateConfig, StreamOf } from "../js/index.ts"
import { hits } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { refusal } from "./refusal.ts"
import { errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

const timed = (text: string) => from(hits(text), { time: "at" }).keyBy("k")

/** Is there state? Upper-case keys write it, lower-case ones only look. */
const looks = (events: KeyedStream<string, Hit>, state: StateConfig) =>
  events
    .keyBy(({ k }) => k.toLowerCase())
    .map(
      ({ k, at }, access) => {
        const found = access.exists()
        if (k < "a") access.set(at)
        return `${k}${at}:${found ? "yes" : "no"}`
      },
      { state },
    )

describe("update", () => {
  const script = "A0 a6 a12 a18 a30 A31 a40"

  it("restarts the ttl by writes only, unless it says readWrite", async () => {
    const both = await Promise.all(
      (["write", "readWrite"] as const).map((update) =>
        looks(timed(script), { ttl: 10, update }).toArray(),
      ),
    )
    expect(both).toEqual([
      ["A0:no", "a6:yes", "a12:no", "a18:no", "a30:no", "A31:no", "a40:yes"],
      ["A0:no", "a6:yes", "a12:yes", "a18:yes", "a30:no", "A31:no", "a40:yes"],
    ])
  })

  it("counts reads of records, too", async () => {
    const state = { ttl: 10, update: "readWrite", value: record({ n: "f64" }) } as const
    const seen = timed("a0 a6 a12 a18 a30").map(
      ({ at }, access) => {
        const row = access.get()
        if (at === 0) row.n = 7
        return row.n
      },
      { state },
    )
    expect(await seen.toArray()).toEqual([7, 7, 7, 7, 0])
  })
})

describe("visibility", () => {
  it("lets expired state be seen until the next multiple of the clean-up interval", async () => {
    const state = { ttl: 10, cleanupInterval: 8, visibility: "untilCleanedUp" } as const
    const wanted = ["A3:no", "a13:yes", "a15:yes", "a16:no"]
    for (const chunkSize of [1, 2, 1024]) {
      const job = await run(looks(timed("A3 a13 a15 a16"), state), { chunkSize })
      expect(await pull(job)).toEqual(wanted)
      await job.close()
    }
  })
})

describe("timeDomain", () => {
  const config = { ttl: 10, timeDomain: "processing" } as const

  it("lets state of events in event time age by the clock, and frees it by itself", async () => {
    const clock = manualClock()
    const fed = handFed<Hit>()
    const job = await run(looks(from(fed, { time: "at" }).keyBy("k"), config), { clock })
    const read = pull(job)
    const sizes: number[] = []
    for (const [hit, ms] of [
      ["A0", 5],
      ["a500", 4],
      ["a900", 30],
      ["a901", 0],
    ] as const) {
      fed.give(...hits(hit))
      await turns()
      clock.advance(ms)
      await turns()
      sizes.push(job.state("map-1").size)
    }
    fed.end()
    expect(await read).toEqual(["A0:no", "a500:yes", "a900:yes", "a901:no"])
    expect(sizes).toEqual([1, 1, 0, 0])
    await job.close()
  })

  it("cannot be event time where events have none", async () => {
    const state = { ttl: 10, timeDomain: "event" } as const
    const job = looks(from(hits("a1")).keyBy("k"), state)
    expect(await errorFrom(() => job.toArray())).toMatchObject({
      code: "STATE_CONFIG",
      message: 'map-1: state.timeDomain "event" needs from(…, { time })',
    })
  })
})

describe("onEvict", () => {
  type Make = (events: KeyedStream<string, Hit>, state: StateConfig) => StreamOf<unknown>

  const told = async (make: Make) => {
    const all: unknown[] = []
    const onEvict = (key: unknown, state: unknown) => void all.push([key, state])
    const state = { maxSize: 2, onFull: "evict", onEvict } as const
    const job = await run(make(timed("a1 b2 a3 c4 d5 b6"), state), { chunkSize: 3 })
    await job.finished()
    await job.close()
    return all
  }

  it("is told of keys and what they had, those used longest ago first", async () => {
    const list = (events: KeyedStream<string, Hit>, state: StateConfig) =>
      events.fold(
        () => [] as number[],
        (acc, { at }) => [...acc, at],
        { state },
      )
    expect(await told(list)).toEqual([
      ["b", [2]],
      ["a", [1, 3]],
      ["c", [4]],
    ])
  })

  it("sees records, aggregates and what operators in C remember", async () => {
    const sums = record({ n: "f64", last: "string" })
    expect([
      await told((events, state) =>
        events.fold(sums, (row, { at, k }) => ((row.n += at), (row.last = k), row), { state }),
      ),
      await told((events, state) => events.aggregate({ n: count() }, { state })),
      await told((events, state) => events.deduplicate({ state })),
      await told((events, state) => events.throttle({ limit: 2, per: 100, state })),
    ]).toEqual([
      [
        ["b", { n: 2, last: "b" }],
        ["a", { n: 4, last: "a" }],
        ["c", { n: 4, last: "c" }],
      ],
      [
        ["b", { n: 1 }],
        ["a", { n: 2 }],
        ["c", { n: 1 }],
      ],
      [
        ["b", true],
        ["a", true],
        ["c", true],
      ],
      [
        ["b", [{ time: 2, count: 1 }]],
        [
          "a",
          [
            { time: 1, count: 1 },
            { time: 3, count: 1 },
          ],
        ],
        ["c", [{ time: 4, count: 1 }]],
      ],
    ])
  })

  it("is not needed where what makes room comes out", async () => {
    const state = { maxSize: 2, onFull: "evict" } as const
    const events = timed("a1 b2 a3 c4 d5 b6")
    const out = await events.debounce(100, { state }).toArray()
    expect(out.map(({ k, at }) => `${k}${at}`)).toEqual(["b2", "a3", "c4", "d5", "b6"])
  })
})

describe("what would be ignored is refused", () => {
  const keyed = () => from(hits("a1")).keyBy("k")

  it.each([
    [
      () => keyed().map(() => 0, { state: { cleanupInterval: "1m" } }),
      "cleanupInterval has no meaning without a ttl",
    ],
    [
      () => keyed().map(() => 0, { state: { update: "readWrite" } }),
      "update has no meaning without a ttl",
    ],
    [
      () => keyed().map(() => 0, { state: { timeDomain: "event" } }),
      "timeDomain has no meaning without a ttl",
    ],
    [
      () => keyed().map(() => 0, { state: { onEvict: () => 0 } }),
      'onEvict has no meaning without onFull "evict"',
    ],
    [
      () => keyed().map(() => 0, { state: { ttl: 5, visibility: "no" as never } }),
      'map.state.visibility must be "neverExpired" or "untilCleanedUp"',
    ],
    [
      () => keyed().deduplicate({ state: { ttl: 5, update: "readWrite" } }),
      "deduplicate.state.update has no meaning: deduplicate has a time of its own",
    ],
    [
      () => keyed().throttle({ limit: 1, per: 1, state: { ttl: 5, timeDomain: "processing" } }),
      "throttle.state.timeDomain has no meaning: throttle has a time of its own",
    ],
    [
      () => keyed().debounce(5, { state: { onFull: "evict", onEvict: () => 0 } }),
      "debounce.state.onEvict has no meaning: what makes room comes out",
    ],
  ])("%#", (make, message) => {
    expect(refusal(make)).toEqual({ code: "STATE_CONFIG", message })
  })
})
