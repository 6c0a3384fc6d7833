import { describe, expect, it } from "vitest"
import { manualClock, memoryStorage, run } from "../js/index.ts"
import type { Replayable } from "../js/index.ts"
import { fourMethods, guardRejections, numbered, pull, turns } from "./probe.ts"
import { broken, counted, events, failingAt, noted, passing, whole } from "./restarts.ts"
import { TestSink } from "./test_sink.ts"

guardRejections()

describe("a job that may be restarted", () => {
  it("goes on from the last checkpoint when a function has thrown", async () => {
    const clock = manualClock()
    const { said, on } = noted(clock)
    const job = await run(counted(undefined, failingAt(6, 9)), {
      storage: memoryStorage(),
      restart: { attempts: 2, delay: 10 },
      checkpoint: { interval: 1 },
      chunkSize: 1,
      ...{ clock, on },
    })
    const results: string[] = []
    const all = (async () => {
      for await (const result of job) results.push(result)
    })()
    await passing(clock, all)
    await all
    expect(said.map((each) => (each as unknown[]).slice(1))).toEqual([
      [broken, 1],
      [broken, 2],
    ])
    expect(
      job
        .state("counts")
        .entries()
        .map(({ value }) => value),
    ).toEqual([4, 4, 4])
    expect(job.stats()).toMatchObject({ position: events, restarts: 2 })
    // At least once: each step forward is there, in its order.
    expect(results.length).toBeGreaterThanOrEqual(whole.length)
    expect(results.slice(-3)).toEqual(whole.slice(-3))
    await job.close()
  })

  it("starts anew where there is no checkpoint, and results come again", async () => {
    const clock = manualClock()
    const options = { storage: memoryStorage(), restart: { delay: 5 }, clock, chunkSize: 1 }
    const job = await run(counted(undefined, failingAt(5)), options)
    const all = pull(job)
    expect(await passing(clock, all)).toBe(5)
    expect(await all).toEqual([...whole.slice(0, 4), ...whole])
    expect(job.stats()).toMatchObject({ restored: undefined, restarts: 1, position: events })
    await job.close()
  })

  it("goes on when its source has failed", async () => {
    const clock = manualClock()
    const fails = failingAt(3)
    const source: Replayable<number, number> = {
      async *read(position) {
        for await (const step of numbered(events, 2).read(position)) {
          fails()
          yield step
        }
      },
    }
    const options = { storage: memoryStorage(), restart: { delay: 5 }, clock }
    const job = await run(counted(source), options)
    const all = pull(job)
    await passing(clock, all)
    expect(await all).toEqual([...whole.slice(0, 4), ...whole])
    await job.close()
  })

  it.each(["get", "set", "list"] as const)(
    "goes on when storage has failed, also while it is opened again: %s",
    async (method) => {
      const memory = fourMethods(memoryStorage())
      const begun = await run(counted(numbered(6, 2)), { storage: memory })
      await begun.finished()
      await begun.close()
      let fails = 0
      const refuse = () => Promise.reject(broken)
      const storage = new Proxy(memory, {
        get: (of, name) =>
          name === method && fails-- > 0 ? refuse : (Reflect.get(of, name) as unknown),
      })
      const clock = manualClock()
      const { said, on } = noted(clock)
      const throws = failingAt(3)
      const before = (): void => {
        try {
          throws()
        } catch (error) {
          fails = 2 // The next two calls are of opening it again, or of its last epoch.
          throw error
        }
      }
      const job = await run(counted(undefined, before), {
        ...{ storage, clock, on },
        restart: { delay: 5 },
        chunkSize: 1,
      })
      const done = job.finished()
      await passing(clock, done)
      await done
      expect(said.map((each) => (each as unknown[]).slice(1))).toEqual(
        method === "set"
          ? [
              [broken, 1],
              [broken, 2],
              [broken, 3],
            ]
          : [[broken, 3]],
      )
      expect(job.stats()).toMatchObject({ restarts: said.length, position: events })
      await job.close()
    },
  )

  it("gives a sink that is exactly-once each result once", async () => {
    for (let call = 1; call <= 30; call++) {
      const clock = manualClock()
      const sink = new TestSink<string>()
      const at = failingAt(call, call + 5, call + 7)
      const job = await run(counted(undefined, at).to(sink), {
        storage: memoryStorage(),
        restart: { delay: 3 },
        checkpoint: { interval: 2 },
        chunkSize: 1 + (call % 3),
        clock,
      })
      const done = job.finished()
      await passing(clock, done)
      await done
      expect(sink.committed).toEqual(whole)
      await job.close()
    }
  })

  it.each(["write", "prepare", "commit", "rollback"] as const)(
    "goes on when a sink has failed to %s, and rolls it back",
    async (name) => {
      const clock = manualClock()
      const sink = new TestSink<string>()
      const fails = failingAt(2)
      const flaky = new Proxy(sink, {
        get(of, asked) {
          const method: unknown = Reflect.get(of, asked, of)
          if (typeof method !== "function") return method
          return (...given: unknown[]): unknown => {
            if (asked === name) fails()
            return (method as (...given: unknown[]) => unknown).apply(of, given)
          }
        },
      })
      const job = await run(counted(undefined, failingAt(4)).to(flaky), {
        storage: memoryStorage(),
        restart: { delay: 3 },
        checkpoint: { interval: 1 },
        chunkSize: 1,
        clock,
      })
      const done = job.finished()
      await passing(clock, done)
      await done
      expect(sink.committed).toEqual(whole)
      expect(sink.calls.filter((call) => call.startsWith("rollback")).length).toBeGreaterThan(1)
      await job.close()
    },
  )

  it("goes on from its savepoint until it has a checkpoint", async () => {
    const first = await run(counted(), { chunkSize: 1 })
    const results = first[Symbol.asyncIterator]()
    for (let n = 0; n < 6; n++) await results.next()
    const taken = first.savepoint()
    const next = results.next()
    const from = new Uint8Array(await new Response(await taken).arrayBuffer())
    await next
    await first.close()
    const clock = manualClock()
    const options = { storage: memoryStorage(), restart: { delay: 3 }, from, clock, chunkSize: 1 }
    const job = await run(counted(undefined, failingAt(2, 6)), options)
    const all = pull(job)
    await passing(clock, all)
    expect((await all).slice(-6)).toEqual(whole.slice(6))
    expect(job.stats()).toMatchObject({ position: events, restarts: 2 })
    await job.close()
  })

  it("takes the checkpoint that was asked for meanwhile", async () => {
    const clock = manualClock()
    const options = { storage: memoryStorage(), restart: { delay: 5 }, clock }
    const job = await run(counted(undefined, failingAt(1)), options)
    const done = job.finished()
    await turns(20)
    const taken = job.checkpoint()
    await passing(clock, taken)
    await taken
    await done
    expect(job.stats().checkpoints.completed).toBeGreaterThan(0)
    await job.close()
  })
})
