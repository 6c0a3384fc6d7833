/** Jobs behind a MessageChannel, as behind a worker: what crosses is cloned. */
import { describe, expect, it } from "vitest"
import { count, from, memoryStorage, outputTag, run } from "../js/index.ts"
import type { JobListeners } from "../js/index.ts"
import { serveJob, startJob } from "../js/worker/index.ts"
import { errorFrom, guardRejections, numbered, pull, pullToError, turns } from "./probe.ts"
import { channel, passing, range, startServed } from "./worker_channel.ts"

guardRejections()

const again = outputTag<number>("again")

const words = ["a", "b", "a"]
const counts = (given: readonly string[]) =>
  from([...given])
    .keyBy((word) => word)
    .aggregate({ n: count() }, { uid: "words" })

describe("a job in a worker", () => {
  it("gives the page its results, figures and state", async () => {
    const { worker, page } = channel()
    const served = serveJob((given: string[]) => run(counts(given)), { port: worker })
    const job = await startServed(served, page, { input: words })
    expect(await pull(job)).toEqual([
      { key: "a", n: 1 },
      { key: "b", n: 1 },
      { key: "a", n: 2 },
    ])
    expect((await job.stats()).events).toBe(3)
    const state = job.state("words")
    expect([await state.size(), await state.get("a")]).toEqual([2, { n: 2 }])
    const rows = [
      { key: "a", n: 2 },
      { key: "b", n: 1 },
    ]
    expect(await state.entries()).toEqual(rows)
    expect((await job.explain("a")).operators["words"]?.states[""]?.value).toEqual({ n: 2 })
    await job.finished()
    await job.close()
    expect((await errorFrom(() => job.stats())).code).toBe("CLOSED")
  })

  it("is found by a page that comes first, or last, among messages of others", async () => {
    for (const pageFirst of [true, false]) {
      const { worker, page } = channel()
      const serve = () => serveJob(() => run(from([1, 2])), { port: worker })
      worker.postMessage("hello")
      if (!pageFirst) serve()
      await turns()
      const starting = startJob(page)
      page.postMessage({ call: 1 })
      await turns()
      if (pageFirst) serve()
      const job = await starting
      expect(await pull(job)).toEqual([1, 2])
      await job.close()
    }
  })

  it("has outputs by name and by tag, and refuses others", async () => {
    const { worker, page } = channel()
    const start = () => {
      const parts = from([1, 2, 1, 3, 2])
        .keyBy((n) => n)
        .throttle({ limit: 1, per: "1h", uid: "once", overflow: "route", overflowTo: again })
      return run({ first: parts })
    }
    const served = serveJob(start, { port: worker })
    const job = await startServed(served, page)
    const [first, more] = [job.output("first"), job.output(again)]
    expect(await Promise.all([pull(first), pull(more)])).toEqual([
      [1, 2, 3],
      [1, 2],
    ])
    const { code, message } = await errorFrom(async () => job.output("again" as "first"))
    const has = "it has first, tag again"
    expect([code, message]).toEqual(["OPTION", `the job has no output again; ${has}`])
    expect(Symbol.asyncIterator in job).toBe(false)
    await job.close()
  })

  it("reads a stream and a port that the page handed over", async () => {
    const { worker, page } = channel()
    interface Input {
      readonly words: ReadableStream<string>
      readonly port: MessagePort
    }
    const start = ({ words, port }: Input) => {
      const messages = from<MessageEvent<string>>(port, { event: "message" })
      port.start()
      return run({ words: from(words), messages: messages.map(({ data }) => data) })
    }
    const served = serveJob(start, { port: worker })
    const { port1: mine, port2: port } = new MessageChannel()
    const words = new Blob(["to be"]).stream().pipeThrough(new TextDecoderStream())
    const job = await startServed(served, page, { input: { words, port }, transfer: [words, port] })
    const [read, heard] = [job.output("words"), job.output("messages")]
    expect([words.locked, await pull(read, 1)]).toEqual([true, ["to be"]])
    mine.postMessage("or")
    mine.postMessage("not")
    expect(await pull(heard, 2)).toEqual(["or", "not"])
    await job.close()
    mine.close()
  })

  it("answers requests of its own", async () => {
    const { worker, page } = channel()
    const served = serveJob((given: string[]) => run(counts(given)), {
      port: worker,
      requests: {
        top: async ({ least }: { least: number }, job) => {
          const rows = job.state("words").entries()
          return rows.filter(({ n }) => (n as number) >= least)
        },
        fail: () => {
          throw new TypeError("not today", { cause: "rain" })
        },
        f: () => () => 1,
      },
    })
    const job = await startServed(served, page, { input: words })
    await pull(job)
    expect(await job.request("top", { least: 2 })).toEqual([{ key: "a", n: 2 }])
    const failed = await errorFrom(() => job.request("fail"))
    expect(failed).toMatchObject({
      code: "USER_FUNCTION",
      message: "request fail threw; see cause",
      cause: { name: "TypeError", message: "not today", cause: "rain" },
    })
    expect((await errorFrom(() => job.request("f"))).code).toBe("SERIALIZATION")
    const { code, message } = await errorFrom(() => job.request("toString" as "top", { least: 1 }))
    const has = "it has top, fail, f"
    expect([code, message]).toEqual(["OPTION", `the worker answers no request toString; ${has}`])
    await job.close()
  })
})

describe("checkpoints of a job in a worker", () => {
  it("are told to the page, and a savepoint comes as bytes that run here", async () => {
    const { worker, page } = channel()
    const storage = memoryStorage()
    const start = (_: undefined, { on }: { on: JobListeners }) =>
      run(passing(numbered(100, 10)), { storage, on })
    const served = serveJob(start, { port: worker })
    const epochs: number[] = []
    const on = { checkpoint: ({ epoch }: { epoch: number }) => void epochs.push(epoch) }
    const job = await startServed(served, page, { on })
    const parts = await pull(await job.savepoint())
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]))
    expect(await pull(job)).toEqual(range(0, 100))
    await job.close()
    expect(epochs).toEqual([1])
    const here = await run(passing(numbered(100, 10)), { from: bytes })
    expect([here.stats().position, await pull(here)]).toEqual([0, range(0, 100)])
    await here.close()
  })

  it("are gone on from, with errors that can be read", async () => {
    const { worker, page } = channel()
    let failures = 0
    const start = (_: unknown, { on }: { on: JobListeners }) => {
      const stream = passing(numbered(100, 10)).map((n) => {
        if (n === 50 && failures++ === 0) throw new RangeError("once")
        return n
      })
      const restart = { attempts: 2, delay: 1 }
      return run(stream, { storage: memoryStorage(), restart, on, chunkSize: 10 })
    }
    serveJob(start, { port: worker })
    const told: unknown[] = []
    const on: JobListeners = {
      restarted: ({ error, attempts }) => told.push([attempts, error]),
    }
    const job = await startJob(page, { on })
    const results = (await pull(job)) as number[]
    expect([...new Set(results)]).toEqual(range(0, 100))
    expect(told).toMatchObject([
      [1, { code: "USER_FUNCTION", cause: { name: "RangeError", message: "once" } }],
    ])
    await job.close()
  })

  it("end the job when a listener throws", async () => {
    const { worker, page } = channel()
    const storage = memoryStorage()
    serveJob((_, { on }) => run(passing(numbered(100, 10)), { storage, on }), { port: worker })
    const checkpoint = () => {
      throw new Error("full")
    }
    const job = await startJob(page, { on: { checkpoint } })
    await pullToError(job).then(({ code, message }) => {
      expect([code, message]).toEqual(["USER_FUNCTION", "on.checkpoint threw; see cause"])
    })
    await job.close()
  })
})
