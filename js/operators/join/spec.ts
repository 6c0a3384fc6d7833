/**
 * Which events of two streams are pairs. Each spec is a frozen plain description; the work is done
 * by the operator.
 *
 *     interval   left |           t           |
 *                right     [t - before .. t + after]   both ends are in it
 */
import { durationMs } from "../../duration.ts"
import type { Duration } from "../../duration.ts"
import { MillraceError, typeName } from "../../errors.ts"
import { checkOptions } from "../../options.ts"
import type { Check } from "../../options.ts"

/** Options of {@link interval}. */
export interface IntervalOptions {
  /** How long before its left event a right one may be. Default 0. */
  readonly before?: Duration
  /** How long after its left event a right one may be. Default 0. */
  readonly after?: Duration
}

/** What {@link interval} gives. */
export interface JoinSpec {
  readonly kind: "interval"
  readonly beforeMs: number
  readonly afterMs: number
}

const options = { before: durationOption, after: durationOption }

/**
 * Events of one key are a pair if the right one is at most `before` before the left one and at most
 * `after` after it, in event time; both bounds are included.
 *
 * @example
 * ```ts
 * const orders = from([{ user: "ada", at: 0 }], { time: "at" }).keyBy("user")
 * const payments = from([{ user: "ada", at: 9 }], { time: "at" }).keyBy("user")
 * const paid = orders.join(payments, interval({ after: "1h" }), (order, payment) => payment.at)
 * ```
 * @throws {MillraceError} `OPTION` for bounds that are no durations.
 */
export function interval(given: IntervalOptions): JoinSpec {
  if (given === undefined) throw new MillraceError("OPTION", "interval needs { before, after }")
  const { before = 0, after = 0 } = checkOptions(given, options, "interval")
  return Object.freeze({ kind: "interval", beforeMs: before, afterMs: after })
}

function durationOption(given: unknown, name: string): number {
  return durationMs(given, name)
}

/** A spec that says which events are pairs. */
export const joinSpec: Check<JoinSpec> = (given, name) => {
  const kind = typeof given === "object" && given !== null && "kind" in given ? given.kind : given
  if (kind === "interval") return given as JoinSpec
  const message = `${name} needs interval({ before, after }), not ${typeName(given)}`
  throw new MillraceError("OPTION", message)
}
