/** concat over restarts: what was over stays over. */
import { describe, expect, it } from "vitest"
import { count, from, memoryStorage, run } from "../js/index.ts"
import type { Replayable, Stream } from "../js/index.ts"
import { guardRejections, handFed, numbered, pull } from "./probe.ts"

guardRejections()

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Totals of each parity, when the source has ended. */
const totals = (events: Stream<number>) =>
  events
    .keyBy((n) => n % 2)
    .aggregate({ count: count() }, { emit: "final" })
    .map(({ key, count }) => `${key}: ${count}`)

/** These numbers, and then nothing, for ever. */
const endless = (...events: number[]) => ({
  async *read() {
    yield { events, position: 1 }
    await new Promise<never>(() => undefined)
  },
})

describe("a restart in a concat", () => {
  const parts = () =>
    totals(from(numbered(5, 2)))
      .concat(
        from(numbered(9, 3)).take(4).map(String),
        totals(from(upTo(2)).concat(from(upTo(3)))),
        from(numbered(3, 1)).map((n) => `last ${n}`),
      )
      .scan((before, text) => `${before}, ${text}`)

  it.each([1, 2, 1024])("after any result goes on where it was, by %i", async (chunkSize) => {
    const whole = await parts().toArray()
    expect(whole.at(-1)).toBe("0: 3, 1: 2, 0, 1, 2, 3, 0: 3, 1: 2, last 0, last 1, last 2")
    for (let at = 0; at < whole.length; at++) {
      const storage = memoryStorage()
      const first = await run(parts(), { storage, chunkSize })
      const results = first[Symbol.asyncIterator]()
      const before: unknown[] = []
      while (before.length < at) before.push((await results.next()).value)
      let taken = false
      const checkpoint = first.checkpoint().then(() => (taken = true))
      while (!taken) {
        const step = await Promise.race([results.next(), checkpoint])
        if (typeof step === "object" && !step.done) before.push(step.value)
      }
      await first.close()
      const second = await run(parts(), { storage, chunkSize })
      const after = await pull(second)
      // A result that came with the checkpoint was handed out before it.
      expect([...before.slice(0, whole.length - after.length), ...after]).toEqual(whole)
      await second.close()
    }
  })

  it("does not read again what was over, even if it has grown; the last may grow", async () => {
    const storage = memoryStorage()
    const results: unknown[] = []
    for (const [first, second] of [
      [3, 2],
      [3, 2],
      [9, 4],
    ] as const) {
      const all = totals(from(upTo(first))).concat(from(upTo(second)).map(String))
      const job = await run(all, { storage })
      results.push(await pull(job))
      await job.close()
    }
    expect(results).toEqual([["0: 2", "1: 1", "0", "1"], [], ["2", "3"]])
  })

  it("keeps the place where a stream that is over was left", async () => {
    const storage = memoryStorage()
    let reads = 0
    const first = () => {
      const nine = numbered(9, 2)
      return from({ read: (position?: number) => (reads++, nine.read(position)) }).take(3)
    }
    const second = (length: number) => from(upTo(length).map((n) => 10 + n))
    const results: number[][] = []
    for (const stream of [
      first().concat(second(1)),
      first().concat(second(2)),
      first().skip(0).union(second(3)),
    ]) {
      const job = await run(stream, { storage, chunkSize: 1 })
      results.push(await pull(job))
      results.push([reads, job.stats().position])
      await job.close()
    }
    expect(results).toEqual([[0, 1, 2, 10], [1, 4], [11], [1, 5], [12], [2, 12]])
  })

  it.each([
    ["ends", () => from([7, 8])],
    ["wants no more", () => from(endless(7, 8, 9)).take(2)],
  ])("does not wait for a source that a take has left, if the next %s", async (_, next) => {
    const storage = memoryStorage()
    const silent = { read: () => handFed<{ events: number[]; position: number }>() }
    const all = (source: Replayable<number, number>) => from(source).take(1).concat(next())
    const first = await run(all(endless(1, 2)), { storage, chunkSize: 1 })
    const results = first[Symbol.asyncIterator]()
    expect((await results.next()).value).toBe(1)
    const [taken, waiting] = [first.checkpoint(), results.next()]
    await taken
    await first.close()
    await waiting
    const second = await run(all(silent), { storage, chunkSize: 1 })
    expect(await pull(second)).toEqual([7, 8])
    await second.close()
  })
})
