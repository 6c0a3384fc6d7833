/**
 * When checkpoints are taken: as often as the interval says, when somebody asks, and when sinks
 * hold so many results that they can take no more before one.
 *
 *     wanted -> consumers are ready: written
 *            -> they are not: feeding pauses; after the timeout it is given up and counted
 *
 * The job asks what is due and does the work; nothing here waits.
 */
import { MillraceError } from "./errors.ts"
import { tell } from "./listeners.ts"
import { timerMsMax } from "./time/clock.ts"
import { Waiters } from "./waiters.ts"
import type { Written } from "./checkpoint.ts"
import type { RunSettings } from "./run.ts"
import type { CheckpointStats } from "./stats.ts"

export class Schedule {
  readonly #settings: RunSettings
  /** Do sinks wait for one? */
  readonly #awaited: () => boolean
  readonly #asked = new Waiters()
  /** When the last one began, and ended. */
  #beganMs: number
  #endedMs: number
  #pausedSinceMs: number | undefined
  /** How many have failed in a row. */
  #failures = 0
  counts: CheckpointStats = { completed: 0, failed: 0, last: undefined }

  constructor(settings: RunSettings, awaited: () => boolean) {
    this.#settings = settings
    this.#awaited = awaited
    this.#beganMs = this.#now
    this.#endedMs = this.#now
  }

  /** The job is restarted: who asked for one waits on. */
  restart(): void {
    this.#failures = 0
    this.#over(this.#now)
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
    return this.asked || this.#awaited() || this.#now >= this.#nextMs
  }

  /** `late` are not ready: pause. True when they took too long and it was given up. */
  hold(late: "consumers" | "functions"): boolean {
    const { timeoutMs } = this.#settings.checkpoint
    this.#pausedSinceMs ??= this.#now
    if (this.#now - this.#pausedSinceMs < timeoutMs) return false
    const message = `no checkpoint: ${late} took over ${timeoutMs} ms`
    const error = new MillraceError("LIMIT", message)
    this.#over(this.#now)
    this.#asked.reject(error)
    this.#failed(error)
    return true
  }

  /**
   * Take one, for which `write` has so many ms; true if it is durable. Throws what `write` throws
   * when too many have failed in a row, or when another one has taken the job over.
   */
  async take(write: (timeoutMs: number) => Promise<Written>): Promise<boolean> {
    const { on, checkpoint } = this.#settings
    const asked = this.#asked.split()
    const writesMs = this.#now
    const pausedMs = writesMs - (this.#pausedSinceMs ?? writesMs)
    let written: Written
    try {
      written = await write(checkpoint.timeoutMs - pausedMs)
    } catch (error) {
      asked.reject(error)
      this.#failures++
      this.#failed(error)
      const lost = error instanceof MillraceError && error.code === "LOCKED"
      if (lost || this.#failures > checkpoint.tolerableFailures) throw error
      return false
    } finally {
      this.#over(writesMs)
    }
    this.#failures = 0
    this.counts = { ...this.counts, completed: this.counts.completed + 1, last: written.epoch }
    asked.resolve()
    tell(on, "checkpoint", { ...written, durationMs: this.#now - writesMs })
    return true
  }

  /** How long until something is due, ms; undefined: nothing will be. */
  get waitMs(): number | undefined {
    const { timeoutMs } = this.#settings.checkpoint
    const dueMs = this.#pausedSinceMs === undefined ? this.#nextMs : this.#pausedSinceMs + timeoutMs
    if (dueMs === Infinity) return undefined
    return Math.min(Math.max(dueMs - this.#now, 1), timerMsMax)
  }

  /** No more checkpoints: the job is over. */
  end(refusal: () => Error): void {
    this.#asked.rejectQuietly(refusal)
  }

  get #now(): number {
    return this.#settings.clock.now()
  }

  /**
   * When the interval begins the next one. After one that took longer than that it counts from the
   * end: the stream, which may stand still meanwhile, must get on.
   */
  get #nextMs(): number {
    const { intervalMs, minPauseMs } = this.#settings.checkpoint
    const tookLong = this.#endedMs - this.#beganMs > intervalMs
    const fromMs = tookLong ? this.#endedMs : this.#beganMs
    return Math.max(fromMs + intervalMs, this.#endedMs + minPauseMs)
  }

  #over(writesMs: number): void {
    this.#beganMs = this.#pausedSinceMs ?? writesMs
    this.#endedMs = this.#now
    this.#pausedSinceMs = undefined
  }

  #failed(error: unknown): void {
    this.counts = { ...this.counts, failed: this.counts.failed + 1 }
    tell(this.#settings.on, "checkpointFailed", { error, failures: this.#failures })
  }
}
