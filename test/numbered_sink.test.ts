/** Numbers of results are the same in every run, whatever fails; and who cannot have them. */
import { describe, expect, it, vi } from "vitest"
import { boundedDisorder, count, from, memoryStorage, of, run, tumbling } from "millrace"
import type { NumberedSink, Replayable, StateStorage, Stream } from "millrace"
import { killedEverywhere, untilKilled } from "./killed.ts"
import { bytesOf } from "./savepoints.ts"

interface Event {
  user: string
  at: number
}

const events = Array.from({ length: 60 }, (_, n) => {
  return { user: `u${n % 3}`, at: n * 10 + ((n * 7) % 5) * 8 }
})

/** Windows close while others are open; what is late goes nowhere. */
const windows = (input: readonly Event[] = events) =>
  from(input, { time: "at", watermark: boundedDisorder(20) })
    .keyBy("user")
    .window(tumbling(50))
    .aggregate({ count: count() }, { uid: "windows" })
    .map(({ key, start, count }) => `${key} ${start} ${count}`)

const expected = await windows().toArray()

/** Keeps each result under its number; what comes again must be what it was. */
class Store implements NumberedSink<string> {
  readonly delivery = "at-least-once"
  readonly rows: string[] = []
  came = 0

  async writeNumbered(results: readonly string[], first: number): Promise<void> {
    await Promise.resolve()
    results.forEach((result, i) => {
      this.came++
      expect(this.rows[first + i] ?? result).toBe(result)
      this.rows[first + i] = result
    })
  }
}

async function finish(storage: StateStorage, store: Store, input = events): Promise<void> {
  const job = await run(windows(input).to(store), { storage, chunkSize: 4 })
  await job.finished()
  await job.close()
}

const totals = (input: Replayable<Event, number>) =>
  from(input, { time: "at", watermark: boundedDisorder(20) })
    .keyBy("user")
    .fold(
      () => 0,
      (sum) => sum + 1,
      { uid: "counts" },
    )
    .map((sum) => `${sum}`)

/** Events in three parts, each when it is given, also to those who read on. */
function partedSource() {
  let given = 0
  let news = () => {}
  const source: Replayable<Event, number> = {
    async *read(position = 0) {
      for (let part = position; part < 3; part++) {
        while (given <= part) await new Promise<void>((resolve) => (news = resolve))
        yield { events: events.slice(part * 20, part * 20 + 20), position: part + 1 }
      }
    },
  }
  return {
    source,
    /** One more part; when the store has the results of it, too. */
    async give(store: Store) {
      given++
      news()
      await vi.waitUntil(() => store.came === given * 20, 10_000)
    },
    giveAll() {
      given = 3
      news()
    },
  }
}

describe("a numbered sink", () => {
  it.each([1, 7, 1024])(
    "has all results under their numbers, in chunks of %i",
    async (chunkSize) => {
      const store = new Store()
      const job = await run(windows().to(store), { chunkSize })
      await job.finished()
      await job.close()
      expect(store.rows).toEqual(expected)
      expect(store.came).toBe(expected.length)
    },
  )

  it("can tell what comes again, wherever the process is killed", async () => {
    let again = 0
    const kills = await killedEverywhere(async (call, after) => {
      const storage = memoryStorage()
      const store = new Store()
      const killed = await untilKilled(
        async (dying) => {
          const durable = dying(storage, ["get", "set", "delete", "list", "commit"])
          const into = dying(store, ["writeNumbered"])
          let ms = 0
          const clock = { now: () => ms++ } // Time goes on by being looked at.
          const checkpoint = { interval: 6 }
          const options = { storage: durable, chunkSize: 5, checkpoint, clock }
          await (await run(windows().to(into), options)).finished()
        },
        call,
        after,
      )
      await finish(storage, store)
      expect(store.rows, `killed ${after ? "after" : "before"} call ${call}`).toEqual(expected)
      again += store.came - expected.length
      return killed
    })
    expect(kills).toBeGreaterThan(50)
    expect(again).toBeGreaterThan(50)
  })

  it("has the same numbers when the newest checkpoint is damaged", async () => {
    const storage = memoryStorage()
    const store = new Store()
    const parts = partedSource()
    const first = await run(totals(parts.source).to(store), { storage })
    const over = first.finished().catch(() => undefined)
    for (const _ of [1, 2]) {
      await parts.give(store)
      await first.checkpoint()
    }
    await first.close()
    await over
    const newest = (await storage.list("job/manifest/")).filter((key) => !key.includes("-")).at(-1)
    await storage.set(newest as string, new Uint8Array(20))
    const job = await run(totals(parts.source).to(store), { storage })
    expect(job.stats().restored?.skipped).toHaveLength(1)
    parts.giveAll()
    await job.finished()
    await job.close()
    expect(store.rows).toEqual(await totals(parts.source).toArray())
    expect(store.came).toBe(80)
  })

  it("goes on with its numbers from a savepoint", async () => {
    const store = new Store()
    const parts = partedSource()
    const first = await run(totals(parts.source).to(store))
    const over = first.finished().catch(() => undefined)
    await parts.give(store)
    const savepoint = await bytesOf(await first.savepoint())
    await first.close()
    await over
    expect(store.came).toBe(20)
    const job = await run(totals(parts.source).to(store), { from: savepoint })
    parts.giveAll()
    await job.finished()
    await job.close()
    expect(store.rows).toEqual(await totals(parts.source).toArray())
    expect(store.came).toBe(60)
  })

  it("may not be left out once results had numbers", async () => {
    const storage = memoryStorage()
    await finish(storage, new Store(), events.slice(0, 20))
    const without = () => run(windows(), { storage })
    await expect(without()).rejects.toMatchObject({ code: "STATE_CONFIG" })
    await expect(without()).rejects.toThrow(/output out had numbers/)
    await (await run(windows(), { storage, allowNonRestoredState: true })).close()
  })
})

describe("what fails at the end of a source", () => {
  const fails = (time: number): string => {
    if (time > 0) throw new Error("no")
    return `at ${time}`
  }
  const ways: Record<string, (events: Stream<Event>) => Stream<string>> = {
    "a timer": (events) =>
      events.keyBy("user").process({
        emits: of<string>(),
        process(_, __, { timers }) {
          for (const time of [0, 1]) timers.eventTime(time)
        },
        onTimer: (time, _, __, out) => out.collect(fails(time)),
      }),
    "a window": (events) =>
      events
        .keyBy(() => "all")
        .window(() => [0, 1].map((start) => ({ start, end: 100 * start + 1000 })))
        .process((_, __, { window }) => fails(window.start)),
  }

  it.each(Object.entries(ways))("is what a numbered sink's job ends with: %s", async (_, make) => {
    const store = new Store()
    const job = await run(make(from([{ user: "ada", at: 0 }], { time: "at" })).to(store))
    await expect(job.finished()).rejects.toMatchObject({ code: "USER_FUNCTION" })
    expect(store.rows).toEqual(["at 0"])
    await job.close()
  })
})

describe("no numbers", () => {
  const timed = { time: "at" } as const
  type Mapped = Pick<Stream<unknown>, "to">
  const ready = <T>(stream: Stream<T>): Mapped => stream.map(() => 0)
  async function* passing() {
    yield* events
  }
  const refused: [why: RegExp, make: () => Mapped][] = [
    [/source-1 has no event time/, () => ready(from(events))],
    [/source-1 cannot be read again/, () => ready(from(passing(), timed))],
    [/source-1 has idleAfter/, () => ready(from(events, { ...timed, idleAfter: "1s" }))],
    [
      /union-1 has more than one source/,
      () => ready(from(events, timed).union(from(events.slice(), timed))),
    ],
    [
      /mapAsync-1 has ordered: false/,
      () => ready(from(events, timed).mapAsync(async (event) => event, { ordered: false })),
    ],
    [
      /the state of map-1 is in processing time/,
      () =>
        from(events, timed)
          .keyBy("user")
          .map((_, state) => state.get(), {
            state: { value: () => 0, ttl: "1h", timeDomain: "processing" },
          }),
    ],
  ]
  it.each(refused)("where results may come otherwise another time: %s", async (why, make) => {
    const sink: NumberedSink<unknown> = {
      delivery: "at-least-once",
      writeNumbered: () => undefined,
    }
    const running = run(make().to(sink))
    await expect(running).rejects.toMatchObject({ code: "OPTION" })
    await expect(running).rejects.toThrow(why)
    await expect(running).rejects.toThrow(/numbered sink of output out/)
  })

  it("do not trouble outputs beside those that have them", async () => {
    const store = new Store()
    const source = from(events, timed)
    const other = source.mapAsync(async (event) => event, { ordered: false })
    const names = source.map(({ user }) => user).to(store)
    const job = await run({ names, other })
    await job.finished()
    await job.close()
    expect(store.rows).toEqual(events.map(({ user }) => user))
  })

  it("where a timer in processing time fires", async () => {
    const slow = {
      async *read() {
        yield { events, position: 1 }
        await new Promise((resolve) => setTimeout(resolve, 1000))
      },
    }
    const results = from(slow, timed)
      .keyBy("user")
      .process({
        emits: of<string>(),
        process: (event, _, ctx, out) => {
          ctx.timers.processingTime(ctx.now + 1)
          out.collect(event.user)
        },
        onTimer: (at, _, __, out) => out.collect(`at ${at}`),
      })
    const job = await run(results.to(new Store()))
    const failed = job.finished()
    await expect(failed).rejects.toMatchObject({ code: "OPTION" })
    await expect(failed).rejects.toThrow(/a timer in processing time fires in process-1/)
    await job.close().catch(() => undefined)
  })

  it("to a sink that has no writeNumbered", () => {
    const sink = { delivery: "exactly-once", writeNumbered: () => undefined }
    expect(() => from(events).to(sink as never)).toThrow(/must have write\(\)/)
  })
})
