/** Triggers and evictors: when a window emits, and what of it. */
import { describe, expect, it } from "vitest"
import {
  boundedDisorder,
  countWindow,
  delta,
  every,
  from,
  globalWindow,
  keepLast,
  manualClock,
  onCount,
  onProcessingTime,
  onWatermark,
  purging,
  run,
  sessions,
  slidingEach,
  tumbling,
  within,
} from "../js/index.ts"
import type { Assigner, Trigger, TriggerContext, WindowOptions } from "../js/index.ts"
import { handFed, turns } from "./probe.ts"
import { event, play } from "./play.ts"

interface Hit {
  readonly key: string
  readonly n: number
  readonly at: number
}

const hit = (key: string, n: number, at = n): Hit => ({ key, n, at })

/** What windows give: their key, start and events. */
const given = (
  hits: readonly Hit[],
  assigner: Assigner<Hit>,
  options: WindowOptions<Hit>,
): Promise<string[]> =>
  from(hits, { time: "at", watermark: boundedDisorder(0) })
    .keyBy("key")
    .window(assigner, options)
    .process(
      (all, _, { key, window }) => `${key}${window.start}: ${all.map(({ n }) => n).join(" ")}`,
    )
    .toArray()

describe("onCount", () => {
  it("counts for each key and window by itself", async () => {
    const hits = [hit("a", 1), hit("b", 2), hit("a", 3), hit("a", 11), hit("b", 12), hit("a", 13)]
    expect(await given(hits, tumbling(10), { trigger: onCount(2) })).toEqual([
      "a0: 1 3",
      "a10: 11 13",
    ])
  })

  it("goes on counting in sessions that meet", async () => {
    const hits = [hit("a", 1, 10), hit("a", 2, 20), hit("a", 3, 15)]
    const options = { trigger: onCount(3), allowedLateness: 100 }
    expect(await given(hits, sessions(6), options)).toEqual(["a10: 1 2 3"])
  })
})

describe("purging and discard", () => {
  const hits = [1, 2, 3, 4, 5].map((n) => hit("a", n))

  it("empty the window", async () => {
    const purged = ["a1: 1 2", "a3: 3 4"]
    expect(await given(hits, globalWindow(), { trigger: purging(onCount(2)) })).toEqual(purged)
    expect(await given(hits, globalWindow(), { trigger: onCount(2), mode: "discard" })).toEqual(
      purged,
    )
    const kept = ["a1: 1 2", "a1: 1 2 3 4"]
    expect(await given(hits, globalWindow(), { trigger: onCount(2) })).toEqual(kept)
  })

  it("leave late events alone in what they emit", async () => {
    const late = [hit("a", 1), hit("a", 2, 15), hit("a", 3, 4)]
    const options = { allowedLateness: 10, mode: "discard" } as const
    expect(await given(late, tumbling(10), options)).toEqual(["a0: 1", "a0: 3", "a10: 2"])
  })
})

describe("every", () => {
  it("emits at the multiples of its interval where something is new, and at the end", async () => {
    const hits = [hit("a", 1), hit("a", 2), hit("a", 12), hit("b", 25), hit("b", 45)]
    expect(await given(hits, tumbling(40), { trigger: every(10) })).toEqual([
      "a0: 1 2 12", // The event is applied, and then its watermark.
      "b0: 25",
      "a0: 1 2 12",
      "b0: 25",
      "b40: 45",
      "b40: 45",
    ])
  })

  it("ends with the source in a window without end", async () => {
    const hits = [hit("a", 1), hit("a", 2)]
    expect(await given(hits, globalWindow(), { trigger: every(10) })).toEqual(["a1: 1 2"])
  })
})

describe("delta", () => {
  it("emits when an event is far from the one that emitted last", async () => {
    const hits = [5, 6, 9, 10, 13, 20].map((n, i) => hit("a", n, i))
    const trigger = delta<Hit>(3, (last, next) => next.n - last.n)
    expect(await given(hits, globalWindow(), { trigger })).toEqual([
      "a0: 5 6 9",
      "a0: 5 6 9 10 13",
      "a0: 5 6 9 10 13 20",
    ])
  })

  it("cannot be used with sessions, which it could not make one", () => {
    const trigger = delta<Hit>(3, () => 0)
    const open = () =>
      from([hit("a", 1)])
        .keyBy("key")
        .window(sessions(5), { trigger })
    expect(open).toThrow("window.trigger needs merge(one, other) for sessions")
  })
})

describe("onProcessingTime", () => {
  it("goes by the clock where events have times of their own", async () => {
    const clock = manualClock(0)
    const fed = handFed<Hit>()
    const windows = from(fed, { time: "at", watermark: boundedDisorder(0) })
      .keyBy("key")
      .window(tumbling(10), { trigger: onProcessingTime() })
      .process((all, _, { now, watermark }) => [all.length, now, watermark])
    const job = await run(windows, { clock })
    const next = job[Symbol.asyncIterator]().next()
    fed.give(hit("a", 1, 3), hit("a", 2, 4))
    await turns()
    clock.advance(10)
    expect(await next).toEqual({ value: [2, 10, 4], done: false })
    await job.close()
  })
})

describe("a trigger of one's own", () => {
  const told: string[] = []
  const watched: Trigger<Hit> = {
    onEvent({ n }, { state, timers, window, key }) {
      const seen = ((state.get() as number | undefined) ?? 0) + 1
      state.set(seen)
      told.push(`event ${n} is number ${seen} of ${String(key)}${window.start}`)
      timers.eventTime(window.start + 5)
      timers.eventTime(window.start + 7)
      if (seen > 1) timers.delete("event", window.start + 7)
      return n === 99 ? "purge" : "continue"
    },
    onEventTime(timeMs, { watermark }) {
      told.push(`time ${timeMs} at ${watermark}`)
      return "fire"
    },
    clear: ({ window, state }) => void told.push(`clear ${window.start}: ${String(state.get())}`),
  }

  it("has state and timers for each key and window, and hears of its end", async () => {
    told.length = 0
    const hits = [
      hit("a", 1),
      hit("b", 2),
      hit("a", 3),
      hit("a", 6),
      hit("a", 99, 12),
      hit("a", 30),
    ]
    expect(await given(hits, tumbling(10), { trigger: watched })).toEqual([
      "a0: 1 3 6",
      "b0: 2",
      "b0: 2",
      "a30: 30",
      "a30: 30",
    ])
    expect(told).toEqual([
      "event 1 is number 1 of a0",
      "event 2 is number 1 of b0",
      "event 3 is number 2 of a0",
      "event 6 is number 3 of a0",
      "time 5 at 6",
      "time 5 at 6",
      "event 99 is number 1 of a10",
      "time 7 at 12",
      "clear 0: 3",
      "clear 0: 1",
      "event 30 is number 1 of a30",
      "time 15 at 30",
      "time 17 at 30",
      "clear 10: 1",
      "time 35 at Infinity",
      "time 37 at Infinity",
      "clear 30: 1",
    ])
  })

  it.each([0, 1, 2, 3])("has both still after a crash at step %i", async (step) => {
    const script = [1, 2, 6, 9].map((n) => event(hit("a", n)))
    const rows = await play<Hit, number[]>(
      (events) =>
        events
          .keyBy("key")
          .window(tumbling(10), { trigger: watched })
          .process((all) => all.map(({ n }) => n)),
      script,
      { crashAfter: step, from: { time: "at", watermark: boundedDisorder(0) } },
    )
    expect(rows).toEqual([
      [1, 2, 6],
      [1, 2, 6, 9],
    ])
  })

  it("must say what becomes of the window", async () => {
    const trigger = { onEvent: () => "fir" } as unknown as Trigger<Hit>
    await expect(given([hit("a", 1)], tumbling(10), { trigger })).rejects.toMatchObject({
      code: "OPTION",
      message: expect.stringContaining('trigger.onEvent must return "continue", "fire"') as string,
    })
  })

  it("can use its context only inside the call", async () => {
    let kept: TriggerContext | undefined
    const trigger: Trigger<Hit> = {
      onEvent(_, ctx) {
        kept = ctx
        return "fire"
      },
    }
    await given([hit("a", 1)], tumbling(10), { trigger })
    expect(() => kept?.state.get()).toThrow("after the call")
    expect(() => kept?.timers.eventTime(1)).toThrow("after the call")
  })
})

describe("evictors", () => {
  const hits = [1, 2, 9, 4, 8].map((n, i) => hit("a", n, [1, 2, 9, 4, 8][i]))

  it("keep the last events, or those within so long of the newest", async () => {
    const options = { trigger: onCount(5) }
    expect(await given(hits, globalWindow(), { ...options, evictor: keepLast(2) })).toEqual([
      "a4: 4 8",
    ])
    expect(await given(hits, globalWindow(), { ...options, evictor: within(5) })).toEqual([
      "a8: 9 8",
    ])
  })

  it("are of each firing, not of the end alone", async () => {
    const options = { trigger: onCount(2), evictor: keepLast(3) }
    expect(await given(hits, globalWindow(), options)).toEqual(["a1: 1 2", "a2: 2 9 4"])
  })
})

describe("what has no meaning together", () => {
  const open = from([hit("a", 1)]).keyBy("key")
  const options: readonly (readonly [string, Assigner<Hit>, WindowOptions<Hit>])[] = [
    ["a trigger of count windows", countWindow(2), { trigger: onWatermark() }],
    ["an evictor of count windows", countWindow(2), { evictor: keepLast(1) }],
    ["a trigger of windows of each event", slidingEach(5), { trigger: onCount(2) }],
    ["a trigger with emit final", tumbling(5), { emit: "final", trigger: onCount(2) }],
  ]
  it.each(options)("is refused: %s", (_, assigner, given) => {
    expect(() => open.window(assigner, given)).toThrow("has no meaning")
  })
})
