/** concat: all of one stream, then all of the next. */
import { describe, expect, it } from "vitest"
import { count, from, manualClock, run } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, numbered } from "./probe.ts"
import { pull, pullToError, turns } from "./probe.ts"

guardRejections()

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Totals of each parity, when the source has ended. */
const totals = (events: Stream<number>) =>
  events
    .keyBy((n) => n % 2)
    .aggregate({ count: count() }, { emit: "final" })
    .map(({ key, count }) => `${key}: ${count}`)

describe("concat", () => {
  it("gives all of one stream, then all of the next", async () => {
    const parts = from([1, 2]).concat(from(new Set([3])), from(numbered(2, 1)))
    expect(await parts.toArray()).toEqual([1, 2, 3, 0, 1])
    expect(await from([1]).concat().toArray()).toEqual([1])
    expect(
      await from([1])
        .concat(from(["a"]))
        .toArray(),
    ).toEqual([1, "a"])
  })

  it("passes over streams that are empty", async () => {
    const nothing = () => from<number>([])
    const few = nothing().concat(from([1]), nothing(), nothing(), from([2]), nothing())
    expect(await few.toArray()).toEqual([1, 2])
    expect(await nothing().concat(nothing()).toArray()).toEqual([])
  })

  it("does not read a stream before the one before has ended", async () => {
    const [first, second] = [handFed<number>(), handFed<number>()]
    second.give(3)
    const results = from(first).concat(from(second))[Symbol.asyncIterator]()
    first.give(1, 2)
    expect([await results.next(), await results.next()].map(({ value }) => value)).toEqual([1, 2])
    const next = results.next()
    await turns()
    expect([second.asked, second.left]).toEqual([0, 0])
    first.end()
    expect((await next).value).toBe(3)
    await results.return?.()
    expect([first.left, second.left]).toEqual([0, 1])
  })

  it.each([1, 2, 1024])("emits what is left in one before the next, by %i", async (chunkSize) => {
    const all = totals(from(upTo(5))).concat(
      from(["then"]),
      totals(from(upTo(2)).concat(from(upTo(2)))),
      from(["last"]),
    )
    const job = await run(all, { chunkSize })
    const expected = ["0: 3", "1: 2", "then", "0: 2", "1: 2", "last"]
    expect(await pull(job)).toEqual(expected)
    await job.close()
  })

  it("emits a large end in pieces, and waits for timers of one before the next", async () => {
    const distinct = from(upTo(10_000))
      .keyBy((n) => n)
      .aggregate({ count: count() }, { emit: "final" })
      .map(({ key }) => key)
    expect(await distinct.concat(from([-1])).toArray()).toEqual([...upTo(10_000), -1])

    const clock = manualClock()
    const slow = from([1, 2, 3])
      .throttle({ limit: 1, per: 1000, overflow: "delay" })
      .concat(from([4]))
    const job = await run(slow, { clock })
    const results: number[] = []
    const read = job[Symbol.asyncIterator]()
    for (let i = 0; i < 4; i++) {
      const next = read.next().then(({ value }) => results.push(value as number))
      await turns()
      clock.advance(1000)
      await next
    }
    expect([results, (await read.next()).done]).toEqual([[1, 2, 3, 4], true])
    await job.close()
  })

  it("can be in another, in a union, and behind any verb", async () => {
    const nested = from([1]).concat(from([2]).concat(from([3])), from([4]))
    expect(await nested.toArray()).toEqual([1, 2, 3, 4])
    const quiet = handFed<number>()
    const [left, right] = [from([1, 2]).concat(from([3])), from([10]).concat(from(quiet))]
    const both = left.union(right)[Symbol.asyncIterator]()
    const values: unknown[] = []
    for (let i = 0; i < 4; i++) values.push((await both.next()).value)
    expect(values.filter((n) => (n as number) < 10)).toEqual([1, 2, 3])
    quiet.give(11)
    expect((await both.next()).value).toBe(11)
    await both.return?.()
    expect(quiet.left).toBe(1)
    const sums = from([1, 2])
      .concat(from([3]))
      .scan((a, n) => a + n)
    expect(await sums.toArray()).toEqual([1, 3, 6])
  })

  it("goes on beside a busy source", async () => {
    const busy = (function* () {
      for (;;) yield "busy"
    })()
    const both = from(["a"])
      .concat(from(["b"]))
      .union(from(busy))
      .filter((s) => s !== "busy")
    expect(await both.take(2).toArray()).toEqual(["a", "b"])
  })

  it("may share a source with what else the job does", async () => {
    const shared = from([1, 2])
    const streams = { shared, all: shared.concat(from([3])), later: from([4]) }
    const job = await run(streams)
    const results = Object.keys(streams).map((name) => pull(job.output(name as "all")))
    expect(await Promise.all(results)).toEqual([[1, 2], [1, 2, 3], [4]])
    await job.close()
  })
})

describe("concat and take", () => {
  it.each([1, 2, 1024])("leaves a stream that gives no more, by %i", async (chunkSize) => {
    const endless = handFed<number>()
    endless.give(...upTo(10))
    const job = await run(
      from(endless)
        .take(3)
        .concat(from([7])),
      { chunkSize },
    )
    expect(await pull(job)).toEqual([0, 1, 2, 7])
    expect(endless.left).toBe(1)
    await job.close()
  })

  it("gives what such a stream has left, and only then goes on", async () => {
    const endless = handFed<number>()
    endless.give(...upTo(10))
    expect(
      await totals(from(endless).take(3))
        .concat(from(["then"]))
        .toArray(),
    ).toEqual(["0: 2", "1: 1", "then"])
  })

  it("lets a source go on that others hear", async () => {
    const source = handFed<number>()
    source.give(1, 2)
    const events = from(source)
    const job = await run({ all: events, some: events.take(1).concat(from([7])) })
    const all = job.output("all")[Symbol.asyncIterator]()
    const some = job.output("some")[Symbol.asyncIterator]()
    const values = [await all.next(), await some.next(), await all.next(), await some.next()]
    expect(values.map(({ value }) => value as number)).toEqual([1, 1, 2, 7])
    source.give(3)
    source.end()
    expect([(await all.next()).value, (await all.next()).done]).toEqual([3, true])
    await job.close()
  })

  it("ends with it, however far it has come", async () => {
    const never = handFed<number>()
    const all = from([1, 2]).concat(from(never))
    expect(await all.take(2).toArray()).toEqual([1, 2])
    expect([never.asked, never.left]).toEqual([0, 1])
    const twice = [handFed<number>(), handFed<number>()] as const
    for (const source of twice) source.give(...upTo(5))
    const both = from(twice[0]).take(1).concat(from(twice[1]).take(2))
    expect(await both.toArray()).toEqual([0, 0, 1])
    expect(twice.map(({ left }) => left)).toEqual([1, 1])
  })

  it.each([1, 1024])("does not hear of errors behind it, by %i", async (chunkSize) => {
    const picky = from([1, 2, 3]).tap((n) => {
      if (n === 3) throw new Error("too far")
    })
    const job = await run(picky.take(2).concat(from([7])), { chunkSize })
    expect(await pull(job)).toEqual([1, 2, 7])
    await job.close()
  })
})

describe("errors in a concat", () => {
  it("come after what was before them, and end it", async () => {
    const cause = new Error("no")
    const failing = from([3]).map(() => {
      throw cause
    })
    const never = handFed<number>()
    const refused = await pullToError(from([1, 2]).concat(failing, from(never)))
    expect(refused).toMatchObject({ pulled: [1, 2], code: "USER_FUNCTION", cause })
    expect([never.asked, never.left]).toEqual([0, 1])
  })

  it.each([
    ["a branch of its own", (a: Stream<number>) => a.concat(a.map((n) => n))],
    ["itself", (a: Stream<number>) => a.concat(a)],
    ["a union", (a: Stream<number>) => a.concat(from([1]), from([2]).union(a))],
  ])("are two parts with one source: %s", async (_, make) => {
    expect(await errorFrom(() => make(from([1])).toArray())).toMatchObject({
      code: "OPTION",
      message:
        "concat-1 has one source in two parts, which ends once: use union, or a source for each",
    })
  })

  it("are two concats that would wait for each other, or for a third", async () => {
    const [a, b, c] = [from([1]), from([2]), from([3])]
    const circles = [
      { x: a.concat(b), y: b.concat(a) },
      { x: a.concat(b), y: b.concat(c), z: c.concat(a) },
    ]
    for (const circle of circles) {
      expect(await errorFrom(() => run(circle))).toMatchObject({
        code: "OPTION",
        message: "source-2 waits for itself: two concats have it in another order",
      })
    }
    const line = await run({ x: a.concat(b), y: b.concat(c), z: a.concat(c) })
    const results = ["x", "y", "z"].map((name) => pull(line.output(name as "x")))
    expect(await Promise.all(results)).toEqual([
      [1, 2],
      [2, 3],
      [1, 3],
    ])
    await line.close()
  })

  it("are event time and processing time in one", async () => {
    const mixed = from([1], { time: (n) => n }).concat(from([2]))
    expect(await errorFrom(() => mixed.toArray())).toMatchObject({
      code: "OPTION",
      message: "concat-1 joins event time with processing time: give every source a time, or none",
    })
  })
})
