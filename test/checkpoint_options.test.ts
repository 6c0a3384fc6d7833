import { afterEach, describe, expect, it, vi } from "vitest"
import { from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { RunOptions, StateStorage } from "../js/index.ts"
import { contents, errorFrom, guardRejections, numbered, turns, fourMethods } from "./probe.ts"

guardRejections()

afterEach(() => vi.useRealTimers())

const cause = new Error("the disk is full")

/** Counts by key; each event changes one of three. */
const counted = (events = 9) =>
  from(numbered(events, 1))
    .keyBy((n) => n % 3)
    .fold(
      () => 0,
      (n) => n + 1,
    )

/** A storage of which these calls to write fail, counted from 0. */
function failing(...calls: number[]): StateStorage {
  const memory = fourMethods(memoryStorage())
  let call = 0
  const set: StateStorage["set"] = (key, value) =>
    calls.includes(call++) ? Promise.reject(cause) : memory.set(key, value)
  return { ...memory, set }
}

/** Notes what a job tells; how long things took is left out. */
function noted(): { said: unknown[]; on: NonNullable<RunOptions["on"]> } {
  const said: unknown[] = []
  return {
    said,
    on: {
      checkpoint: ({ epoch, bytes }) => said.push(["checkpoint", epoch, bytes > 0]),
      checkpointFailed: ({ failures }) => said.push(["failed", failures]),
      restored: ({ epoch, position }) => said.push(["restored", epoch, position]),
    },
  }
}

describe("checkpoints that take longer than the interval", () => {
  it("let the stream get on in between", async () => {
    const clock = manualClock()
    const memory = memoryStorage()
    let commits = 0
    const storage: StateStorage = {
      ...memory,
      commit(...given) {
        clock.advance(10)
        return ++commits > 100 ? Promise.reject(cause) : memory.commit(...given)
      },
    }
    const taken: number[] = []
    const sink = {
      delivery: "at-least-once",
      write(results: readonly number[]): void {
        taken.push(...results)
        clock.advance(3)
      },
    } as const
    const options = { storage, clock, checkpoint: { interval: 5 }, chunkSize: 1 }
    const job = await run(counted().to(sink), options)
    await job.finished()
    await job.close()
    expect(taken).toHaveLength(9)
    expect(commits).toBeGreaterThan(2)
  })
})

describe("checkpoints that are asked for one after the other", () => {
  it("let the stream get on in between", async () => {
    const job = await run(counted(10), { storage: memoryStorage() })
    const finished = job.finished()
    for (let asked = 0; asked < 100 && job.stats().events < 10; asked++) await job.checkpoint()
    expect(job.stats().events).toBe(10)
    await finished
    await job.close()
  })
})

describe("checkpoints that fail", () => {
  it("end the job, unless they are tolerated", async () => {
    const job = await run(counted(), { storage: failing(0) })
    expect(await errorFrom(() => job.finished())).toMatchObject({ code: "STORAGE", cause })
    await job.close()
  })

  it("are tolerated so many in a row, and what they had is in the next one", async () => {
    const storage = failing(0, 4)
    const clock = manualClock()
    const { said, on } = noted()
    const checkpoint = { interval: 1, tolerableFailures: 1 }
    const job = await run(counted(), { storage, clock, on, checkpoint, chunkSize: 1 })
    for await (const _ of job) clock.advance(1)
    expect(said.slice(0, 4)).toEqual([
      ["failed", 1],
      ["checkpoint", 2, true],
      ["failed", 1], // Its segment was written, and its manifest was not.
      ["checkpoint", 4, true],
    ])
    expect(job.stats().checkpoints).toMatchObject({ failed: 2 })
    await job.close()
    const again = await run(counted(), { storage, on })
    expect(again.state("fold-1").entries()).toEqual([0, 1, 2].map((key) => ({ key, value: 3 })))
    expect(said.at(-1)).toEqual(["restored", again.stats().restored?.epoch, 9])
    await again.close()
  })

  it("end the job when one more fails in a row", async () => {
    const { said, on } = noted()
    const checkpoint = { tolerableFailures: 1 }
    const job = await run(counted(), { storage: failing(0, 1), on, checkpoint })
    expect(await errorFrom(() => job.checkpoint())).toMatchObject({ code: "STORAGE", cause })
    expect(await errorFrom(() => job.finished())).toMatchObject({ code: "STORAGE", cause })
    expect(said).toEqual([
      ["failed", 1],
      ["failed", 2],
    ])
    await job.close()
  })

  it("are tried again at the end, as far as they are tolerated", async () => {
    const storage = failing(0, 2)
    const { said, on } = noted()
    const job = await run(counted(), { storage, on, checkpoint: { tolerableFailures: 2 } })
    await job.finished()
    await job.close()
    expect(said).toEqual([
      ["failed", 1],
      ["failed", 2],
      ["checkpoint", 3, true],
    ])
    expect(Object.keys(await contents(storage))).toEqual([
      "job/manifest/000000000003",
      "job/segment/000000000003-1-0",
    ])
  })

  it("are given up when the storage does not settle in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
    const memory = fourMethods(memoryStorage())
    let hangs = true
    const set: StateStorage["set"] = (key, value) =>
      hangs ? new Promise(() => undefined) : memory.set(key, value)
    const checkpoint = { timeout: "1m", tolerableFailures: 1 } as const
    const job = await run(counted(), { storage: { ...memory, set }, checkpoint })
    const refused = errorFrom(() => job.checkpoint())
    await turns()
    vi.advanceTimersByTime(59_999)
    await turns()
    expect(job.stats().checkpoints.failed).toBe(0)
    vi.advanceTimersByTime(1)
    expect(await refused).toMatchObject({
      code: "STORAGE",
      message: "the storage took longer than checkpoint.timeout",
    })
    hangs = false
    await job.checkpoint()
    expect(job.stats().checkpoints).toEqual({ completed: 1, failed: 1, last: 2 })
    await job.close()
  })
})

describe("checkpoints at an interval", () => {
  it("leave a pause between the end of one and the next", async () => {
    for (const minPause of [0, 3, 7]) {
      const clock = manualClock(0)
      const memory = fourMethods(memoryStorage())
      const began: number[] = []
      const set: StateStorage["set"] = (key, value) => {
        if (key.includes("manifest")) began.push(clock.now())
        clock.advance(1)
        return memory.set(key, value)
      }
      const checkpoint = { interval: 5, minPause }
      const storage = { ...memory, set }
      const job = await run(counted(30), { storage, clock, checkpoint, chunkSize: 1 })
      for await (const _ of job) clock.advance(1)
      const pauses = began.slice(1, 4).map((at, i) => at - (began[i] as number))
      const least = Math.max(5, minPause + 1) // Events go on meanwhile, and move the clock, too.
      for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(least)
      await job.close()
    }
  })

  it.each([
    [{ checkpoint: { tolerableFailures: -1 } }],
    [{ checkpoint: { minPause: "soon" } }],
    [{ checkpoint: { intervall: 1 } }],
    [{ on: { checkpoints: () => undefined } }],
    [{ on: { restored: 1 } }],
  ])("refuse options that they do not know: %j", async (options) => {
    expect((await errorFrom(() => run(counted(), options as RunOptions))).code).toBe("OPTION")
  })

  it("name what state is, exactly-once, and have no mode that would be less", async () => {
    const job = await run(counted(), { checkpoint: { mode: "exactly-once" } })
    await job.close()
    for (const [mode, code] of [
      ["at-least-once", "UNSUPPORTED"],
      ["twice", "OPTION"],
    ]) {
      const options = { checkpoint: { mode } } as unknown as RunOptions
      expect((await errorFrom(() => run(counted(), options))).code).toBe(code)
    }
  })
})

describe("a listener that throws", () => {
  it("ends the job", async () => {
    const oops = new Error("oops")
    const thrown = (): never => {
      throw oops
    }
    const told = (name: string) => {
      return { code: "USER_FUNCTION", message: `on.${name} threw; see cause`, cause: oops }
    }
    const storage = fourMethods(memoryStorage())
    const job = await run(counted(), { storage, on: { checkpoint: thrown } })
    expect(await errorFrom(() => job.finished())).toEqual(told("checkpoint"))
    await job.close()
    const restored = run(counted(), { storage, on: { restored: thrown } })
    expect(await errorFrom(() => restored)).toEqual(told("restored"))
    const on = { checkpointFailed: thrown }
    const failed = await run(counted(12), { storage: failing(0), on })
    expect(await errorFrom(() => failed.finished())).toEqual(told("checkpointFailed"))
    await failed.close()
  })
})
