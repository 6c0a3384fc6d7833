import { describe, expect, it } from "vitest"
import { count, from, memoryStorage, of, outputTag, run, transactionalSink } from "millrace"
import type { RunOptions, TransactionalSink, TransactionalStorage } from "millrace"
import { killedEverywhere, untilKilled } from "./killed.ts"
import { errorFrom, guardRejections, manifestsIn } from "./probe.ts"
import { TestSink } from "./test_sink.ts"
import { events, expected, totals } from "./totals.ts"

guardRejections()
type Store = TransactionalStorage<undefined>

/** Lines in memory, beside a store in memory: what a transaction wrote, and how often. */
class Lines {
  readonly all: string[] = []
  readonly sizes: number[] = []

  sink(storage: Store, maxRows?: number): TransactionalSink<string> {
    const write = (lines: readonly string[]) => {
      this.all.push(...lines)
      this.sizes.push(lines.length)
    }
    return transactionalSink(storage, write, maxRows === undefined ? {} : { maxRows })
  }
}

/** Run to the end, and close. */
async function finish(sink: TransactionalSink<string>, options: RunOptions = {}): Promise<void> {
  const job = await run(totals().to(sink), { storage: sink.storage, chunkSize: 5, ...options })
  await job.finished().finally(() => job.close())
}

/** A clock that goes on by being looked at, and an interval that passes now and then. */
function often(): RunOptions {
  let ms = 0
  return { checkpoint: { interval: 6 }, clock: { now: () => ms++ } }
}

describe("a transactional sink", () => {
  it("has results when a checkpoint has them, and only then", async () => {
    const [storage, lines] = [memoryStorage(), new Lines()]
    const job = await run(totals().to(lines.sink(storage)), { storage, chunkSize: 5 })
    expect(lines.all).toEqual([])
    await job.finished()
    expect(lines.all).toEqual(expected)
    expect(lines.sizes).toEqual([40])
    await job.close()
  })

  it("writes nothing where nothing came since the last checkpoint", async () => {
    const [storage, lines] = [memoryStorage(), new Lines()]
    await finish(lines.sink(storage))
    await finish(lines.sink(storage))
    expect(lines.sizes).toEqual([40])
  })

  it("has each result once, wherever the process is killed", async () => {
    const kills = await killedEverywhere(async (call, after) => {
      const [storage, lines] = [memoryStorage(), new Lines()]
      const killed = await untilKilled(
        async (dying) => {
          const store = dying<Store>(storage, ["get", "set", "delete", "list", "commit"])
          await finish(lines.sink(store), often())
        },
        call,
        after,
      )
      const saved = lines.all.length
      await finish(lines.sink({ ...storage }))
      const when = `killed ${after ? "after" : "before"} call ${call}, with ${saved} lines`
      expect(lines.all, when).toEqual(expected)
      return killed
    })
    expect(kills).toBeGreaterThan(50)
  })

  it("takes a checkpoint when half of maxRows wait, whatever the interval", async () => {
    const [storage, lines] = [memoryStorage(), new Lines()]
    await finish(lines.sink(storage, 20))
    expect(lines.all).toEqual(expected)
    expect(lines.sizes.length).toBeGreaterThan(2)
    expect(Math.max(...lines.sizes)).toBeLessThan(20)
  })

  it("ends the job with LIMIT when more than maxRows come out at the end", async () => {
    const storage = memoryStorage()
    const lastOnes = from(events)
      .keyBy("n")
      .aggregate({ n: count() }, { emit: "final" })
      .map(({ key }) => `${key}`)
    const lines = new Lines()
    const job = await run(lastOnes.to(lines.sink(storage, 39)), { storage })
    const error = await errorFrom(() => job.finished())
    expect(error.code).toBe("LIMIT")
    expect(error.message).toMatch(/maxRows: 39/)
    await job.close()
    const again = await run(lastOnes.to(lines.sink(storage, 40)), { storage })
    await again.finished()
    await again.close()
    expect(lines.all).toEqual(events.map(({ n }) => `${n}`))
  })

  it("stands beside one in two phases and one of a side output", async () => {
    const [storage, lines, odd] = [memoryStorage(), new Lines(), new Lines()]
    const phases = new TestSink<string>()
    const tag = outputTag("odd", of<string>())
    const all = from(events)
      .keyBy("user")
      .process({
        outputs: [tag],
        emits: of<string>(),
        process({ n }, _, ctx, out) {
          if (n % 2 === 1) ctx.output(tag, `odd ${n}`)
          out.collect(`${n}`)
        },
      })
    const streams = {
      all: all.to(lines.sink(storage)),
      odds: all.sideOutput(tag).to(odd.sink(storage)),
      phases: all.to(phases),
    }
    const job = await run(streams, { storage, chunkSize: 5, ...often() })
    await job.finished()
    await job.close()
    const numbers = events.map(({ n }) => `${n}`)
    expect([lines.all, phases.committed]).toEqual([numbers, numbers])
    expect(odd.all).toEqual(numbers.filter((_, i) => i % 2 === 1).map((n) => `odd ${n}`))
  })
})

describe("a checkpoint with a transactional sink", () => {
  it("that fails before its transaction gives its results to the next one", async () => {
    const [memory, lines] = [memoryStorage(), new Lines()]
    let fails = 2
    const storage: Store = {
      ...memory,
      set: (key, value) =>
        fails-- > 0 ? Promise.reject(new Error("full")) : memory.set(key, value),
    }
    const { clock } = often()
    const checkpoint = { interval: 6, tolerableFailures: 2 }
    await finish(lines.sink(storage), { checkpoint, ...(clock && { clock }) })
    expect(lines.all).toEqual(expected)
    expect(fails).toBeLessThan(0)
  })

  it("of which nobody knows whether it stands ends the job, and the next run goes on", async () => {
    for (const stands of [false, true]) {
      const [memory, lines] = [memoryStorage(), new Lines()]
      const storage: Store = {
        ...memory,
        async commit(...given) {
          if (stands) await memory.commit(...given)
          throw new Error("no answer")
        },
      }
      const checkpoint = { tolerableFailures: 9 }
      const error = await errorFrom(() => finish(lines.sink(storage), { checkpoint }))
      expect(error).toMatchObject({ code: "STORAGE", cause: new Error("no answer") })
      await finish(lines.sink(memory))
      expect(lines.all).toEqual(expected)
    }
  })

  it.each(["before the next run begins", "when the next run has begun"])(
    "that the job gave up and that stands after all: %s",
    async (when) => {
      const [memory, lines] = [memoryStorage(), new Lines()]
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      let landed: Promise<void> | undefined
      const storage: Store = {
        ...memory,
        commit: (...given) =>
          given[3] === undefined // The claim.
            ? memory.commit(...given)
            : (landed = released.then(() => memory.commit(...given))),
      }
      const late = await errorFrom(() =>
        finish(lines.sink(storage), { checkpoint: { timeout: 5 } }),
      )
      expect(late.code).toBe("STORAGE")
      const began = when.startsWith("when")
      const next = began && (await run(totals().to(lines.sink(memory)), { storage: memory }))
      release()
      const [land] = await Promise.allSettled([landed])
      if (next !== false) {
        const [end] = await Promise.allSettled([next.finished()])
        const refused = { status: "rejected", reason: { code: "LOCKED" } }
        const both = [land, end]
        expect(both.filter(({ status }) => status === "rejected")).toMatchObject([refused])
        await next.close()
      }
      await finish(lines.sink(memory))
      expect(lines.all).toEqual(expected)
    },
  )

  it("keeps nothing when the sink throws: SINK, and the next run goes on", async () => {
    const [storage, lines] = [memoryStorage(), new Lines()]
    const bad = transactionalSink<string, undefined>(storage, () => {
      throw new Error("no write")
    })
    const error = await errorFrom(() => finish(bad))
    expect(error).toMatchObject({ code: "SINK", cause: new Error("no write") })
    expect(await manifestsIn(storage)).toEqual([])
    await finish(lines.sink(storage))
    expect(lines.all).toEqual(expected)
  })

  it("refuses a sink that gives a promise where the storage does not wait", async () => {
    const storage = memoryStorage()
    for (const end of [() => undefined, () => Promise.reject(new Error("later"))]) {
      const error = await errorFrom(() => finish(transactionalSink(storage, async () => end())))
      expect(error.code).toBe("SINK")
      expect(error.message).toMatch(/at once/)
    }
    expect(await manifestsIn(storage)).toEqual([])
  })

  it("waits for the promises of sinks, one after another, where the storage does", async () => {
    const memory = memoryStorage()
    const storage: Store = {
      ...memory,
      async commit(segments, manifest, owner, write) {
        await write?.(undefined)
        await memory.commit(segments, manifest, owner)
      },
    }
    const told: string[] = []
    const slow = (name: string) =>
      transactionalSink(storage, async (results: readonly string[]) => {
        told.push(`${name} begins`)
        await new Promise((resolve) => setTimeout(resolve, 1))
        told.push(`${name} has ${results.length}`)
      })
    const all = totals()
    const job = await run({ a: all.to(slow("a")), b: all.to(slow("b")) }, { storage })
    await job.finished()
    await job.close()
    expect(told).toEqual(["a begins", "a has 40", "b begins", "b has 40"])
  })

  it("is refused when the storage says that it has transactions and writes nothing", async () => {
    const memory = memoryStorage()
    const storage: Store = {
      ...memory,
      commit: (segments, manifest, owner) => memory.commit(segments, manifest, owner),
    }
    const error = await errorFrom(() => finish(new Lines().sink(storage)))
    expect(error.code).toBe("STORAGE")
    expect(error.message).toMatch(/not write/)
  })
})

describe("a job with a transactional sink", () => {
  it("needs its storage, and no other", async () => {
    const [storage, lines] = [memoryStorage(), new Lines()]
    const open = (options: RunOptions) => errorFrom(() => run(totals().to(sink), options))
    const sink = lines.sink(storage)
    expect((await open({})).code).toBe("OPTION")
    const error = await open({ storage: memoryStorage() })
    expect(error.code).toBe("STATE_CONFIG")
    expect(error.message).toMatch(/output out .* another storage/)
  })

  it("does not go back behind a damaged checkpoint, whose results are there", async () => {
    const [storage, lines] = [memoryStorage(), new Lines()]
    await finish(lines.sink(storage), often())
    const newest = (await storage.list("job/manifest/")).at(-1) ?? ""
    await storage.set(newest, Uint8Array.of(1, 2, 3))
    const error = await errorFrom(() => finish(lines.sink(storage)))
    expect(error.code).toBe("CORRUPT")
    expect(error.message).toMatch(/results were written/)
    expect(lines.all).toEqual(expected)
  })
})

describe("transactionalSink", () => {
  it("refuses a storage without transactions, and options that are none", () => {
    const { transactional: _, ...storage } = memoryStorage()
    expect(() => transactionalSink(storage as never, () => undefined)).toThrow(/transactions/)
    expect(() => transactionalSink(memoryStorage(), 1 as never)).toThrow(/transactionalSink.write/)
    const options = { maxRows: 0 }
    expect(() => transactionalSink(memoryStorage(), () => undefined, options)).toThrow(/maxRows/)
  })
})
