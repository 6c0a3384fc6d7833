/** A storage that does not answer, answers twice, or calls back into the job that uses it. */
import { afterEach, describe, expect, it, vi } from "vitest"
import { memoryStorage, run } from "../js/index.ts"
import type { Job, StateStorage } from "../js/index.ts"
import { timed } from "../js/storage/timed.ts"
import { begin, counted, full, goOn, recover } from "./fault_script.ts"
import { errorFrom, errorOf, guardRejections } from "./probe.ts"

guardRejections()
afterEach(() => void vi.useRealTimers())

/** Let timers run fast until something is over. */
async function fast<Result>(running: Promise<Result>): Promise<Result> {
  let over = false
  running.then(
    () => (over = true),
    () => (over = true),
  )
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(1000)
  }
  return running
}

const fakeTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })

const calls = ["get", "set", "delete", "list"] as const

async function begun(): Promise<StateStorage> {
  const storage = memoryStorage()
  await begin(storage)
  return storage
}

describe("a storage that never answers", () => {
  it.each(["get", "set", "list"] as const)("%s: the job fails in a minute", async (name) => {
    const storage = await begun()
    fakeTimers()
    const mute = { ...storage, [name]: () => new Promise(() => undefined) }
    const { code, message } = await fast(errorFrom(() => goOn(mute)))
    const words = `the storage has not answered ${name}() in 60000 ms`
    expect([code, message]).toEqual(["TIMEOUT", words])
    vi.useRealTimers()
    await recover(storage)
  })

  it("to close: close() fails, too, and only then", async () => {
    const storage = { ...memoryStorage(), close: () => new Promise<void>(() => undefined) }
    const job = await run(counted(9), { storage })
    await job.finished()
    fakeTimers()
    expect((await fast(errorFrom(() => job.close()))).code).toBe("TIMEOUT")
  })

  it("leaves no timer behind when it does answer", async () => {
    fakeTimers()
    await goOn(await begun())
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe("a storage that answers twice", () => {
  /** Resolves, and then something else happens, too. */
  const twice = (value: unknown, then: "resolve" | "reject") => ({
    then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
      resolve(value)
      if (then === "resolve") resolve("another")
      else reject(new Error("late"))
      throw new Error("later still")
    },
  })

  it.each(["resolve", "reject"] as const)("%s: the first answer counts", async (then) => {
    const storage = await begun()
    const answering = Object.fromEntries(
      calls.map((name) => {
        const given = storage as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
        const call = (...args: unknown[]) => given[name]?.(...args) as Promise<unknown>
        const both = (...args: unknown[]) => ({
          then: (resolve: never, reject: never) =>
            void call(...args).then((value) => {
              try {
                twice(value, then).then(resolve, reject)
              } catch {
                // Whoever calls back gets what it threw.
              }
            }, reject),
        })
        return [name, both]
      }),
    )
    await goOn(answering as unknown as StateStorage)
    await recover(storage)
  })
})

describe("a storage that calls back into its job", () => {
  it.each(["checkpoint", "close"] as const)("and waits for %s(): it times out", async (method) => {
    const inner = await begun()
    const jobs: Job<unknown>[] = []
    const storage: StateStorage = {
      ...inner,
      async set(key, value) {
        await jobs[0]?.[method]()
        await inner.set(key, value)
      },
    }
    const job = await run(counted(9), { storage })
    jobs.push(job)
    fakeTimers()
    const outcome = await fast(job.finished().then(() => "done", errorOf))
    expect(outcome).toMatchObject({ code: method === "close" ? "CLOSED" : "TIMEOUT" })
    await fast(job.close().catch(() => undefined))
    vi.useRealTimers()
    await recover(inner)
  })

  it("and begins another job of its name: the first is LOCKED out", async () => {
    const inner = await begun()
    let other: Promise<unknown> | undefined
    const storage: StateStorage = {
      ...inner,
      async set(key, value) {
        other ??= run(counted(9), { storage }).then((job) => job.close())
        await other
        await inner.set(key, value)
      },
    }
    expect((await errorFrom(() => goOn(storage))).code).toBe("LOCKED")
    await recover(inner)
  })

  it("and waits for nothing: it is done", async () => {
    const inner = await begun()
    const jobs: Job<unknown>[] = []
    const asked: Promise<unknown>[] = []
    const storage: StateStorage = {
      ...inner,
      async set(key, value) {
        for (const job of jobs) asked.push(job.checkpoint().catch(errorOf))
        await inner.set(key, value)
      },
    }
    const job = await run(counted(9), { storage })
    jobs.push(job)
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual(full)
    await job.close()
    expect(asked.length).toBeGreaterThan(0)
    await Promise.all(asked)
    await recover(inner)
  })
})

describe("a timed storage", () => {
  it("is the same one each time, with the methods of the one inside", () => {
    const storage = memoryStorage()
    expect(timed(storage)).toBe(timed(storage))
    expect(timed(timed(storage))).toBe(timed(storage))
    expect(Object.keys(timed(storage)).sort()).toEqual(Object.keys(storage).sort())
  })
})
