/**
 * Patterns against plain code that tries all ways to take events: every contiguity, quantifier and
 * limit of time; chunks, restores, events out of order; and skip strategies.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  boundedDisorder,
  from,
  noSkip,
  outputTag,
  run,
  skipPastLastEvent,
  skipToFirst,
  skipToLast,
  skipToNext,
} from "../js/index.ts"
import type { Matched, Skip, Stream, TimedOutMatch } from "../js/index.ts"
import { built, isNot, matchesOf, shown } from "./pattern_reference.ts"
import type { AnyPattern, Found, Hit, Wanted } from "./pattern_reference.ts"
import { anyGrouped, builtOf, writtenOut } from "./pattern_groups.ts"
import { anyHits, anyWanted } from "./pattern_streams.ts"
import { event, playAll, playSavepoints } from "./play.ts"
import { guardRejections, pull } from "./probe.ts"
import { someRuns, someTime } from "./random.ts"

guardRejections()

const timeout = someTime
const timedOutTo = outputTag<TimedOutMatch>("gone")
const lateTo = outputTag<Hit>("late")
const skipKinds = ["next", "last", "firstOf", "lastOf"] as const
const anyChunkSize = fc.constantFrom(1, 7, 1024)

const idsOf = (match: Matched): string =>
  Object.values(match)
    .map((events) => (events as readonly Hit[]).map(({ id }) => id).join("+"))
    .join(" ")

const find = (stream: Stream<Hit>, wanted: AnyPattern, afterMatch: Skip = noSkip()) =>
  stream
    .keyBy("key")
    .pattern(wanted, (match, _, { timestamp }) => `${idsOf(match)} @${timestamp}`, {
      timedOutTo,
      lateTo,
      afterMatch,
    })

const told = ({ match, timestamp }: TimedOutMatch): string => `${idsOf(match)} @${timestamp}`
const said = (found: readonly Found[], wanted: Wanted): string[] =>
  found.map((each) => `${shown(each, wanted)} @${each.timeMs}`)

/** "previous-current" limits end partial matches one by one: the reference does not say when. */
const hasGaps = ({ steps }: Wanted): boolean => steps.some(({ gap }) => gap < Infinity)

const once = (name: string): Wanted["steps"][number] => ({
  ...{ name, how: "next", kinds: "a", inner: "next", until: "" },
  ...{ optional: false, greedy: false, gap: Infinity, least: 1, most: 1 },
})

/** When all is over, a state that was just restored has nothing in progress. */
const nothingAtTheEnd: [Wanted, Hit[], 1, 1] = [
  { steps: [once("s0"), once("s1")], within: Infinity },
  ["a", "n", "a"].map((kind, id) => ({ key: "k0", kind, at: id, id })),
  1,
  1,
]

/** A repetition may come no more, but the event that ends the match. */
const repeatsNoMore: [Wanted, Hit[], 1] = [
  {
    steps: [
      once("s0"),
      { ...once("s1"), kinds: "b", most: 2, gap: 3 },
      { ...once("n1"), kinds: "n", how: "notNext" },
    ],
    within: Infinity,
  },
  [0, 0, 5].map((at, id) => ({ key: "k", kind: "aba"[id] as string, at, id })),
  1,
]

/** An event that brings the watermark itself is run at once, if not at the end of a chunk. */
const atTheWatermark: [Wanted, Hit[], 2] = [
  { steps: [{ ...once("s0"), optional: true }, once("s1")], within: Infinity },
  [0, -2, 0, 0, 0, 0].map((at, id) => ({ key: "k0", kind: "a", at, id })),
  2,
]

/** A timer that is set anew for the time of an event comes behind that, as if it had waited. */
const setAnew: [Wanted, Hit[], 0] = [
  {
    steps: [
      { ...once("s0"), optional: true, greedy: true, most: Infinity },
      { ...once("s1"), how: "followedByAny", kinds: "c", gap: 3 },
      { ...once("n1"), how: "notFollowedBy", kinds: "n" },
    ],
    within: 4,
  },
  ["k0 a 0", "k0 a 0", "k0 c 2", "k0 a 2", "k1 a 4", "k0 a 4"].map((text, id) => {
    const [key, kind, at] = text.split(" ") as [string, string, string]
    return { key, kind, at: Number(at), id }
  }),
  0,
]

describe("a pattern", () => {
  it("finds what plain code finds, and tells what is given up", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(anyWanted, anyHits, anyChunkSize, async (wanted, hits, chunkSize) => {
        const out = find(from(hits, { time: "at" }), built(wanted))
        const job = await run({ out, over: out.sideOutput(timedOutTo) }, { chunkSize })
        const [matches, over] = await Promise.all([
          pull(job.output("out")),
          pull(job.output("over")),
        ])
        await job.close()
        const expected = matchesOf(wanted, hits)
        expect(matches.sort()).toEqual(said(expected.matches, wanted).sort())
        if (hasGaps(wanted)) return
        expect(over.map(told).sort()).toEqual(said(expected.timedOut, wanted).sort())
      }),
      { numRuns: someRuns(2000), examples: [repeatsNoMore] },
    ),
  )

  it("finds groups that repeat, or are left out, as plain code does", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(anyGrouped, anyHits, anyChunkSize, async (grouped, hits, chunkSize) => {
        const wanted = writtenOut(grouped)
        const out = find(from(hits, { time: "at" }), builtOf(grouped))
        const job = await run({ out, over: out.sideOutput(timedOutTo) }, { chunkSize })
        const [matches, over] = await Promise.all([
          pull(job.output("out")),
          pull(job.output("over")),
        ])
        await job.close()
        const expected = matchesOf(wanted, hits)
        expect(matches.sort()).toEqual(said(expected.matches, wanted).sort())
        expect(over.map(told).sort()).toEqual(said(expected.timedOut, wanted).sort())
      }),
      { numRuns: someRuns(1000) },
    ),
  )

  it("is the same whatever crashes, however events are cut or ordered", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        ...[anyWanted, anyMixedHits(), anyChunkSize, fc.constantFrom(1, 2, 5, undefined)],
        async (wanted, hits, chunkSize, crashEvery) => {
          const make = (events: Stream<Hit>) => {
            const out = find(events, built(wanted))
            return { out, over: out.sideOutput(timedOutTo), routed: out.sideOutput(lateTo) }
          }
          const settings = { time: "at", watermark: boundedDisorder(2) } as const
          const options = { from: settings, chunkSize, crashEvery }
          const { results, error } = await playAll<Hit>(make, hits.map(event), options)
          if (error !== undefined) throw error as Error
          const late = lateOnes(hits, 2)
          expect(results["routed"]).toEqual(late)
          const expected = ["k0", "k1"].flatMap((key) => {
            const own = hits.filter((hit) => hit.key === key && !late.includes(hit))
            return said(
              matchesOf(
                wanted,
                own.sort((a, b) => a.at - b.at),
              ).matches,
              wanted,
            )
          })
          expect((results["out"] as string[]).sort()).toEqual(expected.sort())
        },
      ),
      { numRuns: someRuns(600), examples: [nothingAtTheEnd] },
    ),
  )

  it("has the same results and savepoints however it came there", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        anyWanted,
        anyMixedHits(),
        fc.constantFrom(0, 2),
        fc.constantFrom("none", ...skipKinds),
        fc.nat(3),
        async (wanted, hits, disorderMs, kind, of) => {
          const { skip } = skipOf(wanted, kind, of)
          const make = (events: Stream<Hit>) => find(events, built(wanted), skip)
          const settings = { time: "at", watermark: boundedDisorder(disorderMs) } as const
          const options = { from: settings, crashEvery: 5 }
          const play = (chunkSize: number) =>
            playSavepoints<Hit>(make, hits.map(event), { ...options, chunkSize })
          const whole = await play(1024)
          for (const chunkSize of [1, 7]) expect(await play(chunkSize)).toEqual(whole)
          const straight = await make(from(hits, settings)).toArray()
          expect(whole.played.results).toEqual({ out: straight })
        },
      ),
      {
        numRuns: someRuns(600),
        examples: [
          [...atTheWatermark, "none", 0],
          [...setAnew, "none", 0],
        ],
      },
    ),
  )

  it("skips what Flink would, in the order of first events", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        ...[anyWanted, anyHits, anyChunkSize, fc.constantFrom(...skipKinds), fc.nat(3)],
        async (wanted, hits, chunkSize, kind, of) => {
          const { name, skip } = skipOf(wanted, kind, of)
          const results = async (afterMatch: Skip) => {
            const job = await run(find(from(hits, { time: "at" }), built(wanted), afterMatch), {
              chunkSize,
            })
            const all = await pull(job)
            await job.close()
            return all.map((text) => text.split(" @")[0] as string)
          }
          expect(await results(skip)).toEqual(skipped(await results(noSkip()), kind, wanted, name))
        },
      ),
      { numRuns: someRuns(800) },
    ),
  )
})

/** A skip strategy, of any step that takes events. */
function skipOf({ steps }: Wanted, kind: string, of: number): { name: string; skip: Skip } {
  const names = steps.filter((spec) => !isNot(spec)).map(({ name }) => name)
  const name = names[of % names.length] as string
  const skips: Record<string, Skip> = {
    none: noSkip(),
    next: skipToNext(),
    last: skipPastLastEvent(),
    firstOf: skipToFirst(name),
    lastOf: skipToLast(name),
  }
  return { name, skip: skips[kind] as Skip }
}

/** What is left of all matches, which are in the order in which they were found. */
function skipped(all: readonly string[], kind: string, wanted: Wanted, name: string): string[] {
  const steps = wanted.steps.filter(({ how }) => !how.startsWith("not")).map(({ name }) => name)
  const idsOf = (text: string) =>
    text.split(" ").map((ids) => (ids === "" ? [] : ids.split("+").map(Number)))
  const startOf = (text: string) => idsOf(text).flat()[0] as number
  const left: string[] = []
  let from = -1 // No match may begin before.
  for (const text of [...all].sort((a, b) => startOf(a) - startOf(b))) {
    if (startOf(text) < from) continue
    left.push(text)
    const own = idsOf(text)[steps.indexOf(name)] as number[]
    const to = {
      next: startOf(text) + 1,
      last: Math.max(...idsOf(text).flat()) + 1,
      firstOf: own[0] ?? -1,
      lastOf: own.at(-1) ?? -1,
    }[kind] as number
    from = Math.max(from, to)
  }
  return left
}

/** Events of two keys that come out of order. */
function anyMixedHits() {
  const anyShift = fc.array(fc.tuple(fc.nat(1), fc.nat(4)), { minLength: 20, maxLength: 20 })
  return fc.tuple(anyHits, anyShift).map(([hits, shifts]) => {
    return hits.map((hit, i) => {
      const [key, shift] = shifts[i] as [number, number]
      return { ...hit, key: `k${key}`, at: hit.at - Math.max(0, shift - 2) }
    })
  })
}

function lateOnes(hits: readonly Hit[], disorderMs: number): Hit[] {
  let latest = -Infinity
  return hits.filter(({ at }) => {
    const late = at < latest - disorderMs
    latest = Math.max(latest, at)
    return late
  })
}
