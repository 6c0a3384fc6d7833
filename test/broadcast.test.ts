/** broadcast: rules that change while events flow; whom they hold back, and what is refused. */
import { describe, expect, it } from "vitest"
import { from, listState, mapState, memoryStorage, of, run, valueState } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { hits } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"
import { playTwo } from "./two_sources.ts"
import type { TwoStep } from "./two_sources.ts"

guardRejections()

interface Rule {
  readonly k: string
  readonly most: number
  readonly at: number
}

const rule = (k: string, most: number, at = 0): Rule => ({ k, most, at })
const most = mapState(of<string>(), of<number>())
const timed = { time: "at" } as const

/** Which event of its key is beyond the most that its rule allows, and how far time has come. */
function beyond(events: Stream<Hit>, rules: Stream<Rule>): Stream<string> {
  return events
    .keyBy("k")
    .connect(rules.broadcast({ most }))
    .process({
      state: { count: valueState({ default: 0 }) },
      emits: of<string>(),
      process({ k, at }, { count, most }, ctx, out) {
        count.update(count.value() + 1)
        if (count.value() > (most.get(k) ?? Infinity)) out.collect(`${k}${at} ${ctx.watermark}`)
        ctx.timers.eventTime(at + 10, "quiet")
      },
      processBroadcast({ k, most: n }, { most }) {
        if (n < 0) most.remove(k)
        else most.put(k, n)
      },
      onTimer: (_, { count, most }, ctx, out) =>
        out.collect(`${ctx.key} ${count.value()} of ${[...most.entries()].join()}`),
    })
}

describe("broadcast", () => {
  it("applies rules from when they come, to all keys, and until they go", async () => {
    const steps: TwoStep<Hit, Rule>[] = [
      { kind: "give", side: 0, events: hits("a1 a2 b2") },
      { kind: "give", side: 1, events: [rule("a", 1), rule("b", 1)] },
      { kind: "give", side: 0, events: hits("a3 b3 c3") },
      { kind: "crash" },
      { kind: "give", side: 1, events: [rule("a", -1), rule("b", 3)] },
      { kind: "give", side: 0, events: hits("a4 b4 b5") },
    ]
    const results = await playTwo(beyond, steps, { left: timed, right: timed })
    expect(results).toEqual([[], [], ["a3 0", "b3 0"], [], [], ["b5 0"]])
  })

  it("holds time back while its source is silent, unless that is idle or has ended", async () => {
    const played = (right: object, ...steps: TwoStep<Hit, Rule>[]) =>
      playTwo(beyond, [{ kind: "give", side: 0, events: hits("a1 b30") }, ...steps], {
        left: timed,
        right: { ...timed, ...right },
      })
    const wait: TwoStep<Hit, Rule> = { kind: "clock", ms: 1000 }
    const comes: TwoStep<Hit, Rule> = { kind: "give", side: 1, events: [rule("a", 5, 12)] }
    expect(await played({}, wait, comes)).toEqual([[], [], ["a 1 of a,5"]])
    expect(await played({ idleAfter: "1s" }, wait, comes)).toEqual([[], ["a 1 of "], []])
    expect(await played({}, { kind: "end", side: 1 })).toEqual([[], ["a 1 of "]])
  })

  it("shows its state under the key null, and saves it", async () => {
    const events = handFed<Hit>()
    const make = () =>
      beyond(from(events, { ...timed, replay: "none" }), from([rule("a", 0)], timed))
    const storage = memoryStorage()
    const first = await run(make(), { storage })
    const read = pull(first)
    await turns()
    await first.checkpoint()
    await first.close()
    await read
    const again = await run(make(), { storage })
    expect([...again.state("broadcast-1/most").scan()]).toEqual([[[null, "a"], 0]])
    await again.close()
  })

  it("bounds rules as it does other state", async () => {
    const rules = from([1, 2, 3])
    const limited = (onFull: "evict" | "error") =>
      from(["x"])
        .keyBy((x) => x)
        .connect(
          rules.broadcast({ kept: mapState(of<number>(), of<true>(), { maxSize: 2, onFull }) }),
        )
        .process({ process: () => undefined, processBroadcast: (n, { kept }) => kept.put(n, true) })
    expect(await pullToError(limited("error"))).toMatchObject({ code: "LIMIT" })
    const job = await run(limited("evict"))
    await job.finished()
    const keys = [...job.state("broadcast-1/kept").scan()].map(([key]) => key)
    expect(keys).toEqual([2, 3].map((n) => [null, n]))
    expect(job.stats().operators["broadcast-1"]?.evicted).toBe(1)
    await job.close()
  })

  it("works for a stream without keys, and for every kind of state", async () => {
    const stream = from([1, 2])
      .connect(
        from(["x"]).broadcast({ all: listState(of<string>()), last: valueState({ default: "" }) }),
      )
      .process({
        state: { sum: valueState({ default: 0 }) },
        emits: of<unknown>(),
        process: (n, { sum, all, last }, _, out) => {
          sum.update(sum.value() + n)
          out.collect([sum.value(), [...all.values()], last.value()])
        },
        processBroadcast(text, { all, last }, _, out) {
          all.add(text)
          last.update(text)
          out.collect([...all.values(), last.value()])
        },
      })
    expect(await stream.toArray()).toEqual([
      [1, [], ""],
      [3, [], ""],
      ["x", "x"],
    ])
  })

  it("lets nobody but processBroadcast change rules, which has no key and no timers", async () => {
    const ran = (functions: object) =>
      pullToError(
        from(hits("a1"), timed)
          .keyBy("k")
          .connect(from([rule("a", 1)], timed).broadcast({ most }))
          .process({
            process: () => undefined,
            processBroadcast: () => undefined,
            onTimer: () => undefined,
            ...functions,
          }),
      )
    type Given = { most: { put: (k: string, n: number) => void; clear: () => void } }
    type Ctx = { key: unknown; timers: { eventTime: (t: number) => void } }
    const said = "most is broadcast state: processBroadcast alone changes it"
    for (const process of [
      (_: unknown, { most }: Given) => most.put("a", 1),
      (_: unknown, { most }: Given) => most.clear(),
    ]) {
      const error = await ran({ process })
      expect([error.code, error.message]).toEqual(["OPTION", `broadcast-1: event 0: ${said}`])
    }
    const onTimer = (_: unknown, { most }: Given) => most.clear()
    const process = (_: unknown, __: unknown, { timers }: Ctx) => timers.eventTime(5)
    expect((await ran({ process, onTimer })).message).toContain(said)
    const processBroadcast = (_: unknown, state: object, ctx: Ctx) => {
      expect([Object.keys(state), ctx.key]).toEqual([["most"], null])
      ctx.timers.eventTime(1)
    }
    const error = await ran({ processBroadcast })
    expect([error.code, error.message]).toEqual([
      "OPTION",
      "broadcast-1: event 1: no such timer: an event that is broadcast has no key",
    ])
  })

  it("tells of rules that fail without a key", async () => {
    const told: unknown[] = []
    const stream = from(hits("a1"), timed)
      .keyBy("k")
      .connect(from([rule("a", 1)], timed).broadcast({ most }))
      .process({
        process: () => expect.fail(),
        processBroadcast: () => expect.fail(),
        onError({ key, position }) {
          told.push([key, position])
          return "skip"
        },
      })
    expect([await stream.toArray(), told]).toEqual([
      [],
      [
        ["a", 0],
        [undefined, 1],
      ],
    ])
  })

  it("refuses states that are none, names that are taken, and what it does not know", () => {
    const rules = from([1])
    expect(refusal(() => rules.broadcast({})).message).toContain("broadcast needs a state")
    expect(refusal(() => rules.broadcast({ a: 1 as never })).message).toContain("broadcast.a")
    const connected = from([1])
      .keyBy((n) => n)
      .connect(rules.broadcast({ most }))
    const functions = { process: () => undefined, processBroadcast: () => undefined }
    const made = (options: object) =>
      refusal(() => connected.process({ ...functions, ...options })).message
    expect(made({ state: { most } })).toBe("broadcast.state.most has the name of a broadcast state")
    expect(made({ processLeft: () => 1 })).toContain(`no option "processLeft"`)
    expect(refusal(() => connected.process({ process: () => 1 } as never)).message).toBe(
      "broadcast needs a function processBroadcast",
    )
  })
})
