/**
 * Calls of a function that gives promises, each with a time limit and further tries.
 */
import { MillraceError } from "../errors.ts"
import type { Duration } from "../duration.ts"
import { duration, integer, nested } from "../options.ts"
import type { Checked } from "../options.ts"
import { isPromise } from "../state/access.ts"
import type { SteadyClock } from "../time/clock.ts"
import { turn } from "../time/macrotask.ts"

/** How long a try may take, and how many there are. */
export interface TryOptions {
  /** How long one try may take; then it has failed with `TIMEOUT`. Default: as long as it takes. */
  readonly timeout?: Duration
  /**
   * Tries after one that failed: `attempts` more, the first after `delay`, each later one after
   * twice the wait before it, at most `maxDelay`. Default: none; `delay` "100ms", `maxDelay` "30s".
   */
  readonly retry?: {
    readonly attempts: number
    readonly delay?: Duration
    readonly maxDelay?: Duration
  }
}

/** The checks of {@link TryOptions}. */
export const tryOptions = {
  timeout: duration({ zero: false }),
  retry: nested({ attempts: integer({ min: 0 }), delay: duration(), maxDelay: duration() }),
}

/** What a function is given beside the event. */
export interface AsyncContext {
  /** Aborted when the try has taken too long, or the job is closed. */
  readonly signal: AbortSignal
}

/** A try; what it gives may be a promise. */
export type Try = (context: AsyncContext) => unknown

/** {@link TryOptions} as they are used. */
export interface TryLimits {
  readonly attempts: number
  readonly delayMs: number
  readonly delayMsMax: number
  readonly timeoutMs: number | undefined
}

/** Those of the operator `where`. Throws `OPTION`. */
export function tryLimits(
  { retry, timeout }: Checked<typeof tryOptions>,
  where: string,
): TryLimits {
  if (retry !== undefined && retry.attempts === undefined) {
    throw new MillraceError("OPTION", `${where}.retry.attempts is missing`)
  }
  const delayMsMax = retry?.maxDelay ?? 30_000
  const delayMs = Math.min(retry?.delay ?? 100, delayMsMax)
  return { attempts: retry?.attempts ?? 0, delayMs, delayMsMax, timeoutMs: timeout }
}

export class Tries {
  readonly #clock: SteadyClock
  readonly #limits: TryLimits
  readonly #closed = new AbortController()

  constructor(clock: SteadyClock, limits: TryLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** What a try comes to, or the last of those that there may be. */
  run(once: Try): Promise<unknown> {
    return this.#try(once, this.#limits.attempts, this.#limits.delayMs)
  }

  /** The job is closed: no try goes on. */
  close(): void {
    this.#closed.abort()
  }

  /** One try, and as many more as there may be. */
  async #try(once: Try, more: number, delayMs: number): Promise<unknown> {
    try {
      return await this.#once(once)
    } catch (error) {
      if (more === 0 || this.#closed.signal.aborted) throw error
      if (!(await this.#sleep(delayMs))) throw error
      const next = Math.min(delayMs * 2, this.#limits.delayMsMax)
      return this.#try(once, more - 1, next)
    }
  }

  async #once(once: Try): Promise<unknown> {
    const { timeoutMs } = this.#limits
    const closed = this.#closed.signal
    if (timeoutMs === undefined) return once({ signal: closed })
    const abort = new AbortController()
    const stop = () => abort.abort(closed.reason)
    closed.addEventListener("abort", stop, { once: true })
    let cancel: () => void = () => undefined
    const late = new Promise<never>((_, reject) => {
      const stopLate = () => {
        const error = new MillraceError("TIMEOUT", `the function took over ${timeoutMs} ms`)
        abort.abort(error)
        reject(error)
      }
      cancel = this.#clock.deadline(timeoutMs, stopLate)
    })
    try {
      const result = once({ signal: abort.signal })
      return isPromise(result) ? await Promise.race([result, late]) : result
    } finally {
      cancel()
      closed.removeEventListener("abort", stop)
    }
  }

  /** Wait; false: the job was closed meanwhile. */
  #sleep(ms: number): Promise<boolean> {
    const closed = this.#closed.signal
    if (ms === 0) return turn().then(() => !closed.aborted) // A clock that stands still has no say.
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        closed.removeEventListener("abort", done)
        resolve(!closed.aborted)
      }
      const cancel = this.#clock.pause(ms, done)
      closed.addEventListener("abort", done, { once: true })
    })
  }
}
