import { describe, expect, it } from "vitest"
import { count, from, memoryStorage, record, run, sum } from "../js/index.ts"
import type { Job } from "../js/index.ts"
import { closable, errorFrom, errorOf, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const letters = [..."abracadabra"]

/** How often each letter came so far. */
const counted = () =>
  from(letters)
    .keyBy((letter) => letter)
    .fold(
      () => 0,
      (n) => n + 1,
    )

describe("finished()", () => {
  it("runs to the end with nobody reading, as often as it is asked", async () => {
    const job = await run(counted())
    await Promise.all([job.finished(), job.finished()])
    await job.finished()
    expect(job.stats()).toMatchObject({ events: 11, position: 11, discarded: { out: 11 } })
    await job.close()
    await job.finished()
  })

  it("ends in memory although somebody has claimed the results and does not read on", async () => {
    const job = await run(from(numbers(3)))
    expect(await pull(job, 1)).toEqual([0])
    await job.finished()
    expect(await pull(job)).toEqual([1, 2])
    await job.close()
  })
})

describe("close()", () => {
  it("twice is one", async () => {
    const storage = closable(memoryStorage())
    const job = await run(counted(), { storage })
    await Promise.all([job.close(), job.close()])
    await job.close()
    expect(storage.closed).toBe(1)
  })

  it("makes every later use CLOSED", async () => {
    const job = await run(counted(), { storage: memoryStorage() })
    const view = job.state("fold-1")
    await job.close()
    const uses: (() => unknown)[] = [
      () => job.state("fold-1"),
      () => job.stats(),
      () => job.checkpoint(),
      () => job.finished(),
      () => view.get("a"),
      () => view.size,
      () => [...view.scan()],
      () => view.entries(),
    ]
    const codes = await Promise.all(
      uses.map(async (use) => (await errorFrom(async () => use())).code),
    )
    expect(codes).toEqual(uses.map(() => "CLOSED"))
    expect(await pull(job)).toEqual([])
  })

  it("ends readers and waiters, and blames nobody who does not look", async () => {
    const source = handFed<string>()
    const job = await run(from(source, { replay: "none" }), { storage: memoryStorage() })
    const reader = job[Symbol.asyncIterator]().next()
    const waiting = errorFrom(() => job.finished())
    void job.finished()
    await turns()
    await job.close()
    expect([await reader, (await waiting).code, source.left]).toEqual([
      { done: true, value: undefined },
      "CLOSED",
      1,
    ])
  })

  it("tells what the storage threw, with the rest freed", async () => {
    const cause = new Error("stuck")
    const storage = { ...memoryStorage(), close: () => Promise.reject(cause) }
    const job = await run(counted(), { storage })
    expect(await errorFrom(() => job.close())).toEqual({
      code: "STORAGE",
      message: "the storage failed to close; see cause",
      cause,
    })
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
  })

  it("from inside a function of the job waits for the chunk", async () => {
    let closed: Promise<void> | undefined
    const job: Job<number> = await run(
      from(numbers(10)).map((n) => {
        if (n === 3) closed = job.close()
        return n
      }),
    )
    expect((await errorFrom(() => job.finished())).code).toBe("CLOSED")
    await closed
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
  })
})

describe("an AbortSignal", () => {
  const told = { code: "ABORTED", message: "the job was aborted; see cause" }

  it("that was raised before is refused, and nothing is read or held", async () => {
    const storage = closable(memoryStorage())
    const source = handFed<number>()
    const signal = AbortSignal.abort("tired")
    const refused = run(from(source, { replay: "none" }), { storage, signal })
    expect(await errorFrom(() => refused)).toEqual({ ...told, cause: "tired" })
    expect([source.asked, storage.closed]).toEqual([0, 1])
  })

  it("raised while the job opens is heard", async () => {
    const controller = new AbortController()
    const source = handFed<number>()
    const opening = run(from(source), { signal: controller.signal })
    controller.abort("changed my mind")
    expect(await errorFrom(() => opening)).toEqual({ ...told, cause: "changed my mind" })
    expect(source.left).toBe(1)
  })

  it("raised while it runs ends readers and waiters and frees everything", async () => {
    const controller = new AbortController()
    const storage = closable(memoryStorage())
    const source = handFed<number>()
    const options = { storage, signal: controller.signal }
    const job = await run(from(source, { replay: "none" }), options)
    const reader = errorFrom(() => job[Symbol.asyncIterator]().next())
    const finished = errorFrom(() => job.finished())
    await turns()
    controller.abort("enough")
    expect([await reader, await finished]).toEqual([
      { ...told, cause: "enough" },
      { ...told, cause: "enough" },
    ])
    await turns()
    expect([source.left, storage.closed]).toEqual([1, 1])
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
    await job.close()
  })

  it("raised by a function of the job, or by its source, ends it there", async () => {
    const raise = (how: (raise: () => void) => Iterable<number>) => {
      const controller = new AbortController()
      const source = how(() => controller.abort("now"))
      return errorFrom(async () =>
        (await run(from(source), { signal: controller.signal })).finished(),
      )
    }
    const inSource = await raise(function* (abort) {
      yield 1
      abort()
      yield 2
    })
    expect(inSource).toEqual({ ...told, cause: "now" })
    const controller = new AbortController()
    const job = await run(
      from(numbers(5)).tap(() => controller.abort("now")),
      { signal: controller.signal },
    )
    expect(await errorFrom(() => job.finished())).toEqual({ ...told, cause: "now" })
  })

  it("raised after the end changes nothing", async () => {
    const controller = new AbortController()
    const job = await run(counted(), { signal: controller.signal })
    await job.finished()
    controller.abort()
    await job.finished()
    expect(job.state("fold-1").get("a")).toBe(5)
    await job.close()
  })
})

describe("job.state", () => {
  it("gets, scans and lists in the order in which keys were first seen", async () => {
    const job = await run(counted())
    await job.finished()
    const state = job.state("fold-1")
    expect(state.size).toBe(5)
    expect([..."abzrc"].map((key) => state.get(key))).toEqual([5, 2, undefined, 2, 1])
    const rows = [
      ["a", 5],
      ["b", 2],
      ["r", 2],
      ["c", 1],
      ["d", 1],
    ]
    expect([...state.scan()]).toEqual(rows)
    expect(state.entries()).toEqual(rows.map(([key, value]) => ({ key, value })))
    await job.close()
  })

  it("shows records and aggregates as objects, and their fields as columns", async () => {
    const keyed = from(numbers(10))
      .map((n) => ({ n }))
      .keyBy(({ n }) => n % 2 === 0)
    const job = await run({
      record: keyed.fold(record({ last: "f64", some: "string" }), (row, { n }) => {
        row.last = n
        row.some += n
        return row
      }),
      aggregate: keyed.aggregate({ count: count(), sum: sum("n") }),
    })
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual([
      { key: true, last: 8, some: "02468" },
      { key: false, last: 9, some: "13579" },
    ])
    expect(job.state("aggregate-1").entries()).toEqual([
      { key: true, count: 5, sum: 20 },
      { key: false, count: 5, sum: 25 },
    ])
    expect(job.state("aggregate-1").get(true)).toEqual({ count: 5, sum: 20 })
    await job.close()
  })

  it("gives copies", async () => {
    const job = await run(
      from([1])
        .keyBy(() => "k")
        .fold(
          () => ({ list: [0] }),
          (state) => state,
        ),
    )
    await job.finished()
    const first = job.state("fold-1").get("k") as { list: number[] }
    first.list.push(99)
    expect(job.state("fold-1").get("k")).toEqual({ list: [0] })
    await job.close()
  })

  it("is refused inside a function of the job", async () => {
    let inside: unknown
    const job: Job<string> = await run(
      from(letters)
        .keyBy((letter) => letter)
        .map(
          (letter) => {
            inside ??= tried(() => job.state("map-1").get(letter))
            return letter
          },
          { state: { value: () => 0 } },
        ),
    )
    await job.finished()
    expect(inside).toMatchObject({
      code: "UNSUPPORTED",
      message: "job.state cannot be read inside a function of the job",
    })
    await job.close()
  })

  it("can be scanned while the job goes on, until a key comes or goes", async () => {
    const source = handFed<string>()
    const job = await run(
      from(source)
        .keyBy((letter) => letter)
        .deduplicate(),
    )
    const results = job[Symbol.asyncIterator]()
    source.give(..."abc")
    for (let i = 0; i < 3; i++) await results.next()
    const scan = job.state("deduplicate-1").scan()
    expect(scan.next().value).toEqual(["a", true])
    const next = results.next()
    source.give("b")
    await turns()
    expect(scan.next().value).toEqual(["b", true])
    source.give("d")
    await next
    expect([...job.state("deduplicate-1").scan()].map(([key]) => key)).toEqual([..."abcd"])
    await job.close()
  })

  it("reads without changing: what is old for a reader is not for a late event", async () => {
    const source = handFed<{ key: string; at: number }>()
    const events = from(source, { time: "at" }).keyBy("key").deduplicate({ ttl: 10 })
    const job = await run(events)
    const results = job[Symbol.asyncIterator]()
    source.give({ key: "a", at: 0 }, { key: "b", at: 9 })
    await results.next()
    const { value } = (await results.next()) as { value: unknown }
    expect(value).toEqual({ key: "b", at: 9 })
    const next = results.next()
    source.give({ key: "c", at: 12 })
    await next
    const state = job.state("deduplicate-1")
    expect([state.get("a"), state.get("b"), state.size]).toEqual([undefined, true, 3])
    const late = results.next()
    source.give({ key: "a", at: 8 }, { key: "d", at: 12 }) // Eight ms after the first a.
    expect((await late).value).toEqual({ key: "d", at: 12 })
    await job.close()
  })

  it("names the operators that have state when asked for another", async () => {
    const job = await run(counted())
    expect(errorIn(() => job.state("fold-2"))).toMatchObject({
      code: "OPTION",
      message: "no operator fold-2 has state; there are fold-1",
    })
    await job.close()
  })
})

describe("a plan", () => {
  it("numbers operators over the outputs in object order, shared ones once", async () => {
    const shared = from(numbers(3))
      .keyBy((n) => n)
      .deduplicate()
    const job = await run({
      b: shared
        .keyBy((n) => n)
        .fold(
          () => 0,
          (n) => n,
        ),
      a: from([7])
        .keyBy((n) => n)
        .fold(
          () => 0,
          (n) => n,
          { uid: "mine" },
        ),
      c: shared
        .keyBy((n) => n)
        .fold(
          () => 0,
          (n) => n,
        ),
    })
    expect(Object.keys(job.stats().operators)).toEqual([
      "deduplicate-1",
      "fold-1",
      "mine",
      "fold-3",
    ])
    await job.close()
  })

  it("refuses two operators of one uid", async () => {
    const twice = from([1])
      .keyBy((n) => n)
      .deduplicate({ uid: "same" })
      .deduplicate({ uid: "same" })
    expect(await errorFrom(() => run(twice))).toMatchObject({
      code: "OPTION",
      message: "two operators have the uid same",
    })
  })

  it("shows each event to every branch once, and a union puts them in order again", async () => {
    let read = 0
    const source = from(
      (function* () {
        for (; read < 3000; read++) yield read
      })(),
    )
    const branches = source
      .filter((n) => n % 3 === 0)
      .union(
        source.filter((n) => n % 3 === 1),
        source.flatMap((n) => (n % 3 === 2 ? [n, -n] : [])),
      )
    const expected = numbers(3000).flatMap((n) => (n % 3 === 2 ? [n, -n] : [n]))
    const job = await run({ branches, source })
    const results = await Promise.all([pull(job.output("branches")), pull(job.output("source"))])
    expect(results).toEqual([expected, numbers(3000)])
    await job.close()
  })

  it("ends at a take although the source says nothing", async () => {
    const source = handFed<number>()
    expect(await from(source).take(0).toArray()).toEqual([])
    expect(source.left).toBe(1)
  })

  it("emits at the end what came through a take", async () => {
    const first = from(numbers(10))
      .take(3)
      .keyBy((n) => n % 2)
    const totals = await first.aggregate({ count: count() }, { emit: "final" }).toArray()
    expect(totals).toEqual([
      { key: 0, count: 2 },
      { key: 1, count: 1 },
    ])
  })
})

describe("run", () => {
  it.each([
    ["a list", [], "run takes a stream, or an object of streams by name, not an array"],
    ["nothing", undefined, "run takes a stream, or an object of streams by name, not undefined"],
    ["no streams", {}, "run takes a stream, or an object of streams by name, not an object"],
    ["another thing", { a: 5 }, "run: output a must be a stream, not a number"],
  ])("refuses %s", async (_, streams, message) => {
    expect(await errorFrom(() => run(streams as never))).toMatchObject({ code: "OPTION", message })
  })

  it.each([
    [{ storag: memoryStorage() }, 'run has no option "storag"; did you mean "storage"?'],
    [{ storage: {} }, "run.storage must be a storage: it has no get(); it is an object"],
    [{ chunkSize: 0 }, "run.chunkSize must be a whole number from 1 to 65536, not 0"],
    [{ checkpoint: { interval: 0 } }, "run.checkpoint.interval must be above zero"],
    [
      { name: "A b" },
      "run.name must be 1 to 64 lower-case letters, digits, dots, dashes or underscores",
    ],
  ])("refuses options that make no sense: %j", async (options, message) => {
    const refused = await errorFrom(() => run(counted(), options as never))
    expect([refused.code, refused.message]).toEqual(["OPTION", message])
  })

  it("refuses a durable job whose source cannot be read again, unless it says so", async () => {
    const storage = memoryStorage()
    const once = () => new Set(numbers(3))
    expect(await errorFrom(() => run(from(once()), { storage }))).toMatchObject({
      code: "SOURCE",
      message:
        "source-1 cannot be read again after a restart: " +
        'pass { read(position) } or an array, or say replay: "none"',
    })
    const job = await run(from(once(), { replay: "none" }), { storage })
    await job.finished()
    await job.close()
  })
})

function errorIn(use: () => unknown) {
  try {
    use()
  } catch (error) {
    return errorOf(error)
  }
  throw new Error("expected an error, but the call returned")
}

const tried = errorIn
