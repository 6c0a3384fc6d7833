/** What people call operators: shown beside the uid, and of no meaning to the job. */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, outputTag, record, run } from "../js/index.ts"
import type { ErrorEvent, StreamOf } from "../js/index.ts"
import { guardRejections, pull, pullToError } from "./probe.ts"

guardRejections()

const letters = (text: string) => from([...text]).keyBy((letter) => letter)
const total = (acc: number) => acc + 1

describe("the name of an operator", () => {
  it("stands in its figures", async () => {
    const stream = letters("abc")
      .deduplicate({ name: "Once each, 一度" })
      .throttle({ limit: 9, per: "1s", overflow: "delay", name: "calm", uid: "slow" })
      .map((letter) => letter)
      .take(2, { name: "two" })
    const job = await run(stream)
    expect(await pull(job)).toEqual(["a", "b"])
    const { operators } = job.stats()
    expect(Object.entries(operators).map(([uid, { name }]) => [uid, name])).toEqual([
      ["deduplicate-1", "Once each, 一度"],
      ["slow", "calm"],
      ["slow.queue", "calm"],
      ["map-1", undefined],
      ["take-1", "two"],
    ])
    expect(Object.hasOwn(operators["map-1"] ?? {}, "name")).toBe(false)
    await job.close()
  })

  const n = record({ n: "f64" })
  const limited = { maxSize: 1 } as const
  const failing: readonly (readonly [message: string, stream: StreamOf<unknown>])[] = [
    [
      "map-1 (mine): event 1: the function threw Error",
      from([0, 1]).map(
        (number) => {
          if (number === 1) throw new Error("no")
        },
        { name: "mine" },
      ),
    ],
    [
      "totals (mine): event 2: could not keep state for another key: state.maxSize of 1 is reached",
      letters("aab").fold(() => 0, total, { name: "mine", uid: "totals", state: limited }),
    ],
    [
      "deduplicate-1 (mine): event 1: could not apply an event: state.maxSize of 1 is reached",
      letters("ab").deduplicate({ name: "mine", state: limited }),
    ],
    [
      "fold-1 (mine): event 0: state must be a record, not a number",
      letters("a").fold(n, () => 5 as never, { name: "mine" }),
    ],
    [
      "fold-1 (mine): event 0: field n of the record is f64 and cannot be a string",
      letters("a").fold(n, () => ({ n: "5" }) as never, { name: "mine" }),
    ],
    [
      'map-1 (mine): state.timeDomain "event" needs from(…, { time })',
      letters("a").map(() => 0, { name: "mine", state: { ttl: 1, timeDomain: "event" } }),
    ],
  ]

  it.each(failing)("stands in messages: %s", async (message, stream) => {
    const results = (async function* () {
      const job = await run(stream)
      try {
        yield* job
      } finally {
        await job.close()
      }
    })()
    expect((await pullToError(results)).message).toBe(message)
  })

  it("identifies nothing: several may have it, and state goes by the uid", async () => {
    const storage = memoryStorage()
    const errors = outputTag<ErrorEvent>("errors")
    const results: unknown[] = []
    for (const [text, name] of [
      ["ab", "old"],
      ["abab", "new"],
    ] as const) {
      const once = letters(text).fold(() => 0, total, { name })
      const picky = once.filter(
        (count) => {
          if (count === 1) throw new Error("no")
          return true
        },
        { name, onError: "route", errorsTo: errors },
      )
      const job = await run({ picky }, { storage })
      const [passed, routed] = await Promise.all([
        pull(job.output("picky")),
        pull(job.output(errors)),
      ])
      results.push([passed, routed.map(({ operator }) => operator)])
      await job.close()
    }
    expect(results).toEqual([
      [[], ["filter-1", "filter-1"]],
      [[2, 2], []],
    ])
  })
})
