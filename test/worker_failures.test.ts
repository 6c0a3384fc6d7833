/** What goes wrong with a job in a worker: an error with a code for all who wait, never a wait. */
import { Worker } from "node:worker_threads"
import { describe, expect, it } from "vitest"
import { from, MillraceError, run } from "../js/index.ts"
import { serveJob, startJob } from "../js/worker/index.ts"
import type { UntypedJob, WorkerPort } from "../js/worker/index.ts"
import { errorFrom, guardRejections, handFed, numbered, pull, turns } from "./probe.ts"
import { channel } from "./worker_channel.ts"

guardRejections()

/** What all calls that can wait are told. */
async function toldTo(job: UntypedJob, act: () => unknown) {
  const waiting = [pull(job), job.finished(), job.request("wait")]
  const told = waiting.map((each) => errorFrom(() => each))
  await turns()
  await act()
  const all = await Promise.all(told)
  const later = await errorFrom(() => job.stats())
  await job.close()
  return [...all, later]
}

describe("a job that cannot be started", () => {
  const starts: [string, () => unknown, object][] = [
    [
      "as its function throws",
      () => {
        throw new TypeError("no words", { cause: new Error("no file") })
      },
      {
        code: "USER_FUNCTION",
        message: "the function of serveJob threw; see cause",
        cause: { name: "TypeError", message: "no words", cause: { message: "no file" } },
      },
    ],
    [
      "as run() refuses it",
      () => run(from([1]), { chunksize: 1 } as object),
      { code: "OPTION", message: 'run has no option "chunksize"; did you mean "chunkSize"?' },
    ],
    [
      "as it is none",
      () => ({ output: 1 }),
      {
        code: "OPTION",
        message: "the function of serveJob must give a job of run(), not an object",
      },
    ],
  ]

  it.each(starts)("says so, %s", async (_, start, told) => {
    const { worker, page } = channel()
    serveJob(start as never, { port: worker })
    const error = await startJob(page).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject(told)
    expect((error as Error).stack).toContain((error as Error).message)
  })

  it("says what is wrong with its options", async () => {
    const { worker, page } = channel()
    const codes = [
      await errorFrom(async () => serveJob(() => run(from([1])), { prot: worker } as object)),
      await errorFrom(async () => serveJob(() => run(from([1])))),
      await errorFrom(async () => serveJob(1 as never, { port: worker })),
      await errorFrom(async () => serveJob(() => run(from([1])), { port: {} as WorkerPort })),
      await errorFrom(() => startJob(page, { inptu: 1 } as object)),
      await errorFrom(() => startJob(page, { on: { checkpointed: () => 1 } } as object)),
      await errorFrom(() => startJob("worker.js" as never)),
    ].map(({ code, message }) => `${code}: ${message}`)
    expect(codes).toEqual([
      'OPTION: serveJob has no option "prot"; did you mean "port"?',
      "OPTION: serveJob runs in a worker; elsewhere it needs a port",
      "OPTION: serveJob(start) must be a function, not a number",
      "OPTION: serveJob takes a Worker or a MessagePort, not an object",
      'OPTION: startJob has no option "inptu"; did you mean "input"?',
      'OPTION: startJob.on has no option "checkpointed"; did you mean "checkpoint"?',
      "OPTION: startJob takes a Worker or a MessagePort, not a string",
    ])
  })

  it("says that its input cannot be cloned", async () => {
    const { worker, page } = channel()
    serveJob(() => run(from([1])), { port: worker })
    const { code, cause } = await errorFrom(() => startJob(page, { input: () => 1 }))
    expect([code, (cause as Error).name]).toEqual(["SERIALIZATION", "DataCloneError"])
  })

  it("is refused a second time by the same worker", async () => {
    const { worker, page, sent } = channel()
    serveJob(() => run(from([1])), { port: worker })
    const job = await startJob(page)
    page.postMessage({ millrace: "call", id: 9, method: "start", args: [] })
    await turns()
    const refusal = { id: 9, error: { code: "OPTION", message: "a worker runs one job" } }
    expect(sent.at(-1)).toMatchObject(refusal)
    await job.close()
  })
})

describe("a signal", () => {
  it("ends a job for all who wait, and in its worker", async () => {
    const { worker, page } = channel()
    const source = handFed<number>()
    const reasons: unknown[] = []
    const start = (_: unknown, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason))
      return run(from(source), { signal })
    }
    const wait = () => new Promise(() => undefined)
    serveJob(start, { port: worker, requests: { wait } })
    const abort = new AbortController()
    const job = await startJob(page, { signal: abort.signal })
    const reason = new RangeError("enough")
    const told = await toldTo(job, () => abort.abort(reason))
    expect(told.map(({ code, cause }) => [code, cause])).toEqual(
      Array.from({ length: 4 }, () => ["ABORTED", reason]),
    )
    await turns(20)
    expect(reasons).toMatchObject([{ name: "RangeError", message: "enough" }])
    expect(source.left).toBe(1)
  })

  it("drops results that were not read yet, as it does without a worker", async () => {
    const { worker, page } = channel()
    serveJob((_, { signal }) => run(from(numbered(10_000, 100)), { signal }), { port: worker })
    const abort = new AbortController()
    const job = await startJob(page, { signal: abort.signal })
    const results = job[Symbol.asyncIterator]()
    expect(await results.next()).toEqual({ value: 0, done: false })
    await turns(20) // More have come.
    abort.abort()
    expect((await errorFrom(() => results.next())).code).toBe("ABORTED")
    expect(await results.next()).toEqual({ value: undefined, done: true })
  })

  it("that was given before, or comes while a job starts, ends that", async () => {
    const early = channel()
    serveJob(() => run(from([1])), { port: early.worker })
    const given = await errorFrom(() => startJob(early.page, { signal: AbortSignal.abort() }))
    const { worker, page } = channel()
    const source = handFed<number>()
    let begin: (() => void) | undefined
    const beginning = new Promise<void>((resolve) => (begin = resolve))
    const start = async () => {
      await beginning
      const job = await run(from(source))
      void job.finished().catch(() => undefined) // It does not heed the signal.
      return job
    }
    serveJob(start, { port: worker })
    const abort = new AbortController()
    const starting = errorFrom(() => startJob(page, { signal: abort.signal }))
    await turns()
    abort.abort()
    expect([given.code, (await starting).code]).toEqual(["ABORTED", "ABORTED"])
    begin?.()
    await turns(20)
    expect(source.left).toBe(1)
  })
})

describe("a page that is gone", () => {
  it("ends the job in its worker", async () => {
    const { worker, page } = channel()
    const source = handFed<number>()
    serveJob(() => run(from(source)), { port: worker })
    const job = await startJob(page)
    const reading = errorFrom(() => pull(job))
    await turns()
    page.close()
    await turns(20)
    expect([source.left, (await reading).code]).toEqual([1, "WORKER"])
    await job.close()
  })
})

/** A thread that serves a job of which nothing ever comes, then does this when it is told. */
const thread = (then: string) => `
  const { parentPort } = require("node:worker_threads")
  parentPort.postMessage({ millrace: "hello" })
  parentPort.on("message", ({ id, method }) => {
    const value = { outputs: [{ name: "out", isTag: false }], single: true }
    if (method === "start") parentPort.postMessage({ millrace: "reply", id, value })
    if (method === "request") { ${then} }
  })`

describe("a thread", () => {
  it.each([
    ["that fails to load", "throw new RangeError('no such thing')", "failed: no such thing"],
    ["that ends at once", "process.exit(0)", "has ended"],
  ])("%s is an error of the start", async (_, code, words) => {
    const worker = new Worker(code, { eval: true })
    const told = await errorFrom(() => startJob(worker))
    expect([told.code, told.message]).toEqual(["WORKER", `the worker of the job ${words}`])
  })

  it.each([
    ["fails", "throw new RangeError('later')", "failed: later"],
    ["ends", "process.exit(0)", "has ended"],
    ["is terminated", "", "has ended"],
  ])("that %s is one for all who wait", async (how, then, words) => {
    const worker = new Worker(thread(then), { eval: true })
    const job = await startJob(worker)
    const told = await toldTo(job, () => how === "is terminated" && worker.terminate())
    const error = { code: "WORKER", message: `the worker of the job ${words}` }
    expect(told).toMatchObject(Array.from({ length: 4 }, () => error))
  })
})

/** A worker as the web has them, whose script is a test. */
class WebWorker extends EventTarget {
  terminated = 0
  readonly calls: object[] = []

  postMessage(message: { readonly id?: number; readonly method?: string }): void {
    this.calls.push(message)
    if (message.method !== "start") return
    const value = { outputs: [{ name: "out", isTag: false }], single: true }
    this.say({ millrace: "reply", id: message.id, value })
  }

  say(data: object): void {
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })))
  }

  terminate(): void {
    this.terminated++
  }
}

describe("a web worker", () => {
  it("that does not load is an error of the start", async () => {
    const worker = new WebWorker()
    const starting = errorFrom(() => startJob(worker))
    const event = new Event("error", { cancelable: true })
    worker.dispatchEvent(event)
    const { code, message } = await starting
    expect([code, message]).toEqual(["WORKER", "the worker of the job could not be loaded"])
    expect([worker.terminated, event.defaultPrevented]).toEqual([1, true])
  })

  const ends: [string, (worker: WebWorker) => void, string][] = [
    [
      "fails",
      (worker) => {
        const event = Object.assign(new Event("error"), { message: "Uncaught Error: later" })
        worker.dispatchEvent(event)
      },
      "the worker of the job failed: Uncaught Error: later",
    ],
    [
      "sends what cannot be read",
      (worker) => worker.dispatchEvent(new Event("messageerror")),
      "a message of the job cannot be read here",
    ],
    [
      "is closed",
      (worker) => worker.dispatchEvent(new Event("close")),
      "the worker of the job has ended",
    ],
    ["is terminated", (worker) => worker.terminate(), "the worker of the job was terminated"],
    [
      "cannot read the page",
      (worker) => {
        const error = { name: "MillraceError", code: "WORKER", message: "what?" } as const
        worker.say({ millrace: "gone", error })
      },
      "the worker has left its job: what?",
    ],
  ]

  it.each(ends)("that %s is an error for all who wait", async (_, end, message) => {
    const worker = new WebWorker()
    const starting = startJob(worker)
    worker.say({ millrace: "hello" })
    const job = await starting
    const told = await toldTo(job, () => end(worker))
    expect(told).toMatchObject(Array.from({ length: 4 }, () => ({ code: "WORKER", message })))
    expect(worker.terminated).toBeGreaterThan(0)
  })
})
