/**
 * The steps of a pattern as plain data: what the builder makes and the compiler reads.
 */
import type { AnyCondition } from "./condition.ts"

/**
 * How a step follows the one before: at once; with others between that are no such step; with any
 * between; or it must not, at once or at all.
 */
export type Contiguity = "next" | "followedBy" | "followedByAny" | "notNext" | "notFollowedBy"

/** One step of a pattern. */
export interface Step {
  /** Undefined: a group. */
  readonly name: string | undefined
  readonly contiguity: Contiguity
  /** Undefined: any event. */
  readonly condition: AnyCondition | undefined
  /** The steps of a group. */
  readonly group: readonly Step[] | undefined
  /** How often; undefined: once. `most` Infinity: so often, or more. */
  readonly times: { readonly least: number; readonly most: number } | undefined
  readonly optional: boolean
  readonly greedy: boolean
  /** What may be between the events of one step that comes several times. */
  readonly inner: "next" | "followedBy" | "followedByAny"
  readonly until: AnyCondition | undefined
  /** Less than that must lie between its event and the one before, ms. */
  readonly gapMs: number
}

/** Is it a step that must not be? */
export function isNot({ contiguity }: Step): boolean {
  return contiguity === "notNext" || contiguity === "notFollowedBy"
}

/** What messages call a step. */
export function nameOf({ name }: Step): string {
  return name === undefined ? "a group" : `step ${JSON.stringify(name)}`
}

/** The names of all steps that take events, in their order. */
export function namesOf(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (step.group !== undefined) return namesOf(step.group)
    return isNot(step) ? [] : [step.name as string]
  })
}
