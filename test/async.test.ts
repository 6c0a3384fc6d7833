/** Functions that give promises. */
import { describe, expect, it } from "vitest"
import { from, manualClock, memoryStorage, record, run } from "../js/index.ts"
import type { StateAccess } from "../js/index.ts"
import { errorFrom, guardRejections, pull, turns } from "./probe.ts"

guardRejections()

/** Promises that a test settles by name. */
function gates() {
  const open = new Map<unknown, (value: unknown) => void>()
  return {
    wait: (name: unknown) => new Promise<unknown>((resolve) => void open.set(name, resolve)),
    get waiting() {
      return [...open.keys()]
    },
    async open(name: unknown): Promise<void> {
      open.get(name)?.(name)
      open.delete(name)
      await turns()
    },
  }
}

interface Hit {
  readonly k: string
  readonly n: number
}

const hits = (text: string): Hit[] => [...text].map((k, n) => ({ k, n }))
const id = ({ k, n }: Hit) => `${k}${n}`

describe("functions over state that give promises", () => {
  it("wait for their own key, and for others beyond the concurrency", async () => {
    const gate = gates()
    const results: string[] = []
    const stream = from(hits("xaabcd"))
      .keyBy("k")
      .map(
        async (hit, state) => {
          if (hit.k !== "x") await gate.wait(id(hit))
          return `${id(hit)}:${state.update((seen) => seen + 1)}`
        },
        { concurrency: 3, state: { value: () => 0 } },
      )
    const job = await run(stream)
    const read = (async () => {
      for await (const result of job) results.push(result)
    })()
    await turns(10)
    const steps: unknown[] = [gate.waiting]
    for (const name of ["b3", "a1", "c4", "a2", "d5"]) {
      await gate.open(name)
      steps.push([name, gate.waiting])
    }
    await read
    await job.close()
    expect(steps).toEqual([
      ["a1", "b3", "c4"],
      ["b3", ["a1", "c4", "d5"]],
      ["a1", ["c4", "d5", "a2"]],
      ["c4", ["d5", "a2"]],
      ["a2", ["d5"]],
      ["d5", []],
    ])
    expect(results).toEqual(["x0:1", "a1:1", "a2:2", "b3:1", "c4:1", "d5:1"])
  })

  it("let a key go on before slower ones, unless results are ordered", async () => {
    const begun = async (ordered: boolean) => {
      const gate = gates()
      const stream = from(hits("xabb"))
        .keyBy("k")
        .map(
          async (hit, state) => {
            await gate.wait(id(hit))
            return state.update((n) => n + 1)
          },
          { concurrency: 2, ordered, state: { value: () => 0 } },
        )
      const job = await run(stream)
      const read = pull(job)
      await turns()
      await gate.open("x0")
      await gate.open("b2")
      const waiting = gate.waiting
      for (const name of ["a1", "b3"]) await gate.open(name)
      expect(await read).toEqual([1, 1, 1, 2])
      await job.close()
      return waiting
    }
    expect([await begun(true), await begun(false)]).toEqual([["a1"], ["a1", "b3"]])
  })

  it("keep their accessors until they settle, and no longer", async () => {
    const kept: StateAccess<{ n: number }>[] = []
    const views: { n: number }[] = []
    const stream = from(hits("aaa"))
      .keyBy("k")
      .map(
        async (_, state) => {
          const row = state.get()
          row.n += 1
          await Promise.resolve()
          row.n += 10
          kept.push(state)
          views.push(row)
          return row
        },
        { state: { value: record({ n: "f64" }) } },
      )
    expect(await stream.toArray()).toEqual([{ n: 11 }, { n: 22 }, { n: 33 }])
    const closed = "state was used after the call that it was given to"
    for (const state of kept) {
      for (const use of [() => state.get(), () => state.set({ n: 1 }), () => state.exists()]) {
        expect(use).toThrow(closed)
      }
    }
    for (const view of views) expect(() => view.n).toThrow(closed)
  })

  it("are undone whole when they fail, also after waiting", async () => {
    const stream = from(hits("abab"))
      .keyBy("k")
      .map(
        async ({ k, n }, state) => {
          const row = state.get()
          row.text += n
          await Promise.resolve()
          row.text += "!"
          if (n === 2) throw new Error("no")
          return [k, row.text]
        },
        { onError: "skip", concurrency: 4, state: { value: record({ text: "string" }) } },
      )
    expect(await stream.toArray()).toEqual([
      ["a", "0!"],
      ["b", "1!"],
      ["b", "1!3!"],
    ])
  })

  it("have no more effect once the job is closed", async () => {
    const gate = gates()
    const later: unknown[] = []
    const stream = from(hits("ab"))
      .keyBy("k")
      .map(async (hit, state) => {
        await gate.wait(id(hit))
        try {
          state.set(hit.n)
        } catch (error) {
          later.push((error as { code: string }).code)
          throw error
        }
      })
    const job = await run(stream, { clock: manualClock() })
    const read = pull(job)
    await turns()
    await job.close()
    await gate.open("a0")
    expect([await read, later]).toEqual([[], ["CLOSED"]])
  })

  it("are waited for by checkpoints", async () => {
    const gate = gates()
    const storage = memoryStorage()
    const make = () =>
      from(hits("aa"))
        .keyBy("k")
        .map(
          async (hit, state) => {
            const seen = state.update((n) => n + 1)
            await gate.wait(id(hit))
            return seen
          },
          { state: { value: () => 0 } },
        )
    const job = await run(make(), { storage })
    const results = job[Symbol.asyncIterator]()
    const [first, second] = [results.next(), results.next()]
    await turns(10)
    const taken = job.checkpoint()
    let saved = false
    void taken.then(() => (saved = true)).catch(() => undefined)
    await turns(10)
    expect(saved).toBe(false)
    await gate.open("a0")
    expect((await first).value).toBe(1)
    await taken
    await job.close()
    await second
    const again = await run(make(), { storage })
    const rest = pull(again)
    await turns(10)
    await gate.open("a1")
    await gate.open("a1")
    expect(await rest).toEqual([2])
    await again.close()
  })

  it("hold a checkpoint up no longer than its timeout", async () => {
    const clock = manualClock()
    const gate = gates()
    const options = { storage: memoryStorage(), checkpoint: { timeout: 1 }, clock }
    const stream = from(hits("aa"))
      .keyBy("k")
      .map(async (hit) => gate.wait(id(hit)))
    const job = await run(stream, options)
    const results = pull(job)
    await turns(10)
    const taken = errorFrom(() => job.checkpoint())
    await turns(10)
    clock.advance(1)
    expect(await taken).toMatchObject({
      code: "LIMIT",
      message: "no checkpoint: functions took over 1 ms",
    })
    await gate.open("a0")
    await turns(10)
    await gate.open("a1")
    expect(await results).toEqual(["a0", "a1"])
    expect(job.stats().checkpoints).toEqual({ completed: 1, failed: 1, last: 1 })
    await job.close()
  })

  it("save nothing once they have failed: the event comes again", async () => {
    const storage = memoryStorage()
    const gate = gates()
    const make = (fails: boolean) =>
      from(hits("aa"))
        .keyBy("k")
        .map(async ({ n }) => {
          if (n === 1) await gate.wait("a1")
          if (n === 1 && fails) throw new Error("no")
          return n
        })
    const job = await run(make(true), { storage })
    const results = job[Symbol.asyncIterator]()
    expect((await results.next()).value).toBe(0)
    const second = errorFrom(() => results.next())
    await turns(10)
    const taken = errorFrom(() => job.checkpoint())
    await gate.open("a1")
    expect((await second).code).toBe("USER_FUNCTION")
    expect((await taken).code).toBe("CLOSED")
    await job.close()
    const again = await run(make(false), { storage })
    const all = pull(again)
    await turns(10)
    await gate.open("a1")
    expect(await all).toEqual([0, 1])
    await again.close()
  })

  it("give the first results soon, however many events there are", async () => {
    let calls = 0
    const stream = from(hits("ab".repeat(1000)))
      .keyBy("k")
      .map(async () => ++calls)
    for await (const result of stream) {
      expect([result, calls]).toEqual([1, 1])
      break
    }
  })
})
