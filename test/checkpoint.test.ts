import { afterEach, describe, expect, it, vi } from "vitest"
import { from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { Replayable, StateStorage } from "../js/index.ts"
import { errorFrom, guardRejections, numbered, pull, turns } from "./probe.ts"

guardRejections()

afterEach(() => vi.useRealTimers())

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Every event changes the state and shows it. */
const counted = (source: readonly number[] | Replayable<number, number>) =>
  from(source as number[])
    .keyBy((n) => n % 3)
    .fold(
      () => ({ count: 0, sum: 0 }),
      ({ count, sum }, n) => ({ count: count + 1, sum: sum + n }),
    )

/** Take a checkpoint; the consumer reads on until it is there, and adds that to `pulled`. */
async function checkpointed(
  job: { checkpoint(): Promise<void> },
  results: AsyncIterator<unknown>,
  pulled: unknown[],
): Promise<void> {
  let taken = false
  const checkpoint = job.checkpoint().then(() => (taken = true))
  while (!taken) {
    const step = await Promise.race([results.next(), checkpoint.then(() => undefined)])
    if (step === undefined || step.done === true) break
    pulled.push(step.value)
  }
  await checkpoint
}

describe("a job that crashes", () => {
  const sizes = [[1], [3], [0, 1], [3, 0, 0, 2], [1000]]
  const cuts = sizes.flatMap((steps) => [1, 2, 5].map((chunkSize) => ({ steps, chunkSize })))

  it.each(cuts)("after any event goes on where it was: %j", async ({ steps, chunkSize }) => {
    const events = 11
    const whole = await counted(numbers(events)).toArray()
    for (let at = 0; at <= events; at++) {
      const storage = memoryStorage()
      const first = await run(counted(numbered(events, ...steps)), { storage, chunkSize })
      const results = first[Symbol.asyncIterator]()
      const before: unknown[] = []
      while (before.length < at) before.push((await results.next()).value)
      await checkpointed(first, results, before)

      const second = await run(counted(numbered(events, ...steps)), { storage, chunkSize })
      const position = second.stats().position
      const after = await pull(second)
      expect([before.slice(0, position), after]).toEqual([
        whole.slice(0, position),
        whole.slice(position),
      ])
      expect([position >= at, position <= at + chunkSize]).toEqual([true, true])
      expect(second.stats().events).toBe(events - position)
      await second.close()
      await first.close()
    }
  })

  it("gives again what came after the last checkpoint, and no less", async () => {
    const storage = memoryStorage()
    const clock = manualClock()
    const options = { storage, clock, checkpoint: { interval: 1 } }
    const seen: number[] = []
    const crash = async () => {
      const job = await run(from(numbers(5000)), options)
      for await (const n of job) {
        seen.push(n)
        clock.advance(1)
        if (n === 2500) throw new Error("crash")
      }
    }
    await expect(crash()).rejects.toThrow("crash")
    expect(seen).toEqual(numbers(2501))

    const job = await run(from(numbers(5000)), options)
    expect(job.stats().restored).toEqual({ epoch: 2, position: 2048, skipped: [] })
    expect(await pull(job)).toEqual(numbers(5000).slice(2048))
    await job.close()
  })

  it("goes on with an object that the source changes and gives again as its position", async () => {
    const source: Replayable<number, { at: number }> = {
      async *read(from = { at: 0 }) {
        const position = { at: from.at }
        while (position.at < 10) {
          const events = [position.at++, position.at++]
          yield { events, position }
        }
      },
    }
    const storage = memoryStorage()
    const first = await run(from(source), { storage, chunkSize: 1 })
    const results = first[Symbol.asyncIterator]()
    const before: unknown[] = [(await results.next()).value, (await results.next()).value]
    before.push((await results.next()).value)
    await checkpointed(first, results, before)
    const second = await run(from(source), { storage })
    expect([...before.slice(0, second.stats().position), ...(await pull(second))]).toEqual(
      numbers(10),
    )
    await second.close()
    await first.close()
  })
})

describe("a checkpoint", () => {
  it("is taken at the interval, and not before", async () => {
    const clock = manualClock(1e12)
    const options = {
      storage: memoryStorage(),
      clock,
      chunkSize: 1,
      checkpoint: { interval: "10s" },
    } as const
    const job = await run(from(numbers(9)), options)
    const completed: number[] = []
    for await (const _ of job) {
      completed.push(job.stats().checkpoints.completed)
      clock.advance(4000)
    }
    expect(completed).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
    expect(job.stats().checkpoints).toEqual({ completed: 4, failed: 0, last: 4 })
    await job.close()
  })

  it("waits until every result was handed out and the consumer asks for the next", async () => {
    const job = await run(from(numbers(5000)), { storage: memoryStorage() })
    const results = job[Symbol.asyncIterator]()
    const last = () => job.stats().checkpoints.last
    await results.next()
    const taken = job.checkpoint()
    for (let n = 1; n < 1024; n++) await results.next()
    await turns(20)
    expect([last(), job.stats().events]).toEqual([undefined, 1024])
    await results.next()
    await taken
    expect(last()).toBe(1)
    await job.close()
  })

  it("waits for the consumers of all claimed outputs", async () => {
    const source = from(numbers(10))
    const job = await run({ a: source, b: source }, { storage: memoryStorage() })
    const [a, b] = [job.output("a"), job.output("b")]
    const reading = pull(a)
    const taken = job.checkpoint().then(() => job.stats().checkpoints.last)
    await turns(20)
    expect(job.stats().checkpoints.last).toBe(undefined)
    expect(await pull(b)).toEqual(numbers(10))
    expect([await reading, await taken]).toEqual([numbers(10), 1])
    await job.close()
  })

  it("is given up after the timeout, counted, and the job goes on", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
    const options = { storage: memoryStorage(), checkpoint: { timeout: "1m" } } as const
    const job = await run(from(numbers(3000)), options)
    const results = job[Symbol.asyncIterator]()
    const before: unknown[] = [(await results.next()).value]
    const refused = errorFrom(() => job.checkpoint())
    await turns()
    vi.advanceTimersByTime(59_999)
    await turns()
    expect(job.stats().checkpoints.failed).toBe(0)
    vi.advanceTimersByTime(1)
    expect(await refused).toEqual({
      code: "LIMIT",
      message: "no checkpoint: consumers took over 60000 ms",
      cause: undefined,
    })
    expect(job.stats().checkpoints).toEqual({ completed: 0, failed: 1, last: undefined })
    expect([...before, ...(await pull(job))]).toEqual(numbers(3000))
    expect(job.stats().checkpoints).toEqual({ completed: 1, failed: 1, last: 1 })
    await job.close()
  })

  it("needs a storage", async () => {
    const job = await run(from([1]))
    expect(await errorFrom(() => job.checkpoint())).toMatchObject({
      code: "OPTION",
      message: "checkpoint() needs run({ storage })",
    })
    await job.close()
  })

  it("of a source's position that is no plain data is SERIALIZATION", async () => {
    const source = {
      async *read() {
        yield { events: [1], position: (() => 1) as unknown as number }
      },
    }
    const job = await run(from(source), { storage: memoryStorage() })
    expect((await errorFrom(() => job.finished())).code).toBe("SERIALIZATION")
    await job.close()
  })

  it("is whole although somebody looks at the state while it is written", async () => {
    const memory = memoryStorage()
    let look = () => {}
    const storage: StateStorage = {
      ...memory,
      async set(key, value) {
        look()
        await turns(1)
        look()
        await memory.set(key, value)
      },
    }
    const large = () =>
      from(numbers(3000))
        .keyBy((n) => n % 1500)
        .fold(
          () => ({ text: "", n: 0 }),
          (_, n) => ({ text: "x".repeat(2000), n }),
          { state: { ttl: "1h" } },
        )
    for (let round = 0; round < 3; round++) {
      const job = await run(large(), { storage })
      look = () => {
        job.state("fold-1").get(round)
        job.state("fold-1").entries()
      }
      if (round === 0) await job.finished()
      else await job.checkpoint()
      expect(job.state("fold-1").entries()).toEqual(
        numbers(1500).map((key) => ({ key, text: "x".repeat(2000), n: key + 1500 })),
      )
      await job.close()
    }
  })
})
