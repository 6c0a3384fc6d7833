/** Joins of windows, and coGroup, against plain code; what they give, and what they refuse. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder, countWindow, from, globalWindow, of, outputTag } from "../js/index.ts"
import { run, sessions, sliding, slidingEach, tumbling, windowJoin } from "../js/index.ts"
import type { Assigner, ErrorEvent, WindowRange } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit as Timed } from "./hits.ts"
import { testJoinKind } from "./join_kinds.ts"
import type { JoinKind, Seen } from "./join_kinds.ts"
import type { Hit } from "./join_reference.ts"
import { guardRejections, pull, pullToError } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

/** Windows, and how plain code has them; sessions: how long after an event they end. */
interface Windows {
  readonly assigner: Assigner<Hit> | ((hit: Hit) => readonly WindowRange[])
  readonly rangesOf?: (at: number) => readonly WindowRange[]
  readonly gapOf?: (hit: Hit) => number
  readonly exclusive?: boolean
}

const alignedTo = (size: number, slide: number) => (at: number) => {
  const starts = Array.from({ length: 60 }, (_, i) => (Math.floor(at / slide) - i) * slide)
  return starts.filter((start) => start > at - size).map((start) => ({ start, end: start + size }))
}
const even = ({ at }: { at: number }) => (at % 2 === 0 ? [{ start: at - 3, end: at + 4 }] : [])
const gapOf = ({ side }: Hit) => 2 + side * 3

const windows: readonly Windows[] = [
  { assigner: tumbling(5), rangesOf: alignedTo(5, 5) },
  { assigner: sliding(9, 4), rangesOf: alignedTo(9, 4) },
  { assigner: even, rangesOf: (at) => even({ at }) },
  { assigner: sessions(4), gapOf: () => 4 },
  { assigner: sessions(4, { boundary: "exclusive" }), gapOf: () => 4, exclusive: true },
  { assigner: sessions(gapOf), gapOf },
]

interface Spec {
  readonly of: Windows
  readonly latenessMs: number
  readonly type: "inner" | "left" | "right" | "full"
}

const specs: fc.Arbitrary<Spec> = fc.record({
  of: fc.constantFrom(...windows),
  latenessMs: fc.constantFrom(0, 3),
  type: fc.constantFrom("inner" as const, "left" as const, "right" as const, "full" as const),
})

/** The windows of an event that have not closed by its own watermark. */
const openFor = ({ hit, watermark }: Seen, { of, latenessMs }: Spec) =>
  of.rangesOf?.(hit.at).filter(({ end }) => end + latenessMs > watermark) ?? []

function isLate(seen: Seen, spec: Spec): boolean {
  if (spec.of.rangesOf === undefined) return seen.hit.at + spec.latenessMs < seen.watermark
  return openFor(seen, spec).length === 0 && spec.of.rangesOf(seen.hit.at).length > 0
}

/** The events of a key that are in a window. */
interface InWindow {
  readonly key: string
  readonly start: number
  end: number
  readonly hits: Hit[]
}

function windowsOf(all: readonly Seen[], spec: Spec): InWindow[] {
  const { gapOf, exclusive = false } = spec.of
  const found: InWindow[] = []
  if (gapOf === undefined) {
    for (const seen of all) {
      const { key } = seen.hit
      for (const { start, end } of openFor(seen, spec)) {
        const open = found.find((one) => one.key === key && one.start === start && one.end === end)
        if (open === undefined) found.push({ key, start, end, hits: [seen.hit] })
        else open.hits.push(seen.hit)
      }
    }
    return found
  }
  for (const hit of all.map(({ hit }) => hit).sort((a, b) => a.at - b.at)) {
    const { key, at } = hit
    const meets = (one: InWindow) => one.key === key && (exclusive ? at < one.end : at <= one.end)
    const open = found.find(meets)
    if (open === undefined) found.push({ key, start: at, end: at + gapOf(hit), hits: [hit] })
    else {
      open.end = Math.max(open.end, at + gapOf(hit))
      open.hits.push(hit)
    }
  }
  return found
}

const sidesOf = ({ hits }: InWindow) =>
  [0, 1].map((side) => hits.filter((hit) => hit.side === side).map(({ id }) => id)) as [
    number[],
    number[],
  ]

const joined: JoinKind<Spec> = {
  specs,
  isLate,
  make: (left, right, { of, latenessMs, type }, lateTo) => {
    const spec = windowJoin(of.assigner, { type, allowedLateness: latenessMs })
    return left.join(right, spec, (one, other) => `${one?.id} ${other?.id}`, { lateTo })
  },
  join: (lefts, rights, spec) =>
    windowsOf([...lefts, ...rights], spec).flatMap((window) => {
      const [ones, others] = sidesOf(window)
      const alone = [undefined]
      const { type } = spec
      const from = ones.length === 0 && (type === "right" || type === "full") ? alone : ones
      const to = others.length === 0 && (type === "left" || type === "full") ? alone : others
      return from.flatMap((one) => to.map((other) => `${one} ${other}`))
    }),
}
testJoinKind("a join of windows", joined)

testJoinKind("coGroup", {
  specs,
  isLate,
  make: (left, right, { of, latenessMs }, lateTo) =>
    left.coGroup(
      right,
      of.assigner,
      (ones, others, { key, window: { start, end }, revision }) => {
        const [lefts, rights] = [ones, others].map((side) => side.map(({ id }) => id).sort())
        return JSON.stringify([key, start, end, lefts, rights, revision])
      },
      { lateTo, allowedLateness: latenessMs },
    ),
  join: (lefts, rights, spec) =>
    windowsOf([...lefts, ...rights], spec).map((window) => {
      const [ones, others] = sidesOf(window)
      return JSON.stringify([window.key, window.start, window.end, ones.sort(), others.sort(), 0])
    }),
})

const side = (text: string) => from(text === "" ? [] : hits(text), { time: "at" }).keyBy("k")
const both = (left: Timed | undefined, right: Timed | undefined) =>
  [left, right].map((one) => (one === undefined ? "-" : shown(one))).join(" ")

describe("a join of windows", () => {
  it("gives pairs in the order of windows, and of the events of both", async () => {
    const full = windowJoin(tumbling(10), { type: "full" })
    const pairs = side("a1 b2 a3 c12").join(side("a4 a5 d6 c13 a20"), full, both)
    expect(await pairs.toArray()).toEqual([
      "a1 a4",
      "a1 a5",
      "a3 a4",
      "a3 a5",
      "b2 -",
      "- d6",
      "c12 c13",
      "- a20",
    ])
  })

  it("goes by the clock where there is no event time", async () => {
    const [left, right] = [from(hits("a1 a2")).keyBy("k"), from(hits("a3")).keyBy("k")]
    const pairs = left.join(right, windowJoin(tumbling("1h")), both)
    expect(await pairs.toArray()).toEqual(["a1 a3", "a2 a3"])
  })

  it("gives the function the state of the key, also of a lonely right event", async () => {
    const nth = side("a1 a11").join(
      side("a2 b3"),
      windowJoin(tumbling(10), { type: "full" }),
      (left, right, state) => `${both(left, right)} ${state.update((n) => n + 1)}`,
      { state: { value: () => 0 } },
    )
    expect(await nth.toArray()).toEqual(["a1 a2 1", "- b3 1", "a11 - 2"])
  })

  it("gives a window's pairs a time that is in it", async () => {
    const again = side("a1")
      .join(side("a2"), windowJoin(tumbling(10)), both)
      .keyBy(() => null)
      .window(tumbling(10))
      .process((pairs, _, { window }) => [window.start, ...pairs])
    expect(await again.toArray()).toEqual([[0, "a1 a2"]])
  })

  it("has limits: of keys with open windows, and of the pairs of one", async () => {
    const some = side("a1 b2 c3").join(side(""), windowJoin(tumbling(10)), both, {
      state: { maxSize: 2 },
    })
    expect(await pullToError(some)).toMatchObject({ code: "LIMIT" })
    const many = from(
      Array.from({ length: 2049 }, () => ({ k: "a", at: 0 })),
      { time: "at" },
    ).keyBy("k")
    const wide = many.join(many, windowJoin(tumbling(10)), () => undefined)
    const { code, message } = await pullToError(wide)
    expect([code, message]).toEqual(["LIMIT", expect.stringContaining("4194304 pairs")])
  })
})

describe("coGroup", () => {
  it("sends aside, and has errors dealt with window by window", async () => {
    const odd = outputTag("odds", of<string>())
    const wrong = outputTag("errors", of<ErrorEvent>())
    const wide = { time: "at", watermark: boundedDisorder(5) } as const
    const right = from([...hits("a4 b4"), { at: 5 } as Timed], wide).keyBy("k")
    const counted = side("a1 b2 c3").coGroup(
      right,
      tumbling(10),
      (lefts, rights, ctx) => {
        const { key } = ctx
        if (key === "b") throw new Error("b")
        if (rights.length === 0) return void ctx.output(odd, `${key} alone`)
        return `${key} ${lefts.length} ${rights.length}`
      },
      { outputs: [odd], onError: "route", errorsTo: wrong },
    )
    const job = await run({
      counted,
      odd: counted.sideOutput(odd),
      wrong: counted.sideOutput(wrong).map(({ key, event }) => [key, event]),
    })
    const outputs = ["counted", "odd", "wrong"] as const
    expect(await Promise.all(outputs.map((name) => pull<unknown>(job.output(name))))).toEqual([
      ["a 1 1"],
      ["c alone"],
      [
        [undefined, { at: 5 }],
        ["b", undefined],
      ],
    ])
    await job.close()
  })
})

describe("joins of windows refuse", () => {
  const left = side("a1")
  const refused: [string, () => unknown, string][] = [
    ["windows of a number", () => windowJoin(countWindow(3)), "windowJoin takes"],
    ["windows without an end", () => windowJoin(globalWindow()), "global"],
    ["windows of each event", () => windowJoin(slidingEach(3)), "slidingEach"],
    ["what is no window", () => windowJoin("1h" as never), "window takes"],
    ["a type", () => windowJoin(tumbling(1), { type: "outer" } as never), "windowJoin.type"],
    ["options", () => windowJoin(tumbling(1), { emit: "final" } as never), "emit"],
    ["to co-group so", () => left.coGroup(left, countWindow(3), () => 1), "coGroup takes"],
    ["no other", () => left.coGroup(from([1]) as never, tumbling(1), () => 1), "coGroup needs"],
    ["no function", () => left.coGroup(left, tumbling(1), undefined as never), "coGroup"],
    [
      "a trigger",
      () => left.coGroup(left, tumbling(1), () => 1, { trigger: 1 } as never),
      "trigger",
    ],
    [
      "to evict",
      () =>
        left.join(left, windowJoin(tumbling(1)), () => 1, {
          state: { maxSize: 1, onFull: "evict" },
        }),
      "would lose what is in windows",
    ],
  ]

  it.each(refused)("%s", (_, make, message) => {
    expect(refusal(make).message).toContain(message)
  })
})
