/**
 * Which events of two streams belong together. Each spec is a frozen plain description; the work is
 * done by the operator.
 *
 *     interval   left |           t           |
 *                right     [t - before .. t + after]     both ends are in it
 *     asOf       right     [t - tolerance .. t]          the last of them
 *     within     right     (now - ms .. now]             whichever of both comes last, by the clock
 *     windowJoin           |-------|-------|             all that are in one window
 */
import { signedMs } from "../../duration.ts"
import type { Duration } from "../../duration.ts"
import { MillraceError, typeName } from "../../errors.ts"
import { checkOptions, duration, oneOf } from "../../options.ts"
import type { Check } from "../../options.ts"
import { commonAssigner } from "../../windows/assigner.ts"
import type { Assigner, AssignWindows } from "../../windows/assigner.ts"
import type { Within } from "../../windows/trigger.ts"

/** Options of {@link interval}. */
export interface IntervalOptions {
  /** How long before its left event a right one may be; "-2h": it is so much later. Default 0. */
  readonly before?: Duration
  /** How long after its left event a right one may be; "-2h": it is so much earlier. Default 0. */
  readonly after?: Duration
}

/** Options of {@link asOf}. */
export interface AsOfOptions<Type extends "inner" | "left" = "inner" | "left"> {
  /** How long before its left event a right one may be. Default: any time. */
  readonly tolerance?: Duration
  /** `"left"`: a left event without a right one comes with undefined. Default "inner". */
  readonly type?: Type
}

/** Which events without a partner come as well, with undefined for it. */
export type JoinType = "inner" | "left" | "right" | "full"

/** Options of {@link windowJoin}. */
export interface WindowJoinOptions<Type extends JoinType = JoinType> {
  /** But for `"inner"`, the default: which events come without a partner, too, with undefined. */
  readonly type?: Type
  /** How long after its end a window waits for late events; its pairs come then. Default 0. */
  readonly allowedLateness?: Duration
}

/** What {@link interval} gives. */
export interface IntervalSpec {
  readonly kind: "interval"
  readonly beforeMs: number
  readonly afterMs: number
}

/** What {@link asOf} gives. */
export interface AsOfSpec<Type extends "inner" | "left" = "inner" | "left"> {
  readonly kind: "asOf"
  readonly type: Type
  readonly toleranceMs: number
}

/** What {@link windowJoin} gives, for events `E` of both streams. */
export interface WindowJoinSpec<E = unknown, Type extends JoinType = JoinType> {
  readonly kind: "windowJoin"
  readonly assigner: Assigner<E>
  readonly type: Type
  readonly latenessMs: number
}

/** Which events, of `E`, are pairs. */
export type JoinSpec<E = never> = IntervalSpec | AsOfSpec | Within | WindowJoinSpec<E>

/** What a join calls its left event; there may be none. */
export type LeftOf<L, Spec> = Spec extends { readonly type: "right" | "full" } ? L | undefined : L
/** The same of its right event. */
export type RightOf<R, Spec> = Spec extends { readonly type: "left" | "full" } ? R | undefined : R

const intervalOptions = { before: signedMs, after: signedMs }
const windowJoinOptions = {
  type: oneOf("inner", "left", "right", "full"),
  allowedLateness: duration(),
}
const asOfOptions = { tolerance: duration(), type: oneOf("inner", "left") }

/** As far as two times can be apart. */
const anyDistanceMs = 2 * 8.64e15

/**
 * Events of one key are a pair if the right one is at most `before` before the left one and at most
 * `after` after it, in event time; both bounds are included. `{ before: "-2h", after: "6h" }`: two
 * to six hours after it.
 *
 * @example
 * ```ts
 * const orders = from([{ user: "ada", at: 0 }], { time: "at" }).keyBy("user")
 * const payments = from([{ user: "ada", at: 9 }], { time: "at" }).keyBy("user")
 * const paid = orders.join(payments, interval({ after: "1h" }), (order, payment) => payment.at)
 * ```
 * @throws {MillraceError} `OPTION` for bounds that are no durations, or that no event is between.
 */
export function interval(given: IntervalOptions): IntervalSpec {
  if (given === undefined) throw new MillraceError("OPTION", "interval needs { before, after }")
  const { before = 0, after = 0 } = checkOptions(given, intervalOptions, "interval")
  if (after < -before) throw new MillraceError("OPTION", "interval.after is before interval.before")
  return Object.freeze({ kind: "interval", beforeMs: before, afterMs: after })
}

/**
 * Each left event has one partner: of the right events of its key the last that is not later than
 * it, nor more than `tolerance` earlier; of those at one time the last that came. It is what a
 * temporal join of Flink does, and `merge_asof` of pandas.
 *
 * @example
 * ```ts
 * const trades = from([{ share: "A", at: 9 }], { time: "at" }).keyBy("share")
 * const prices = from([{ share: "A", price: 3, at: 7 }], { time: "at" }).keyBy("share")
 * const paid = trades.join(prices, asOf({ tolerance: "1m" }), (trade, { price }) => price)
 * ```
 * @throws {MillraceError} `OPTION` for a tolerance that is no duration.
 */
export function asOf<const Type extends "inner" | "left" = "inner">(
  given?: AsOfOptions<Type>,
): AsOfSpec<Type> {
  const checked = checkOptions(given, asOfOptions, "asOf")
  const { tolerance: toleranceMs = anyDistanceMs, type = "inner" } = checked
  return Object.freeze({ kind: "asOf", type: type as Type, toleranceMs })
}

/**
 * Events of one key are pairs if they are in one window; where windows overlap, once for each that
 * they have in common. The pairs of a window come when it closes; of a key, at most 4,194,304. An
 * event is late when its windows have closed by the watermark of its own stream; with sessions,
 * when it is behind that.
 *
 * @example
 * ```ts
 * const clicks = from([{ page: "/a", at: 0 }], { time: "at" }).keyBy("page")
 * const views = from([{ page: "/a", at: 9 }], { time: "at" }).keyBy("page")
 * const hourly = windowJoin(tumbling("1h"), { type: "left" })
 * const seen = clicks.join(views, hourly, (click, view) => [click.at, view?.at])
 * ```
 * @throws {MillraceError} `OPTION` for windows that two streams cannot have in common, as those of
 *   a number of events.
 */
export function windowJoin<E = unknown, const Type extends JoinType = "inner">(
  assigner: Assigner<E> | AssignWindows<E>,
  options?: WindowJoinOptions<Type>,
): WindowJoinSpec<E, Type> {
  const checked = checkOptions(options, windowJoinOptions, "windowJoin")
  const { type = "inner", allowedLateness: latenessMs = 0 } = checked
  const common = commonAssigner(assigner, "windowJoin") as Assigner<E>
  return Object.freeze({ kind: "windowJoin", assigner: common, type: type as Type, latenessMs })
}

const kinds: readonly unknown[] = ["interval", "asOf", "within", "windowJoin"]

/** A spec that says which events are pairs. */
export const joinSpec: Check<JoinSpec> = (given, name) => {
  const kind = typeof given === "object" && given !== null && "kind" in given ? given.kind : given
  if (kinds.includes(kind)) return given as JoinSpec
  const wanted = "interval(…), asOf(…), within(…) or windowJoin(…)"
  const message = `${name} needs ${wanted}, not ${typeName(given)}`
  throw new MillraceError("OPTION", message)
}
