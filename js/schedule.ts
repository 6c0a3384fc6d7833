/**
 * When checkpoints are taken: as often as the interval says, and when somebody asks.
 *
 *     wanted -> consumers are ready: written
 *            -> they are not: feeding pauses; after the timeout it is given up and counted
 *
 * The job asks what is due and does the work; nothing here waits.
 */
import { MillraceError } from "./errors.ts"
import { timerMsMax } from "./time/clock.ts"
import { Waiters } from "./waiters.ts"
import type { RunSettings } from "./run.ts"
import type { CheckpointStats } from "./stats.ts"

export class Schedule {
  readonly #intervalMs: number
  readonly #timeoutMs: number
  readonly #now: () => number
  readonly #asked = new Waiters()
  #lastMs: number
  #pausedSinceMs: number | undefined
  /** Is one being written? */
  taking = false
  counts: CheckpointStats = { completed: 0, failed: 0, last: undefined }

  constructor({ checkpoint, clock }: RunSettings) {
    this.#intervalMs = checkpoint.intervalMs ?? Infinity
    this.#timeoutMs = checkpoint.timeoutMs
    this.#now = () => clock.now()
    this.#lastMs = clock.now()
  }

  /** Ask for one now. */
  ask(): Promise<void> {
    return this.#asked.add()
  }

  get asked(): boolean {
    return this.#asked.size > 0
  }

  /** Is it time for one? */
  get wanted(): boolean {
    return this.asked || this.#now() - this.#lastMs >= this.#intervalMs
  }

  /** `late` are not ready: pause. True when they took too long and it was given up. */
  hold(late: "consumers" | "functions"): boolean {
    this.#pausedSinceMs ??= this.#now()
    if (this.#now() - this.#pausedSinceMs < this.#timeoutMs) return false
    const message = `no checkpoint: ${late} took over ${this.#timeoutMs} ms`
    this.#over()
    this.counts = { ...this.counts, failed: this.counts.failed + 1 }
    this.#asked.reject(new MillraceError("LIMIT", message))
    return true
  }

  /** Take one; `write` gives its epoch. Throws what it throws. */
  async take(write: () => Promise<number>): Promise<void> {
    const asked = this.#asked.split()
    this.taking = true
    try {
      const last = await write()
      this.counts = { ...this.counts, completed: this.counts.completed + 1, last }
      asked.resolve()
    } catch (error) {
      this.counts = { ...this.counts, failed: this.counts.failed + 1 }
      asked.reject(error)
      throw error
    } finally {
      this.taking = false
      this.#over()
    }
  }

  /** How long until something is due, ms; undefined: nothing will be. */
  get waitMs(): number | undefined {
    const dueMs =
      this.#pausedSinceMs === undefined
        ? this.#lastMs + this.#intervalMs
        : this.#pausedSinceMs + this.#timeoutMs
    if (dueMs === Infinity) return undefined
    return Math.min(Math.max(dueMs - this.#now(), 1), timerMsMax)
  }

  /** No more checkpoints: the job is over. */
  end(refusal: () => Error): void {
    this.#asked.rejectQuietly(refusal)
  }

  #over(): void {
    this.#pausedSinceMs = undefined
    this.#lastMs = this.#now()
  }
}
