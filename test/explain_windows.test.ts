/** job.explain: windows that are open, and why. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, count, countWindow, globalWindow } from "../js/index.ts"
import { onProcessingTime, sessions, slidingEach, sum, tumbling } from "../js/index.ts"
import { fed } from "./explained.ts"
import { hits } from "./hits.ts"
import { guardRejections } from "./probe.ts"

guardRejections()

describe("job.explain", () => {
  it("tells why windows of time are open", async () => {
    const late = { time: "at", watermark: boundedDisorder(2) } as const
    const {
      of: explain,
      give,
      close,
    } = await fed((events) => {
      const keyed = events.keyBy("k")
      const options = { allowedLateness: 20 }
      const whole = keyed.window(tumbling(10), options).aggregate({ n: count(), order: sum("at") })
      const all = keyed.window(tumbling(10), options).process((hits) => hits.length)
      const one = keyed.window(sessions(5)).reduce((a) => a)
      const each = keyed.window(slidingEach(5)).process((hits) => hits.length)
      return whole.union(all as never, one as never, each as never)
    }, late)
    await give(0, "a3 a8 b9 a13")
    const open = { start: 0, end: 10, waitsFor: "late events", untilMs: 30 }
    const next = { start: 10, end: 20, waitsFor: "time", untilMs: 20 }
    expect(explain("a", "window-1")).toMatchObject({ watermark: 11, states: {} })
    expect(explain("a", "window-1").windows).toEqual([
      { ...open, contents: { n: 2, order: 11 } },
      { ...next, contents: { n: 1, order: 13 } },
    ])
    expect(explain("a", "window-2").windows).toEqual([
      { ...open, contents: { events: 2 } },
      { ...next, contents: { events: 1 } },
    ])
    expect(explain("b", "window-2").windows).toEqual([{ ...open, contents: { events: 1 } }])
    expect(explain("a", "window-3").windows).toEqual([
      { start: 3, end: 18, waitsFor: "time", untilMs: 19, contents: hits("a3")[0] },
    ])
    expect(explain("a", "window-4").windows.map(({ start, end }) => [start, end])).toEqual([
      [8, 13],
      [9, 14],
    ])
    expect(explain("a", "window-1").timers).toEqual([{ domain: "event", timeMs: 20 }])
    await close()
  })

  it("tells of windows that wait for events, for the end, or for the clock", async () => {
    const {
      of: explain,
      give,
      wait,
      close,
    } = await fed((events) => {
      const keyed = events.keyBy("k")
      const whole = keyed.window(countWindow(3)).aggregate({ n: count() })
      const some = keyed.window(countWindow(3)).process((hits) => hits.length)
      const all = keyed.window(globalWindow()).process((hits) => hits.length)
      const clock = keyed.window(tumbling(10), { trigger: onProcessingTime() })
      return whole.union(some as never, all as never, clock.process((hits) => hits.length) as never)
    }, {})
    await wait(5)
    await give(0, "a1 a2 a3 a4")
    const waits = (uid: string) => explain("a", uid).windows.map(({ waitsFor }) => waitsFor)
    expect(["window-1", "window-2", "window-3"].map(waits)).toEqual([
      ["events"],
      ["events"],
      ["end"],
    ])
    expect(explain("a", "window-3").windows[0]?.contents).toEqual({ events: 4 })
    const { windows, timers, watermark } = explain("a", "window-4")
    expect(windows).toEqual([
      { start: 0, end: 10, waitsFor: "time", untilMs: 10, contents: { events: 4 } },
    ])
    expect([timers, watermark]).toEqual([[{ domain: "processing", timeMs: 10 }], undefined])
    await close()
  })
})
