/**
 * Any patterns of which the reference says what they mean, and any events.
 */
import fc from "fast-check"
import { isNot } from "./pattern_reference.ts"
import type { Hit, Spec, Wanted } from "./pattern_reference.ts"

export const anyKinds = fc.constantFrom("a", "b", "c", "ab", "bc", "abc")

export const anyTimes = fc.constantFrom(
  { least: 1, most: 1 },
  { least: 2, most: 2 },
  { least: 1, most: 2 },
  { least: 2, most: 3 },
  { least: 1, most: Infinity },
  { least: 2, most: Infinity },
)

const anyStep = fc.record({
  how: fc.constantFrom("next", "followedBy", "followedByAny"),
  kinds: anyKinds,
  times: fc.oneof({ weight: 2, arbitrary: fc.constant({ least: 1, most: 1 }) }, anyTimes),
  optional: fc.oneof(
    { weight: 3, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  greedy: fc.boolean(),
  inner: fc.constantFrom("next", "followedBy", "followedByAny"),
  until: fc.constantFrom("", "", "c", "x"),
  gap: fc.constantFrom(Infinity, Infinity, Infinity, 3),
  not: fc.constantFrom("", "", "", "", "notNext", "notFollowedBy"),
})

/** Patterns of which the reference says what they mean; `gaps`: also "previous-current". */
export const anyWanted = fc
  .record({
    steps: fc.array(anyStep, { minLength: 1, maxLength: 4 }),
    within: fc.constantFrom(Infinity, Infinity, 4, 9),
    gaps: fc.boolean(),
    asks: fc.boolean(),
  })
  .map(({ steps: given, within, gaps, asks }): Wanted => {
    const steps: Spec[] = []
    given.forEach(({ times, not, ...step }, i) => {
      const before = steps.findLast((each) => !isNot(each))
      const greedy = step.greedy && times.most > times.least && i < given.length - 1
      const optional = step.optional && before?.greedy !== true
      const until = times.most === Infinity && !greedy ? step.until : ""
      const inner = greedy && step.inner === "followedByAny" ? "followedBy" : step.inner
      const gap = gaps && i > 0 ? step.gap : Infinity
      const how = step.how as Spec["how"]
      steps.push({
        ...step,
        ...times,
        name: `s${i}`,
        how,
        greedy,
        optional,
        until,
        inner,
        gap,
      })
      const last = i === given.length - 1
      if (not === "" || optional || (not === "notNext" && greedy)) return
      if (last && not === "notFollowedBy" && within === Infinity) return
      const plain = { least: 1, most: 1, optional: false, greedy: false, inner: "next", until: "" }
      steps.push({ ...plain, name: `n${i}`, how: not, kinds: "n", gap: Infinity } as Spec)
    })
    return { steps, within, asks }
  })

export const anyHits = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c", "x", "n"), fc.constantFrom(0, 1, 1, 1, 2, 5)), {
    maxLength: 9,
  })
  .map((list) => {
    let at = 0
    return list.map(([kind, step], id): Hit => ({ key: "k", kind, at: (at += step), id }))
  })
