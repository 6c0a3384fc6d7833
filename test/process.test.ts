import { describe, expect, it } from "vitest"
import { from, listState, of, outputTag, run, valueState } from "../js/index.ts"
import { refusalLater } from "./refusal.ts"

const counted = { count: valueState({ default: 0 }) }

async function all(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = []
  for await (const value of values) taken.push(value)
  return taken
}

describe("process", () => {
  it("sends to side outputs that it names, from timers too", async () => {
    const odd = outputTag("odd", of<number>())
    const stream = from(
      [1, 2, 3].map((n) => ({ n })),
      { time: "n" },
    )
      .keyBy(() => null)
      .process({
        outputs: [odd],
        emits: of<number>(),
        process({ n }, _, ctx, out) {
          if (n % 2 === 1) ctx.output(odd, n)
          else out.collect(n)
          ctx.timers.eventTime(n + 1)
        },
        onTimer: (time, _, ctx) => ctx.output(odd, time * 100),
      })
    const job = await run({ even: stream, aside: stream.sideOutput(odd) })
    const taken = [job.output("even"), job.output("aside")].map(all)
    expect(await Promise.all(taken)).toEqual([[2], [1, 3, 200, 300, 400]])
    await job.close()
    const other = outputTag("other")
    const wrong = from([1])
      .keyBy(() => 1)
      .process({ process: (n, _, ctx) => ctx.output(other, n) })
    expect(await refusalLater(() => wrong.toArray())).toMatchObject({ code: "OPTION" })
  })

  it("opens before the first event, and closes with the job", async () => {
    const said: string[] = []
    const stream = from(["x"])
      .keyBy((x) => x)
      .process({
        open: () => said.push("open"),
        process: (x) => said.push(x),
        close: () => said.push("close"),
      })
    const job = await run(stream)
    expect(said).toEqual([])
    await job.finished()
    await job.close()
    expect(said).toEqual(["open", "x", "close"])
    const broken = from([1])
      .keyBy(() => 1)
      .process({
        open() {
          throw new Error("not today")
        },
        process: () => undefined,
        onError: "skip",
      })
    expect(await refusalLater(() => broken.toArray())).toMatchObject({ code: "USER_FUNCTION" })
  })

  it("refuses what it gave outside of the call that it was given to", async () => {
    const kept: (() => unknown)[] = []
    await from([1])
      .keyBy(() => 1)
      .process({
        state: { ...counted, list: listState(of<number>()) },
        emits: of<number>(),
        process(_, { count, list }, ctx, out) {
          list.add(1)
          const values = list.values()[Symbol.iterator]()
          kept.push(
            () => count.value(),
            () => count.update(1),
            () => list.add(2),
          )
          kept.push(
            () => values.next(),
            () => ctx.key,
            () => ctx.now,
            () => out.collect(1),
          )
          kept.push(() => ctx.timers.processingTime(1))
        },
        onTimer: () => undefined,
      })
      .toArray()
    for (const use of kept) {
      let thrown: unknown
      try {
        use()
      } catch (error) {
        thrown = error
      }
      expect(thrown).toMatchObject({ code: "CLOSED" })
    }
  })

  it("refuses promises, times that are none, and options that it does not know", async () => {
    const keyed = from([{ at: 1 }], { time: "at" }).keyBy(() => 1)
    const ran = (process: (timers: { eventTime: (t: number) => void }) => unknown) =>
      refusalLater(() =>
        keyed
          .process({
            process: (_, __, { timers }) => void process(timers),
            onTimer: () => undefined,
          })
          .toArray(),
      )
    expect(await ran((timers) => timers.eventTime(Number.NaN))).toMatchObject({ code: "TIMESTAMP" })
    expect(await ran((timers) => timers.eventTime(9e15))).toMatchObject({ code: "TIMESTAMP" })
    const wait: () => unknown = () => Promise.resolve()
    const waits = keyed.process({ process: wait })
    expect(await refusalLater(() => waits.toArray())).toMatchObject({ code: "UNSUPPORTED" })
    const none = keyed.process({ process: (_, __, { timers }) => timers.eventTime(1) })
    expect(await refusalLater(() => none.toArray())).toMatchObject({ code: "OPTION" })
    const noTime = from([1])
      .keyBy(() => 1)
      .process({
        process: (_, __, { timers }) => timers.eventTime(1),
        onTimer: () => undefined,
      })
    expect(await refusalLater(() => noTime.toArray())).toMatchObject({ code: "OPTION" })
    const make = (options: object) => () => keyed.process(options as never)
    expect(make({})).toThrow("process needs a function process")
    expect(make({ process: () => 1, ontimer: () => 1 })).toThrow(`did you mean "onTimer"?`)
    expect(make({ process: () => 1, state: { "a b": valueState({ default: 1 }) } })).toThrow("name")
    expect(make({ process: () => 1, state: { a: 1 } })).toThrow("valueState")
    expect(make({ process: () => 1, outputs: ["late"] })).toThrow("outputTag")
  })
})
