/** lookup: what is found for the keys of events, what is kept of it, and what is told. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { from, manualClock, outputTag, run } from "../js/index.ts"
import type { CacheStats, ErrorEvent, JobBase, LookupOptions, Stream } from "../js/index.ts"
import { event, playAll } from "./play.ts"
import { errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const cacheOf = (job: JobBase): CacheStats | undefined => job.stats().operators["lookup-1"]?.cache

/** Of each text the lookup of it, and the calls that were made. */
function looked(texts: readonly string[], options: LookupOptions<string, unknown>, find = upper) {
  const calls: string[] = []
  const stream = from(texts).lookup(
    (text) => text,
    (text) => {
      calls.push(text)
      return find(text)
    },
    (text, found) => [text, found],
    options,
  )
  return { stream, calls }
}

async function upper(text: string): Promise<string | undefined> {
  await turns(1)
  return text === "none" ? undefined : text.toUpperCase()
}

describe("lookup", () => {
  it("gives each event with what was found for its key, in order", async () => {
    const texts = ["a", "b", "none", "a", "none"]
    const { stream, calls } = looked(texts, {})
    const expected = [
      ["a", "A"],
      ["b", "B"],
      ["none", undefined],
      ["a", "A"],
      ["none", undefined],
    ]
    expect(await stream.toArray()).toEqual(expected)
    expect(calls).toEqual(texts)
    const kept = looked(texts, { cache: {} })
    const job = await run(kept.stream)
    expect(await pull(job)).toEqual(expected)
    expect(kept.calls).toEqual(["a", "b", "none"])
    expect(cacheOf(job)).toEqual({ size: 3, hits: 2, misses: 3, evicted: 0 })
    expect(job.stats().operators["lookup-1"]).toMatchObject({ in: 5, out: 5 })
    await job.close()
  })

  it("takes keys of any kind, and what is found at once", async () => {
    const events = [
      { a: 1, b: "x" },
      { a: 1, b: "y" },
      { a: 1, b: "x" },
      { a: 2, b: "x" },
    ]
    let calls = 0
    const byPaths = from(events).lookup(
      ["a", "b"],
      ([a, b]) => `${a}${b} ${++calls}`,
      (_, found) => found,
      { cache: {} },
    )
    expect(await byPaths.toArray()).toEqual(["1x 1", "1y 2", "1x 1", "2x 3"])
    const byPath = from(events)
      .keyBy("b")
      .lookup(
        "a",
        (a) => a * 10,
        ({ b }, found) => b + found,
      )
    expect(await byPath.toArray()).toEqual(["x10", "y10", "x10", "x20"])
  })

  it("makes one call for events of a key that come while it is waited for", async () => {
    const clock = manualClock()
    const fed = handFed<string>()
    const answers: ((found: string) => void)[] = []
    const stream = from(fed).lookup(
      (text) => text,
      () => new Promise<string>((resolve) => answers.push(resolve)),
      (text, found) => text + found,
      { cache: {}, concurrency: 4 },
    )
    const job = await run(stream, { clock })
    const read = pull(job)
    await turns()
    fed.give("first")
    await turns()
    answers.shift()?.("1")
    fed.give("a", "a", "b", "a")
    await turns()
    expect(answers.length).toBeLessThanOrEqual(2)
    while (answers.length > 0) {
      answers.shift()?.("!")
      await turns()
    }
    fed.end()
    expect(await read).toEqual(["first1", "a!", "a!", "b!", "a!"])
    expect(cacheOf(job)).toMatchObject({ hits: 2, misses: 3 })
    await job.close()
  })

  it("uses a value until its ttl is over, by the clock of the job", async () => {
    const clock = manualClock()
    const fed = handFed<string>()
    let calls = 0
    const stream = from(fed).lookup(
      (text) => text,
      () => ++calls,
      (text, found) => text + found,
      { cache: { ttl: 10 } },
    )
    const job = await run(stream, { clock })
    const read = pull(job)
    for (const ms of [0, 9, 1, 9, 1]) {
      clock.advance(ms)
      fed.give("a")
      await turns()
    }
    fed.end()
    expect(await read).toEqual(["a1", "a1", "a2", "a2", "a3"])
    expect(cacheOf(job)).toEqual({ size: 1, hits: 2, misses: 3, evicted: 0 })
    await job.close()
  })

  it("keeps so many values, and lets go of the one that was not used for longest", async () => {
    const { stream, calls } = looked([..."abacab"], { cache: { maxSize: 2 }, concurrency: 1 })
    const job = await run(stream)
    await job.finished()
    expect(calls).toEqual([..."abcb"])
    expect(cacheOf(job)).toEqual({ size: 2, hits: 2, misses: 4, evicted: 2 })
    await job.close()
  })

  it("does not keep failures, and tells of the key", async () => {
    let calls = 0
    const errors = outputTag<ErrorEvent>("errors")
    const { stream } = looked(
      ["a", "a", "a", "b"],
      { cache: {}, onError: "route", errorsTo: errors },
      async (text) => {
        await turns(1)
        if (++calls < 3) throw new Error(`call ${calls}`)
        return text
      },
    )
    const job = await run({ out: stream })
    const [out, told] = await Promise.all([pull(job.output("out")), pull(job.output(errors))])
    expect(out).toEqual([
      ["a", "a"],
      ["b", "b"],
    ])
    expect(told).toEqual(
      [1, 2].map((n) => ({
        ...{ event: "a", key: "a", operator: "lookup-1", position: n - 1 },
        error: new Error(`call ${n}`),
      })),
    )
    await job.close()
  })

  it("tries again, and takes no longer than it may; what is made of it is made once", async () => {
    let [calls, made] = [0, 0]
    const stream = from([1]).lookup(
      (n) => n,
      async () => {
        if (++calls < 3) throw new Error("no")
        return "found"
      },
      () => {
        made++
        throw new Error("made")
      },
      { retry: { attempts: 5, delay: 0 }, cache: {} },
    )
    expect(await errorFrom(() => stream.toArray())).toMatchObject({ cause: new Error("made") })
    expect([calls, made]).toEqual([3, 1])
    const clock = manualClock()
    const slow = looked(["a"], { timeout: 50 }, () => new Promise<string>(() => undefined))
    const job = await run(slow.stream, { clock })
    const end = errorFrom(() => job.finished())
    await turns()
    clock.advance(50)
    expect(await end).toMatchObject({
      code: "TIMEOUT",
      message: "lookup-1: event 0: the function took over 50 ms",
    })
    await job.close()
  })

  it("goes on from checkpoints as if nothing had happened, with an empty cache", async () => {
    const texts = [..."abcabcabca"]
    const calls: string[] = []
    const make = (events: Stream<string>) =>
      events.lookup(
        (text) => text,
        (text) => (calls.push(text), upper(text)),
        (text, found) => [text, found],
        { cache: {} },
      )
    const expected = texts.map((text) => [text, text.toUpperCase()])
    for (const chunkSize of [1, 7, 1024]) {
      for (const crashEvery of [undefined, 1, 5]) {
        calls.length = 0
        const { results, error } = await playAll(make, texts.map(event), { chunkSize, crashEvery })
        expect([results["out"], error]).toEqual([expected, undefined])
        if (crashEvery === undefined) expect(calls).toEqual([..."abc"])
      }
    }
  })

  it("gives what one event at a time gives, whatever fails and however many wait", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(..."abcd"), { maxLength: 40 }),
        fc.record({
          fails: fc.array(fc.nat(9), { maxLength: 12 }),
          turns: fc.array(fc.nat(3), { minLength: 1, maxLength: 7 }),
          chunkSize: fc.constantFrom(1, 7, 1024),
          concurrency: fc.constantFrom(1, 2, 16),
          ordered: fc.boolean(),
          maxSize: fc.constantFrom(undefined, 1, 3),
        }),
        async (texts, { fails, turns: waits, chunkSize, concurrency, ordered, maxSize }) => {
          // Which calls fail is told by the key, if it is known how many calls there are.
          const failsAt = (text: string, nth: number) =>
            maxSize === undefined
              ? fails.includes(text.charCodeAt(0) * 3 + nth - 290)
              : fails.includes(text.charCodeAt(0) - 97)
          const counts = new Map<string, number>()
          const find = async (text: string) => {
            const nth = counts.get(text) ?? 0
            counts.set(text, nth + 1)
            await turns(waits[(nth + text.charCodeAt(0)) % waits.length])
            if (failsAt(text, nth)) throw new Error("no")
            return text.toUpperCase()
          }
          const cache = maxSize === undefined ? {} : { maxSize }
          const options = { cache, concurrency, ordered, onError: "skip" } as const
          const job = await run(looked(texts, options, find).stream, { chunkSize })
          const results = await pull(job)
          const kept = new Set<string>()
          const tried = new Map<string, number>()
          const expected = texts.flatMap((text) => {
            const nth = tried.get(text) ?? 0
            if (!kept.has(text)) tried.set(text, nth + 1)
            if (!kept.has(text) && failsAt(text, nth)) return []
            kept.add(text)
            return [[text, text.toUpperCase()]]
          })
          expect(results).toEqual(expected)
          if (maxSize === undefined) expect(counts).toEqual(tried)
          expect(cacheOf(job)?.size ?? 0).toBeLessThanOrEqual(maxSize ?? 4)
          await job.close()
        },
      ),
      { numRuns: 300 },
    ))

  it("refuses what it does not know", () => {
    const [key, find, make] = [(n: number) => n, () => 1, () => 1]
    const lookup = from([1])
    const refused = (options: object, parts: unknown[] = [key, find, make]) =>
      refusal(() =>
        Reflect.apply(lookup.lookup.bind(lookup), undefined, [...parts, options] as never),
      ).message
    expect(refused({ cach: {} })).toContain(`did you mean "cache"?`)
    expect(refused({ cache: { max: 1 } })).toContain(`lookup.cache has no option "max"`)
    expect(refused({ cache: { maxSize: 0 } })).toContain("lookup.cache.maxSize")
    expect(refused({ cache: { ttl: 0 } })).toContain("lookup.cache.ttl")
    expect(refused({ retry: {} })).toBe("lookup.retry.attempts is missing")
    expect(refused({}, [key, 1, make])).toContain("function")
    expect(refused({}, [key, find, 1])).toContain("function")
    expect(refused({}, [1, find, make])).toContain("a path")
  })

  it("sends an event without a key the way of errors", async () => {
    const stream = from<{ id?: string }>([{ id: "a" }, {}]).lookup(
      "id",
      (id) => id,
      (_, found) => found,
      { cache: {} },
    )
    expect(await errorFrom(() => stream.toArray())).toMatchObject({ code: "KEY_MISSING" })
  })
})
