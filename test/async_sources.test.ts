import { Readable } from "node:stream"
import { describe, expect, it } from "vitest"
import { from, run } from "../js/index.ts"
import { guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

async function* later() {
  yield* [1, 2, 3]
}

describe("a slow source", () => {
  it("gives an event that is there although the next never comes", async () => {
    const source = handFed<number>()
    const results = from(source)[Symbol.asyncIterator]()
    source.give(1)
    expect(await results.next()).toEqual({ done: false, value: 1 })
    const next = results.next()
    source.give(2)
    expect(await next).toEqual({ done: false, value: 2 })
    await results.return?.()
  })

  it("does not stop a quick one", async () => {
    const slow = handFed<string>()
    const both = from(slow).union(from(["a", "b"]))
    const results = both[Symbol.asyncIterator]()
    expect([await results.next(), await results.next()].map(({ value }) => value)).toEqual([
      "a",
      "b",
    ])
    slow.give("late")
    expect((await results.next()).value).toBe("late")
    slow.end()
    expect((await results.next()).done).toBe(true)
  })

  it("is asked for no more than one chunk ahead", async () => {
    const source = handFed<number>()
    const job = await run(from(source), { chunkSize: 10 })
    source.give(...Array.from({ length: 5000 }, (_, n) => n))
    await pull(job, 1)
    await turns(20)
    expect(source.asked).toBeLessThanOrEqual(21)
    await job.close()
  })
})

describe("leaving early", () => {
  it.each([
    ["between two events", true],
    ["while a source that never gives its next event is waited for", false],
  ])("ends the source once: %s", async (_, between) => {
    const source = handFed<number>()
    source.give(1, 2)
    const results = from(source)[Symbol.asyncIterator]()
    await results.next()
    if (!between) await results.next()
    const waiting = between ? undefined : results.next()
    await results.return?.()
    await results.return?.()
    expect([source.left, await waiting]).toEqual([
      1,
      between ? undefined : { done: true, value: undefined },
    ])
  })

  it("runs a generator's finally, and forgives what it throws", async () => {
    let ended = 0
    function* source() {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        ended++
        JSON.parse("too late to tell")
      }
    }
    for await (const n of from(source())) if (n === 3) break
    expect(ended).toBe(1)
  })

  it("cancels a web stream once, with a read pending", async () => {
    let cancelled = 0
    const source = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel: () => void cancelled++,
    })
    const results = from(source)[Symbol.asyncIterator]()
    await results.next()
    const waiting = results.next()
    await turns()
    await results.return?.()
    expect([cancelled, await waiting]).toEqual([1, { done: true, value: undefined }])
  })

  it("destroys a Node stream", async () => {
    const source = Readable.from(later())
    for await (const _ of from(source as AsyncIterable<number>)) break
    await turns()
    expect(source.destroyed).toBe(true)
  })

  it("before the first pull reads nothing, and the stream is over", async () => {
    const source = handFed<number>()
    const results = from(source)[Symbol.asyncIterator]()
    await results.return?.()
    expect([await results.next(), source.asked, source.left]).toEqual([
      { done: true, value: undefined },
      0,
      0,
    ])
  })
})
