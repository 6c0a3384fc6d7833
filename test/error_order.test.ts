/** Errors of events, and of what fails by itself, in one order whatever the chunk size. */
import { describe, expect, it } from "vitest"
import { from, outputTag, run } from "../js/index.ts"
import type { ErrorEvent, Stream } from "../js/index.ts"
import { pull } from "./probe.ts"

describe("errors of one event", () => {
  interface Hit {
    readonly k: string | number
    readonly at: number
  }
  const errorsTo = outputTag<ErrorEvent>("errors")
  const routed = { onError: "route", errorsTo } as const
  const fail = (): never => {
    throw new Error("boom")
  }
  // The third fails, and lets something fail that waits for its time.
  const hits: readonly Hit[] = [0, 1, 20, 21].map((at) => ({ k: "a", at }))
  const wrongKeys = hits.map((hit, i) => (i === 2 ? { ...hit, k: NaN } : hit))
  const timer = (at: number) => (at === 20 ? fail() : undefined)
  const process = (events: Stream<Hit>) =>
    events.keyBy("k").process({
      process(hit, _, { timers }) {
        if (hit.at < 20) timers.eventTime(10)
        timer(hit.at)
      },
      ...{ onTimer: fail, ...routed },
    })
  const window = (events: Stream<Hit>) =>
    events
      .keyBy("k")
      .window(({ at }) => timer(at) ?? [{ start: 0, end: at < 20 ? 10 : 90 }])
      .process(([{ at } = { at: 0 }]) => (at === 0 ? fail() : at), routed)

  it.each([
    ["process", process, hits],
    ["process, of a wrong key", process, wrongKeys],
    ["window", window, hits],
    ["window, of a wrong key", window, wrongKeys],
  ])("come in their order, whatever the chunk size: %s", async (_, make, events) => {
    for (const chunkSize of [1, 2, 1024]) {
      const job = await run(make(from(events, { time: "at" })), { chunkSize })
      const errors = await pull(job.output(errorsTo))
      await job.close()
      expect(errors.map(({ event, position }) => [event, position])).toEqual([
        [events[2], 2],
        [undefined, 2],
      ])
    }
  })
})
