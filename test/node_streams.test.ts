/** Node's streams and the web's, before a stream and behind it: who waits, fails and leaves. */
import { once } from "node:events"
import { createInterface } from "node:readline"
import { Readable, Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { ReadableStream as NodeWebStream } from "node:stream/web"
import { describe, expect, it } from "vitest"
import { count, from } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { errorFrom, guardRejections, turns } from "./probe.ts"

guardRejections()

interface Order {
  readonly user: string
}
interface Numbered extends Order {
  readonly nth: number
}

const orders: readonly Order[] = Array.from({ length: 3000 }, (_, n) => ({ user: `user ${n % 7}` }))
const expected = orders.map(({ user }, n) => ({ user, nth: Math.floor(n / 7) + 1 }))

/** Each order with its number among those of its user. */
const numbered = (events: AsyncIterable<Order>): Stream<Numbered> =>
  from(events)
    .keyBy("user")
    .aggregate({ nth: count() })
    .map(({ key, nth }) => ({ user: key, nth }))

/** Orders up to an error, or without an end; it tells how many were taken, and if it was left. */
function watched(error?: Error) {
  const source = {
    taken: 0,
    left: false,
    async *orders() {
      try {
        while (error === undefined || source.taken < 100) {
          source.taken++
          yield { user: "ada" }
        }
        throw error
      } finally {
        source.left = true
      }
    },
  }
  return source
}

type Orders = Iterable<Order> | AsyncIterable<Order>

const sources = {
  "a Node stream": (events: Orders): AsyncIterable<Order> => Readable.from(events),
  "a web stream": (events: Orders) => Readable.toWeb(Readable.from(events)) as AsyncIterable<Order>,
}

/** A consumer; it gets the next row when its promise is fulfilled. */
type Take = (row: Numbered) => Promise<void>

const sinks = {
  "a Node stream": (stream: Stream<Numbered>, take: Take, signal?: AbortSignal) => {
    const write = (row: Numbered, _: string, done: (error?: Error) => void) =>
      void take(row).then(() => done(), done)
    const sink = new Writable({ objectMode: true, highWaterMark: 1, write })
    return pipeline(stream, sink, { ...(signal && { signal }) })
  },
  "a web stream": (stream: Stream<Numbered>, take: Take, signal?: AbortSignal) =>
    stream
      .toReadableStream()
      .pipeTo(new WritableStream({ write: take }), { ...(signal && { signal }) }),
}

describe.each(Object.entries(sources))("from %s", (_, open) => {
  describe.each(Object.entries(sinks))("into %s", (_, deliver) => {
    it("every event comes, in order", async () => {
      const rows: Numbered[] = []
      await deliver(numbered(open(orders)), async (row) => void rows.push(row))
      expect(rows).toEqual(expected)
    })

    it("a consumer that waits holds up the source, and one that goes away ends it", async () => {
      const source = watched()
      const rows: Numbered[] = []
      const end = new AbortController()
      const done = deliver(
        numbered(open(source.orders())),
        async (row) => (rows.push(row) < 3 ? undefined : void (await once(end.signal, "abort"))),
        end.signal,
      )
      while (rows.length < 3) await turns()
      await turns(50)
      expect(rows).toHaveLength(3)
      expect(source.taken).toBeLessThan(4 * 1024) // A chunk or two, and what streams keep.
      expect(source.left).toBe(false)
      end.abort()
      await expect(done).rejects.toMatchObject({ name: "AbortError" })
      await turns()
      expect(source.left).toBe(true)
    })

    it("an error of the source reaches the consumer", async () => {
      const cause = new TypeError("no more paper")
      const error = errorFrom(() =>
        deliver(numbered(open(watched(cause).orders())), async () => {}),
      )
      expect(await error).toMatchObject({ code: "SOURCE", cause })
    })

    it("an error of a function reaches both", async () => {
      const source = watched()
      const cause = new RangeError("too many")
      const failing = numbered(open(source.orders())).map((row) => {
        if (row.nth === 10) throw cause
        return row
      })
      const error = await errorFrom(() => deliver(failing, async () => {}))
      await turns()
      expect([error.code, error.cause, source.left]).toEqual(["USER_FUNCTION", cause, true])
    })

    it("an error of the consumer reaches the source", async () => {
      const source = watched()
      const error = new Error("the disk is full")
      const done = deliver(numbered(open(source.orders())), async ({ nth }) => {
        if (nth === 10) throw error
      })
      await expect(done).rejects.toBe(error)
      await turns()
      expect(source.left).toBe(true)
    })
  })
})

describe("a Node stream", () => {
  it("has a stream as a step of its pipeline", async () => {
    const rows: Numbered[] = []
    await pipeline(Readable.from(orders), numbered, async (results: AsyncIterable<Numbered>) => {
      for await (const row of results) rows.push(row)
    })
    expect(rows).toEqual(expected)
  })

  it("is made of a stream, by iteration or by the web's, and ends it when destroyed", async () => {
    const ways = [
      (stream: Stream<Numbered>) => Readable.from(stream),
      (stream: Stream<Numbered>) =>
        Readable.fromWeb(stream.toReadableStream() as NodeWebStream, { objectMode: true }),
    ]
    for (const make of ways) {
      expect(await make(numbered(Readable.from(orders))).toArray()).toEqual(expected)
      const source = watched()
      const readable = make(numbered(source.orders()))
      for await (const row of readable) {
        expect(row).toEqual({ user: "ada", nth: 1 })
        break // Which destroys it.
      }
      await turns()
      expect([readable.destroyed, source.left]).toEqual([true, true])
    }
  })

  it("that is destroyed before its end is an error, not an end", async () => {
    const readable = new Readable({ objectMode: true, read() {} })
    readable.push({ user: "ada" })
    const results = numbered(readable)[Symbol.asyncIterator]()
    expect((await results.next()).value).toEqual({ user: "ada", nth: 1 })
    const next = errorFrom(() => results.next())
    readable.destroy()
    expect(await next).toMatchObject({
      code: "SOURCE",
      cause: { code: "ERR_STREAM_PREMATURE_CLOSE" },
    })
  })

  it("of bytes gives them as they come, and lines by way of readline", async () => {
    const text = orders.map((order) => JSON.stringify(order)).join("\n")
    const bytes = () =>
      Readable.from([text.slice(0, 5000), text.slice(5000)].map((part) => Buffer.from(part)))
    const chunks = (await from(bytes()).toArray()) as Buffer[]
    expect(Buffer.concat(chunks).toString()).toBe(text)
    const lines = from(createInterface(bytes())).map((line) => JSON.parse(line) as Order)
    expect(await numbered(lines).toArray()).toEqual(expected)
  })
})
