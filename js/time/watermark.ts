/**
 * Watermarks: how a source says that no event before some time will follow.
 *
 *   event -> its generator: a time, or nothing -> the source's watermark, which never goes back
 *
 * It takes effect right after its event, whatever the chunk size. A generator is called once per
 * event and by nothing else, no clock either: so a run can be replayed, and its results depend on
 * events alone. What makes time go on while a source is silent is `idleAfter`.
 */
import { durationMs, timeMsMax } from "../duration.ts"
import type { Duration } from "../duration.ts"
import { MillraceError, typeName } from "../errors.ts"
import { callable } from "../options.ts"
import type { Check } from "../options.ts"
import { whyNoTime } from "./timestamps.ts"

/** Makes the watermarks of one run of a source. */
export interface WatermarkGenerator<in T = unknown> {
  /**
   * The watermark after an event, ms since 1970: no event before it will follow. Undefined: as
   * before; so is one that would go back. Events behind it may still come, and are late.
   */
  readonly onEvent: (event: T, timeMs: number) => number | undefined
  /**
   * What a later run needs to go on, as plain data; it is saved with every checkpoint. The
   * watermark itself is saved in any case.
   */
  readonly save?: () => unknown
}

/**
 * How a source's watermark follows its events: what {@link boundedDisorder}, {@link ascending} and
 * {@link punctuated} give, or an object of your own.
 *
 * @example
 * ```ts
 * const everyThird = {
 *   create(saved = { count: 0 }) {
 *     let { count } = saved
 *     return {
 *       onEvent: (event, timeMs) => (++count % 3 === 0 ? timeMs - 10 : undefined),
 *       save: () => ({ count }),
 *     }
 *   },
 * }
 * const hits = from([{ at: 20 }, { at: 16 }], { time: "at", watermark: everyThird })
 * ```
 */
export interface Watermark<in T = unknown> {
  /** Called once per run; `saved` is what `save` gave for the checkpoint that is gone on from. */
  readonly create: (saved: unknown) => WatermarkGenerator<T>
}

/**
 * Events come at most this much out of order: the watermark is the latest time minus `disorder`.
 *
 * @example
 * ```ts
 * const hits = from(log, { time: "at", watermark: boundedDisorder("1m") })
 * ```
 * @throws {MillraceError} `OPTION` when it is not a duration.
 */
export function boundedDisorder(disorder: Duration): Watermark {
  const ms = durationMs(disorder, "boundedDisorder")
  const latest = (saved: unknown) =>
    typeof saved === "number" && saved <= timeMsMax ? saved : -Infinity
  return { create: (saved) => new Bounded(ms, latest(saved)) }
}

/**
 * Events come in the order of their times: the watermark is the latest time, and an event that goes
 * back is late. It is what a source has that names no watermark.
 *
 * @example
 * ```ts
 * const ticks = from([{ at: 1 }, { at: 2 }], { time: "at", watermark: ascending() })
 * ```
 */
export function ascending(): Watermark {
  return boundedDisorder(0)
}

/**
 * Some events say how far time has come: the watermark is what the function gives of an event, in
 * ms since 1970; undefined leaves it as it is, and it never goes back.
 *
 * @example
 * ```ts
 * const events = [{ at: 5 }, { at: 3, closed: 6 }, { at: 8 }]
 * const parts = from(events, { time: "at", watermark: punctuated((event) => event.closed) })
 * ```
 * @throws {MillraceError} `OPTION` when it is not a function. While running: `TIMESTAMP` when it
 *   gives what is no time, `USER_FUNCTION` when it throws, as for a time that cannot be read.
 */
export function punctuated<T>(f: (event: T, timeMs: number) => number | undefined): Watermark<T> {
  const onEvent = callable<typeof f>()(f, "punctuated")
  return { create: () => ({ onEvent }) }
}

/** What {@link boundedDisorder} makes; known to those who call it for every event. */
export class Bounded implements WatermarkGenerator {
  readonly #disorderMs: number
  #latestMs: number

  constructor(disorderMs: number, latestMs: number) {
    this.#disorderMs = disorderMs
    this.#latestMs = latestMs
  }

  /** The watermark after an event, given the one before. */
  after(timeMs: number, before: number): number {
    if (timeMs > this.#latestMs) this.#latestMs = timeMs
    const watermark = Math.floor(Math.max(this.#latestMs - this.#disorderMs, -timeMsMax)) + 0
    return watermark > before ? watermark : before
  }

  readonly onEvent = (_: unknown, timeMs: number): number => this.after(timeMs, -Infinity)

  readonly save = (): number => this.#latestMs
}

/** Something that makes watermarks. */
export const watermarkOption: Check<Watermark<never>> = (given, name) => {
  const strategy = typeof given === "object" && given !== null ? given : {}
  if ("create" in strategy && typeof strategy.create === "function") return given as Watermark
  const wanted = "boundedDisorder(…), ascending(), punctuated(…) or { create }"
  throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
}

/** The generator of one run of source `uid`. Throws `USER_FUNCTION` and `OPTION`. */
export function openGenerator(
  watermark: Watermark<never>,
  uid: string,
  saved: unknown,
): WatermarkGenerator {
  let generator: unknown
  try {
    generator = watermark.create(saved)
  } catch (cause) {
    const message = `${uid}: watermark.create threw; see cause`
    throw new MillraceError("USER_FUNCTION", message, { cause })
  }
  const made = typeof generator === "object" && generator !== null ? generator : {}
  if ("onEvent" in made && typeof made.onEvent === "function") {
    return generator as WatermarkGenerator
  }
  const message = `${uid}: watermark.create must give { onEvent }, not ${typeName(generator)}`
  throw new MillraceError("OPTION", message)
}

/** The watermark after an event, given the one before. Throws `TIMESTAMP`. */
export function watermarkAfter(
  generator: WatermarkGenerator,
  event: unknown,
  timeMs: number,
  before: number,
): number {
  if (generator instanceof Bounded) return generator.after(timeMs, before)
  const given: unknown = generator.onEvent(event, timeMs)
  if (typeof given === "number" && given <= timeMsMax && given >= -timeMsMax) {
    return given > before ? Math.floor(given) + 0 : before
  }
  if (given === undefined) return before
  throw new MillraceError("TIMESTAMP", `the watermark ${whyNoTime(given)}`)
}
