/** Time behind a union, step by step, against a plain recomputation. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, run } from "../js/index.ts"
import { guardRejections, handFed, turns } from "./probe.ts"
import { someRuns } from "./random.ts"
import { watched } from "./watched.ts"

guardRejections()

const sources = 3
const idleAfter = 10
const disorder = 4

type Step =
  | { readonly kind: "give"; readonly to: number; readonly times: readonly number[] }
  | { readonly kind: "end"; readonly of: number }
  | { readonly kind: "wait"; readonly ms: number }

const which = fc.nat(sources - 1)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("give" as const),
      to: which,
      times: fc.array(fc.nat(60), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), of: which }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(idleAfter) }),
  },
)

/** What the watermark is after each step: the least of sources that are neither idle nor over. */
function expected(steps: readonly Step[]): number[] {
  const marks = new Array<number>(sources).fill(-Infinity)
  const silent = new Array<number>(sources).fill(0)
  const ended = new Array<boolean>(sources).fill(false)
  let watermark = -Infinity
  return steps.map((step) => {
    if (step.kind === "give" && ended[step.to] !== true) {
      silent[step.to] = 0
      const latest = Math.max(...step.times) - disorder
      marks[step.to] = Math.max(marks[step.to] as number, latest)
    }
    if (step.kind === "end") ended[step.of] = true
    if (step.kind === "wait") for (let i = 0; i < sources; i++) (silent[i] as number) += step.ms
    const live = marks.filter((_, i) => ended[i] !== true)
    const counted = marks.filter((_, i) => ended[i] !== true && (silent[i] as number) < idleAfter)
    const reached = counted.length > 0 ? Math.min(...counted) : Math.max(...live)
    watermark = Math.max(watermark, reached)
    return watermark
  })
}

async function seen(steps: readonly Step[], chunkSize: number): Promise<number[]> {
  const fed = Array.from({ length: sources }, () => handFed<number>())
  const ended = new Set<number>()
  const clock = manualClock()
  const options = { time: (at: number) => at, watermark: boundedDisorder(disorder), idleAfter }
  const [first, ...others] = fed.map((source) => from(source, options))
  const { stream, watermarks } = watched((first as NonNullable<typeof first>).union(...others))
  const job = await run(stream, { clock, chunkSize })
  const reading = job.finished()
  await turns()
  const after: number[] = []
  for (const step of steps) {
    if (step.kind === "give" && !ended.has(step.to)) fed[step.to]?.give(...step.times)
    if (step.kind === "end" && !ended.has(step.of)) {
      ended.add(step.of)
      fed[step.of]?.end()
    }
    if (step.kind === "wait") clock.advance(step.ms)
    await turns(3)
    after.push(watermarks.at(-1) ?? -Infinity)
  }
  fed.forEach((source, i) => {
    if (!ended.has(i)) source.end()
  })
  await reading
  await job.close()
  expect(watermarks).toEqual([...watermarks].sort((a, b) => a - b))
  return after
}

describe("the watermark behind a union", () => {
  it("is the least of sources that are neither idle nor over, and never goes back", async () => {
    const steps = fc.array(anyStep, { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(1, 3, 1024), async (script, chunkSize) => {
        expect(await seen(script, chunkSize)).toEqual(expected(script))
      }),
      { numRuns: someRuns(100) },
    )
  })

  it("is the least of hundreds", async () => {
    const sources = Array.from({ length: 400 }, (_, source) =>
      from(
        Array.from({ length: 20 }, (_, n) => ({ source, at: n * 1000 + source })),
        { time: "at" },
      ),
    )
    const { stream, seen, watermarks } = watched(sources[0]!.union(...sources.slice(1)))
    const job = await run(stream, { chunkSize: 3 })
    await job.finished()
    await job.close()
    const own = sources.map(() => -Infinity)
    for (const { value, watermark } of seen) {
      const { source, at } = value as { source: number; at: number }
      expect(watermark).toBe(Math.min(...own))
      own[source] = at
    }
    expect([seen.length, watermarks.at(-1)]).toEqual([8000, 19_399])
  })
})
