/** Results of jobs in a worker: in chunks, in order, held back, and none lost. */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import { serveJob, startJob } from "../js/worker/index.ts"
import { aheadMax } from "../js/worker/wire.ts"
import type { ToPage } from "../js/worker/wire.ts"
import { errorFrom, guardRejections, handFed, numbered, pull, pullToError, turns } from "./probe.ts"
import { channel, passing, range } from "./worker_channel.ts"

guardRejections()

describe("results", () => {
  it("cross in chunks, never more ahead of the page than is allowed, and all of them", async () => {
    const { worker, page, sent } = channel()
    serveJob(() => run(from(numbered(50_000, 700))), { port: worker })
    const job = await startJob(page)
    const results = job[Symbol.asyncIterator]()
    const sizeOf = (each: ToPage) => (each.millrace === "chunk" ? each.results.length : 0)
    const arrived = () => sent.reduce((sum, each) => sum + sizeOf(each), 0)
    const all: unknown[] = []
    let most = 0
    for (;;) {
      const step = await results.next()
      if (step.done === true) break
      all.push(step.value)
      if (all.length % 3000 !== 1) continue
      await turns(20) // All that may come has come.
      most = Math.max(most, arrived() - all.length)
    }
    expect(all).toEqual(range(0, 50_000))
    expect(most).toBeLessThan(aheadMax + 1024)
    expect(most).toBeGreaterThan(aheadMax / 2)
    const chunks = sent.filter(({ millrace }) => millrace === "chunk").length
    expect(chunks).toBeLessThan(200)
    await job.close()
  })

  it("hold the sources back while the page does not ask", async () => {
    const { worker, page } = channel()
    serveJob(() => run(from(numbered(1_000_000, 100))), { port: worker })
    const job = await startJob(page)
    expect(await pull(job, 1)).toEqual([0])
    await turns(50)
    const { events } = await job.stats()
    expect(events).toBeLessThan(5 * aheadMax)
    await turns(50)
    expect((await job.stats()).events).toBe(events)
    await job.close()
  })

  it("come by one and as arrays from the same output", async () => {
    const { worker, page } = channel()
    serveJob(() => run(from(numbered(10, 5))), { port: worker })
    const job = await startJob(page)
    expect(await pull(job, 2)).toEqual([0, 1])
    const chunks = await pull(job.chunks())
    expect(chunks.flat()).toEqual(range(2, 10))
    expect(chunks.every((chunk) => (chunk as unknown[]).length > 0)).toBe(true)
    await job.close()
  })

  it("that the page has not read are before no checkpoint", async () => {
    const storage = memoryStorage()
    let next = 0
    for (const read of [1, 2500, 4097, 9000]) {
      const { worker, page } = channel()
      const start = () => run(passing(numbered(60_000, 64)), { storage, checkpoint: {} })
      serveJob(start, { port: worker })
      const job = await startJob(page)
      const position = (await job.stats()).position
      expect(position).toBeLessThanOrEqual(next)
      expect(await pull(job, read)).toEqual(range(position, position + read))
      let saved = false
      const saving = job.checkpoint().then(() => (saved = true))
      await turns(50)
      expect(saved).toBe(false) // Not all was read, though all of it has been sent.
      next = position + read
      while (!saved) {
        expect(await pull(job, 1)).toEqual([next++])
        if (next % 64 === 0) await turns(1)
      }
      await saving
      await job.close()
    }
    expect(next).toBeGreaterThan(15_000)
  })

  it("that cannot be cloned end their output, after those before them", async () => {
    const { worker, page } = channel()
    const start = () => run({ out: from(range(0, 5)).map((n) => (n < 3 ? n : () => n)) })
    serveJob(start, { port: worker })
    const job = await startJob(page)
    const { pulled, code, message, cause } = await pullToError(job.output("out"))
    expect([pulled, code]).toEqual([[0, 1, 2], "SERIALIZATION"])
    expect(message).toBe("result 4 of output out cannot be cloned for the page; see cause")
    expect(cause).toMatchObject({ name: "DataCloneError" })
    expect((await errorFrom(() => job.finished())).code).toBe("CLOSED")
    await job.close()
  })

  it("that nobody wants any more end the job, its source and its port", async () => {
    const { worker, page } = channel()
    const source = handFed<number>()
    source.give(1, 2, 3)
    serveJob(() => run(from(source)), { port: worker })
    const job = await startJob(page)
    for await (const n of job) if (n === 2) break
    expect(source.left).toBe(1)
    expect((await errorFrom(() => job.stats())).code).toBe("CLOSED")
    await job.close()
  })

  it("of one output end alone while another is read", async () => {
    const { worker, page } = channel()
    const source = from(numbered(30_000, 100))
    serveJob(() => run({ a: source, b: source.filter((n) => n % 2 === 0) }), { port: worker })
    const job = await startJob(page)
    const [a, b] = [job.output("a"), job.output("b")]
    const reading = pull(a)
    for await (const n of b) if (n === 10) break
    expect(await reading).toEqual(range(0, 30_000))
    expect((await job.stats()).events).toBe(30_000)
    expect((await errorFrom(async () => job.output("b"))).code).toBe("CLOSED")
    await job.close()
  })
})
