/** job.explain: what operators keep of a key, and what that waits for. */
import { describe, expect, it } from "vitest"
import { from, interval, listState, manualClock, mapState, of, run } from "../js/index.ts"
import { valueState } from "../js/index.ts"
import type { KeyValue, Replayable, Stream } from "../js/index.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { fed } from "./explained.ts"
import { groups } from "./group_programs.ts"
import { hits } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { guardRejections, turns } from "./probe.ts"
import { chores } from "./process_chores.ts"
import { programs } from "./programs.ts"
import { refusal } from "./refusal.ts"
import { bytesOf } from "./savepoints.ts"
import { sessions } from "./session_programs.ts"
import { throttles } from "./throttle_programs.ts"

guardRejections()

const timed = { time: "at" } as const

describe("job.explain", () => {
  it("tells of every state and timer of a process function", async () => {
    const {
      of: explain,
      give,
      wait,
      close,
    } = await fed(
      (events) =>
        events.keyBy("k").process({
          state: {
            n: valueState({ default: 0 }),
            list: listState(of<number>()),
            map: mapState(of<string>(), of<number>()),
            none: valueState(of<number>()),
          },
          process({ at }, { n, list, map }, { timers, now }) {
            n.update(n.value() + 1)
            list.add(at)
            map.put(`at ${at % 2}`, at)
            timers.eventTime(at + 100)
            timers.eventTime(at + 50, "moves")
            timers.processingTime(now + 7, "clock")
          },
          onTimer: () => undefined,
        }),
      timed,
    )
    await wait(1000)
    await give(0, "a1 a2 b3 a4")
    expect(explain("a", "process-1")).toMatchObject({
      kind: "process",
      watermark: 4,
      states: {
        n: { rows: 1, value: 3 },
        list: {
          rows: 3,
          entries: [
            [0, 1],
            [1, 2],
            [2, 4],
          ],
        },
        map: {
          rows: 2,
          entries: [
            ["at 1", 1],
            ["at 0", 4],
          ],
        },
        none: { rows: 0 },
      },
      timers: [
        { domain: "event", timeMs: 101 },
        { domain: "event", timeMs: 54, name: "moves" },
        { domain: "event", timeMs: 102 },
        { domain: "event", timeMs: 104 },
        { domain: "processing", timeMs: 1007, name: "clock" },
      ],
      windows: [],
      buffered: [],
      matches: [],
      stats: { in: 4, out: 0, skipped: 0 },
    })
    expect(explain("nobody", "process-1")).toMatchObject({
      states: { n: { rows: 0 }, list: { rows: 0 } },
      timers: [],
    })
    await close()
  })

  it("tells of events that wait for partners, and whom they wait for", async () => {
    const {
      of: explain,
      give,
      end,
      wait,
      close,
    } = await fed(
      (left, right) =>
        left.keyBy("k").join(right.keyBy("k"), interval({ before: 5, after: 3 }), () => "pair"),
      timed,
      { ...timed, idleAfter: 100 },
    )
    await give(0, "a1 b2 a4")
    await give(1, "a3 a2")
    const [left, right] = ["left", "right"]
    expect(explain("a", "joinBuffers-1")).toMatchObject({
      watermark: 3,
      sources: [
        { uid: "source-1", watermark: 4, status: "live", holds: false },
        { uid: "source-2", watermark: 3, status: "live", holds: true },
      ],
      buffered: [
        { side: left, timeMs: 1, event: hits("a1")[0] },
        { side: left, timeMs: 4, event: hits("a4")[0] },
        { side: right, timeMs: 3, event: hits("a3")[0] },
      ],
      stats: { late: { behind: 1, idle: 0 } },
    })
    await wait(100)
    expect(explain("a", "joinBuffers-1").sources).toEqual([
      { uid: "source-1", watermark: 4, status: "live", holds: true },
      { uid: "source-2", watermark: 3, status: "idle", holds: false },
    ])
    await end(0)
    expect(explain("a", "joinBuffers-1").sources.map(({ status }) => status)).toEqual([
      "ended",
      "idle",
    ])
    await close()
  })

  it("tells of both sides of connected streams, and of rules under the key null", async () => {
    const {
      of: explain,
      give,
      close,
    } = await fed(
      (events, rules) =>
        events
          .keyBy("k")
          .connect(rules.broadcast({ last: valueState(of<number>()) }))
          .process({
            state: { n: valueState({ default: 0 }) },
            process: (_, { n }) => n.update(n.value() + 1),
            processBroadcast: ({ at }, { last }) => last.update(at),
          }),
      timed,
      timed,
    )
    await give(0, "a1 a2")
    const [first, second] = explain("a", "broadcast-1").sources
    expect([first?.holds, second]).toEqual([
      false,
      { uid: "source-2", watermark: -Infinity, status: "live", holds: true },
    ])
    await give(1, "x7")
    expect(explain("a", "broadcast-1").states).toEqual({
      n: { rows: 1, value: 2 },
      last: { rows: 0 },
    })
    expect(explain(null, "broadcast-1").states["last"]).toEqual({ rows: 1, value: 7 })
    expect(explain("a", "broadcast-1").sources.map(({ holds }) => holds)).toEqual([true, false])
    await close()
  })

  it("changes nothing, is plain data, and shows no more than a hundred elements", async () => {
    const many = Array.from({ length: 250 }, (_, at) => ({ k: "a", at }))
    const source: Replayable<Hit, number> = {
      async *read(position = 0) {
        yield { events: many.slice(position), position: many.length }
        await new Promise(() => undefined)
      },
    }
    const job = await run(
      from(source, timed)
        .keyBy("k")
        .process({
          state: { all: listState(of<number>(), { ttl: 180 }) },
          process({ at }, { all }, { timers }) {
            all.add(at)
            timers.eventTime(1000 + at, at % 2 === 0 ? `t${at}` : undefined)
          },
          onTimer: () => undefined,
        }),
      { chunkSize: 50 },
    )
    const results = job[Symbol.asyncIterator]()
    void results.next()
    await turns()
    const bytes = async () => Buffer.from(await bytesOf(await job.savepoint())).toString("hex")
    const before = await bytes()
    const { live } = job.stats().memory
    const told = job.explain("a")
    expect(structuredClone(told)).toEqual(told)
    expect(job.stats().memory.live).toBe(live)
    expect(await bytes()).toBe(before)
    const { timers, states } = told.operators["process-1"] ?? {}
    const { all } = states ?? {}
    expect(timers).toHaveLength(100)
    expect(all?.rows).toBe(180)
    expect(all?.entries).toEqual(Array.from({ length: 100 }, (_, i) => [i + 70, i + 70]))
    await job.close()
    expect(refusal(() => job.explain("a")).code).toBe("CLOSED")
  })

  it("refuses what is no key, and to look while a function is waited for", async () => {
    let go: () => void = () => undefined
    const stream = from(["x"])
      .keyBy((x) => x)
      .map(() => new Promise<number>((resolve) => (go = () => resolve(1))))
    const job = await run(stream)
    expect(refusal(() => job.explain({} as never)).code).toBe("KEY_TYPE")
    const finished = job.finished()
    await turns()
    expect(refusal(() => job.explain("x"))).toEqual({
      code: "UNSUPPORTED",
      message: "job.explain cannot be read while a function of the job runs or is waited for",
    })
    go()
    await finished
    await job.close()
  })
})

describe("job.explain of every operator", () => {
  const keys: readonly KeyValue[] = ["a", 1, "1", null, ["a", [true, 1n]]]
  const events = Array.from({ length: 30 }, (_, i): Op => {
    const [key, deed] = [keys[i % 5] as KeyValue, deeds[(i * 5) % deeds.length] as Op["deed"]]
    return { i, key, deed, n: i % 5, value: i % 4 === 0 ? null : i / 3, at: i * 2 }
  })
  const source: Replayable<Op, number> = {
    async *read(position = 0) {
      yield { events: events.slice(position), position: events.length }
      await new Promise(() => undefined)
    },
  }
  const made = Object.entries({ ...programs, ...throttles, ...groups, ...sessions }).map(
    ([name, { make }]) => [name, (ops: Stream<Op>) => make(ops, {}, "op")] as const,
  )
  const others = Object.entries(chores).map(
    ([name, make]) => [name, (ops: Stream<Op>) => make(ops, {})] as const,
  )
  const all = [...made, ...others].flatMap(([name, make]) =>
    [true, false].map((timed) => [name, timed ? "event time" : "processing time", make] as const),
  )

  it.each(all)("is data, and changes nothing: %s in %s", async (_, time, make) => {
    const stream = make(from(source, time === "event time" ? timed : {})) as Stream<unknown>
    const job = await run(stream, { clock: manualClock() })
    const finished = job.finished().catch(() => undefined)
    await turns(8)
    const saved = async () => Buffer.from(await bytesOf(await job.savepoint())).toString("hex")
    const before = await saved()
    for (const key of keys) {
      const told = job.explain(key)
      expect(structuredClone(told)).toEqual(told)
      const known = Object.values(told.operators)
      expect(known.length).toBeGreaterThan(0)
      for (const { sources } of known) expect(sources).toMatchObject([{ status: "live" }])
    }
    expect(await saved()).toBe(before)
    await job.close()
    await finished
  })
})
