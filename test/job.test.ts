import { describe, expect, it } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import type { Job } from "../js/index.ts"
import { closable, errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** How often each letter came so far. */
const counted = () =>
  from([..."abracadabra"])
    .keyBy((letter) => letter)
    .fold(
      () => 0,
      (n) => n + 1,
    )

describe("finished()", () => {
  it("runs to the end with nobody reading, as often as it is asked", async () => {
    const job = await run(counted())
    await Promise.all([job.finished(), job.finished()])
    await job.finished()
    expect(job.stats()).toMatchObject({ events: 11, position: 11, discarded: { out: 11 } })
    await job.close()
    await job.finished()
  })

  it("ends in memory although somebody has claimed the results and does not read on", async () => {
    const job = await run(from(numbers(3)))
    expect(await pull(job, 1)).toEqual([0])
    await job.finished()
    expect(await pull(job)).toEqual([1, 2])
    await job.close()
  })
})

describe("close()", () => {
  it("twice is one", async () => {
    const storage = closable(memoryStorage())
    const job = await run(counted(), { storage })
    await Promise.all([job.close(), job.close()])
    await job.close()
    expect(storage.closed).toBe(1)
  })

  it("makes every later use CLOSED", async () => {
    const job = await run(counted(), { storage: memoryStorage() })
    const view = job.state("fold-1")
    await job.close()
    const uses: (() => unknown)[] = [
      () => job.state("fold-1"),
      () => job.stats(),
      () => job.checkpoint(),
      () => job.finished(),
      () => view.get("a"),
      () => view.size,
      () => [...view.scan()],
      () => view.entries(),
    ]
    const codes = await Promise.all(
      uses.map(async (use) => (await errorFrom(async () => use())).code),
    )
    expect(codes).toEqual(uses.map(() => "CLOSED"))
    expect(await pull(job)).toEqual([])
  })

  it("ends readers and waiters, and blames nobody who does not look", async () => {
    const source = handFed<string>()
    const job = await run(from(source, { replay: "none" }), { storage: memoryStorage() })
    const reader = job[Symbol.asyncIterator]().next()
    const waiting = errorFrom(() => job.finished())
    void job.finished()
    await turns()
    await job.close()
    expect([await reader, (await waiting).code, source.left]).toEqual([
      { done: true, value: undefined },
      "CLOSED",
      1,
    ])
  })

  it("tells what the storage threw, with the rest freed", async () => {
    const cause = new Error("stuck")
    const storage = { ...memoryStorage(), close: () => Promise.reject(cause) }
    const job = await run(counted(), { storage })
    expect(await errorFrom(() => job.close())).toEqual({
      code: "STORAGE",
      message: "the storage failed to close; see cause",
      cause,
    })
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
  })

  it("from inside a function of the job waits for the chunk", async () => {
    let closed: Promise<void> | undefined
    const job: Job<number> = await run(
      from(numbers(10)).map((n) => {
        if (n === 3) closed = job.close()
        return n
      }),
    )
    expect((await errorFrom(() => job.finished())).code).toBe("CLOSED")
    await closed
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
  })
})

describe("an AbortSignal", () => {
  const told = { code: "ABORTED", message: "the job was aborted; see cause" }

  it("that was raised before is refused, and nothing is read or held", async () => {
    const storage = closable(memoryStorage())
    const source = handFed<number>()
    const signal = AbortSignal.abort("tired")
    const refused = run(from(source, { replay: "none" }), { storage, signal })
    expect(await errorFrom(() => refused)).toEqual({ ...told, cause: "tired" })
    expect([source.asked, storage.closed]).toEqual([0, 1])
  })

  it("raised while the job opens is heard", async () => {
    const controller = new AbortController()
    const source = handFed<number>()
    const opening = run(from(source), { signal: controller.signal })
    controller.abort("changed my mind")
    expect(await errorFrom(() => opening)).toEqual({ ...told, cause: "changed my mind" })
    expect(source.left).toBe(1)
  })

  it("raised while it runs ends readers and waiters and frees everything", async () => {
    const controller = new AbortController()
    const storage = closable(memoryStorage())
    const source = handFed<number>()
    const options = { storage, signal: controller.signal }
    const job = await run(from(source, { replay: "none" }), options)
    const reader = errorFrom(() => job[Symbol.asyncIterator]().next())
    const finished = errorFrom(() => job.finished())
    await turns()
    controller.abort("enough")
    expect([await reader, await finished]).toEqual([
      { ...told, cause: "enough" },
      { ...told, cause: "enough" },
    ])
    await turns()
    expect([source.left, storage.closed]).toEqual([1, 1])
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
    await job.close()
  })

  it("raised by a function of the job, or by its source, ends it there", async () => {
    const raise = (how: (raise: () => void) => Iterable<number>) => {
      const controller = new AbortController()
      const source = how(() => controller.abort("now"))
      return errorFrom(async () =>
        (await run(from(source), { signal: controller.signal })).finished(),
      )
    }
    const inSource = await raise(function* (abort) {
      yield 1
      abort()
      yield 2
    })
    expect(inSource).toEqual({ ...told, cause: "now" })
    const controller = new AbortController()
    const job = await run(
      from(numbers(5)).tap(() => controller.abort("now")),
      { signal: controller.signal },
    )
    expect(await errorFrom(() => job.finished())).toEqual({ ...told, cause: "now" })
  })

  it("raised after the end changes nothing", async () => {
    const controller = new AbortController()
    const job = await run(counted(), { signal: controller.signal })
    await job.finished()
    controller.abort()
    await job.finished()
    expect(job.state("fold-1").get("a")).toBe(5)
    await job.close()
  })
})
