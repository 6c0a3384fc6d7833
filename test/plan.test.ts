import { describe, expect, it } from "vitest"
import { count, from, memoryStorage, run } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pull } from "./probe.ts"

guardRejections()

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

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
    [{ checkpoint: { interval: 0 } }, "run.checkpoint.interval cannot be zero"],
    [
      { name: "A b" },
      "run.name must be 1 to 64 lower-case letters, digits, dots, dashes or underscores",
    ],
  ])("refuses options that make no sense: %j", async (options, message) => {
    const refused = await errorFrom(() => run(from([1]), options as never))
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
