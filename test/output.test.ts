import { afterEach, describe, expect, it, vi } from "vitest"
import { Engine } from "../js/engine/engine.ts"
import { count, from, memoryStorage, run } from "../js/index.ts"
import { closable, errorFrom, guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"

guardRejections()

afterEach(() => vi.restoreAllMocks())

/** Numbers 0 .. count - 1, and how many of them were read. */
function counting(count: number) {
  const source = {
    read: 0,
    left: 0,
    *[Symbol.iterator]() {
      try {
        while (source.read < count) yield source.read++
      } finally {
        source.left++
      }
    },
  }
  return source
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

describe("an output", () => {
  it("gives all results to whoever claimed it before the first pull", async () => {
    const source = from(numbers(5000))
    const job = await run({ even: source.filter((n) => n % 2 === 0), all: source })
    const [even, all] = [job.output("even"), job.output("all")]
    const results = await Promise.all([pull(even), pull(all)])
    expect(results).toEqual([numbers(5000).filter((n) => n % 2 === 0), numbers(5000)])
    expect(job.stats().discarded).toEqual({ even: 0, all: 0 })
    await job.close()
  })

  it("that nobody claimed is counted and dropped", async () => {
    const source = from(numbers(5000))
    const job = await run({ even: source.filter((n) => n % 2 === 0), all: source })
    expect(await pull(job.output("even"))).toHaveLength(2500)
    expect(job.stats().discarded).toEqual({ even: 0, all: 5000 })
    await job.close()
  })

  it("is one, whoever asks for it: iterators go on where another stopped", async () => {
    const job = await run(from(numbers(6)))
    expect([await pull(job, 2), await pull(job, 3), await pull(job)]).toEqual([
      [0, 1],
      [2, 3, 4],
      [5],
    ])
    await job.close()
  })

  it("answers calls of next() in their order, several at once", async () => {
    const job = await run(from(numbers(3)))
    const results = job[Symbol.asyncIterator]()
    const steps = await Promise.all(numbers(5).map(() => results.next()))
    expect(steps.map(({ value }) => value as unknown)).toEqual([0, 1, 2, undefined, undefined])
    await job.close()
  })

  it("that is not there is OPTION, naming those that are", async () => {
    const job = await run({ a: from([1]), b: from([2]) })
    expect(await errorFrom(async () => job.output("c" as "a"))).toMatchObject({
      code: "OPTION",
      message: "the job has no output c; it has a, b",
    })
    await job.close()
  })

  it("that its consumer has left is CLOSED", async () => {
    const job = await run({ a: from([1, 2]), b: from([3]) })
    for await (const _ of job.output("a")) break
    expect(await errorFrom(async () => job.output("a"))).toMatchObject({
      code: "CLOSED",
      message: "output a was left by its consumer",
    })
    await job.close()
  })
})

describe("backpressure", () => {
  it("reads nothing before somebody asks", async () => {
    const source = counting(10)
    const job = await run(from(source))
    await turns()
    expect(source.read).toBe(0)
    await job.close()
  })

  it("stops the source at 4,096 unread results and a chunk", async () => {
    const source = counting(100_000)
    const stream = from(source)
    const job = await run({ slow: stream, quick: stream.filter((n) => n % 2 === 0) })
    const slow = job.output("slow")
    const quick = job.output("quick")[Symbol.asyncIterator]()
    for (let n = 0; n < 2000; n++) await quick.next()
    const waiting = pull({ [Symbol.asyncIterator]: () => quick })
    await turns(50)
    expect([source.read >= 4096, source.read <= 4096 + 1024]).toEqual([true, true])
    expect(await pull(slow)).toHaveLength(100_000)
    expect(await waiting).toHaveLength(48_000)
    await job.close()
  })

  it("holds finished() back for a claimed output, and not for one that was left", async () => {
    const source = counting(20_000)
    const stream = from(source)
    const job = await run({ claimed: stream, left: stream.map((n) => -n) })
    const [claimed, left] = [job.output("claimed"), job.output("left")]
    const finished = job.finished()
    for await (const _ of left) break
    await turns(50)
    expect(source.read).toBeLessThanOrEqual(4096 + 1024)
    expect(await pull(claimed)).toHaveLength(20_000)
    await finished
    expect(job.stats()).toMatchObject({ events: 20_000, discarded: { claimed: 0 } })
    await job.close()
  })

  it("lets the event loop turn during a long synchronous source", async () => {
    const source = counting(Infinity)
    const job = await run(from(source).filter(() => false))
    const timer = new Promise((resolve) => setTimeout(resolve, 1, "fired"))
    const finished = errorFrom(() => job.finished())
    expect(await timer).toBe("fired")
    await job.close()
    expect(await finished).toMatchObject({ code: "CLOSED", message: "the job is over" })
  })

  it("lets it turn for a source whose steps are empty, or always ready", async () => {
    const source = {
      async *read() {
        for (;;) yield { events: [] as number[], position: 0 }
      },
    }
    const job = await run(from(source))
    const finished = errorFrom(() => job.finished())
    await new Promise((resolve) => setTimeout(resolve, 1))
    await job.close()
    expect((await finished).code).toBe("CLOSED")
  })

  it("takes turns between sources", async () => {
    const mixed = from(numbers(3)).union(from(numbers(6).map((n) => 10 + n)))
    const job = await run(mixed, { chunkSize: 1 })
    expect(await pull(job)).toEqual([0, 10, 1, 11, 2, 12, 13, 14, 15])
    await job.close()
  })
})

describe("an error", () => {
  const cause = new Error("no")
  const failing = (at: number) => (n: number) => {
    if (n === at) throw cause
    return n
  }
  const said = {
    code: "USER_FUNCTION",
    message: "map-1: event 3000: the function threw Error",
    cause,
  }

  it("comes after all results before it, to readers and to finished()", async () => {
    const job = await run(from(numbers(5000)).map(failing(3000)))
    const finished = errorFrom(() => job.finished())
    expect(await pullToError(job)).toEqual({ pulled: numbers(3000), ...said })
    expect(await finished).toEqual(said)
    expect(await errorFrom(() => job.finished())).toEqual(said)
    await job.close()
  })

  it("is told once by each output, and then they have ended", async () => {
    const stream = from(numbers(5000)).map(failing(3000))
    const job = await run({ a: stream, b: stream.map((n) => -n) })
    const [a, b] = [job.output("a"), job.output("b")]
    const told = await Promise.all([pullToError(a), pullToError(b)])
    expect(told.map(({ code, pulled }) => [code, pulled.length])).toEqual([
      ["USER_FUNCTION", 3000],
      ["USER_FUNCTION", 3000],
    ])
    expect([await pull(a), await pull(b)]).toEqual([[], []])
    await job.close()
  })

  it("of an event that a take has no need of is none", async () => {
    const first = from(numbers(10)).map(failing(5)).take(3)
    expect(await first.toArray()).toEqual([0, 1, 2])
  })

  it("behind a take is one, also of what was emitted at the end", async () => {
    const behind = from(numbers(10)).take(3).map(failing(2))
    expect(await pullToError(behind)).toMatchObject({ pulled: [0, 1], code: "USER_FUNCTION" })
    const atEnd = from(numbers(10))
      .take(3)
      .keyBy((n) => n)
      .aggregate({ count: count() }, { emit: "final" })
      .map(({ key }) => failing(1)(key))
    expect(await pullToError(atEnd)).toMatchObject({ pulled: [0], code: "USER_FUNCTION" })
  })
})

describe("leaving a loop early", () => {
  it("frees a stream: engine and source", async () => {
    const close = vi.spyOn(Engine.prototype, "close")
    const source = counting(10_000)
    for await (const n of from(source)) if (n === 5000) break
    expect([close.mock.calls.length, source.left]).toEqual([1, 1])
  })

  it("frees a job: engine, source and storage", async () => {
    const close = vi.spyOn(Engine.prototype, "close")
    const storage = closable(memoryStorage())
    const source = handFed<number>()
    const job = await run(from(source, { replay: "none" }), { storage })
    source.give(1)
    for await (const _ of job) break
    expect([close.mock.calls.length, source.left, storage.closed]).toEqual([1, 1, 1])
    expect((await errorFrom(async () => job.state("a"))).code).toBe("CLOSED")
    expect((await errorFrom(() => job.finished())).code).toBe("CLOSED")
    await job.close()
    expect([close.mock.calls.length, source.left, storage.closed]).toEqual([1, 1, 1])
  })

  it("leaves the other outputs' consumers what is theirs", async () => {
    const source = counting(10_000)
    const job = await run({ a: from(source), b: from(numbers(10_000)) })
    const [a, b] = [job.output("a"), job.output("b")]
    const other = pull(b)
    for await (const n of a) if (n === 10) break
    expect(await other).toHaveLength(10_000)
    await job.close()
  })

  it("drops what was not read, and the iterator is over", async () => {
    const job = await run(from(numbers(10)))
    const results = job[Symbol.asyncIterator]()
    expect(await results.next()).toEqual({ done: false, value: 0 })
    expect(await results.return?.()).toEqual({ done: true, value: undefined })
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  it("frees a stream whose source failed, and one whose loop threw", async () => {
    const close = vi.spyOn(Engine.prototype, "close")
    expect((await pullToError(from(numbers(3)).map((): unknown => JSON.parse("{")))).code).toBe(
      "USER_FUNCTION",
    )
    const loop = async () => {
      for await (const _ of from(numbers(3))) throw new Error("enough")
    }
    await expect(loop()).rejects.toThrow("enough")
    expect(close).toHaveBeenCalledTimes(2)
  })
})
