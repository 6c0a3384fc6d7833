/**
 * Freeing what has expired while nothing comes in.
 *
 * As long as events come, each chunk frees about as many rows as it can make. In between, states
 * whose ttl runs in processing time are cleaned by timers, each once per its cleanup interval, in
 * slices that let the event loop go on. In event time no time passes while nothing comes.
 *
 * A job that stands still, or was restored, may be behind the clock: timers that are overdue see
 * state as it was at their time, and events that wait for functions as it was when they arrived. So
 * only what has expired by then is freed.
 */
import type { Operator } from "./engine/operator.ts"
import { sliceRowsMax } from "./engine/operator.ts"
import type { Flow } from "./flow.ts"
import { statesIn } from "./states.ts"
import { macrotask } from "./time/macrotask.ts"
import type { SteadyClock } from "./time/clock.ts"

interface Cleaned {
  readonly operator: Operator
  readonly everyMs: number
  dueMs: number
}

export class Cleanup {
  readonly #states: Cleaned[]
  readonly #clock: SteadyClock
  readonly #passedMs: (nowMs: number) => number
  #cancel: (() => void) | undefined
  #stopped = false

  /** Of a job: the states whose time is processing time. */
  static of(flow: Flow, clock: SteadyClock): Cleanup {
    const operators = statesIn(flow).flatMap(({ planned, state: { operator } }) =>
      !planned.eventTime || operator.input.processing ? [operator] : [],
    )
    return new Cleanup(operators, clock, (nowMs) => flow.passedMs(nowMs))
  }

  /**
   * Begins at once, if there is anything to clean; `passedMs` gives how far time has come for all
   * that will still be done.
   */
  constructor(
    operators: readonly Operator[],
    clock: SteadyClock,
    passedMs: (nowMs: number) => number = (nowMs) => nowMs,
  ) {
    this.#clock = clock
    this.#passedMs = passedMs
    this.#states = operators.flatMap((operator) => {
      const everyMs = operator.spec.limits.cleanupMs
      return everyMs === 0 ? [] : [{ operator, everyMs, dueMs: clock.now() + everyMs }]
    })
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #arm(): void {
    const dueMs = Math.min(...this.#states.map(({ dueMs }) => dueMs))
    if (dueMs === Infinity) return
    const waitMs = Math.max(dueMs - this.#clock.now(), 0)
    // Held weakly: a timer must not keep a job alive that nobody closed and nobody has any more.
    const self = weakly(this)
    this.#cancel = this.#clock.after(waitMs, () => {
      const cleanup = self.deref()
      if (cleanup !== undefined) cleanup.#clean()
    })
  }

  #clean(): void {
    if (this.#stopped) return
    const now = this.#clock.now()
    const passedMs = this.#passedMs(now)
    let more = false
    for (const state of this.#states) {
      if (state.dueMs > now) continue
      if (state.operator.expire(passedMs, sliceRowsMax)) more = true
      else state.dueMs = now + state.everyMs
    }
    if (more) macrotask(() => this.#clean())
    else this.#arm()
  }
}

/** A weak reference; where there are none, as in old workers, a timer ends with its request. */
function weakly<T extends object>(held: T): { deref(): T | undefined } {
  return typeof WeakRef === "undefined" ? { deref: () => held } : new WeakRef(held)
}
