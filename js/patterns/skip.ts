/**
 * What becomes of other partial matches of a key when there is a match: Flink's after-match skip
 * strategies.
 */
import { MillraceError, typeName } from "../errors.ts"
import type { Check } from "../options.ts"

/** What {@link skipToNext} and the others give. */
export interface Skip<out N extends string = string> {
  readonly kind: "none" | "next" | "last" | "firstOf" | "lastOf"
  /** Of `firstOf` and `lastOf`. */
  readonly step?: N
}

/** Every match comes out. */
export function noSkip(): Skip<never> {
  return Object.freeze({ kind: "none" })
}

/** One match for each first event: others that began with it go. */
export function skipToNext(): Skip<never> {
  return Object.freeze({ kind: "next" })
}

/** Matches share no events: all that began before the last event of a match, or with it, go. */
export function skipPastLastEvent(): Skip<never> {
  return Object.freeze({ kind: "last" })
}

/** All that began before the first event of a step go; if the match has none, nothing does. */
export function skipToFirst<const N extends string>(step: N): Skip<N> {
  return Object.freeze({ kind: "firstOf", step })
}

/** All that began before the last event of a step go; if the match has none, nothing does. */
export function skipToLast<const N extends string>(step: N): Skip<N> {
  return Object.freeze({ kind: "lastOf", step })
}

/** A strategy. */
export const skipOption: Check<Skip> = (given, name) => {
  const kind = typeof given === "object" && given !== null && "kind" in given ? given.kind : ""
  if (["none", "next", "last", "firstOf", "lastOf"].includes(kind as string)) return given as Skip
  const wanted = "noSkip(), skipToNext(), skipPastLastEvent(), skipToFirst(…) or skipToLast(…)"
  throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
}
