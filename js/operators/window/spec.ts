/**
 * What `window` and what comes after it are given, checked: which windows, when they emit, and the
 * limits of those that are open.
 */
import type { Duration } from "../../duration.ts"
import { MillraceError } from "../../errors.ts"
import type { StateLimits } from "../../engine/operator.ts"
import { operatorOptions } from "../../graph.ts"
import type { OperatorOptions } from "../../graph.ts"
import { checkOptions, duration, oneOf } from "../../options.ts"
import type { Checked } from "../../options.ts"
import { limitsOption, noLimits, refuseOwnTime } from "../../state/config.ts"
import type { StateConfig, StateSetting } from "../../state/config.ts"
import { tagOption } from "../../tag.ts"
import type { Tag } from "../../tag.ts"
import { assignerOf } from "../../windows/assigner.ts"
import type { Assigner } from "../../windows/assigner.ts"
import { evictorOption, triggerOption } from "../../windows/trigger.ts"
import type { Evictor, Trigger } from "../../windows/trigger.ts"

/** Options of {@link KeyedStream.window}. */
export interface WindowOptions<T = unknown> {
  /**
   * How long after its end a window still takes late events; each then emits anew. State is freed
   * when the watermark has passed end + allowedLateness. Default 0: what is late is left out.
   */
  readonly allowedLateness?: Duration
  /** Where events go that came when all their windows had closed. They are counted in any case. */
  readonly lateTo?: Tag<T>
  /**
   * `"final"`: one row, when the window closes for good. `"updates"`: one for every event as well.
   * Default: at the end of the window, and again for every late event.
   */
  readonly emit?: "final" | "updates"
  /** When a window emits. Default: `onWatermark()`; count windows: when they are full. */
  readonly trigger?: Trigger<T>
  /** Which events are left when a window emits. Default: all. */
  readonly evictor?: Evictor
  /** Does what a window has emitted stay in it, or go? Default "accumulate"; not with "final". */
  readonly mode?: "accumulate" | "discard"
}

/** Options of `reduce` and `aggregate` of a window. */
export interface WindowResultOptions<T = unknown, K = unknown, O = unknown> extends OperatorOptions<
  T,
  K,
  O
> {
  /** Limits of the keys that have open windows; nothing expires, as windows close by themselves. */
  readonly state?: StateConfig
}

const windowTable = {
  allowedLateness: duration(),
  lateTo: tagOption,
  emit: oneOf("final", "updates"),
  trigger: triggerOption,
  evictor: evictorOption,
  mode: oneOf("accumulate", "discard"),
}

/** A window as `KeyedStream.window` was given it. */
export interface WindowSpec {
  readonly assigner: Assigner<never>
  readonly options: Checked<typeof windowTable>
}

/** Check what `window` is given. Throws `OPTION` at once. */
export function windowSpec(given: unknown, settings: object | undefined): WindowSpec {
  const assigner = assignerOf(given)
  const options = checkOptions(settings, windowTable, "window")
  const { kind } = assigner
  const counts = kind === "count" || kind === "slidingCount"
  const refuse = (name: keyof typeof options, why: string) => {
    if (options[name] === undefined) return
    throw new MillraceError("OPTION", `window.${name} has no meaning ${why}`)
  }
  if (counts || kind === "global") {
    refuse("allowedLateness", "where windows end by counting: no event is late")
    refuse("lateTo", "where windows end by counting: no event is late")
  }
  if (counts || kind === "slidingEach") refuse("trigger", `for ${kind}: it says when it emits`)
  if (counts || kind === "slidingEach") refuse("evictor", `for ${kind}: it says what is in it`)
  if (kind === "slidingEach" && options.mode === "discard") {
    refuse("mode", "for slidingEach: its windows share their events")
  }
  if (options.emit === "final") refuse("trigger", 'with emit "final": the end is what triggers it')
  if (options.emit === "final" && options.mode === "discard") {
    refuse("mode", 'with emit "final": what a window has emitted goes with it')
  }
  if (kind === "sessions" && options.trigger !== undefined && !canMerge(options.trigger)) {
    throw new MillraceError("OPTION", "window.trigger needs merge(one, other) for sessions")
  }
  return { assigner, options }
}

function canMerge(trigger: Trigger<never>): boolean {
  return typeof (trigger as { readonly merge?: unknown }).merge === "function"
}

/** The limits of open windows. Throws `STATE_CONFIG` for what would be ignored, or lose events. */
export function limitsOf(state: StateSetting | undefined, where: string): StateLimits {
  const limits = state?.limits ?? noLimits
  if (limits.ttlMs > 0) {
    const message = `${where}.state has no ttl: a window goes when it closes`
    throw new MillraceError("STATE_CONFIG", message)
  }
  refuseEviction(limits, where)
  refuseOwnTime(limits, where)
  return limits
}

export function refuseEviction({ evict }: StateLimits, where: string): void {
  if (!evict) return
  const message = `${where}.state.onFull "evict" would lose what is in windows`
  throw new MillraceError("STATE_CONFIG", message)
}

/** The checks of {@link WindowResultOptions}. */
export const resultTable = { ...operatorOptions, state: limitsOption }

/** Do rows of such windows carry a revision? */
export function isRevised({ options: { emit, allowedLateness = 0 } }: WindowSpec): boolean {
  return emit === "updates" || (allowedLateness > 0 && emit !== "final")
}
