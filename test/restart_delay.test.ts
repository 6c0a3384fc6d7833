import { describe, expect, it } from "vitest"
import { from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { Replayable, RunOptions } from "../js/index.ts"
import { errorFrom, guardRejections, numbered, turns } from "./probe.ts"
import { broken, counted, events, failingAt, noted, passing } from "./restarts.ts"

guardRejections()

describe("the delay", () => {
  it("doubles up to maxDelay, and the last error is told as it was", async () => {
    const clock = manualClock()
    const { said, on } = noted(clock)
    const restart = { attempts: 5, delay: 10, maxDelay: 40 }
    const options = { storage: memoryStorage(), restart, clock, on }
    const broke = () => {
      throw broken
    }
    const job = await run(counted(undefined, broke), options)
    const done = job.finished()
    await passing(clock, done)
    expect(await errorFrom(() => done)).toEqual({
      code: "USER_FUNCTION",
      message: "tap-1: event 0: the function threw Error",
      cause: broken,
    })
    expect(said).toEqual([
      [10, broken, 1],
      [30, broken, 2],
      [70, broken, 3],
      [110, broken, 4],
      [150, broken, 5],
    ])
    await job.close()
  })

  it("and the attempts are counted anew after a long time without an error", async () => {
    const clock = manualClock()
    const { said, on } = noted(clock)
    const restart = { attempts: 1, delay: 10, resetAfter: 100 }
    const options = { storage: memoryStorage(), restart, clock, on, chunkSize: 1 }
    const slow: Replayable<number, number> = {
      async *read(position) {
        for await (const step of numbered(events, 1).read(position)) {
          await new Promise<void>((resolve) => void clock.after(60, resolve))
          yield step
        }
      },
    }
    const job = await run(counted(slow, failingAt(3, 4)), options)
    const done = job.finished()
    await passing(clock, done)
    // Two steps, then an error: 180 ms in all; the one after it comes too soon.
    expect((await errorFrom(() => done)).code).toBe("USER_FUNCTION")
    expect(said).toEqual([[190, broken, 1]])
    await job.close()

    const patient = await run(counted(slow, failingAt(3, 6)), {
      ...options,
      storage: memoryStorage(),
    })
    const all = patient.finished()
    await passing(clock, all)
    await all
    expect(patient.stats().restarts).toBe(2)
    await patient.close()
  })

  it.each(["close", "abort"] as const)("ends at once by %s", async (how) => {
    const clock = manualClock()
    const controller = new AbortController()
    const options = {
      storage: memoryStorage(),
      restart: { delay: "1h" },
      signal: controller.signal,
      clock,
    } as const
    const job = await run(counted(undefined, failingAt(1)), options)
    const done = job.finished()
    await turns(20)
    expect(job.stats()).toMatchObject({ events: 1, restarts: 0 })
    const ended = errorFrom(() => done)
    if (how === "close") await job.close()
    else controller.abort()
    expect((await ended).code).toBe(how === "close" ? "CLOSED" : "ABORTED")
    await job.close()
  })
})

describe("a job is not restarted", () => {
  const storage = () => memoryStorage()

  it("after an error that comes again: another one has its state", async () => {
    const clock = manualClock()
    const shared = memoryStorage()
    const { said, on } = noted(clock)
    const job = await run(counted(), { storage: { ...shared }, restart: {}, clock, on })
    const other = await run(counted(), { storage: shared })
    expect((await errorFrom(() => job.finished())).code).toBe("LOCKED")
    expect(said).toEqual([])
    await other.close()
    await job.close()
  })

  it.each([
    ["without a storage", counted(), {}, "OPTION", /storage/],
    ["from a stream", counted(), { storage: storage(), from: [] }, "OPTION", /bytes/],
    [
      "with a source that is read once",
      from((async function* () {})(), { replay: "none" }),
      { storage: storage() },
      "STATE_CONFIG",
      /source-1 cannot be read again/,
    ],
  ] as const)("%s: that is refused", async (_, stream, options, code, message) => {
    const error = await errorFrom(() => run(stream, { ...options, restart: {} }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  it.each([
    { attempts: 0 },
    { attempts: Infinity },
    { delay: 0 },
    { delay: "2m", maxDelay: "1m" },
    { attempt: 1 },
    true,
  ])("by options that make no sense: %j", async (restart) => {
    const options = { storage: storage(), restart } as unknown as RunOptions
    expect((await errorFrom(() => run(counted(), options))).code).toBe("OPTION")
  })
})
