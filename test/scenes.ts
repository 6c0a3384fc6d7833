/**
 * What the model tests draw: scripts of events, moves of the clock and crashes, and state limits.
 */
import fc from "fast-check"
import type { KeyValue } from "../js/index.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { clock, event, restore } from "./play.ts"
import type { Step } from "./play.ts"
import type { Limits } from "./reference.ts"

/** Keys of every type; some are the same key, many nearly. */
export const keys: readonly KeyValue[] = [
  ...["", "a", "__proto__", "constructor", "1", "null", "日本 é 𝄞"],
  ...[0, -0, 1, -1.5, Infinity, 0n, 1n, -(2n ** 70n), null, true, false],
  ...[[], ["a", 1], ["a", "1"], [0], [-0], [["__proto__", null], 1n]],
]

/** How far the watermark is behind. */
export const disorderMs = 10

/** What becomes of an event on its way; most arrive. */
const lots: readonly Op["lost"][] = [
  ...Array.from({ length: 8 }, () => undefined),
  ...(["filtered", "unkeyed"] as const),
]

/** What is drawn for one step. */
export interface Draw {
  readonly step: Step<Op> | "restore" | "clock"
  readonly ahead: number
  readonly ms: number
}

const draw: fc.Arbitrary<Draw> = fc.record({
  step: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom("restore" as const) },
    { weight: 5, arbitrary: fc.constantFrom("clock" as const) },
    {
      weight: 60,
      arbitrary: fc
        .record({
          i: fc.constant(0),
          key: fc.constantFrom(...keys),
          deed: fc.constantFrom(...deeds),
          n: fc.integer({ min: 0, max: 5 }),
          value: fc.oneof(fc.double(), fc.integer(), fc.constantFrom(null, 3n, -0, Number.NaN)),
          at: fc.integer({ min: -15, max: 3 }),
          lost: fc.constantFrom(...lots),
        })
        .map(event),
    },
  ),
  ahead: fc.integer({ min: 0, max: 4 }),
  ms: fc.integer({ min: 0, max: 90 }),
})

/** What is drawn for one script. */
export interface Scene {
  readonly timed: boolean
  readonly chunkSize: number
  readonly limits: Limits
  readonly keyCount: number
  /** Crash after every so many steps, where they are events, too; 0: no. */
  readonly crashEvery: number
  /** Are some events lost on the way to the operators? */
  readonly lossy: boolean
  /** Which operator is played where the first refusal ends the job. */
  readonly name: number
  readonly draws: readonly Draw[]
}

const limits: fc.Arbitrary<Limits> = fc
  .record({
    ttl: fc.constantFrom(undefined, undefined, 1, 5, 20, 60),
    maxSize: fc.constantFrom(undefined, undefined, 1, 2, 4, 7),
    maxBytes: fc.constantFrom(undefined, undefined, 600, 1500, 3000),
    update: fc.constantFrom(undefined, undefined, "readWrite" as const),
    visibility: fc.constantFrom(undefined, undefined, "untilCleanedUp" as const),
    onFull: fc.constantFrom("evict" as const, "evict" as const, "evict" as const, "error" as const),
  })
  .map(({ update, visibility, ...drawn }) => {
    const ttl = drawn.ttl === undefined ? {} : { update, visibility }
    const all = Object.entries({ ...drawn, ...ttl })
    return Object.fromEntries(all.filter(([, value]) => value !== undefined))
  })

/** Any scene. */
export const scene: fc.Arbitrary<Scene> = fc.record({
  timed: fc.boolean(),
  chunkSize: fc.constantFrom(1, 7, 1024),
  limits,
  keyCount: fc.integer({ min: 1, max: keys.length }),
  crashEvery: fc.constantFrom(0, 0, 0, 1, 4),
  lossy: fc.boolean(),
  name: fc.nat({ max: 999 }),
  draws: fc.array(draw, { maxLength: 100, size: "max" }),
})

/** A script of the draws: numbered events, whose times wander forwards. */
export function scriptOf({ draws, keyCount, lossy, crashEvery }: Scene): Step<Op>[] {
  let time = 0
  let i = 0
  const steps = draws.map(({ step, ahead, ms }) => {
    if (step === "restore") return restore()
    if (step === "clock") return clock(ms)
    if (step.kind !== "event") return step
    time += ahead
    const { value } = step
    const key = keys[keys.indexOf(value.key) % keyCount] as KeyValue
    const lost = lossy ? value.lost : undefined
    return event({ ...value, i: i++, key, at: time + value.at, lost })
  })
  if (crashEvery === 0) return steps
  return steps.flatMap((step, at) =>
    at % crashEvery === 0 && step.kind === "event" ? [step, restore()] : [step],
  )
}
