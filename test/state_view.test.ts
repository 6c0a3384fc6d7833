import { describe, expect, it } from "vitest"
import { boundedDisorder, count, from, record, run, sum } from "../js/index.ts"
import type { Job } from "../js/index.ts"
import { errorOf, guardRejections, handFed, turns } from "./probe.ts"

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

function errorIn(use: () => unknown) {
  try {
    use()
  } catch (error) {
    return errorOf(error)
  }
  throw new Error("expected an error, but the call returned")
}

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

  it("is refused inside a function of the job, and while one is in flight", async () => {
    let inside: unknown
    const job: Job<string> = await run(
      from(letters)
        .keyBy((letter) => letter)
        .map(
          (letter) => {
            inside ??= errorIn(() => job.state("map-1").get(letter))
            return letter
          },
          { state: { value: () => 0 } },
        ),
    )
    await job.finished()
    expect(inside).toMatchObject({
      code: "UNSUPPORTED",
      message: "job.state cannot be read while a function of the job runs or is waited for",
    })
    await job.close()
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    const waiting = await run(
      from(letters)
        .keyBy((letter) => letter)
        .map(() => opened, { state: { value: () => 0 } }),
    )
    const finished = waiting.finished()
    await new Promise((resolve) => setImmediate(resolve))
    expect(errorIn(() => waiting.state("map-1").get("a"))).toMatchObject(inside as object)
    open()
    await finished
    await waiting.close()
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

  it("judges age at the watermark, and changes nothing by reading", async () => {
    const source = handFed<{ key: string; at: number }>()
    const events = from(source, { time: "at", watermark: boundedDisorder(5) })
    const job = await run(events.keyBy("key").deduplicate({ ttl: 10 }))
    const results = job[Symbol.asyncIterator]()
    source.give({ key: "a", at: 0 }, { key: "b", at: 9 }, { key: "c", at: 16 })
    for (let i = 0; i < 3; i++) await results.next()
    const state = job.state("deduplicate-1")
    const scan = state.scan()
    expect(scan.next().value).toEqual(["b", true])
    expect([state.get("a"), state.get("b"), state.size]).toEqual([undefined, true, 3])
    expect(scan.next().value).toEqual(["c", true])
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
