import { Readable } from "node:stream"
import { describe, expect, it } from "vitest"
import { from, run } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pullToError } from "./probe.ts"
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
    const wanted =
      "an iterable, an async iterable, a ReadableStream, an EventTarget or { read(position) }"
    expect(refusal(() => from(source as never))).toEqual({
      code: "OPTION",
      message: `from takes ${wanted}, not ${type}`,
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
      {
        code: "OPTION",
        message:
          "from.watermark must be boundedDisorder(…), ascending(), punctuated(…) or { create }, " +
          "not a string",
      },
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
