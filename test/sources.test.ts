import { Readable } from "node:stream"
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, run } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const three = [1, 2, 3]

function* generated() {
  yield* three
}

async function* later() {
  yield* three
}

const webStream = () =>
  new ReadableStream<number>({
    start(controller) {
      for (const n of three) controller.enqueue(n)
      controller.close()
    },
  })

describe("what can be a source", () => {
  it.each([
    ["an array", () => from(three)],
    ["a set", () => from(new Set(three))],
    ["a map's values", () => from(new Map(three.map((n) => [n, n])).values())],
    ["a typed array", () => from(Uint8Array.from(three))],
    ["a generator", () => from(generated())],
    ["an async generator", () => from(later())],
    ["a web stream", () => from(webStream())],
    ["a Node stream", () => from(Readable.from(three) as AsyncIterable<number>)],
    [
      "a source with positions",
      () =>
        from({
          read: async function* () {
            yield { events: three, position: 3 }
          },
        }),
    ],
  ])("%s gives its events", async (_, make) => {
    expect(await make().toArray()).toEqual(three)
  })

  it.each([
    ["a text", "abc", "a string"],
    ["a number", 5, "a number"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["an object", { events: [] }, "an object"],
  ])("%s is refused", (_, source, type) => {
    expect(refusal(() => from(source as never))).toEqual({
      code: "OPTION",
      message: `from takes an iterable, an async iterable, a ReadableStream or { read(position) }, not ${type}`,
    })
  })

  it("refuses options that it does not have, or that need a time", () => {
    const messages = [
      { tme: "at" },
      { timeUnit: "s" },
      { time: "at", timeUnit: "min" },
      {
        time: "at",
        watermark: "5m",
      },
    ].map((options) => refusal(() => from([] as { at: number }[], options as never)))
    expect(messages).toEqual([
      { code: "OPTION", message: 'from has no option "tme"; did you mean "time"?' },
      { code: "OPTION", message: "from.timeUnit needs from.time: which field has the time?" },
      { code: "OPTION", message: 'from.timeUnit must be one of "s", "ms", "us", "ns"' },
      { code: "OPTION", message: "from.watermark must be boundedDisorder(…), not a string" },
    ])
  })
})

describe("reading twice", () => {
  const consumed = {
    code: "CONSUMED",
    message:
      "the source can be read once and was read already: " +
      "make a new one, or use an array or { read(position) }",
    cause: undefined,
  }

  it.each([
    ["an array", three],
    ["a set", new Set(three)],
  ])("%s gives its events again", async (_, source) => {
    const stream = from(source)
    expect([await stream.toArray(), await stream.toArray()]).toEqual([three, three])
  })

  it.each([
    ["a generator", generated],
    ["an async generator", later],
    ["a web stream", webStream],
    ["a Node stream", () => Readable.from(three)],
  ])("%s is CONSUMED, by one stream or by two", async (_, make) => {
    const source = make() as Iterable<number>
    const stream = from(source)
    expect(await stream.toArray()).toEqual(three)
    expect(await errorFrom(() => stream.toArray())).toEqual(consumed)
    expect(await errorFrom(() => from(source).toArray())).toEqual(consumed)
  })

  it("is noticed for a web stream that somebody else reads", async () => {
    const source = webStream()
    source.getReader()
    expect(await errorFrom(() => from(source).toArray())).toEqual(consumed)
  })

  it("frees the source that was opened before", async () => {
    const first = handFed<number>()
    const used = generated()
    await from(used).toArray()
    expect((await errorFrom(() => run(from(first).union(from(used))))).code).toBe("CONSUMED")
    expect(first.left).toBe(1)
  })
})

describe("a source that throws", () => {
  const cause = new TypeError("disk on fire")
  const expected = { code: "SOURCE", message: "the source threw; see cause", cause }
  const failing = {
    *generator() {
      yield* three
      throw cause
    },
    async *asyncGenerator() {
      yield* three
      throw cause
    },
    webStream: () => {
      let n = 0
      return new ReadableStream<number>({
        pull: (controller) => (n < 3 ? controller.enqueue(++n) : controller.error(cause)),
      })
    },
    nodeStream: () => Readable.from(failing.asyncGenerator()) as AsyncIterable<number>,
    withPositions: () => ({
      async *read() {
        yield { events: three, position: 3 }
        throw cause
      },
    }),
  }

  it.each(Object.entries(failing))("gives the events before it first: %s", async (_, make) => {
    expect(await pullToError(from(make() as Iterable<number>))).toEqual({
      pulled: three,
      ...expected,
    })
  })

  it.each([
    [
      "an iterable",
      {
        [Symbol.iterator]: () => {
          throw cause
        },
      },
    ],
    [
      "an async iterable",
      {
        [Symbol.asyncIterator]: () => {
          throw cause
        },
      },
    ],
    [
      "read()",
      {
        read: () => {
          throw cause
        },
      },
    ],
  ])("at its first call is SOURCE too: %s", async (_, source) => {
    const stream = from(source as unknown as number[])
    expect(await errorFrom(() => stream.toArray())).toEqual(expected)
    expect(await errorFrom(() => run(stream))).toEqual(expected)
  })

  it.each([
    ["events that are no array", { events: 5 }, "an object"],
    ["nothing", undefined, "undefined"],
  ])("or whose read() gives %s is SOURCE, and is left", async (_, step, type) => {
    let left = 0
    const source = {
      read: async function* () {
        try {
          yield step as unknown as { events: number[]; position: number }
          yield { events: [1], position: 1 }
        } finally {
          left++
        }
      },
    }
    const { code, message } = await errorFrom(() => from(source).toArray())
    expect([code, message, left]).toEqual([
      "SOURCE",
      `read() must give { events, position }, not ${type}`,
      1,
    ])
  })
})

describe("a slow source", () => {
  it("gives an event that is there although the next never comes", async () => {
    const source = handFed<number>()
    const results = from(source)[Symbol.asyncIterator]()
    source.give(1)
    expect(await results.next()).toEqual({ done: false, value: 1 })
    const next = results.next()
    source.give(2)
    expect(await next).toEqual({ done: false, value: 2 })
    await results.return?.()
  })

  it("does not stop a quick one", async () => {
    const slow = handFed<string>()
    const both = from(slow).union(from(["a", "b"]))
    const results = both[Symbol.asyncIterator]()
    expect([await results.next(), await results.next()].map(({ value }) => value)).toEqual([
      "a",
      "b",
    ])
    slow.give("late")
    expect((await results.next()).value).toBe("late")
    slow.end()
    expect((await results.next()).done).toBe(true)
  })

  it("is asked for no more than one chunk ahead", async () => {
    const source = handFed<number>()
    const job = await run(from(source), { chunkSize: 10 })
    source.give(...Array.from({ length: 5000 }, (_, n) => n))
    await pull(job, 1)
    await turns(20)
    expect(source.asked).toBeLessThanOrEqual(21)
    await job.close()
  })
})

describe("leaving early", () => {
  it.each([
    ["between two events", true],
    ["while a source that never gives its next event is waited for", false],
  ])("ends the source once: %s", async (_, between) => {
    const source = handFed<number>()
    source.give(1, 2)
    const results = from(source)[Symbol.asyncIterator]()
    await results.next()
    if (!between) await results.next()
    const waiting = between ? undefined : results.next()
    await results.return?.()
    await results.return?.()
    expect([source.left, await waiting]).toEqual([
      1,
      between ? undefined : { done: true, value: undefined },
    ])
  })

  it("runs a generator's finally, and forgives what it throws", async () => {
    let ended = 0
    function* source() {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        ended++
        JSON.parse("too late to tell")
      }
    }
    for await (const n of from(source())) if (n === 3) break
    expect(ended).toBe(1)
  })

  it("cancels a web stream once, with a read pending", async () => {
    let cancelled = 0
    const source = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel: () => void cancelled++,
    })
    const results = from(source)[Symbol.asyncIterator]()
    await results.next()
    const waiting = results.next()
    await turns()
    await results.return?.()
    expect([cancelled, await waiting]).toEqual([1, { done: true, value: undefined }])
  })

  it("destroys a Node stream", async () => {
    const source = Readable.from(later())
    for await (const _ of from(source as AsyncIterable<number>)) break
    await turns()
    expect(source.destroyed).toBe(true)
  })

  it("before the first pull reads nothing, and the stream is over", async () => {
    const source = handFed<number>()
    const results = from(source)[Symbol.asyncIterator]()
    await results.return?.()
    expect([await results.next(), source.asked, source.left]).toEqual([
      { done: true, value: undefined },
      0,
      0,
    ])
  })
})

describe("event time", () => {
  const start = Date.UTC(2001, 1, 1, 4, 0, 0, 123)
  const pad = (n: number, digits = 2) => String(n).padStart(digits, "0")
  const european = (ms: number) => {
    const date = new Date(ms)
    const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((n) => pad(n))
    return `01/02/2001 ${time.join(":")}.${pad(date.getUTCMilliseconds(), 3)}`
  }
  const forms: [string, (ms: number) => unknown, object][] = [
    ["ms", (ms) => ms, {}],
    ["bigints", (ms) => BigInt(ms), {}],
    ["Dates", (ms) => new Date(ms), {}],
    ["ISO texts", (ms) => new Date(ms).toISOString(), {}],
    ["seconds", (ms) => ms / 1000, { timeUnit: "s" }],
    ["microseconds", (ms) => ms * 1000, { timeUnit: "us" }],
    ["nanoseconds", (ms) => BigInt(ms) * 1_000_000n, { timeUnit: "ns" }],
    ["texts of a zone", (ms) => new Date(ms).toISOString().slice(0, -1), { timeZone: "+01:00" }],
    ["texts of a format", european, { timeFormat: "dd/MM/yyyy HH:mm:ss.SSS" }],
  ]

  it.each(forms)("is read from %s, by field and by function", async (_, write, options) => {
    const events = [0, 999, 1000].map((ms) => ({ ms, at: write(start + ms) }))
    const passed = (time: unknown) =>
      from(events, { time, ...options } as { time: never })
        .keyBy(() => null)
        .deduplicate({ ttl: "1s" })
        .map(({ ms }) => ms)
        .toArray()
    expect(await passed("at")).toEqual([0, 1000])
    expect(await passed((event: { at: unknown }) => event.at)).toEqual([0, 1000])
  })

  it.each([
    ["missing", {}, "is missing"],
    ["a text", { at: "soon" }, "is text that is not an ISO 8601 time, or not a day that exists"],
    ["not a number", { at: Number.NaN }, "is NaN, which is no time"],
    ["a list", { at: [] }, "is an array, which is no time"],
  ])("that is %s is TIMESTAMP with the event's position", async (_, bad, why) => {
    const source = from([{ at: 1 }, { at: 2 }, bad as { at: number }, { at: 3 }], { time: "at" })
    expect(await pullToError(source)).toMatchObject({
      pulled: [{ at: 1 }, { at: 2 }],
      code: "TIMESTAMP",
      message: `source-1: event 2: the time field "at" ${why}`,
    })
  })

  it("tells what a time function threw", async () => {
    const cause = new Error("no time today")
    const time = (n: number) => {
      if (n === 3) throw cause
      return n
    }
    expect(await pullToError(from(three, { time }))).toEqual({
      pulled: [1, 2],
      code: "USER_FUNCTION",
      message: "source-1: event 2: the function threw Error",
      cause,
    })
  })

  it("stands in a union at the source that is furthest behind, until that has ended", async () => {
    const [ahead, behind] = [handFed<number>(), handFed<number>()]
    const time = (at: number) => at
    const job = await run(
      from(ahead, { time })
        .union(from(behind, { time, watermark: boundedDisorder(10) }))
        .keyBy((at) => at)
        .deduplicate({ ttl: 100 }),
    )
    const results = job[Symbol.asyncIterator]()
    const size = async (source: typeof ahead, event: number) => {
      source.give(event)
      await results.next()
      return job.state("deduplicate-1").size
    }
    const sizes = [
      await size(ahead, 0),
      await size(ahead, 1000), // Nothing is known of the other one.
      await size(behind, 109), // Its watermark was -Infinity before this event.
      await size(behind, 110), // 99 now.
      await size(behind, 111), // 100: what was last used at 0 goes.
    ]
    expect(sizes).toEqual([1, 2, 3, 4, 4])
    const last = results.next()
    behind.end()
    await turns()
    ahead.give(2000)
    await last
    expect(job.state("deduplicate-1").size).toBe(2) // 1000 now: the others were used before 900.
    await job.close()
  })

  it("cannot meet processing time", async () => {
    const mixed = from([1], { time: (n) => n }).union(from([2]))
    expect(await errorFrom(() => run(mixed))).toEqual({
      code: "OPTION",
      message: "union-1 joins event time with processing time: give every source a time, or none",
      cause: undefined,
    })
  })

  it("is otherwise when the event arrives, by the clock of the job", async () => {
    const clock = manualClock(5000)
    const events = from(
      (function* () {
        for (const step of [0, 999, 1]) {
          clock.advance(step)
          yield clock.now()
        }
      })(),
    )
    const job = await run(events.keyBy(() => null).deduplicate({ ttl: "1s" }), {
      clock,
      chunkSize: 1,
    })
    expect(await pull(job)).toEqual([5000, 6000])
    await job.close()
  })
})
