/** group: when a group goes, and what its function is given. */
import { describe, expect, it } from "vitest"
import { from, manualClock, memoryStorage, of, outputTag, run } from "../js/index.ts"
import type { ErrorEvent, Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { errorFrom, guardRejections, handFed, pull, resultsOf, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const timed = { time: "at" } as const
const told = (key: string, events: readonly Hit[]) => `${key}: ${events.map(shown).join(" ")}`

describe("a group goes", () => {
  it("at the end of the source, in the order of their first events", async () => {
    const events = from(hits("b1 a2 b3 c4 a5")).keyBy("k")
    expect(await resultsOf(events.group(told))).toEqual(["b: b1 b3", "a: a2 a5", "c: c4"])
  })

  it("when it is full", async () => {
    const events = from(hits("a1 b2 a3 a4 b5 a6 a7")).keyBy("k")
    expect(await resultsOf(events.group({ maxSize: 2 }, told))).toEqual([
      ...["a: a1 a3", "b: b2 b5", "a: a4 a6", "a: a7"],
    ])
  })

  it("so long after its first event in event time, though its key never returns", async () => {
    const events = from(hits("a0 b3 a9 b12 a13 c40"), timed).keyBy("k")
    expect(await resultsOf(events.group({ timeout: 10 }, told))).toEqual([
      ...["a: a0 a9", "b: b3 b12", "a: a13", "c: c40"],
    ])
  })

  it("in processing time while nothing comes", async () => {
    const fed = handFed<Hit>()
    const clock = manualClock()
    const job = await run(from(fed).keyBy("k").group({ timeout: 10 }, told), { clock })
    const results: unknown[] = []
    const read = (async () => {
      for await (const result of job) results.push([clock.now(), result])
    })()
    for (const [hit, ms] of [
      ["a1", 4],
      ["b2", 1],
      ["a3", 30],
    ] as const) {
      fed.give(...hits(hit))
      await turns()
      for (let i = 0; i < ms; i++) {
        clock.advance(1)
        await turns(2)
      }
    }
    expect(results).toEqual([
      [10, "a: a1 a3"],
      [14, "b: b2"],
    ])
    fed.end()
    await read
    await job.close()
  })

  it("when an event of another key comes, also after a restart", async () => {
    const script = hits("a1 a2 b3 b4 b5 a6 c7")
    const grouped = (events: Stream<Hit>) =>
      events.keyBy("k").group({ emitOnKeyChange: true, maxSize: 2, uid: "runs" }, told)
    const wanted = ["a: a1 a2", "b: b3 b4", "b: b5", "a: a6", "c: c7"]
    expect(await resultsOf(grouped(from(script)))).toEqual(wanted)
    for (let at = 1; at < script.length; at++) {
      const storage = memoryStorage()
      const source = {
        async *read(position = 0) {
          if (position === 0) yield { events: script.slice(0, at), position: at }
          if (stops) await new Promise(() => undefined)
          yield { events: script.slice(at), position: script.length }
        },
      }
      let stops = true
      const first = await run(grouped(from(source)), { storage })
      const iterator = first[Symbol.asyncIterator]()
      const results: string[] = []
      const read = (async () => {
        for (;;) {
          const step = await iterator.next()
          if (step.done === true) return
          results.push(step.value)
        }
      })()
      await turns(10)
      await first.checkpoint()
      await first.close()
      await read
      stops = false
      const second = await run(grouped(from(source)), { storage })
      results.push(...(await pull(second)))
      await second.close()
      expect([at, results]).toEqual([at, wanted])
    }
  })

  it("when it has to make room, and is not lost", async () => {
    const limits = { maxSize: 2, onFull: "evict" as const }
    const events = from(hits("a1 b2 a3 c4 b5")).keyBy("k")
    expect(await resultsOf(events.group({ state: limits }, told))).toEqual([
      ...["b: b2", "a: a1 a3", "c: c4", "b: b5"],
    ])
  })
})

describe("a group's function", () => {
  it("has state of the key, which outlives its groups", async () => {
    const events = from(hits("a1 a2 b3 a4 a5 b6 a7")).keyBy("k")
    const counted = events.group(
      { maxSize: 2, uid: "batches", state: { value: () => 0 } },
      (key, { length }, total) => `${key} ${length} of ${total.update((n) => n + length)}`,
    )
    expect(await resultsOf(counted)).toEqual([...["a 2 of 2", "a 2 of 4", "b 2 of 2", "a 1 of 5"]])
    const job = await run(counted)
    await pull(job)
    expect(job.state("batches").entries()).toEqual([
      { key: "a", value: 5 },
      { key: "b", value: 2 },
    ])
    await job.close()
  })

  it("has state with a ttl, which lets no group go", async () => {
    const events = from(hits("a0 a30 a31 a32 b90"), timed).keyBy("k")
    const seen = events.group(
      { maxSize: 2, state: { ttl: 5, value: () => "none" } },
      (key, { length }, state) => {
        const before = state.get()
        state.set("some")
        return `${key} ${length} ${before}`
      },
    )
    expect(await resultsOf(seen)).toEqual(["a 2 none", "a 2 some", "b 1 none"])
  })

  it("may give a promise, and emits nothing by undefined", async () => {
    const events = from(hits("a1 a2 b3 b4 c5 c6")).keyBy("k")
    const slow = events.group({ maxSize: 2, concurrency: 3 }, async (key, events) => {
      for (let i = key === "a" ? 3 : 0; i >= 0; i--) await turns(1)
      return key === "b" ? undefined : told(key, events)
    })
    expect(await resultsOf(slow)).toEqual(["a: a1 a2", "c: c5 c6"])
  })

  it("fails as the event that let its group go, and can be told of with the group", async () => {
    const errors = outputTag("errors", of<ErrorEvent>())
    const fails = (key: string, events: readonly Hit[]) => {
      if (key === "a") throw new Error("no")
      return told(key, events)
    }
    const events = from(hits("a1 b2 a3 b4")).keyBy(({ k, at }) => {
      if (at === 4) throw new Error("no key")
      return k
    })
    const failing = events.group({ maxSize: 2 }, fails)
    expect(await errorFrom(() => resultsOf(failing))).toMatchObject({
      code: "USER_FUNCTION",
      message: "group-1: event 2: the function threw Error",
    })
    const routed = events.group(
      { maxSize: 2, uid: "batches", onError: "route", errorsTo: errors },
      fails,
    )
    const job = await run({ routed, rest: routed.sideOutput(errors) })
    const rest = pull(job.output("rest"))
    expect(await pull(job.output("routed"))).toEqual(["b: b2"])
    expect(await rest).toMatchObject([
      { event: { key: "a", events: hits("a1 a3") }, operator: "batches", key: "a", position: 2 },
      { event: { k: "b", at: 4 }, operator: "batches.events", position: 3 },
    ])
    await job.close()
    const instead = events.group({ maxSize: 2, onError: () => ({ emit: "instead" }) }, fails)
    expect(await resultsOf(instead)).toEqual(["instead", "instead", "b: b2"])
  })
})

describe("groups", () => {
  it("are bounded by limits with names", async () => {
    const events = from(hits("a1 b2 c3")).keyBy("k")
    const error = await errorFrom(() => events.group({ state: { maxSize: 2 } }, told).toArray())
    expect(error).toMatchObject({
      code: "LIMIT",
      message:
        "groupEvents-1: event 2: could not keep state for another key: " +
        "state.maxSize of 2 is reached",
    })
  })

  it("refuse what makes no sense", () => {
    const events = from(hits("a1")).keyBy("k")
    expect([
      refusal(() => events.group({ maxSize: 0 }, told)),
      refusal(() => events.group({ timeout: 0 }, told)),
      refusal(() => events.group({ timout: 5 } as never, told)),
      refusal(() => events.group({ maxSize: 5 } as never)),
    ]).toEqual([
      {
        code: "OPTION",
        message: "group.maxSize must be a whole number from 1 to 1000000, not 0",
      },
      { code: "OPTION", message: expect.stringContaining("group.timeout") as string },
      { code: "OPTION", message: expect.stringContaining('did you mean "timeout"?') as string },
      { code: "OPTION", message: "group must be a function, not undefined" },
    ])
  })
})
