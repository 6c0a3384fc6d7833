/**
 * Watermarks: how a source says that no event before some time will follow.
 */
import { durationMs } from "../duration.ts"
import type { Duration } from "../duration.ts"

/** How a source's watermark follows its events; what {@link boundedDisorder} gives. */
export class Watermark {
  /** How far the watermark stays behind the latest time, ms. */
  readonly disorderMs: number

  constructor(disorderMs: number) {
    this.disorderMs = disorderMs
  }
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
  return new Watermark(durationMs(disorder, "boundedDisorder"))
}
