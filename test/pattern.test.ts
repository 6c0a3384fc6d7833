/** pattern: cases that Flink's documentation works out, what is refused, and what is told. */
import { describe, expect, it } from "vitest"
import {
  and,
  boundedDisorder,
  from,
  manualClock,
  not,
  of,
  or,
  outputTag,
  pattern,
} from "../js/index.ts"
import { run, skipPastLastEvent, skipToFirst, skipToLast, skipToNext, where } from "../js/index.ts"
import type { ErrorEvent, Matched, PatternFor, Skip, Stream, TimedOutMatch } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

interface Sign {
  readonly kind: string
  readonly id: string
  readonly at: number
}

/** "a1 c a2 b": events of these kinds, an instant apart; "b@9" is at 9. */
const signs = (text: string): Sign[] =>
  text.split(" ").map((word, i) => {
    const [id = "", at = i] = word.split("@")
    return { kind: id[0] as string, id, at: Number(at) }
  })

const is = (...kinds: string[]) => where("kind", "in", kinds)
const a = pattern("a", is("a"))
const c = pattern("c", is("c"))

const shown = (match: Matched<Sign>) =>
  Object.values(match)
    .flat()
    .map(({ id }) => id)
    .join(" ")

/** All matches, which no chunk size may change; keyed and not, by event time and as they come. */
async function found(p: PatternFor<Sign, string>, text: string, afterMatch?: Skip) {
  const options = afterMatch === undefined ? {} : { afterMatch }
  const timed = { time: "at" } as const
  const all: string[][] = []
  for (const chunkSize of [1, 2, 1024]) {
    for (const stream of [from(signs(text), timed), from(signs(text))]) {
      for (const keyed of [stream, stream.keyBy(() => "k")]) {
        const job = await run((keyed as Stream<Sign>).pattern(p, shown, options), { chunkSize })
        all.push(await pull(job))
        await job.close()
      }
    }
  }
  for (const matches of all) expect(matches).toEqual(all[0])
  return all[0]
}

const many = a.oneOrMore()

describe("a pattern", () => {
  it.each([
    ["strict", a.next("b", is("b")), "a b1 a c b2", ["a b1"]],
    ["relaxed", a.followedBy("b", is("b")), "a c b1 b2", ["a b1"]],
    ["any", a.followedByAny("b", is("b")), "a c b1 b2", ["a b1", "a b2"]],
    ["not next", a.notNext("n", is("n")).followedBy("b", is("b")), "a1 n b1 a2 c b2", ["a2 b2"]],
    [
      "not between",
      a.notFollowedBy("n", is("n")).followedBy("b", is("b")),
      "a1 c n b1 a2 c b2",
      ["a2 b2"],
    ],
    ["a+ b, consecutive", many.consecutive().next("b", is("b")), "a1 c a2 b", ["a2 b"]],
    ["a+ b", many.followedBy("b", is("b")), "a1 c a2 b", ["a1 a2 b", "a1 b", "a2 b"]],
    [
      "a+ b of all combinations",
      c.followedBy("a", is("a")).oneOrMore().allowCombinations().followedBy("b", is("b")),
      "c d1 a1 a2 a3 b",
      ["c a1 a2 a3 b", "c a1 a2 b", "c a1 a3 b", "c a1 b"],
    ],
    ["exactly two", a.times(2).next("b", is("b")), "a1 a2 a3 b", ["a2 a3 b"]],
    ["two or three", c.next("a", is("a")).times(2, 3), "c a1 a2 a3 a4", ["c a1 a2", "c a1 a2 a3"]],
    [
      "optional",
      a.next("x", is("x")).optional().next("b", is("b")),
      "a1 b1 a2 x b2",
      ["a1 b1", "a2 x b2"],
    ],
    [
      "greedy: what could be either goes to the first",
      many.consecutive().greedy().next("b", is("a", "b")),
      "a1 a2 b",
      ["a1 a2 b", "a2 b"],
    ],
    ["until", many.until(is("u")).followedBy("b", is("b")), "a1 u a2 b", ["a1 b", "a2 b"]],
    [
      "a group that repeats",
      pattern(a.followedBy("b", is("b")))
        .times(2)
        .followedBy("c", is("c")),
      "a1 b1 x a2 b2 c",
      ["a1 b1 a2 b2 c"].map(() => "a1 a2 b1 b2 c"),
    ],
    [
      "a group that is left out",
      c
        .next(a.next("b", is("b")))
        .optional()
        .next("d", is("d")),
      "c1 d1 c2 a b d2",
      ["c1 d1", "c2 a b d2"],
    ],
    ["within is less than", a.followedBy("b", is("b")).within(10), "a1@0 b1@10 a2@20 b2@29", []],
  ] as const)("finds %s", async (name, p, text, expected) => {
    if (name === "within is less than") {
      const timed = from(signs(text), { time: "at" }).pattern(p, shown)
      expect(await timed.toArray()).toEqual(["a2 b2"])
      return
    }
    expect(await found(p, text)).toEqual(expected)
  })

  it("sees what was matched before", async () => {
    const rising = pattern("low", (sign: Sign) => sign.kind === "a")
      .followedByAny("high", (sign, { low }) => sign.id > (low[0]?.id ?? ""))
      .times(2)
      .allowCombinations()
    expect(await found(rising, "a1 b0 a2 a3")).toEqual(["a1 b0 a2", "a1 b0 a3", "a1 a2 a3"])
  })

  it("combines conditions", async () => {
    const p = pattern(
      "x",
      or(and(is("a"), not(where("id", "==", "a1"))), (sign: Sign) => sign.id === "c9"),
    )
    expect(await found(p, "a1 a2 b c9")).toEqual(["a2", "c9"])
    const numbers = pattern("n", and(where("n", ">", 2), where("n", "<=", 4n)))
    const given = [1, 3, "3", 4, undefined, 5].map((n) => ({ n }))
    const results = from(given).pattern(numbers, ({ n }) => n[0]?.n)
    expect(await results.toArray()).toEqual([3, 4])
  })

  it("may be a list", async () => {
    const p = pattern(
      [
        { start: "a", where: is("a"), oneOrMore: true, consecutive: true },
        { notFollowedBy: "n", where: is("n") },
        {
          followedBy: [
            { start: "b", where: is("b") },
            { next: "c", where: is("c") },
          ],
          times: [1, 2],
        },
      ],
      { within: "1h" },
    )
    const same = many
      .consecutive()
      .notFollowedBy("n", is("n"))
      .followedBy(pattern("b", is("b")).next("c", is("c")))
      .times(1, 2)
      .within("1h")
    const text = "a1 a2 x b1 c1 n b2 c2 a3 b3 c3"
    expect(await found(p, text)).toEqual(await found(same, text))
  })

  it.each([
    ["skipToNext", skipToNext(), ["b1 b2 b3 c1", "b2 b3 c1", "b3 c1"]],
    ["skipPastLastEvent", skipPastLastEvent(), ["b1 b2 b3 c1"]],
    ["skipToFirst", skipToFirst("b"), ["b1 b2 b3 c1", "b2 b3 c1", "b3 c1"]],
    ["skipToLast", skipToLast("b"), ["b1 b2 b3 c1", "b3 c1"]],
  ])("%s leaves what Flink's table says", async (_, skip, expected) => {
    const p = pattern("b", is("b")).oneOrMore().next("c", is("c"))
    expect(await found(p, "b1 b2 b3 c1", skip)).toEqual(expected)
  })

  it("tells partial matches whose time is over, of keys that never come again", async () => {
    const timedOutTo = outputTag("over", of<TimedOutMatch<Sign, "a" | "b", string>>())
    const p = a.followedBy("b", is("b")).within(5)
    const out = from(signs("a1@0 c@2 a2@20"), { time: "at" })
      .keyBy("id")
      .pattern(p, shown, { timedOutTo })
    const over = await out.sideOutput(timedOutTo).toArray()
    expect(over.map(({ key, match, timestamp }) => [key, shown(match), timestamp])).toEqual([
      ["a1", "a1", 5],
      ["a2", "a2", 25],
    ])
  })

  it("by the clock ends without another event", async () => {
    const clock = manualClock(0)
    const source = handFed<Sign>()
    const p = a.notFollowedBy("n", is("n")).within(50)
    const job = await run(from(source).keyBy("kind").pattern(p, shown), { clock })
    const results = pull(job)
    source.give(signs("a1")[0] as Sign)
    await turns(5)
    clock.advance(49)
    await turns(5)
    expect(job.stats().operators["patternMatches-1"]?.rows).toBe(1)
    clock.advance(1)
    await turns(5)
    expect(job.stats().operators["patternMatches-1"]?.rows).toBe(0)
    source.end()
    expect(await results).toEqual(["a1"])
  })

  it("gives the function the state of the key, and the key and time of the match", async () => {
    const p = a.next("b", is("b"))
    const out = from(signs("a1 b1 a2 b2"), { time: "at" })
      .keyBy(() => "k")
      .pattern(
        p,
        (match, state, { key, timestamp }) =>
          `${key} ${shown(match)} ${timestamp} ${state.update((n) => n + 1)}`,
        { state: { value: () => 0 } },
      )
    expect(await out.toArray()).toEqual(["k a1 b1 1 1", "k a2 b2 3 2"])
  })

  it("routes late events, and counts them", async () => {
    const lateTo = outputTag("late", of<Sign>())
    const out = from(signs("a1@10 b1@5 b2@11"), { time: "at", watermark: boundedDisorder(2) })
      .keyBy(() => "k")
      .pattern(a.followedBy("b", is("b")), shown, { lateTo })
    const job = await run({ out, routed: out.sideOutput(lateTo) })
    const [matches, late] = await Promise.all([pull(job.output("out")), pull(job.output("routed"))])
    expect([matches, late.map(({ id }) => id)]).toEqual([["a1 b2"], ["b1"]])
    await job.close()
  })

  it("keeps no row of a key that has no partial match", async () => {
    const job = await run(
      from(signs("a1@0 b1@1 a2@2 c@9 c@20"), { time: "at" })
        .keyBy("kind")
        .pattern(a.followedBy("b", is("b")).within(5), shown),
    )
    await job.finished()
    expect(job.stats().operators["patternMatches-1"]).toMatchObject({ rows: 0, bytes: 0 })
    await job.close()
  })
})

describe("what a pattern cannot take", () => {
  const failing = (sign: Sign) => {
    if (sign.id === "b1") throw new TypeError("b1")
    return sign.kind === "b"
  }
  const asking = (sign: Sign, match: Matched<Sign>) => failing(sign) && match["a"] !== undefined

  it.each([
    ["of an event", failing],
    ["of a match", asking],
  ] as const)("ends the job, or not, where a condition %s throws", async (_, condition) => {
    const p = a.followedBy("b", condition)
    const events = () => from(signs("a1 b1 b2"), { time: "at" }).keyBy(() => "k")
    expect(await errorFrom(() => events().pattern(p, shown).toArray())).toMatchObject({
      code: "USER_FUNCTION",
    })
    const skip = events().pattern(p, shown, { onError: "skip" })
    expect(await skip.toArray()).toEqual(["a1 b2"])
    const errorsTo = outputTag("errors", of<ErrorEvent>())
    const routed = events().pattern(p, shown, { onError: "route", errorsTo })
    const [told] = await routed.sideOutput(errorsTo).toArray()
    expect(told).toMatchObject({ event: { id: "b1" }, key: "k" })
  })

  it("ends where a key has too many partial matches, or leaves the event out", async () => {
    const settings = { maxPartialMatches: 2 }
    const disorder = { time: "at", watermark: boundedDisorder(1) } as const
    for (const time of [{ time: "at" }, disorder, {}] as const) {
      const events = () => from(signs("a1 a2 a3 b"), time).keyBy(() => "k")
      const p = a.followedBy("b", is("b"))
      const error = await errorFrom(() => events().pattern(p, shown, settings).toArray())
      expect(error).toMatchObject({ code: "LIMIT" })
      expect((error as { message: string }).message).toContain("maxPartialMatches of 2 is reached")
      const skip = events().pattern(p, shown, { ...settings, onError: "skip" })
      expect(await skip.toArray()).toEqual(["a1 b", "a2 b"])
    }
  })
})
