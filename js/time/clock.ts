/**
 * Where "now" comes from, so that a run can be replayed and a test needs no real time.
 */
import { MillraceError } from "../errors.ts"

/** The time of day, in ms since 1970. */
export interface Clock {
  now(): number
}

/** The host's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** A clock that stands still until it is told; what {@link manualClock} gives. */
export interface ManualClock extends Clock {
  /** Move on by so many ms. */
  advance(ms: number): void
}

/**
 * A clock for tests, starting at `startMs` (default 0).
 *
 * @example
 * ```ts
 * const clock = manualClock()
 * const job = await run(from([1, 2]).map((n) => n + clock.now()), { clock })
 * ```
 */
export function manualClock(startMs = 0): ManualClock {
  let now = startMs
  return {
    now: () => now,
    advance(ms) {
      if (!(ms >= 0)) throw new MillraceError("OPTION", "a clock can only be moved on")
      now += ms
    },
  }
}

/** A clock as a job uses it: it never runs backwards. */
export function steady(clock: Clock): Clock {
  let last = -Infinity
  return {
    now() {
      const now = clock.now()
      if (!(Math.abs(now) <= 8.64e15)) {
        throw new MillraceError("OPTION", "clock.now() must give milliseconds within 8.64e15")
      }
      if (now > last) last = now
      return last
    },
  }
}
