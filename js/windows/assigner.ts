/**
 * Assigners: which windows an event belongs to. Each is a frozen plain description; the work is
 * done by the operator.
 *
 *     tumbling      |----|----|----|         sessions    |--- -|      |-|
 *     sliding       |--------|               count       n events, whenever they come
 *                       |--------|           global      all of them
 *
 * A window is [start, end): its end is not in it. Where a window includes its last instant, it is
 * over just behind it: of sessions with an inclusive boundary, and of `slidingEach`.
 */
import { durationMs, signedMs } from "../duration.ts"
import type { Duration } from "../duration.ts"
import { MillraceError, typeName } from "../errors.ts"
import { checkOptions, flag, integer, oneOf } from "../options.ts"

/** The range of a window, ms. Of count and global windows: the times of their events. */
export interface WindowRange {
  readonly start: number
  readonly end: number
}

/** A function that says which windows an event at a time belongs to; each start < end. */
export type AssignWindows<in T> = (event: T, time: number) => readonly WindowRange[]

/** What an assigner says; made by {@link tumbling} and the others. */
export type Assigner<T = unknown> =
  | { readonly kind: "tumbling"; readonly sizeMs: number; readonly offsetMs: number }
  | {
      readonly kind: "sliding"
      readonly sizeMs: number
      readonly slideMs: number
      readonly offsetMs: number
    }
  | { readonly kind: "slidingEach"; readonly sizeMs: number }
  | {
      readonly kind: "sessions"
      /** Undefined where a function gives it. */
      readonly gapMs: number | undefined
      readonly gap: ((event: T) => Duration) | undefined
      readonly boundary: "inclusive" | "exclusive"
    }
  | {
      readonly kind: "count"
      readonly size: number
      readonly slide: number
      readonly emitPartial: boolean
    }
  | { readonly kind: "slidingCount"; readonly size: number; readonly slide: number }
  | { readonly kind: "global" }
  | { readonly kind: "custom"; readonly assign: AssignWindows<T> }

/** Options of {@link tumbling} and {@link sliding}. */
export interface AlignOptions {
  /** Windows start at multiples of size or slide from here; may be negative. Default 0: 1970. */
  readonly offset?: Duration
}

/** Options of {@link sessions}. */
export interface SessionsOptions {
  /** Does an event exactly `gap` behind the last one still belong to it? Default "inclusive". */
  readonly boundary?: "inclusive" | "exclusive"
}

/** Options of {@link countWindow}. */
export interface CountWindowOptions {
  /** A window begins every so many events; those between two are left out. Default: `size`. */
  readonly slide?: number
  /**
   * Does the source's end emit a window that is not full? It then has an event at least that no
   * window before it had. Default false.
   */
  readonly emitPartial?: boolean
}

/**
 * Windows of one size that follow each other.
 *
 * @example
 * ```ts
 * const hourly = from([{ at: 0 }], { time: "at" }).keyBy(() => null).window(tumbling("1h"))
 * ```
 * @throws {MillraceError} `OPTION` when the size is no duration above zero.
 */
export function tumbling(size: Duration, options?: AlignOptions): Assigner {
  const { offset = 0 } = checkOptions(options, { offset: signedMs }, "tumbling")
  const sizeMs = durationMs(size, "tumbling.size", { zero: false })
  return Object.freeze({ kind: "tumbling", sizeMs, offsetMs: offset })
}

/**
 * Windows of one size of which one begins every `slide`; an event is in several of them.
 *
 * @throws {MillraceError} `OPTION` when size or slide is no duration above zero, or slide is above
 *   size: events between two windows would be lost.
 */
export function sliding(size: Duration, slide: Duration, options?: AlignOptions): Assigner {
  const { offset = 0 } = checkOptions(options, { offset: signedMs }, "sliding")
  const sizeMs = durationMs(size, "sliding.size", { zero: false })
  const slideMs = durationMs(slide, "sliding.slide", { zero: false })
  if (slideMs > sizeMs) {
    const message = "sliding.slide is above sliding.size: events between windows would be lost"
    throw new MillraceError("OPTION", message)
  }
  return Object.freeze({ kind: "sliding", sizeMs, slideMs, offsetMs: offset })
}

/**
 * A window [t - size, t] for each event at t, and one [t + 1, t + 1 + size] if an event is in it:
 * each set of events that are within `size` of each other, as sliding windows of Kafka Streams.
 * Both ends are in the window.
 *
 * @throws {MillraceError} `OPTION` when the size is no duration above zero.
 */
export function slidingEach(size: Duration): Assigner {
  const sizeMs = durationMs(size, "slidingEach.size", { zero: false })
  return Object.freeze({ kind: "slidingEach", sizeMs })
}

/**
 * Windows that end when no event has come for a gap; their end is the last event's time + gap. An
 * event that closes the gap between two of them makes them one.
 *
 * @example
 * ```ts
 * const visits = from([{ user: "ada", at: 0 }], { time: "at" })
 *   .keyBy("user")
 *   .window(sessions("30m"))
 * ```
 * @throws {MillraceError} `OPTION` when the gap is no duration above zero; while running, if a
 *   function gave it.
 */
export function sessions<T = unknown>(
  gap: Duration | ((event: T) => Duration),
  options?: SessionsOptions,
): Assigner<T> {
  const checked = checkOptions(options, { boundary: oneOf("inclusive", "exclusive") }, "sessions")
  const { boundary = "inclusive" } = checked
  const own = typeof gap === "function" ? gap : undefined
  const gapMs = own === undefined ? durationMs(gap, "sessions.gap", { zero: false }) : undefined
  return Object.freeze({ kind: "sessions", gapMs, gap: own, boundary })
}

/** The most events of a count window. */
const countMax = 1 << 24

/**
 * Windows of `size` events each, which emit when they are full.
 *
 * @example
 * ```ts
 * const pairs = from([{ user: "ada", n: 1 }, { user: "ada", n: 2 }])
 *   .keyBy("user")
 *   .window(countWindow(2))
 *   .process((events) => events.map(({ n }) => n))
 * ```
 * @throws {MillraceError} `OPTION` when size or slide is no whole number from 1 to 16,777,216.
 */
export function countWindow(size: number, options?: CountWindowOptions): Assigner {
  const table = { slide: integer({ max: countMax }), emitPartial: flag }
  const checked = checkOptions(options, table, "countWindow")
  const whole = integer({ max: countMax })(size, "countWindow.size")
  const { slide = whole, emitPartial = false } = checked
  return Object.freeze({ kind: "count", size: whole, slide, emitPartial })
}

/**
 * The last `size` events, at every `slide` of them: also before there are `size`, as Flink's
 * `countWindow(size, slide)`.
 *
 * @throws {MillraceError} `OPTION` when size or slide is no whole number from 1 to 16,777,216.
 */
export function slidingCount(size: number, slide: number): Assigner {
  const whole = integer({ max: countMax })
  return Object.freeze({
    kind: "slidingCount",
    size: whole(size, "slidingCount.size"),
    slide: whole(slide, "slidingCount.slide"),
  })
}

/** One window for all events of a key, which emits at the end of a finite source. */
export function globalWindow(): Assigner {
  return Object.freeze({ kind: "global" })
}

const kinds = ["tumbling", "sliding", "slidingEach", "sessions", "count", "slidingCount", "global"]

/** An assigner, or a function that is one. Throws `OPTION`. */
export function assignerOf(given: unknown): Assigner<never> {
  if (typeof given === "function") {
    return Object.freeze({ kind: "custom", assign: given as AssignWindows<never> })
  }
  const { kind } = (given ?? {}) as { kind?: string }
  if (kind !== undefined && kinds.includes(kind)) return given as Assigner<never>
  const wanted = "tumbling(…), sessions(…), another assigner, or a function"
  throw new MillraceError("OPTION", `window takes ${wanted}, not ${typeName(given)}`)
}

const common = ["tumbling", "sliding", "sessions", "custom"]

/** Windows that two streams can have in common. Throws `OPTION`. */
export function commonAssigner(given: unknown, name: string): Assigner<never> {
  const assigner = assignerOf(given)
  if (common.includes(assigner.kind)) return assigner
  const wanted = "tumbling(…), sliding(…), sessions(…) or a function"
  throw new MillraceError("OPTION", `${name} takes ${wanted}, not ${assigner.kind}`)
}
