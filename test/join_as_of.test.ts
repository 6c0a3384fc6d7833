/** Joins as of an earlier event, against plain code; what they keep, and what they refuse. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { asOf, boundedDisorder, from, of, outputTag, run, tumbling } from "../js/index.ts"
import type { EvictedKey, Job } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { testJoinKind } from "./join_kinds.ts"
import { errorFrom, guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

testJoinKind("a join as of an earlier event", {
  specs: fc.record({
    tolerance: fc.constantFrom(undefined, 0, 1, 5, 20),
    type: fc.constantFrom("inner" as const, "left" as const),
  }),
  make: (left, right, { tolerance, type }, lateTo) =>
    left.join(
      right,
      asOf({ type, ...(tolerance === undefined ? {} : { tolerance }) }),
      ({ id }, partner) => `${id} ${partner?.id}`,
      { lateTo },
    ),
  isLate: ({ hit, watermark }) => hit.at < watermark,
  join(lefts, rights, { tolerance = Infinity, type }) {
    return lefts.flatMap(({ hit: { id, key, at } }) => {
      const before = rights
        .map(({ hit }) => hit)
        .filter((hit) => hit.key === key && hit.at <= at && hit.at >= at - tolerance)
      const time = Math.max(...before.map((hit) => hit.at))
      const partner = before.filter((hit) => hit.at === time).at(-1)
      return partner === undefined && type === "inner" ? [] : [`${id} ${partner?.id}`]
    })
  },
})

const timed = { time: "at" } as const
const side = (text: string) => from(text === "" ? [] : hits(text), timed).keyBy("k")
const both = (left: Hit, right: Hit | undefined) =>
  `${shown(left)} ${right === undefined ? "-" : shown(right)}`
const last = asOf({ tolerance: 3, type: "left" })
const rowsOf = (job: Job<unknown>) => job.stats().operators["joinBuffers-1"]?.rows

describe("a join as of an earlier event", () => {
  it("comes once the watermark is past the left event, with the time of that", async () => {
    const [left, right] = [handFed<Hit>(), handFed<Hit>()]
    const joined = from(left, timed)
      .keyBy("k")
      .join(from(right, timed).keyBy("k"), last, both)
      .keyBy(() => null)
      .window(tumbling(5))
      .process((pairs, _, { window }) => [window.start, ...pairs])
    const job = await run(joined)
    const results = pull(job)
    const out = () => job.stats().operators["join-1"]?.out
    left.give(...hits("a4 a6"))
    right.give(...hits("a2 a3 a4"))
    await turns()
    expect(out()).toBe(0) // Another right one at 4 may follow.
    right.give(...hits("a5"))
    await turns()
    expect(out()).toBe(1)
    for (const source of [left, right]) source.end()
    expect(await results).toEqual([
      [0, "a4 a4"],
      [5, "a6 a5"],
    ])
    await job.close()
  })

  it("gives the function the state of the key, and undefined for no partner", async () => {
    const nth = side("a1 a2 b2 a9").join(
      side("a2 b9"),
      last,
      (left, right, state) => `${both(left, right)} ${state.update((n) => n + 1)}`,
      { state: { value: () => 0 } },
    )
    expect(await nth.toArray()).toEqual(["a1 - 1", "a2 a2 2", "b2 - 1", "a9 - 3"])
  })

  it("goes on past a full batch of results", async () => {
    const many = Array.from({ length: 9000 }, (_, n) => ({ k: `${n % 3}`, n, at: n }))
    const wide = from(many, { time: "at", watermark: boundedDisorder(20_000) }).keyBy("k")
    const joined = wide.join(wide, asOf(), (left, right) => right.n - left.n)
    expect(await joined.toArray()).toEqual(many.map(() => 0))
  })

  it("keeps of the right events that are passed only the last of each key", async () => {
    const right = Array.from({ length: 3000 }, (_, at): Hit => ({ k: `${at % 7}`, at }))
    const job = await run(side("c9000").join(from(right, timed).keyBy("k"), asOf(), both))
    await job.finished()
    expect(job.stats().memory.external).toBe(0)
    await job.close()
    const fed = handFed<Hit>()
    const open = await run(side("").join(from(fed, timed).keyBy("k"), asOf(), both))
    const finished = open.finished()
    fed.give(...right)
    await turns(20)
    expect(rowsOf(open)).toBe(8) // The watermark is at the last of them, not past it.
    fed.end()
    await finished
    await open.close()
  })

  it("forgets a right event behind the tolerance, of keys that never come again", async () => {
    const fed = handFed<Hit>()
    const open = await run(side("").join(from(fed, timed).keyBy("k"), last, both))
    const finished = open.finished()
    const sizes: (number | undefined)[] = []
    for (const text of ["a1 b2", "c5", "c6", "c7"]) {
      fed.give(...hits(text))
      await turns()
      sizes.push(rowsOf(open))
    }
    expect(sizes).toEqual([2, 3, 3, 2])
    fed.end()
    await finished
    await open.close()
  })

  it("has limits for what waits: an error, or evictions that are told", async () => {
    const one = from(hits("a1 a2 a3 a3 a3"), timed).keyBy("k")
    const full = one.join(one.filter(() => false).keyBy("k"), last, both, { state: { maxSize: 2 } })
    // What is over makes room: at the third event for it, at the fourth for the second.
    expect(await pullToError(full)).toMatchObject({ pulled: ["a1 -", "a2 -"], code: "LIMIT" })
    const gone = outputTag("gone", of<EvictedKey<string>>())
    const wide = { time: "at", watermark: boundedDisorder(9) } as const
    const joined = from(hits("a1 a2 a3"), wide)
      .keyBy("k")
      .join(side(""), last, both, { state: { maxSize: 2, onFull: "evict" }, evictedTo: gone })
    const told = joined.sideOutput(gone).map(({ state }) => shown(state as Hit))
    const job = await run({ joined, told })
    const outputs = await Promise.all([pull(job.output("joined")), pull(job.output("told"))])
    expect(outputs).toEqual([["a2 -", "a3 -"], ["a1"]])
    await job.close()
  })

  it("gives what came before an event that fails", async () => {
    const right = from([...hits("a1 b9"), { at: 10 } as Hit, ...hits("a11")], timed).keyBy("k")
    for (const chunkSize of [1024, 1]) {
      const job = await run(right.join(right, last, both), { chunkSize })
      expect(await pullToError(job)).toMatchObject({ pulled: ["a1 a1"], code: "KEY_MISSING" })
      await job.close()
    }
  })

  it("refuses what it does not know, and streams without event time", async () => {
    expect(refusal(() => asOf({ tolerance: -1 })).message).toContain("asOf.tolerance")
    expect(refusal(() => asOf({ type: "full" } as never)).message).toContain("asOf.type")
    expect(refusal(() => asOf({ within: 1 } as never)).message).toContain("within")
    const keyed = from(hits("a1")).keyBy("k")
    const { code, message } = await errorFrom(() => run(keyed.join(keyed, asOf(), both)))
    expect([code, message]).toEqual(["OPTION", expect.stringContaining("asOf needs event time")])
  })
})
