/**
 * Durations as users write them: milliseconds, or a number with its unit.
 *
 * Inside the package a duration is always a whole number of milliseconds; this file is the one
 * place where the written form is read.
 */
import { MillraceError, typeName } from "./errors.ts"

/** Milliseconds, or a number with a unit: `1500`, `"500ms"`, `"30s"`, `"5m"`, `"1h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`

/** The largest time, in milliseconds on either side of 1970: that of a JavaScript Date. */
export const timeMsMax = 8.64e15

/** The longest duration in milliseconds. */
export const durationMsMax = timeMsMax

const unitMs = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
])

const written = /^(\d+(?:\.\d+)?(?:e\+?\d+)?)(ms|s|m|h|d)$/

/**
 * Read a duration, in whole milliseconds (a fraction is rounded).
 *
 * `name` is what the message calls it, such as `"deduplicate.ttl"`. With `zero: false` zero is
 * refused; something above zero that would round to zero always is.
 *
 * @throws {MillraceError} `OPTION` when it is not a duration, negative, not finite, longer than
 *   {@link durationMsMax}, or zero where it must not be.
 */
export function durationMs(
  value: unknown,
  name: string,
  { zero = true }: { zero?: boolean } = {},
): number {
  const exact = typeof value === "string" ? writtenMs(value) : value
  if (typeof exact !== "number" || Number.isNaN(exact)) {
    throw refused(name, `must be milliseconds or text such as "30m", not ${shown(value)}`)
  }
  if (exact < 0) throw refused(name, "cannot be negative")
  if (exact > durationMsMax) throw refused(name, `cannot be longer than ${durationMsMax} ms`)
  if (exact === 0 && !zero) throw refused(name, "cannot be zero")

  const rounded = Math.round(exact)
  if (rounded === 0 && exact > 0) throw refused(name, "cannot be shorter than a millisecond")
  return rounded + 0 // -0 is 0.
}

/** The same of one that may be negative. */
export function signedMs(given: unknown, name: string): number {
  if (typeof given === "number" && given < 0) return -durationMs(-given, name)
  const negative = typeof given === "string" && given.startsWith("-")
  return negative ? -durationMs(given.slice(1), name) : durationMs(given, name)
}

function writtenMs(text: string): number | undefined {
  const [, count, unit] = written.exec(text) ?? []
  const scale = unitMs.get(unit ?? "")
  return scale === undefined ? undefined : Number(count) * scale
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeName(value)
}

function refused(name: string, why: string): MillraceError {
  return new MillraceError("OPTION", `${name} ${why}`)
}
