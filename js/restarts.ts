/**
 * Restarts: after an error a job goes on from its last checkpoint, if that is asked for.
 *
 *   error -> delay -> reopen -> it runs ... error -> twice the delay -> reopen -> ...
 *
 * That is Flink's exponential-delay strategy: the delay doubles from one attempt to the next, up to
 * a most, and both are counted anew only when the job has run without an error for a long time. A
 * checkpoint in between says nothing: a job may take many and fail at the same event each time.
 */
import { MillraceError } from "./errors.ts"
import type { ErrorCode } from "./errors.ts"
import type { Duration } from "./duration.ts"
import { tell } from "./listeners.ts"
import type { JobListeners } from "./listeners.ts"
import { checkOptions, duration, integer } from "./options.ts"
import type { Check } from "./options.ts"
import type { RunSettings } from "./run.ts"
import type { SteadyClock } from "./time/clock.ts"

/** What a job does after an error; see `restart` of {@link RunOptions}. */
export interface RestartOptions {
  /** The most restarts in a row; one more error ends the job. Default: as many as it takes. */
  readonly attempts?: number
  /** How long to wait before the first one; the next waits twice as long. Default "1s". */
  readonly delay?: Duration
  /** The longest to wait before one. Default "1m", or `delay` if that is longer. */
  readonly maxDelay?: Duration
  /** After so long without an error, attempts and delay are counted anew. Default "1h". */
  readonly resetAfter?: Duration
}

/** Checked options. */
export interface RestartSettings {
  readonly attempts: number
  readonly delayMs: number
  readonly maxDelayMs: number
  readonly resetAfterMs: number
}

const restartOptions = {
  attempts: integer(),
  delay: duration({ zero: false }),
  maxDelay: duration({ zero: false }),
  resetAfter: duration({ zero: false }),
}

/** The option `restart` of `run`. */
export const restartOption: Check<RestartSettings> = (given, name) => {
  const { attempts, delay, maxDelay, resetAfter } = checkOptions(given, restartOptions, name)
  const delayMs = delay ?? 1000
  const maxDelayMs = maxDelay ?? Math.max(delayMs, 60_000)
  if (maxDelayMs < delayMs) {
    throw new MillraceError("OPTION", `${name}.maxDelay must not be less than ${name}.delay`)
  }
  return { attempts: attempts ?? Infinity, delayMs, maxDelayMs, resetAfterMs: resetAfter ?? 3.6e6 }
}

/** What may be another way the next time. All else is as it is, or was meant. */
const passing: readonly ErrorCode[] = ["SOURCE", "USER_FUNCTION", "STORAGE", "SINK", "TIMEOUT"]

/** What is restarted: it rests until it is opened again. */
export interface Restartable {
  rest(error: unknown): Promise<void>
  reopen(): Promise<void>
}

export class Restarts {
  readonly #settings: RestartSettings | undefined
  readonly #clock: SteadyClock
  readonly #on: JobListeners
  /** In a row. */
  #attempts = 0
  /** Since when the job runs. */
  #sinceMs: number
  #wake: () => void = () => undefined
  #stopped = false
  /** How often the job went on after an error. */
  count = 0

  constructor({ restart, clock, on }: RunSettings) {
    this.#settings = restart
    this.#clock = clock
    this.#on = on
    this.#sinceMs = clock.now()
  }

  /**
   * Wait and reopen, until that is done or it was stopped. Throws the error that is not gone on
   * after.
   */
  async after(error: unknown, job: Restartable): Promise<void> {
    const { resetAfterMs = 0 } = this.#settings ?? {}
    if (this.#clock.now() - this.#sinceMs >= resetAfterMs) this.#attempts = 0
    let last = error
    for (;;) {
      const delayMs = this.#nextDelay(last)
      await job.rest(last)
      await this.#pause(delayMs)
      if (this.#stopped) return
      try {
        await job.reopen()
        break
      } catch (again) {
        last = again
      }
    }
    if (this.#stopped) return
    this.#sinceMs = this.#clock.now()
    this.count++
    tell(this.#on, "restarted", { error: last, attempts: this.#attempts })
  }

  /** The job is over: whoever waits need not. */
  stop(): void {
    this.#stopped = true
    this.#wake()
  }

  /** Throws the error if nothing comes after it. */
  #nextDelay(error: unknown): number {
    const { attempts = 0, delayMs = 0, maxDelayMs = 0 } = this.#settings ?? {}
    const passes = error instanceof MillraceError && passing.includes(error.code)
    if (!passes || this.#attempts >= attempts) throw error
    return Math.min(delayMs * 2 ** this.#attempts++, maxDelayMs)
  }

  async #pause(ms: number): Promise<void> {
    const untilMs = this.#clock.now() + ms
    for (let left = ms; left > 0 && !this.#stopped; left = untilMs - this.#clock.now()) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve))
      const cancel = this.#clock.after(left, this.#wake, true)
      await woken
      cancel()
    }
  }
}
