/**
 * How fast the flights are replayed: a clock of event time that runs so many times as fast as the
 * host's, stands still while paused, and may be told something else at any moment.
 */
import type { ManualClock } from "millrace"

/** Where the pace has its time from; `manualClock()` in tests. */
export type PaceClock = Pick<ManualClock, "now" | "after">

/** What is due within this is given at once, ms: else each flight would be a message of its own. */
const tickMs = 40

const hostClock: PaceClock = {
  now: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms)
    return () => clearTimeout(timer)
  },
}

export class Pace {
  readonly #clock: PaceClock
  #speed: number
  #paused: boolean
  /** Event time, and the host's, of the moment from which on time is counted. */
  #fromMs = -Infinity
  #sinceMs = 0
  /** How far the flights have come. */
  #reachedMs = -Infinity
  #wake: (() => void) | undefined

  /** `speed` is event time by the host's; Infinity: as fast as it goes. */
  constructor(speed: number, paused = false, clock: PaceClock = hostClock) {
    this.#speed = speed
    this.#paused = paused
    this.#clock = clock
  }

  get speed(): number {
    return this.#speed
  }

  get paused(): boolean {
    return this.#paused
  }

  set(speed: number, paused: boolean): void {
    const now = this.now
    this.#begin(now === Infinity ? this.#reachedMs : now)
    this.#speed = speed
    this.#paused = paused
    this.wake()
  }

  /** The flights have come to a moment of event time; the first call begins there. */
  reach(timeMs: number): void {
    if (this.#reachedMs === -Infinity) this.#begin(timeMs)
    this.#reachedMs = timeMs
  }

  /** What was to come until now, in event time. Infinity: all of it. */
  get now(): number {
    if (this.#paused) return this.#fromMs
    if (this.#speed === Infinity) return Infinity
    return this.#fromMs + (this.#clock.now() - this.#sinceMs) * this.#speed
  }

  #begin(timeMs: number): void {
    this.#fromMs = timeMs
    this.#sinceMs = this.#clock.now()
  }

  /** Wait until `timeMs` has come, a tick at least, or until something has changed. */
  async wait(timeMs: number): Promise<void> {
    const leftMs = this.#paused ? Infinity : (timeMs - this.now) / this.#speed
    await new Promise<void>((resolve) => {
      const cancel = Number.isFinite(leftMs)
        ? this.#clock.after(Math.max(leftMs, tickMs), resolve)
        : undefined
      this.#wake = () => {
        cancel?.()
        resolve()
      }
    })
    this.#wake = undefined
  }

  /** Look again: there is something else than flights to be given. */
  wake(): void {
    this.#wake?.()
  }
}
