/**
 * Triggers: when a window emits what is in it. What a trigger keeps, and its timers, belong to one
 * key and one window.
 *
 *     event  -> onEvent  ------------------+
 *     timer  -> onEventTime, onProcessing  |-> "continue" "fire" "purge" "fireAndPurge"
 *     over   -> clear
 *
 * The ones here are made of what a user's own can use as well.
 */
import { durationMs } from "../duration.ts"
import type { Duration } from "../duration.ts"
import { MillraceError, typeName } from "../errors.ts"
import { callable, integer } from "../options.ts"
import type { Check } from "../options.ts"
import type { StateAccess } from "../state/access.ts"
import type { WindowRange } from "./assigner.ts"

/** What becomes of a window: it emits, or what is in it goes, or both. */
export type TriggerResult = "continue" | "fire" | "purge" | "fireAndPurge"

/** What a trigger sees of a window. It is of use only inside the call that got it. */
export interface TriggerContext {
  readonly key: unknown
  readonly window: WindowRange
  /** The watermark, or the time, at which the window is over. Infinity where there is none. */
  readonly overAt: number
  /** The time of the event, or of the timer. */
  readonly timestamp: number
  /** How far the stream's time is: the watermark, or the time of arrival. */
  readonly watermark: number
  /** The time of arrival. */
  readonly now: number
  /** What the trigger keeps of this key and window. */
  readonly state: StateAccess<unknown, unknown>
  readonly timers: TriggerTimers
}

/** The timers of one key and window; they go with it. */
export interface TriggerTimers {
  /** Call `onEventTime` when the stream's time has come to `timeMs`. */
  eventTime(timeMs: number): void
  /** Call `onProcessingTime` when the clock has come to `timeMs`. */
  processingTime(timeMs: number): void
  /** Take a timer back; there may be none. */
  delete(domain: "event" | "processing", timeMs: number): void
}

/** A trigger of one's own. */
export interface Trigger<in T = never> {
  /** An event came, and is in the window. */
  onEvent(event: T, ctx: TriggerContext): TriggerResult
  onEventTime?(timeMs: number, ctx: TriggerContext): TriggerResult
  onProcessingTime?(timeMs: number, ctx: TriggerContext): TriggerResult
  /** The window is over: it goes, and what the trigger keeps of it. */
  clear?(ctx: TriggerContext): void
  /**
   * What is kept of a window that was made of two by sessions that met. Without this the trigger
   * cannot be used with sessions. It has the timers of both, but none at an end that has moved: set
   * such a one again in `onEvent`.
   */
  merge?(one: unknown, other: unknown): unknown
}

/** Emits when the stream's time reaches the end of the window, and at each late event after it. */
export function onWatermark(): Trigger<unknown> {
  return watermarkTrigger
}

const watermarkTrigger: Trigger<unknown> = Object.freeze({
  onEvent(_: unknown, { overAt, watermark, timers }: TriggerContext): TriggerResult {
    if (watermark >= overAt) return "fire"
    timers.eventTime(overAt)
    return "continue"
  },
  onEventTime: (timeMs: number, { overAt }: TriggerContext) =>
    timeMs >= overAt ? "fire" : "continue",
  merge: () => undefined,
})

/** Emits when the clock, not the watermark, reaches the end of the window. */
export function onProcessingTime(): Trigger<unknown> {
  return processingTrigger
}

const processingTrigger: Trigger<unknown> = Object.freeze({
  onEvent(_: unknown, { overAt, now, timers }: TriggerContext): TriggerResult {
    if (now >= overAt) return "fire"
    timers.processingTime(overAt)
    return "continue"
  },
  onProcessingTime: (timeMs: number, { overAt }: TriggerContext) =>
    timeMs >= overAt ? "fire" : "continue",
  merge: () => undefined,
})

/**
 * Emits at every `count` events of a window; what is left when it is over is not emitted.
 *
 * @throws {MillraceError} `OPTION` when the count is no whole number above zero.
 */
export function onCount(count: number): Trigger<unknown> {
  const most = integer()(count, "onCount")
  return Object.freeze({
    onEvent(_: unknown, { state }: TriggerContext): TriggerResult {
      const seen = ((state.get() as number | undefined) ?? 0) + 1
      if (seen < most) state.set(seen)
      else state.delete()
      return seen < most ? "continue" : "fire"
    },
    merge: (one: unknown, other: unknown) =>
      ((one as number | undefined) ?? 0) + ((other as number | undefined) ?? 0),
  })
}

/**
 * Emits at the multiples of an interval of the stream's time at which there is something new, and
 * at the end of the window.
 *
 * @throws {MillraceError} `OPTION` when the interval is no duration above zero.
 */
export function every(interval: Duration): Trigger<unknown> {
  const ms = durationMs(interval, "every", { zero: false })
  return Object.freeze({
    onEvent(_: unknown, ctx: TriggerContext): TriggerResult {
      const { timestamp, watermark, overAt, state, timers } = ctx
      if (watermark >= overAt) return "fire"
      if (overAt < Infinity) timers.eventTime(overAt)
      // Set again, too: when the end of a session moves, the timer of its old end goes.
      const multiple = (Math.floor(Math.max(timestamp, watermark) / ms) + 1) * ms
      const next = (state.get() as number | undefined) ?? multiple
      state.set(next)
      timers.eventTime(next)
      return "continue"
    },
    onEventTime(timeMs: number, { overAt, state }: TriggerContext): TriggerResult {
      const due = state.get() === timeMs
      if (due) state.delete()
      return due || timeMs >= overAt ? "fire" : "continue"
    },
    // Both timers are still set; the first that comes emits what there is.
    merge: (one: unknown, other: unknown) => least(one, other),
  })
}

function least(one: unknown, other: unknown): unknown {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one as number, other as number)
}

/**
 * Emits at an event that is more than `threshold` away from the one that emitted last, or that was
 * first, as `distance` has it.
 *
 * @throws {MillraceError} `OPTION` when the threshold is no number.
 */
export function delta<T>(threshold: number, distance: (last: T, event: T) => number): Trigger<T> {
  if (typeof threshold !== "number" || Number.isNaN(threshold)) {
    const message = `delta.threshold must be a number, not ${typeName(threshold)}`
    throw new MillraceError("OPTION", message)
  }
  const between = callable<typeof distance>()(distance, "delta.distance")
  return Object.freeze({
    onEvent(event: T, { state }: TriggerContext): TriggerResult {
      if (state.exists() && !(between(state.get() as T, event) > threshold)) return "continue"
      const first = !state.exists()
      state.set(event)
      return first ? "continue" : "fire"
    },
  })
}

/** The same, but what a window has emitted is gone from it. */
export function purging<T>(trigger: Trigger<T>): Trigger<T> {
  const inner = triggerOption(trigger, "purging") as Trigger<T>
  const purge = (result: TriggerResult | undefined): TriggerResult =>
    result === "fire" ? "fireAndPurge" : (result ?? "continue")
  return Object.freeze({
    onEvent: (event: T, ctx: TriggerContext) => purge(inner.onEvent(event, ctx)),
    onEventTime: (timeMs: number, ctx: TriggerContext) => purge(inner.onEventTime?.(timeMs, ctx)),
    clear: (ctx: TriggerContext) => inner.clear?.(ctx),
    // Who has it needs timers of the clock.
    ...(inner.onProcessingTime === undefined
      ? {}
      : {
          onProcessingTime: (timeMs: number, ctx: TriggerContext) =>
            purge(inner.onProcessingTime?.(timeMs, ctx)),
        }),
    ...(inner.merge === undefined
      ? {}
      : { merge: (one: unknown, other: unknown) => inner.merge?.(one, other) }),
  })
}

/** The check of an option that is a trigger. */
export const triggerOption: Check<Trigger<never>> = (given, name) => {
  const { onEvent } = (given ?? {}) as Partial<Trigger<never>>
  if (typeof onEvent === "function") return given as Trigger<never>
  const wanted = "onCount(…), another trigger, or an object with onEvent"
  throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
}

/** What {@link within} gives. */
export interface Within {
  readonly kind: "within"
  readonly ms: number
}

/** Which events of a window are left when it emits; the others are gone for good. */
export type Evictor = { readonly kind: "keepLast"; readonly count: number } | Within

/**
 * Keep the last `count` events of a window.
 *
 * @throws {MillraceError} `OPTION` when the count is no whole number above zero.
 */
export function keepLast(count: number): Evictor {
  return Object.freeze({ kind: "keepLast", count: integer()(count, "keepLast") })
}

/**
 * Less than so long apart: as the evictor of a window, keep the events that are less than so long
 * before its newest; as the spec of a join, events of one key are a pair if they have come less
 * than so long after each other, by the clock and whatever event times they have.
 *
 * @throws {MillraceError} `OPTION` when it is no duration above zero.
 */
export function within(duration: Duration): Within {
  return Object.freeze({ kind: "within", ms: durationMs(duration, "within", { zero: false }) })
}

/** The check of an option that is an evictor. */
export const evictorOption: Check<Evictor> = (given, name) => {
  const { kind } = (given ?? {}) as Partial<Evictor>
  if (kind === "keepLast" || kind === "within") return given as Evictor
  const wanted = "keepLast(…) or within(…)"
  throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
}
