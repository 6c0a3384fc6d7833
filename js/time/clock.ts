/**
 * Where "now" comes from, so that a run can be replayed and a test needs no real time.
 */
import { timeMsMax } from "../duration.ts"
import { MillraceError } from "../errors.ts"

/** The time of day, in ms since 1970. */
export interface Clock {
  now(): number
  /**
   * Call `wake` once so many ms of this clock have passed; gives what cancels it. A clock without
   * it has the host's timers, which need not agree with it: whoever wakes looks at `now()` again.
   *
   * `awaited`: results come of it, so that the process must not end before, or must be woken.
   * Otherwise it only frees what has expired, which may be later.
   */
  after?(ms: number, wake: () => void, awaited?: boolean): () => void
}

/** A clock as a job uses it. */
export interface SteadyClock extends Required<Clock> {
  /** As `after`, for the wait between two tries of a function. */
  pause(ms: number, wake: () => void): () => void
  /** As `after`, for the end of the time that a function may take. */
  deadline(ms: number, wake: () => void): () => void
}

/** The host's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** The longest that a timer of the host can wait, ms. */
export const timerMsMax = 0x7fff_ffff

/** By the host's timers, which keep a process alive only where they are awaited. */
export function afterOnHost(ms: number, wake: () => void, awaited = false): () => void {
  const timer: unknown = setTimeout(wake, Math.min(Math.max(ms, 0), timerMsMax))
  if (typeof timer === "object" && !awaited) (timer as { unref?(): void }).unref?.()
  return () => clearTimeout(timer as ReturnType<typeof setTimeout>)
}

/** A clock that stands still until it is told; what {@link manualClock} gives. */
export interface ManualClock extends Required<Clock> {
  /** Move on by so many ms; who waits for a time on the way is woken at that time, in order. */
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
  const waiting = new Map<() => void, number>()
  const nextDue = (until: number) => {
    const due = [...waiting].filter(([, at]) => at <= until).sort(([, a], [, b]) => a - b)
    return due[0]
  }
  return {
    now: () => now,
    after(ms, wake) {
      const waiter = () => wake()
      waiting.set(waiter, now + Math.max(ms, 0))
      return () => void waiting.delete(waiter)
    },
    advance(ms) {
      if (!(ms >= 0)) throw new MillraceError("OPTION", "a clock can only be moved on")
      const until = now + ms
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
        const [waiter, at] = due
        waiting.delete(waiter)
        now = Math.max(now, at)
        waiter()
      }
      now = until
    },
  }
}

/** The clock as one that never runs backwards. */
export function steady(clock: Clock): SteadyClock {
  let last = -Infinity
  const after = clock.after?.bind(clock) ?? afterOnHost
  const awaited = (ms: number, wake: () => void) => after(ms, wake, true)
  return {
    after,
    pause: awaited,
    deadline: awaited,
    now() {
      const now = clock.now()
      if (!(Math.abs(now) <= timeMsMax)) {
        throw new MillraceError("OPTION", `clock.now() must give milliseconds within ${timeMsMax}`)
      }
      if (now > last) last = now
      return last
    },
  }
}
