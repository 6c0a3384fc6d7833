/** What functions that give promises leave behind: in rows of others, and in memory. */
import { describe, expect, it } from "vitest"
import { from, record, run } from "../js/index.ts"
import type { StateAccess } from "../js/index.ts"
import { errorFrom, guardRejections, pull, turns } from "./probe.ts"

guardRejections()

describe("of calls in flight", () => {
  it("one that throws at once is undone at once, before its row may be evicted", async () => {
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    const stream = from([..."bcabd"].map((k, n) => ({ k, n })))
      .keyBy("k")
      .map(
        ({ n }, state) => {
          const row = state.get()
          row.text += `text ${n}`
          if (n === 3) throw new Error("no")
          return n === 2 ? opened.then(() => row.text) : row.text
        },
        {
          concurrency: 4,
          onError: "skip",
          state: { maxSize: 2, onFull: "evict", value: record({ text: "string" }) },
        },
      )
    const job = await run(stream)
    const results = pull(job)
    await turns(10)
    open()
    expect(await results).toEqual(["text 0", "text 1", "text 2", "text 4"])
    expect(job.state("map-1").entries()).toEqual([
      { key: "a", text: "text 2" },
      { key: "d", text: "text 4" },
    ])
    await job.close()
  })

  it("those that give no promise keep no memory", async () => {
    const stream = from(Array.from({ length: 2000 }, (_, n) => ({ k: n % 50, n })))
      .keyBy("k")
      .map(
        ({ n }, state) => {
          state.get().n += 1
          if (n % 4 === 3) throw new Error("no")
          return n % 16 === 1 ? Promise.resolve(n) : n
        },
        {
          concurrency: 8,
          ordered: false,
          onError: "skip",
          state: { value: record({ n: "f64" }) },
        },
      )
    const job = await run(stream)
    const results = job[Symbol.asyncIterator]()
    for (let i = 0; i < 1000; i++) await results.next()
    const { live } = job.stats().memory
    for (let i = 1000; i < 1500; i++) await results.next()
    expect(job.stats().memory.live).toBe(live)
    await job.close()
  })

  it.each([
    ["value", undefined],
    ["record", record({ n: "f64" })],
  ])("a %s is closed to those that are over, also while they wait", async (_, type) => {
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    const uses: (() => unknown)[] = []
    const called = (letter: string, state: StateAccess<{ n: number }, { n: number }>) => {
      const row = state.get()
      if (letter === "z") return Promise.resolve(letter) // From here on, several are in flight.
      if (letter === "a") return opened.then(() => letter)
      state.set({ n: 1 })
      uses.push(
        () => state.set({ n: 2 }),
        () => state.get(),
        () => state.exists(),
        () => state.delete(),
        () => state.update(() => ({ n: 2 })),
      )
      if (type !== undefined) uses.push(() => row.n++)
      return letter === "b" ? Promise.resolve(letter) : letter
    }
    const state = { value: type ?? (() => ({ n: 0 })) }
    const stream = from([..."zabc"])
      .keyBy((letter) => letter)
      .map(called, { concurrency: 3, state })
    const job = await run(stream)
    const results = pull(job)
    await turns(10)
    const told = await Promise.all(uses.map((use) => errorFrom(async () => use())))
    const count = type === undefined ? 10 : 12
    expect(told.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => "CLOSED"))
    open()
    expect(await results).toEqual([..."zabc"])
    expect(job.state("map-1").entries()).toEqual([
      { key: "b", n: 1 },
      { key: "c", n: 1 },
    ])
    await job.close()
  })
})
