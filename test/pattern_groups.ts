/**
 * Patterns with groups: as patterns of ours, and with each time of a group written out, as the
 * reference reads them.
 */
import fc from "fast-check"
import { pattern } from "../js/index.ts"
import { built } from "./pattern_reference.ts"
import type { AnyPattern, Spec, Wanted } from "./pattern_reference.ts"
import { anyKinds, anyTimes } from "./pattern_streams.ts"

/** Steps that come one after another, so many times. */
export interface Group {
  readonly how: "next" | "followedBy" | "followedByAny"
  readonly steps: readonly Spec[]
  readonly least: number
  readonly most: number
  readonly optional: boolean
  /** How a time of it follows the one before. */
  readonly inner: "next" | "followedBy" | "followedByAny"
}

export interface Grouped {
  readonly groups: readonly Group[]
  readonly within: number
  readonly asks: boolean
}

/** Streams are so short that no more times can be. */
const timesMax = 9

/** The same as a pattern of ours. */
export function builtOf({ groups, within, asks }: Grouped): AnyPattern {
  let made: AnyPattern | undefined
  for (const { how, steps, least, most, optional, inner } of groups) {
    const group = built({ steps, within: Infinity, asks })
    made = made === undefined ? pattern(group) : made[how](group)
    if (most === Infinity) made = least === 1 ? made.oneOrMore() : made.timesOrMore(least)
    else if (most > 1) made = made.times(least, most)
    if (most > 1 && inner === "next") made = made.consecutive()
    if (most > 1 && inner === "followedByAny") made = made.allowCombinations()
    if (optional) made = made.optional()
  }
  return within === Infinity ? (made as AnyPattern) : (made as AnyPattern).within(within)
}

/** All times of all groups, one after another. */
export function writtenOut({ groups, within, asks }: Grouped): Wanted {
  const steps: Spec[] = []
  for (const { how, steps: own, least, most, optional, inner } of groups) {
    const times = Math.min(most, timesMax)
    const behind = steps.length + times * own.length
    for (let time = 0; time < times; time++) {
      const needed = time < least && !(optional && time === 0)
      own.forEach((step, i) => {
        const entry = time === 0 ? how : inner
        steps.push({
          ...step,
          how: i === 0 ? entry : step.how,
          ...(i === 0 && !needed && { behind }),
        })
      })
    }
  }
  return { steps, within, asks }
}

const anyHow = fc.constantFrom("next" as const, "followedBy" as const, "followedByAny" as const)

const anyStep = fc.record({
  how: anyHow,
  kinds: anyKinds,
  times: fc.oneof({ weight: 3, arbitrary: fc.constant({ least: 1, most: 1 }) }, anyTimes),
  inner: anyHow,
})

const anyGroup = fc.record({
  how: anyHow,
  steps: fc.array(anyStep, { minLength: 1, maxLength: 2 }),
  times: fc.oneof({ weight: 1, arbitrary: fc.constant({ least: 1, most: 1 }) }, anyTimes),
  optional: fc.boolean(),
  inner: anyHow,
})

/**
 * A time of a group that may be left out can pass events over and be left out then: what follows
 * takes any later event, as with `followedByAny`. So it is in Flink's compiler, which ours follows.
 * The reference has no such case: there, times are consecutive, or their number is given.
 */
export const anyGrouped = fc
  .record({
    groups: fc.array(anyGroup, { minLength: 1, maxLength: 3 }),
    within: fc.constantFrom(Infinity, Infinity, 4, 9),
    asks: fc.boolean(),
  })
  .map(({ groups, within, asks }): Grouped => {
    const made = groups.map(({ steps, times, inner, ...rest }, g) => {
      const leaves = times.most > times.least && g < groups.length - 1
      const own = steps.map(({ times, ...step }, i): Spec => {
        const name = `g${g}s${i}`
        return { ...step, ...times, name, optional: false, greedy: false, until: "", gap: Infinity }
      })
      return { ...rest, ...times, steps: own, inner: leaves ? "next" : inner } satisfies Group
    })
    return { groups: made, within, asks }
  })
