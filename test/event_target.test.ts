/** from(eventTarget, { event }): events that come when they like. */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, outputTag, run } from "../js/index.ts"
import type { ErrorEvent, EventTargetOptions, Job, MillraceError } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

class Beep extends Event {
  readonly n: number

  constructor(n: number, name = "beep") {
    super(name)
    this.n = n
  }
}

/** Says what is dispatched to it, and counts who listens. */
class Horn extends EventTarget {
  listeners = 0

  override addEventListener(...given: Parameters<EventTarget["addEventListener"]>): void {
    this.listeners++
    super.addEventListener(...given)
  }

  override removeEventListener(...given: Parameters<EventTarget["removeEventListener"]>): void {
    this.listeners--
    super.removeEventListener(...given)
  }

  beep(...numbers: number[]): void {
    for (const n of numbers) this.dispatchEvent(new Beep(n))
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

const beeps = (horn: EventTarget, options: Partial<EventTargetOptions<Beep>> = {}) =>
  from<Beep>(horn, { event: "beep", ...options }).map(({ n }) => n)

describe("an event target", () => {
  it("gives the events of one name, themselves, from when the job is open", async () => {
    const horn = new Horn()
    horn.beep(0)
    const job = await run(from<Beep>(horn, { event: "beep" }))
    const given = [new Beep(1), new Beep(2, "honk"), new Beep(3)]
    for (const event of given) horn.dispatchEvent(event)
    const results = await pull(job, 2)
    expect(results.map((event, i) => event === given[2 * i])).toEqual([true, true])
    await job.close()
  })

  it("is waited for, again and again", async () => {
    const horn = new Horn()
    const results = beeps(horn)[Symbol.asyncIterator]()
    for (const n of upTo(5)) {
      const next = results.next()
      await turns()
      horn.beep(n)
      expect(await next).toEqual({ done: false, value: n })
    }
    await results.return?.()
  })

  it.each([1, 3, 1024])("gives all that waited, in chunks of %i", async (chunkSize) => {
    const horn = new Horn()
    const job = await run(beeps(horn).take(1000), { chunkSize })
    horn.beep(...upTo(1000))
    expect(await pull(job)).toEqual(upTo(1000))
    await job.close()
  })

  it("can be listened to by several sources, each for itself", async () => {
    const horn = new Horn()
    const [some, all] = [beeps(horn).take(1), beeps(horn).take(2)]
    const jobs = [await run(some), await run(all)]
    horn.beep(1, 2)
    expect(await Promise.all(jobs.map((job) => pull(job)))).toEqual([[1], [1, 2]])
    for (const job of jobs) await job.close()
    expect(horn.listeners).toBe(0)
  })

  it("may name times, and routes events without one", async () => {
    const horn = new Horn()
    const silent = outputTag<ErrorEvent>("silent")
    const timed = from<Beep>(horn, {
      event: "beep",
      time: "n",
      onError: "route",
      errorsTo: silent,
    })
    const job = await run({ timed })
    horn.beep(Number.NaN, 5)
    const [good, bad] = await Promise.all([
      pull(job.output("timed"), 1),
      pull(job.output(silent), 1),
    ])
    expect(good.map(({ n }) => n)).toEqual([5])
    expect(bad.map(({ error }) => (error as MillraceError).code)).toEqual(["TIMESTAMP"])
    await job.close()
  })

  it("takes precedence, with `event`, over what can be iterated, such as a form", async () => {
    class Form extends Horn {
      readonly [Symbol.iterator] = () => upTo(3)[Symbol.iterator]()
    }
    const form = new Form()
    expect(await from(form as Iterable<number>).toArray()).toEqual([0, 1, 2])
    const job = await run(beeps(form).take(1))
    form.beep(7)
    expect(await pull(job)).toEqual([7])
    await job.close()
  })
})

describe("a full buffer", () => {
  const opened = async (options: Partial<EventTargetOptions<Beep>>) => {
    const horn = new Horn()
    const job = await run(beeps(horn, options), { chunkSize: 2 })
    return { horn, job }
  }
  const dropped = (job: Job<number>) => job.stats().dropped

  it("ends the job with LIMIT, after what is in it", async () => {
    const { horn, job } = await opened({ bufferMax: 3 })
    horn.beep(...upTo(5))
    expect(horn.listeners).toBe(0)
    expect(await pullToError(job)).toEqual({
      pulled: [0, 1, 2],
      code: "LIMIT",
      message: "from: too many events beep wait for the job: bufferMax is 3",
      cause: undefined,
    })
    expect(dropped(job)).toEqual({ "source-1": 0 })
    await job.close()
  })

  it("holds 1,024 unless it is told otherwise", async () => {
    const { horn, job } = await opened({})
    horn.beep(...upTo(1024))
    expect(await pull(job, 1024)).toEqual(upTo(1024))
    horn.beep(...upTo(1025))
    expect(await pullToError(job)).toMatchObject({ pulled: upTo(1024), code: "LIMIT" })
    await job.close()
  })

  it.each([
    ["dropNewest", [0, 1, 2, 7, 8, 9]],
    ["dropOldest", [4, 5, 6, 10, 11, 12]],
  ] as const)("with %s drops, counts, and goes on", async (overflow, kept) => {
    const { horn, job } = await opened({ bufferMax: 3, overflow })
    horn.beep(...upTo(7))
    expect(dropped(job)).toEqual({ "source-1": 4 })
    const first = await pull(job, 3)
    horn.beep(7, 8, 9, 10, 11, 12)
    expect([...first, ...(await pull(job, 3))]).toEqual(kept)
    expect(dropped(job)).toEqual({ "source-1": 7 })
    await job.close()
  })

  it("of one is a buffer too", async () => {
    const { horn, job } = await opened({ bufferMax: 1, overflow: "dropOldest" })
    horn.beep(1, 2, 3)
    expect(await pull(job, 1)).toEqual([3])
    await job.close()
  })

  it("counts for no source that keeps what it has", async () => {
    const job = await run(from([1]))
    expect(job.stats().dropped).toEqual({})
    await job.close()
  })
})

describe("an event target is left", () => {
  it("when its consumer leaves, the job is closed or aborted, or wants no more", async () => {
    const horn = new Horn()
    const results = beeps(horn)[Symbol.asyncIterator]()
    const waiting = results.next()
    await turns()
    expect(horn.listeners).toBe(1)
    await results.return?.()
    expect([await waiting, horn.listeners]).toEqual([{ done: true, value: undefined }, 0])

    const closed = await run(beeps(horn))
    expect(horn.listeners).toBe(1)
    await closed.close()
    expect(horn.listeners).toBe(0)

    const abort = new AbortController()
    const aborted = await run(beeps(horn), { signal: abort.signal })
    expect(horn.listeners).toBe(1)
    abort.abort()
    expect([(await pullToError(aborted)).code, horn.listeners]).toEqual(["ABORTED", 0])

    expect(await beeps(horn).take(0).toArray()).toEqual([])
    expect(horn.listeners).toBe(0)
  })

  it("when the job fails, or cannot be opened", async () => {
    const horn = new Horn()
    const other = handFed<number>()
    const job = await run(beeps(horn).union(from(other).map(() => JSON.parse("{") as number)))
    const failed = pullToError(job)
    await turns()
    other.give(1)
    expect([(await failed).code, horn.listeners]).toEqual(["USER_FUNCTION", 0])
    await job.close()

    const used = upTo(1).values()
    await from(used).toArray()
    const refused = await errorFrom(() => run(beeps(horn).union(from(used))))
    expect([refused.code, horn.listeners]).toEqual(["CONSUMED", 0])
  })

  it("although it does not want to be", async () => {
    const horn = new Horn()
    horn.removeEventListener = () => {
      throw new Error("stay")
    }
    const job = await run(beeps(horn).take(1))
    horn.beep(1)
    expect(await pull(job)).toEqual([1])
    await job.close()
  })
})

describe("what cannot be listened to", () => {
  it("is a target that throws", async () => {
    const cause = new TypeError("deaf")
    const horn = new Horn()
    horn.addEventListener = () => {
      throw cause
    }
    expect(await errorFrom(() => run(beeps(horn)))).toEqual({
      code: "SOURCE",
      message: "the source threw; see cause",
      cause,
    })
  })

  it("is a durable job's source, unless that says so", async () => {
    const horn = new Horn()
    const refused = await errorFrom(() => run(beeps(horn), { storage: memoryStorage() }))
    expect(refused).toMatchObject({ code: "SOURCE" })
    const storage = memoryStorage()
    const sums: number[] = []
    for (const n of [1, 2]) {
      const sum = beeps(horn, { replay: "none" }).scan((a, b) => a + b)
      const job = await run(sum, { storage })
      horn.beep(n)
      const results = job[Symbol.asyncIterator]()
      sums.push((await results.next()).value as number)
      const [taken, waiting] = [job.checkpoint(), results.next()]
      await taken
      await job.close()
      await waiting
    }
    expect(sums).toEqual([1, 3])
  })

  it("is told by options that do not fit", () => {
    const target = new EventTarget()
    const cases: [unknown, object?][] = [
      [target],
      [target, { bufferMax: 5 }],
      [target, { evnt: "beep" }],
      [target, { event: "" }],
      [target, { event: "beep", bufferMax: 0 }],
      [target, { event: "beep", overflow: "drop" }],
      [[1], { event: "beep" }],
      [new Set([1]), { bufferMax: 5 }],
      [{ addEventListener: () => undefined }, { event: "beep" }],
    ]
    const named = "from.event must name the events of the EventTarget"
    const messages = cases.map(([source, options]) => {
      const { code, message } = refusal(() => from(source as never, options as never))
      return `${code} ${message}`
    })
    expect(messages).toEqual(
      [
        named,
        named,
        'from has no option "evnt"; did you mean "event"?',
        "from.event must be a text that is not empty",
        "from.bufferMax must be a whole number of at least 1, not 0",
        'from.overflow must be one of "error", "dropOldest", "dropNewest"',
        "from.event is for an EventTarget, not for an array",
        "from.bufferMax is for an EventTarget, not for a Set",
        "from.event is for an EventTarget, not for an object",
      ].map((message) => `OPTION ${message}`),
    )
  })
})
