import { describe, expect, it } from "vitest"
import { count, from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { RunOptions } from "../js/index.ts"
import { contents, guardRejections, pull } from "./probe.ts"

guardRejections()

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Every event changes the state and shows it. */
const counted = (source: readonly number[]) =>
  from(source)
    .keyBy((n) => n % 3)
    .fold(
      () => ({ count: 0, sum: 0 }),
      ({ count, sum }, n) => ({ count: count + 1, sum: sum + n }),
    )

describe("a finished job", () => {
  it("emits nothing more when it is run again, and keeps its state", async () => {
    const storage = memoryStorage()
    const stream = () => counted(numbers(9))
    const first = await run(stream(), { storage })
    expect(await pull(first)).toHaveLength(9)
    const entries = first.state("fold-1").entries()
    await first.close()
    const saved = await contents(storage)

    const second = await run(stream(), { storage })
    expect(await pull(second)).toEqual([])
    expect(second.state("fold-1").entries()).toEqual(entries)
    expect(second.stats()).toMatchObject({ events: 0, position: 9, restored: { epoch: 1 } })
    await second.close()
    expect(await contents(storage)).toEqual(saved)
  })

  it("goes on when its array has grown", async () => {
    const storage = memoryStorage()
    const whole = await counted(numbers(14)).toArray()
    const results: unknown[] = []
    for (const length of [9, 14]) {
      const job = await run(counted(numbers(length)), { storage })
      results.push(...(await pull(job)))
      await job.close()
    }
    expect(results).toEqual(whole)
  })

  it("emits its end once", async () => {
    const storage = memoryStorage()
    const counts = (length: number) =>
      from(numbers(length))
        .keyBy((n) => n % 2)
        .aggregate({ count: count() }, { emit: "final" })
    const results: unknown[] = []
    for (const length of [5, 5, 6]) {
      const job = await run(counts(length), { storage })
      results.push(await pull(job))
      await job.close()
    }
    expect(results).toEqual([
      [
        { key: 0, count: 3 },
        { key: 1, count: 2 },
      ],
      [],
      [
        { key: 0, count: 3 },
        { key: 1, count: 3 },
      ],
    ])
  })

  it("that ended at a take reads nothing and changes nothing", async () => {
    const storage = memoryStorage()
    const options: RunOptions = { storage, chunkSize: 2 }
    const stream = () => counted(numbers(100)).take(3)
    const first = await run(stream(), options)
    expect(await pull(first)).toHaveLength(3)
    const entries = first.state("fold-1").entries()
    await first.close()
    const second = await run(stream(), options)
    expect(await pull(second)).toEqual([])
    expect([second.stats().events, second.state("fold-1").entries()]).toEqual([0, entries])
    await second.close()
  })

  it("goes on with another array where nothing is to be replayed", async () => {
    const storage = memoryStorage()
    const results: number[] = []
    for (const batch of [[1], [2], [3, 4]]) {
      const sums = from(batch, { replay: "none" }).scan((sum, n) => sum + n, { uid: "sum" })
      const job = await run(sums, { storage })
      results.push(...(await pull(job)))
      await job.close()
    }
    expect(results).toEqual([1, 3, 6, 10])
    const again = run(from([1], { replay: "none" }), { storage, restart: { attempts: 1 } })
    await expect(again).rejects.toMatchObject({ code: "STATE_CONFIG" })
  })

  it("emits an end that a crash cut short from its beginning", async () => {
    const storage = memoryStorage()
    const clock = manualClock()
    const options = { storage, clock, checkpoint: { interval: 1 } }
    const distinct = () =>
      from(numbers(10_000))
        .keyBy((n) => n)
        .aggregate({ count: count() }, { emit: "final" })
    const first = await run(distinct(), options)
    for await (const { key } of first) {
      clock.advance(1)
      if (key === 7000) break
    }
    const second = await run(distinct(), options)
    expect((await pull(second)).map(({ key }) => key)).toEqual(numbers(10_000))
    await second.close()
  })
})
