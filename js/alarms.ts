/**
 * Timers in processing time: which node of a job has the next, and the clock that tells of it.
 */
import { refuseNumbers } from "./sinks/numbered.ts"
import type { Step } from "./step.ts"
import type { SteadyClock } from "./time/clock.ts"

export class Alarms {
  readonly #clock: SteadyClock
  /** Steps with timers in processing time. */
  readonly #timed: readonly Step[]

  constructor(steps: readonly Step[], clock: SteadyClock) {
    this.#clock = clock
    this.#timed = steps.filter(({ runner }) => runner?.nextDue !== undefined)
  }

  /**
   * The timers that are due first by `now`: their node, and when; undefined: none is due. Throws
   * `OPTION` where a sink has numbers, as they could fire between other events another time.
   */
  firstDue(now: number): { readonly step: Step; readonly timeMs: number } | undefined {
    let first: Step | undefined
    let timeMs = Infinity
    for (const step of this.#timed) {
      const due = step.runner?.nextDue?.(now) ?? Infinity
      if (due > now || due >= timeMs) continue
      first = step
      timeMs = due
    }
    // At -Infinity there is no timer, but what has failed is to be told.
    if (first?.numbered !== undefined && timeMs > -Infinity) {
      refuseNumbers(first.numbered, `a timer in processing time fires in ${first.planned.uid}`)
    }
    return first && { step: first, timeMs }
  }

  /** Ring at the time of the next timer, or before at `orAtMs`; gives what cancels that. */
  alarm(ring: () => void, orAtMs: number): () => void {
    const now = this.#clock.now()
    const times = this.#timed.map(({ runner }) => runner?.nextDue?.(now) ?? Infinity)
    const due = Math.min(orAtMs, ...times)
    return due === Infinity ? () => undefined : this.#clock.after(due - now, ring, true)
  }
}
