/**
 * Where a step is: in the pattern, or in a group, which may be in another.
 */
import type { Step } from "./step.ts"

/** A stretch of steps that is being made into states: the whole pattern, or a group. */
export interface Stretch {
  readonly steps: readonly Step[]
  /** Whose group it is. */
  readonly outer: Place | undefined
  /** Is it the first time of a group that repeats? */
  readonly first: boolean
}

/** A step in its stretch. */
export interface Place extends Stretch {
  readonly at: number
}

/** The step of a place. */
export function stepOf({ steps, at }: Place): Step {
  return steps[at] as Step
}

/** How a step follows what is before it; the first of a group as the group does. */
export function contiguityOf(place: Place): Step["contiguity"] {
  const { outer, at, first } = place
  if (outer === undefined || at > 0) return stepOf(place).contiguity
  return first ? contiguityOf(outer) : stepOf(outer).inner
}

/** Does a group begin with this step that may be left out? */
export function inOptional({ outer, at, first }: Place): boolean {
  if (outer === undefined || at > 0 || !first) return false
  return stepOf(outer).optional || inOptional(outer)
}

/** The step behind; behind the last of a group that behind the group. */
export function behind(place: Place): Place | undefined {
  const at = place.at + 1
  if (at < place.steps.length) return { ...place, at }
  return place.outer && behind(place.outer)
}
