/**
 * Random scripts through windows that are whole in C, against plain code that keeps all events:
 * times late, early, alike and below zero, every lateness and way to emit, chunks, restores.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, outputTag, run } from "../js/index.ts"
import type { KeyedStream } from "../js/index.ts"
import type { WindowSpec } from "../js/operators/window/spec.ts"
import { event, playAll } from "./play.ts"
import { expectedCounts, expectedOf, whole, windowsOf } from "./window_reference.ts"
import type { Hit, Placed, WindowRow } from "./window_reference.ts"
import { someRuns, someTime } from "./random.ts"

const timeout = someTime

const hits = (
  steps: readonly (readonly [key: number, step: number, n: number | null])[],
): Hit[] => {
  let at = -40
  return steps.map(([key, step, n]) => {
    at += step
    return { key: `k${key}`, n, at }
  })
}

const anyHits = fc
  .array(
    fc.tuple(
      fc.nat(3),
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -4, max: 6 }) },
        { weight: 1, arbitrary: fc.integer({ min: -25, max: 40 }) },
      ),
      fc.option(fc.integer({ min: -5, max: 5 })),
    ),
    { minLength: 1, maxLength: 60 },
  )
  .map(hits)

const anyTime = {
  allowedLateness: fc.constantFrom(0, 0, 3, 10, 25),
  emit: fc.constantFrom(undefined, "final" as const, "updates" as const),
}

type Time = Pick<WindowSpec["options"], "allowedLateness"> & {
  emit?: "final" | "updates" | undefined
}

/** As checked options are: what is not given is not there. */
const given = ({ emit, ...options }: Time): WindowSpec["options"] =>
  emit === undefined ? options : { ...options, emit }

const aligned = fc
  .record({
    size: fc.constantFrom(1, 4, 10, 12),
    slide: fc.constantFrom(1, 3, 4, 5, 10, 12),
    offsetMs: fc.constantFrom(0, 1, -3, 25),
    ...anyTime,
  })
  .map(({ size, slide, offsetMs, ...options }): WindowSpec => {
    const assigner =
      slide >= size
        ? ({ kind: "tumbling", sizeMs: size, offsetMs } as const)
        : ({ kind: "sliding", sizeMs: size, slideMs: slide, offsetMs } as const)
    return { assigner, options: given(options) }
  })

const sessions = fc
  .record({
    gapMs: fc.constantFrom(1, 3, 6),
    boundary: fc.constantFrom("inclusive" as const, "exclusive" as const),
    ...anyTime,
  })
  .map(({ gapMs, boundary, ...options }): WindowSpec => {
    return {
      assigner: { kind: "sessions", gapMs, gap: undefined, boundary },
      options: given(options),
    }
  })

const counted = fc
  .record({
    size: fc.integer({ min: 1, max: 6 }),
    slide: fc.integer({ min: 1, max: 8 }),
    emitPartial: fc.option(fc.boolean()),
  })
  .map(({ size, slide, emitPartial }): WindowSpec => {
    return emitPartial === null
      ? { assigner: { kind: "slidingCount", size, slide }, options: {} }
      : { assigner: { kind: "count", size, slide, emitPartial }, options: {} }
  })

const late = outputTag<Hit>("late")

async function played(
  script: readonly Hit[],
  spec: WindowSpec,
  { disorderMs, ...how }: { disorderMs: number; chunkSize: number; crashEvery: number },
) {
  const { results, error } = await playAll<Hit>(
    (events) => {
      const options = { ...spec.options, lateTo: late }
      const out = whole(events.keyBy("key"), { ...spec, options })
      return { out, routed: out.sideOutput(late) }
    },
    script.map(event),
    {
      from: { time: "at", watermark: boundedDisorder(disorderMs) },
      ...how,
    },
  )
  if (error !== undefined) throw error as Error
  return { rows: results["out"], late: results["routed"] }
}

const check = (specs: fc.Arbitrary<WindowSpec>, expected = expectedOf) =>
  fc.assert(
    fc.asyncProperty(
      anyHits,
      specs,
      fc.record({
        disorderMs: fc.constantFrom(0, 2, 8),
        chunkSize: fc.constantFrom(1, 7, 1024),
        crashEvery: fc.constantFrom(1, 2, 7, 100),
      }),
      async (script, spec, how) => {
        const { rows, late } = expected(script, spec, how.disorderMs)
        expect(await played(script, spec, how)).toEqual({ rows, late })
      },
    ),
    { numRuns: someRuns(400) },
  )

/** Of each window the last row, in the order of keys and ends. */
function lastRows(rows: readonly WindowRow[]): unknown[] {
  const last = new Map(rows.map((row) => [`${row.end} ${row.start} ${row.key}`, row]))
  const plain = [...last.values()].map((row) => ({ ...row, revision: undefined }))
  return plain.sort((a, b) => a.end - b.end || (a.key < b.key ? -1 : 1))
}

/** The windows of events that are late by their own source alone. */
function unionOf(sources: readonly (readonly Hit[])[], spec: WindowSpec, disorderMs: number) {
  const kept: Placed[] = sources.flatMap((events) => {
    let timeMax = -Infinity
    return events.map((event) => {
      const passed = timeMax - disorderMs
      timeMax = Math.max(timeMax, event.at)
      return { event, passed }
    })
  })
  return lastRows(windowsOf(kept, spec))
}

describe("windows that are whole in C", () => {
  it("hold the same whichever source of a union runs ahead", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        anyHits,
        anyHits,
        aligned,
        fc.constantFrom(0, 2, 8),
        fc.constantFrom(1, 7, 1024),
        async (one, other, { assigner, options: all }, disorderMs, chunkSize) => {
          const options = { allowedLateness: all.allowedLateness ?? 0 }
          const settings = { time: "at", watermark: boundedDisorder(disorderMs) } as const
          const [first, ...more] = [one, other].map((hits) => from(hits, settings))
          const both = first?.union(...more).keyBy("key") as KeyedStream<string, Hit>
          const job = await run(whole(both, { assigner, options }), { chunkSize })
          try {
            const rows: WindowRow[] = []
            for await (const row of job) rows.push(row)
            const expected = unionOf([one, other], { assigner, options }, disorderMs)
            expect(lastRows(rows)).toEqual(expected)
          } finally {
            await job.close()
          }
        },
      ),
      { numRuns: someRuns(400) },
    ),
  )

  it("tumble and slide as plain code does", { timeout }, () => check(aligned))

  it("meet in sessions as in plain code", { timeout }, () => check(sessions))

  it("count as plain code does", { timeout }, () => check(counted, expectedCounts))
})
