/** Cleaning frees what nobody can see any more, and nothing that somebody still may. */
import { describe, expect, it } from "vitest"
import { from, manualClock, memoryStorage, of, run, valueState } from "../js/index.ts"
import type { Clock } from "../js/index.ts"
import { guardRejections, pull, turns } from "./probe.ts"

guardRejections()

const limits = { ttl: 10, cleanupInterval: 10 } as const
const kept = valueState(of<string>(), limits)

/** Some events at once, then silence. */
async function* silentAfter<T>(...events: T[]) {
  yield* events
  await new Promise(() => {})
}

/** State that is set at 0, seen by a timer at 5 and expired at 10. */
const reminded = (events: AsyncIterable<string> | Iterable<string>) =>
  from(events)
    .keyBy((key) => key)
    .process({
      uid: "reminded",
      state: { kept },
      emits: of<unknown>(),
      process(key, { kept }, { timers }, out) {
        kept.update(`of ${key}`)
        timers.processingTime(5)
        out.collect(key)
      },
      onTimer: (time, { kept }, { key }, out) => out.collect([key, time, kept.value()]),
    })

describe("state", () => {
  it("is there for a timer that is overdue because nobody asked for results", async () => {
    const clock = manualClock()
    const job = await run(reminded(silentAfter("a")), { clock })
    const results = job[Symbol.asyncIterator]()
    expect((await results.next()).value).toBe("a")
    clock.advance(100)
    expect((await results.next()).value).toEqual(["a", 5, "of a"])
    clock.advance(10)
    expect(job.stats().operators["reminded"]?.rows).toBe(0)
    await job.close()
  })

  it("is there for a timer that is overdue after a restore", async () => {
    const storage = memoryStorage()
    const first = await run(reminded(["a"]), { clock: manualClock(), storage })
    const results = first[Symbol.asyncIterator]()
    expect((await results.next()).value).toBe("a")
    const written = first.checkpoint()
    void results.next()
    await written
    await first.close()
    const clock = manualClock(50)
    const second = await run(reminded(["a"]), { clock, storage })
    clock.advance(10)
    expect((await second[Symbol.asyncIterator]().next()).value).toEqual(["a", 5, "of a"])
    await second.close()
  })

  it("is there for an event that came in time and waits for a function", async () => {
    const clock = manualClock()
    let go = () => {}
    const held = new Promise<void>((resolve) => (go = resolve))
    const counted = from(["a", "b", "c", "a"])
      .keyBy((key) => key)
      .fold(
        () => 0,
        async (n, key) => {
          if (key !== "a") await held
          return n + 1
        },
        { state: limits, concurrency: 2 },
      )
    const job = await run(counted, { clock })
    const results = job[Symbol.asyncIterator]()
    expect((await results.next()).value).toBe(1)
    const rest = pull({ [Symbol.asyncIterator]: () => results })
    await turns()
    clock.advance(100)
    go()
    expect(await rest).toEqual([1, 1, 2])
    await job.close()
  })
})

describe("a clock of one's own", () => {
  it("is told for which of its timers results wait, and which only free", async () => {
    const manual = manualClock()
    const asked: [ms: number, awaited: boolean][] = []
    const clock: Clock = {
      now: () => manual.now(),
      after(ms, wake, awaited) {
        asked.push([ms, awaited ?? false])
        return manual.after(ms, wake)
      },
    }
    const job = await run(reminded(silentAfter("a")), { clock })
    const results = job[Symbol.asyncIterator]()
    expect((await results.next()).value).toBe("a")
    const reminder = results.next()
    await turns()
    manual.advance(5)
    expect((await reminder).value).toEqual(["a", 5, "of a"])
    await job.close()
    expect(asked).toContainEqual([5, true])
    expect(asked.filter(([, awaited]) => awaited !== true)).toEqual([[10, false]])
  })
})
