/** Keys whose state made room for others: who is told, and in which order. */
import { describe, expect, it } from "vitest"
import { count, from, manualClock, memoryStorage, outputTag, run } from "../js/index.ts"
import type { EvictedKey, KeyedStream, StateConfig, StreamOf } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { guardRejections, pull, pullToError, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const chunkSizes = [1, 2, 3, 1024]
const timed = (text: string) => from(hits(text), { time: "at" }).keyBy("k")
const two = { maxSize: 2, onFull: "evict" } as const

const told = ({ key, state, operator, position }: EvictedKey) =>
  `${operator} forgot ${String(key)} (${JSON.stringify(state)}) at ${position}`

describe("onEvict that throws", () => {
  type Make = (events: KeyedStream<string, Hit>, state: StateConfig) => StreamOf<unknown>
  const operators: readonly (readonly [string, Make])[] = [
    ["map", (events, state) => events.map(async (hit, s) => (s.set(1), shown(hit)), { state })],
    [
      "map",
      (events, state) =>
        events.map(async (hit, s) => (s.set(1), shown(hit)), { state, concurrency: 4 }),
    ],
    [
      "fold",
      (events, state) =>
        events.fold(
          () => "",
          (_, hit) => shown(hit),
          { state },
        ),
    ],
    ["aggregate", (events, state) => events.aggregate({ n: count() }, { state })],
    ["deduplicate", (events, state) => events.deduplicate({ state })],
    ["throttle", (events, state) => events.throttle({ limit: 1, per: 100, state })],
  ]
  const cases = operators.flatMap(([kind, make]) => {
    return chunkSizes.map((chunkSize) => [kind, chunkSize, make] as const)
  })

  it.each(cases)("ends %s, by %i, with what was before it", async (kind, chunkSize, make) => {
    const cause = new Error("no")
    const heard: unknown[] = []
    const onEvict = (key: unknown) => {
      heard.push(key)
      if (key === "b") throw cause
    }
    const script = timed("a1 b2 c3 d4 e5")
    const calm = await run(make(script, two))
    const whole = await pull(calm)
    await calm.close()
    const job = await run(make(script, { ...two, onEvict }), { chunkSize })
    expect(await pullToError(job)).toEqual({
      // d, which evicted b, was taken.
      pulled: whole.slice(0, 4),
      code: "USER_FUNCTION",
      message: `${kind}-1: event 3: onEvict threw; see cause`,
      cause,
    })
    expect(heard).toEqual(["a", "b"])
    await job.close()
  })

  it.each(chunkSizes)("comes before errors of later events, whatever onError, by %i", async (n) => {
    const onEvict = () => {
      throw new Error("first")
    }
    const once = timed("a1 b2 c3 d4").deduplicate({ state: { ...two, onEvict }, onError: "skip" })
    const later = once.map(({ k }) => {
      if (k === "d") throw new Error("second")
      return k
    })
    const job = await run(later, { chunkSize: n })
    expect(await pullToError(job)).toMatchObject({
      pulled: ["a", "b", "c"],
      message: "deduplicate-1: event 2: onEvict threw; see cause",
    })
    await job.close()
  })
})

describe("evictedTo", () => {
  const script = "a1 a2 b3 c4 a5 d6 d7 e8 b9"
  const forgot = (key: string, position: number, state = "true", kind = "deduplicate") =>
    `${kind}-1 forgot ${key} (${state}) at ${position}`

  it.each(chunkSizes)("tells what passes again, each with its event, by %i", async (chunkSize) => {
    const gone = outputTag<EvictedKey<string>>("gone")
    const once = timed(script).deduplicate({ state: two, evictedTo: gone })
    const both = once.map(shown).union(once.sideOutput(gone).map(told))
    const job = await run(both, { chunkSize })
    expect(await pull(job)).toEqual([
      "a1",
      "b3",
      "c4",
      forgot("a", 3),
      "a5",
      forgot("b", 4),
      "d6",
      forgot("c", 5),
      "e8",
      forgot("a", 7),
      "b9",
      forgot("d", 8),
    ])
    expect(job.stats().operators["deduplicate-1"]?.evicted).toBe(5)
    await job.close()
  })

  it.each(chunkSizes)("goes beside errors and what does not pass, by %i", async (chunkSize) => {
    const gone = outputTag<EvictedKey<string>>("gone")
    const rest = outputTag<Hit>("rest")
    const state = { ...two, onEvict: (key: unknown) => void heard.push(key) }
    const heard: unknown[] = []
    const calm = from(hits("a1 a2 ?3 b3 ?4 c4 a5 ?5"), { time: "at" })
      .keyBy(({ k }) => (k === "?" ? (undefined as never) : k))
      .throttle({
        limit: 1,
        per: 100,
        overflow: "route",
        overflowTo: rest,
        evictedTo: gone,
        onError: "skip",
        state,
      })
    const job = await run(calm, { chunkSize })
    const outputs = await Promise.all([pull(job), pull(job.output(rest)), pull(job.output(gone))])
    const [passed, refused, evicted] = outputs
    expect([passed.map(shown), refused.map(shown), evicted.map(told), heard]).toEqual([
      ["a1", "b3", "c4", "a5"],
      ["a2"],
      [
        forgot("a", 5, '[{"time":1,"count":1}]', "throttle"),
        forgot("b", 6, '[{"time":3,"count":1}]', "throttle"),
      ],
      ["a", "b"],
    ])
    expect(job.stats().operators["throttle-1"]?.skipped).toBe(3)
    await job.close()
  })

  it("tells of keys whose events were delayed, too", async () => {
    const clock = manualClock()
    const gone = outputTag<EvictedKey>("gone")
    const calm = from([..."aabc"])
      .keyBy((letter) => letter)
      .throttle({ limit: 1, per: 10, overflow: "delay", evictedTo: gone, state: two })
    const job = await run({ calm }, { clock })
    const results = Promise.all([pull(job.output("calm")), pull(job.output(gone))])
    await turns()
    clock.advance(10)
    const [passed, evicted] = await results
    expect([passed.join(""), evicted.map(({ key, position }) => [key, position])]).toEqual([
      "abca",
      [["a", 3]],
    ])
    await job.close()
  })

  it("gives what was evicted before an event that fails", async () => {
    const gone = outputTag<EvictedKey<string>>("gone")
    const once = from(hits("a1 b2 c3 ?4 d5"))
      .keyBy(({ k }) => (k === "?" ? (undefined as never) : k))
      .deduplicate({ state: two, evictedTo: gone })
    const job = await run({ once })
    const passing = pullToError(job.output("once"))
    const evicted = await pullToError(job.output(gone))
    expect((await passing).pulled).toEqual(hits("a1 b2 c3"))
    expect(evicted).toMatchObject({ code: "KEY_MISSING", pulled: [{ key: "a", position: 2 }] })
    await job.close()
  })

  it("counts events over restarts", async () => {
    const storage = memoryStorage()
    const gone = outputTag<EvictedKey<string>>("gone")
    const run2 = async (text: string) => {
      const once = from(hits(text)).keyBy("k").deduplicate({ state: two, evictedTo: gone })
      const job = await run({ once }, { storage })
      const evicted = pull(job.output(gone))
      await job.finished()
      const all = (await evicted).map(told)
      await job.close()
      return all
    }
    expect(await run2("a1 b2 c3")).toEqual([forgot("a", 2)])
    expect(await run2("a1 b2 c3 c4 d5")).toEqual([forgot("b", 4)])
  })

  it("is refused where nothing would be sent", () => {
    const gone = outputTag<EvictedKey<string>>("gone")
    const keyed = from(hits("a1")).keyBy("k")
    const without = (where: string) => ({
      code: "OPTION",
      message: `${where}.evictedTo has no meaning without state.onFull "evict"`,
    })
    expect([
      refusal(() => keyed.deduplicate({ evictedTo: gone })),
      refusal(() => keyed.deduplicate({ evictedTo: gone, state: { maxSize: 2 } })),
      refusal(() => keyed.throttle({ limit: 1, per: 1, evictedTo: gone })),
      refusal(() => keyed.deduplicate({ evictedTo: gone, keep: "last", state: two })),
      refusal(() => keyed.deduplicate({ evictedTo: "gone" as never, state: two })),
    ]).toEqual([
      without("deduplicate"),
      without("deduplicate"),
      without("throttle"),
      {
        code: "OPTION",
        message: 'deduplicate.evictedTo has no meaning: with keep "last" what makes room comes out',
      },
      { code: "OPTION", message: "deduplicate.evictedTo must be an outputTag(…), not a string" },
    ])
  })
})
