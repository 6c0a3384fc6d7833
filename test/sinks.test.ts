import { describe, expect, it } from "vitest"
import { from, memoryStorage, MillraceError, run, upsertSink } from "millrace"
import type { AtLeastOnceSink, ExactlyOnceSink, StateStorage } from "millrace"
import { killedEverywhere, untilKilled } from "./killed.ts"
import { TestSink } from "./test_sink.ts"
import { events, expected, totals } from "./totals.ts"

describe("an exactly-once sink", () => {
  it("has all results once they are committed, and only then", async () => {
    const sink = new TestSink<string>()
    const job = await run(totals().to(sink), { storage: memoryStorage(), chunkSize: 7 })
    expect(sink.calls).toEqual(["rollback 0"])
    await job.finished()
    await job.close()
    expect(sink.committed).toEqual(expected)
    expect(sink.calls).toEqual(["rollback 0", "prepare 1", "commit 1", "close"])
  })

  it("has each result once, wherever the process is killed", async () => {
    const kills = await killedEverywhere(async (call, after) => {
      const storage = memoryStorage()
      const sink = new TestSink<string>()
      const killed = await untilKilled(
        async (dying) => {
          const store = dying(storage, ["get", "set", "delete", "list", "commit"])
          const into = dying(sink, ["write", "prepare", "commit", "rollback"])
          let ms = 0
          const clock = { now: () => ms++ } // Time goes on by being looked at.
          const options = { storage: store, chunkSize: 5, checkpoint: { interval: 6 }, clock }
          await (await run(totals().to(into), options)).finished()
        },
        call,
        after,
      )
      await finish(storage, sink.restarted())
      const when = `killed ${after ? "after" : "before"} call ${call}`
      expect(sink.committed, when).toEqual(expected)
      return killed
    })
    expect(kills).toBeGreaterThan(50)
  })

  it("is told of what a failed checkpoint prepared with the next one", async () => {
    const memory = memoryStorage()
    let fails = 0
    const storage: StateStorage = {
      ...memory,
      set: (key, value) =>
        fails-- > 0 ? Promise.reject(new Error("full")) : memory.set(key, value),
    }
    const sink = new TestSink<string>()
    const job = await run(totals().to(sink), { storage, chunkSize: 7 })
    fails = 1
    await expect(job.finished()).rejects.toMatchObject({ code: "STORAGE" })
    await job.close().catch(() => undefined)
    await finish(memory, sink.restarted())
    expect(sink.committed).toEqual(expected)
  })

  it.each(["write", "prepare", "commit", "rollback"] as const)(
    "ends the job with SINK when %s fails, and the next run goes on",
    async (name) => {
      const storage = memoryStorage()
      const sink = new TestSink<string>()
      const bad = sink.failing(name)
      const ended = run(totals().to(bad), { storage, chunkSize: 7 }).then(async (job) => {
        await job.finished().finally(() => job.close().catch(() => undefined))
      })
      const error: unknown = await ended.catch((error: unknown) => error)
      expect(error).toBeInstanceOf(MillraceError)
      expect(error).toMatchObject({ code: "SINK", cause: new Error(`no ${name}`) })
      await finish(storage, sink.restarted())
      expect(sink.committed).toEqual(expected)
    },
  )

  it("needs a storage", async () => {
    await expect(run(totals().to(new TestSink()))).rejects.toMatchObject({ code: "OPTION" })
  })

  it("may not be left out while it has something to commit", async () => {
    const storage = memoryStorage()
    await finish(storage, new TestSink<string>())
    await expect(run(totals(), { storage })).rejects.toMatchObject({ code: "STATE_CONFIG" })
  })
})

describe("an at-least-once sink", () => {
  const gather = (taken: string[], told: string[] = []): AtLeastOnceSink<string> => ({
    delivery: "at-least-once",
    async write(results) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      taken.push(...results)
    },
    flush: () => void told.push(`flush after ${taken.length}`),
    close: () => void told.push("close"),
  })

  it("has all results when the job has finished, with and without a storage", async () => {
    for (const storage of [undefined, memoryStorage()]) {
      const [taken, told]: [string[], string[]] = [[], []]
      const options = { chunkSize: 7, ...(storage && { storage }) }
      const job = await run(totals().to(gather(taken, told)), options)
      await job.finished()
      expect(taken).toEqual(expected)
      await job.close()
      expect(told).toEqual(["flush after 40", "close"])
    }
  })

  it("stands beside outputs that are read, and is nobody else's", async () => {
    const taken: string[] = []
    const source = from(events)
    const streams = { all: source.map(({ n }) => `${n}`).to(gather(taken)), odd: source }
    const job = await run(streams)
    expect(() => job.output("all")).toThrow(/has a sink/)
    const odd: number[] = []
    for await (const { n } of job.output("odd")) odd.push(n)
    await job.finished()
    await job.close()
    expect(odd).toEqual(events.map(({ n }) => n))
    expect(taken).toEqual(events.map(({ n }) => `${n}`))
  })

  it.each([1, 2, 1024])("has all results before an error, in chunks of %i", async (chunkSize) => {
    const taken: number[] = []
    const calls: string[] = []
    const sink: AtLeastOnceSink<number> = {
      delivery: "at-least-once",
      async write(rows) {
        await Promise.resolve()
        taken.push(...rows)
      },
      flush: () => void calls.push(`flush ${taken.length}`),
    }
    const bad = from([1, 2, 3, 4]).map((n) => {
      if (n === 4) throw new Error("four")
      return n
    })
    const job = await run(bad.to(sink), { chunkSize })
    await expect(job.finished()).rejects.toMatchObject({ code: "USER_FUNCTION" })
    expect(taken).toEqual([1, 2, 3])
    expect(calls).toEqual(["flush 3"])
    await job.close()
  })

  it("holds the source back while it is slow", async () => {
    let [read, taken, most] = [0, 0, 0]
    const source = {
      async *[Symbol.asyncIterator]() {
        for (; read < 50_000; read++) yield read
      },
    }
    const job = await run(
      from(source).to({
        delivery: "at-least-once",
        async write(results: readonly number[]): Promise<void> {
          await new Promise((resolve) => setTimeout(resolve, 5))
          most = Math.max(most, read - taken)
          taken += results.length
        },
      }),
    )
    await job.finished()
    await job.close()
    expect(taken).toBe(50_000)
    expect(most).toBeLessThan(3 * 4096)
  })
})

describe("upsertSink", () => {
  const key = (line: string) => line.slice(0, line.indexOf(" "))
  const lasts = new Map(expected.map((line) => [key(line), line]))

  it("keeps the last result of every key", async () => {
    const kept = new Map<string, string>()
    const put = (some: ReadonlyMap<string, string>) =>
      some.forEach((line, of) => kept.set(of, line))
    const job = await run(totals().to(upsertSink({ key, put })), { chunkSize: 7 })
    await job.finished()
    await job.close()
    expect(kept).toEqual(lasts)
  })

  it("refuses options that are missing or unknown", () => {
    expect(() => upsertSink({ key } as never)).toThrow(/upsertSink\.put/)
    const put = () => undefined
    expect(() => upsertSink({ key, put, flush: put } as never)).toThrow(/flush/)
  })
})

describe("to()", () => {
  const nothing = () => undefined
  it.each([
    [undefined, /not undefined/],
    [{ write: nothing }, /delivery/],
    [{ delivery: "exactly-once", write: nothing }, /must have prepare/],
  ])("refuses what is no sink", (sink, message) => {
    expect(() => totals().to(sink as never)).toThrow(message)
  })
})

async function finish(storage: StateStorage, sink: ExactlyOnceSink<string>): Promise<void> {
  const job = await run(totals().to(sink), { storage, chunkSize: 5 })
  await job.finished()
  await job.close()
}
