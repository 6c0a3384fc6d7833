/** connect: what it gives, whom it waits for, and what it refuses. */
import { describe, expect, it } from "vitest"
import { from, listState, of, outputTag, run, valueState } from "../js/index.ts"
import type { ErrorEvent, Stream } from "../js/index.ts"
import { hits } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { guardRejections, pull, pullToError } from "./probe.ts"
import { refusal } from "./refusal.ts"
import { playTwo } from "./two_sources.ts"

guardRejections()

const timed = { time: "at" } as const
const side = (text: string) => from(hits(text), timed).keyBy("k")
const nothing = { processLeft: () => undefined, processRight: () => undefined }

/** What comes of either side, and a timer 5 after each event, which tells how many there were. */
function counted(left: Stream<Hit>, right: Stream<Hit>): Stream<string> {
  return left
    .keyBy("k")
    .connect(right.keyBy("k"))
    .process({
      state: { count: valueState({ default: 0 }) },
      emits: of<string>(),
      processLeft({ at }, { count }, ctx, out) {
        count.update(count.value() + 1)
        ctx.timers.eventTime(at + 5)
        out.collect(`left ${ctx.key}${at} ${ctx.watermark}`)
      },
      processRight({ at }, { count }, ctx, out) {
        count.update(count.value() + 10)
        ctx.timers.eventTime(at + 5)
        out.collect(`right ${ctx.key}${at} ${ctx.watermark}`)
      },
      onTimer: (time, { count }, ctx, out) =>
        out.collect(`${ctx.key}${time} ${count.value()} ${ctx.watermark}`),
    })
}

describe("connect", () => {
  it("has one state and one set of timers for both streams", async () => {
    const results = await counted(
      from(hits("a1 a2 b9"), timed),
      from(hits("a1 b2"), timed),
    ).toArray()
    expect(results).toEqual([
      ...["left a1 -Infinity", "left a2 -Infinity", "left b9 -Infinity"],
      ...["right a1 -Infinity", "right b2 1"],
      ...["a6 12 Infinity", "a7 12 Infinity", "b7 11 Infinity", "b14 11 Infinity"],
    ])
  })

  it("goes by the watermarks of both, until one has ended or is idle", async () => {
    const right = { time: "at", idleAfter: 100 } as const
    const results = await playTwo(
      counted,
      [
        { kind: "give", side: 0, events: hits("a1 a20") },
        { kind: "give", side: 1, events: hits("b10") },
        { kind: "clock", ms: 99 },
        { kind: "clock", ms: 1 },
        { kind: "give", side: 0, events: hits("a30") },
        { kind: "give", side: 1, events: hits("b40") },
        { kind: "end", side: 0 },
        { kind: "end", side: 1 },
      ],
      { left: timed, right },
    )
    expect(results).toEqual([
      ["left a1 -Infinity", "left a20 -Infinity"],
      ["right b10 -Infinity", "a6 2 10"],
      [],
      ["b15 10 20"],
      ["left a30 20", "a25 3 30"],
      ["right b40 30"],
      ["a35 3 40"],
      ["b45 20 Infinity"],
    ])
  })

  it("connects streams without keys, and a stream with itself", async () => {
    const emits = of<unknown[]>()
    const seen = { seen: listState(of<number>()) }
    const plain = from([1, 2])
      .connect(from(["x"]))
      .process({
        state: seen,
        emits,
        processLeft: (n, { seen }) => seen.add(n),
        processRight: (text, { seen }, { key }, out) => out.collect([text, key, ...seen.values()]),
      })
    expect(await plain.toArray()).toEqual([["x", null, 1, 2]])
    const one = from([1, 2]).keyBy((n) => n)
    const twice = one.connect(one).process({
      state: seen,
      emits,
      processLeft: (n, { seen }) => seen.add(n * 10),
      processRight: (n, { seen }, _, out) => out.collect([n, ...seen.values()]),
    })
    expect(await twice.toArray()).toEqual([
      [1, 10],
      [2, 20],
    ])
  })

  it("sends errors of either side on with their keys", async () => {
    const errors = outputTag("errors", of<ErrorEvent<Hit | undefined, string>>())
    const fails = () => {
      throw new Error("no")
    }
    const stream = from([{ k: "a", at: 1 }])
      .keyBy("k")
      .connect(from([{ id: "b", k: "x", at: 2 }, { at: 3 } as never]).keyBy("id"))
      .process({
        processLeft: fails,
        processRight: fails,
        onError: "route",
        errorsTo: errors,
      })
    const job = await run({ out: stream })
    const told = await pull(job.output(errors))
    expect(told.map(({ event, key, operator }) => [event?.at, key, operator])).toEqual([
      [1, "a", "connect-1"],
      [2, "b", "connect-1"],
      [3, undefined, "connect-1"],
    ])
    expect(job.stats().operators["connect-1"]?.skipped).toBe(3)
    await job.close()
  })

  it("names the operator and the event that a function failed at", async () => {
    const stream = side("a1")
      .connect(side("a1 a2"))
      .process({
        processLeft: () => undefined,
        processRight({ at }) {
          if (at === 2) throw new RangeError("two")
        },
      })
    expect(await pullToError(stream)).toMatchObject({
      ...{ pulled: [], code: "USER_FUNCTION", cause: new RangeError("two") },
      message: "connect-1: event 2: the function threw RangeError",
    })
    const waits: () => unknown = () => Promise.resolve()
    const later = side("a1")
      .connect(side("a1"))
      .process({ ...nothing, processRight: waits })
    expect(await pullToError(later)).toMatchObject({ code: "UNSUPPORTED" })
  })

  it("refuses what is no such stream, functions that are missing, and unknown options", () => {
    const keyed = side("a1")
    const wrong = "connect needs another such stream"
    expect(refusal(() => keyed.connect(from([1]) as never)).message).toContain(wrong)
    expect(refusal(() => from([1]).connect(keyed as never)).message).toContain(wrong)
    expect(refusal(() => from([1]).connect(1 as never)).message).toContain(wrong)
    const made = (options: object) => refusal(() => keyed.connect(keyed).process(options as never))
    const { processLeft } = nothing
    expect(made({ processLeft }).message).toBe("connect needs a function processRight")
    expect(made({ ...nothing, processLef: 1 }).message).toContain(`did you mean "processLeft"?`)
    expect(made({ ...nothing, state: { a: 1 } }).message).toContain("connect.state.a")
    expect(made({ ...nothing, outputs: ["x"] }).code).toBe("OPTION")
    expect(made({ ...nothing, onTimer: 1 }).code).toBe("OPTION")
  })
})
