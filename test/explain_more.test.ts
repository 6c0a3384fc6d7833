/** job.explain: joins of every kind, patterns, and windows that share slices. */
import { describe, expect, it } from "vitest"
import {
  asOf,
  boundedDisorder,
  collect,
  count,
  last,
  pattern,
  sliding,
  tumbling,
  valueState,
} from "../js/index.ts"
import { windowJoin, within } from "../js/index.ts"
import { fed } from "./explained.ts"
import { hits } from "./hits.ts"
import { guardRejections } from "./probe.ts"

guardRejections()

const timed = { time: "at" } as const
const event = (text: string) => hits(text)[0]

describe("job.explain", () => {
  it("tells of the events that wait in every kind of join", async () => {
    const {
      of: explain,
      give,
      close,
    } = await fed(
      (left, right) => {
        const [lefts, rights] = [left.keyBy("k"), right.keyBy("k")]
        const before = lefts.join(rights, asOf({ tolerance: 9 }), () => "pair")
        const near = lefts.join(rights, within(9), () => "pair")
        const inWindow = lefts.join(rights, windowJoin(tumbling(10)), () => "pair")
        const together = lefts.coGroup(rights, tumbling(10), () => "group")
        return before.union(near, inWindow, together)
      },
      timed,
      timed,
    )
    await give(0, "a1 b2 a12")
    await give(1, "a3")
    const waiting = [
      { side: "left", timeMs: 12, event: event("a12") },
      { side: "right", timeMs: 3, event: event("a3") },
    ]
    const first = { side: "left", timeMs: 1, event: event("a1") }
    expect(explain("a", "joinBuffers-1").buffered).toEqual(waiting)
    const near = explain("a", "joinBuffers-2").buffered as readonly { readonly event: unknown }[]
    expect(near.map(({ event }) => event)).toEqual([first, ...waiting].map(({ event }) => event))
    const windows = [
      { start: 0, end: 10, waitsFor: "time", untilMs: 10, contents: { events: 2 } },
      { start: 10, end: 20, waitsFor: "time", untilMs: 20, contents: { events: 1 } },
    ]
    expect(explain("a", "joinBuffers-3").windows).toEqual(windows)
    expect(explain("a", "coGroup-1").windows).toEqual(windows)
    await close()
  })

  it("tells of states whatever their names", async () => {
    const name = "__proto__"
    const { of, give, close } = await fed((events) => {
      return events.keyBy("k").process({
        state: { [name]: valueState({ default: 0 }) },
        process: (_, { [name]: n }) => n?.update(n.value() + 1),
      })
    }, timed)
    await give(0, "a1 a2")
    expect(Object.entries(of("a", "process-1").states)).toEqual([[name, { rows: 1, value: 2 }]])
    await close()
  })

  it("tells of events that a pattern has taken, or that wait for their time", async () => {
    const {
      of: explain,
      give,
      close,
    } = await fed(
      (events) =>
        events.keyBy("k").pattern(
          pattern("first", ({ at }: { at: number }) => at % 2 === 1).followedBy(
            "second",
            ({ at }: { at: number }) => at === 100,
          ),
          () => "match",
        ),
      { time: "at", watermark: boundedDisorder(5) },
    )
    await give(0, "a1 a2 a3 b9 a13 a9 a12")
    const kept = (...texts: string[]) =>
      texts.map((text) => ({ timeMs: event(text)?.at, event: event(text) }))
    expect(explain("a", "patternMatches-1")).toMatchObject({
      watermark: 8,
      matches: kept("a1", "a3"),
      buffered: kept("a13", "a9"),
    })
    await close()
  })

  it("tells of windows that share slices and keep values", async () => {
    const {
      of: explain,
      give,
      close,
    } = await fed(
      (events) =>
        events
          .keyBy("k")
          .window(sliding(10, 5))
          .aggregate({ n: count(), all: collect("at"), last: last("at") }),
      timed,
    )
    await give(0, "a1 a7 b8")
    const { windows } = explain("a", "window-1")
    expect(windows.map(({ start, end, untilMs }) => [start, end, untilMs])).toEqual([
      [0, 10, 10],
      [5, 15, 15],
    ])
    await close()
  })
})
