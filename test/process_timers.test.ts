import { describe, expect, it } from "vitest"
import { from, manualClock, of, outputTag, run, valueState } from "../js/index.ts"
import type { ErrorEvent } from "../js/index.ts"
import { clock, crash, event, play } from "../js/testing/index.ts"
import { refusalLater } from "./refusal.ts"

interface Click {
  readonly user: string
  readonly at: number
}

const clicks: Click[] = [
  { user: "ada", at: 0 },
  { user: "bob", at: 5 },
  { user: "ada", at: 8 },
  { user: "eve", at: 30 },
]

const counted = { count: valueState({ default: 0 }) }

describe("timers of process functions", () => {
  it("moves a named timer, and fires it when the watermark is beyond it", async () => {
    const rows = await from(clicks, { time: "at" })
      .keyBy("user")
      .process({
        state: counted,
        emits: of<unknown>(),
        process(click, { count }, ctx) {
          count.update(count.value() + 1)
          ctx.timers.eventTime(click.at + 10, "quiet")
        },
        onTimer(time, { count }, ctx, out) {
          out.collect([ctx.key, time, ctx.timestamp, count.value(), ctx.watermark])
          count.clear()
        },
      })
      .toArray()
    expect(rows).toEqual([
      ["bob", 15, 15, 1, 30],
      ["ada", 18, 18, 2, 30],
      ["eve", 40, 40, 1, Infinity],
    ])
  })

  it("waits for a watermark beyond a timer: events of its time may still come", async () => {
    const seen: unknown[] = []
    await from([{ at: 0 }, { at: 10 }, { at: 10 }, { at: 11 }], { time: "at" })
      .keyBy(() => "k")
      .process({
        process: ({ at }, _, ctx) => {
          seen.push(at)
          if (at === 0) ctx.timers.eventTime(10)
        },
        onTimer: (time, _, ctx) => void seen.push(["timer", time, ctx.watermark]),
      })
      .toArray()
    expect(seen).toEqual([0, 10, 10, 11, ["timer", 10, 11]])
  })

  it("has one unnamed timer per key and time; they fire by time, then as set", async () => {
    const fired: unknown[] = []
    await from(
      ["a", "b", "a"].map((key, at) => ({ key, at })),
      { time: "at" },
    )
      .keyBy("key")
      .process({
        process(_, __, { timers }) {
          for (const at of [20, 10, 20, 9.5]) timers.eventTime(at)
          timers.eventTime(10, "named")
          timers.eventTime(15)
          timers.delete("event", 15)
        },
        onTimer: (time, _, { key }) => void fired.push([key, time]),
      })
      .toArray()
    expect(fired).toEqual([
      ...[
        ["a", 10],
        ["b", 10],
        ["b", 10],
        ["a", 10],
      ], // Named ones moved behind the others.
      ...[
        ["a", 20],
        ["b", 20],
      ],
    ])
  })

  it("fires timers in processing time while nothing comes, also under event time", async () => {
    const times = clicks.slice(0, 1)
    for (const options of [{}, { time: ({ at }: Click) => at }]) {
      const script = [...times.map(event), clock(99), crash(), clock(100), crash(), clock(250)]
      const rows = await play(
        (events) =>
          events.keyBy("user").process({
            state: counted,
            emits: of<unknown>(),
            process(_, { count }, ctx) {
              ctx.timers.processingTime(ctx.now + 100)
              count.update(7)
            },
            onTimer(time, { count }, ctx, out) {
              out.collect([ctx.key, time, ctx.now, count.value()])
              if (time < 200) ctx.timers.processingTime(time + 100, "again")
            },
          }),
        script,
        "time" in options ? options : { time: false },
      )
      expect(rows).toEqual([
        ["ada", 100, 100, 7],
        ["ada", 200, 200, 7],
      ])
    }
  })

  it("fires what is overdue at once, in its order", async () => {
    const fired: unknown[] = []
    await from(["x", "y"])
      .keyBy((key) => key)
      .process({
        process(key, _, ctx) {
          fired.push(key)
          for (const time of [-3, -7, -3, 0]) ctx.timers.processingTime(ctx.now + time)
        },
        onTimer: (time, _, ctx) => void fired.push([ctx.key, time - ctx.now]),
      })
      .toArray()
    const own = (key: string) => [key, [key, -7], [key, -3], [key, 0]]
    expect(fired).toEqual([...own("x"), ...own("y")])
  })

  it("fires all timers at the end, but none in processing time that is set then", async () => {
    const fired: unknown[] = []
    const job = await run(
      from([{ at: 3 }], { time: "at" })
        .keyBy(() => 1)
        .process({
          process(_, __, { timers }) {
            timers.processingTime(5000)
            timers.eventTime(50)
          },
          onTimer(time, _, { timers, watermark, now }) {
            fired.push([time, watermark, now])
            if (time === 50) timers.eventTime(60)
            timers.processingTime(now + 10)
          },
        }),
      { clock: manualClock(1000) },
    )
    await job.finished()
    await job.close()
    expect(fired).toEqual([
      [50, Infinity, 1000],
      [60, Infinity, 1000],
      [5000, Infinity, 1000],
    ])
  })

  it("lets errors of timers go the way of errors", async () => {
    const wrong = outputTag("wrong", of<ErrorEvent>())
    const make = (onError: "skip" | "route" | (() => { emit: string }) | "fail") => {
      const stream = from(
        [
          { k: "a", at: 1 },
          { k: "b", at: 9 },
        ],
        { time: "at" },
      )
        .keyBy("k")
        .process({
          uid: "p",
          state: counted,
          emits: of<string>(),
          onError,
          ...(onError === "route" ? { errorsTo: wrong } : {}),
          process: ({ k }, { count }, { timers }) => {
            count.update(1)
            if (k === "a") timers.eventTime(4)
          },
          onTimer(_, { count }) {
            count.update(2)
            throw new RangeError("late")
          },
        })
      return stream
    }
    expect(await make("skip").toArray()).toEqual([])
    expect(await make(() => ({ emit: "instead" })).toArray()).toEqual(["instead"])
    const routed = await make("route").sideOutput(wrong).toArray()
    const error = expect.any(RangeError) as unknown
    expect(routed).toEqual([{ event: undefined, error, operator: "p", key: "a", position: 1 }])
    expect(await refusalLater(() => make("fail").toArray())).toMatchObject({
      code: "USER_FUNCTION",
    })
    const job = await run(make("skip"))
    await job.finished()
    expect(job.stats().operators["p"]).toMatchObject({ skipped: 1 })
    expect([...job.state("p/count").scan()]).toEqual([
      ["a", 1],
      ["b", 1],
    ])
    await job.close()
  })
})
