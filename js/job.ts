/**
 * A job: a plan that runs, pulled by its consumers.
 *
 *   consumer asks -> pump: checkpoint due? -> feed a chunk -> results to outputs -> consumer
 *
 * One loop, the pump, does everything that waits, so nothing runs beside it but the writing of a
 * checkpoint (saving.ts): it feeds while somebody wants results and nobody is behind, and begins a
 * checkpoint only when every result of the events before it was handed out and each consumer has
 * asked for the next. With sinks it stands still until that is over: they take epoch by epoch.
 */
import { aborted, refuseAborted } from "./abort.ts"
import { Checkpoints } from "./checkpoint.ts"
import { Ending } from "./ending.ts"
import type { End } from "./ending.ts"
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import type { Engine } from "./engine/engine.ts"
import { News } from "./news.ts"
import { Outlets } from "./outlets.ts"
import { planOf } from "./plan.ts"
import type { Plan } from "./plan.ts"
import { Restarts } from "./restarts.ts"
import { checkReplay, checkSources } from "./run.ts"
import type { RunSettings } from "./run.ts"
import { takeSavepoint } from "./savepoint.ts"
import { Savepoints } from "./savepoints.ts"
import { Saving } from "./saving.ts"
import { Schedule } from "./schedule.ts"
import type { AskedOutput } from "./sinks/sink.ts"
import type { JobStats } from "./stats.ts"
import { Breath, turn } from "./time/macrotask.ts"
import { Works } from "./works.ts"

export class JobCore {
  readonly outlets: Outlets
  readonly settings: RunSettings
  readonly #plan: Plan
  readonly #checkpoints: Checkpoints | undefined
  readonly #schedule: Schedule
  readonly #saving: Saving
  readonly #savepoints: Savepoints
  readonly #restarts: Restarts
  readonly #works: Works
  /** Free everything as soon as the job is over. */
  closeAtEnd = false
  #pumping: Promise<void> | undefined
  readonly #news = new News()
  #runsToEnd = false
  /** The sources have ended; what was left is being emitted. */
  #finishing = false
  readonly #ending = new Ending()
  #closing: Promise<void> | undefined

  constructor(asked: readonly AskedOutput[], settings: RunSettings) {
    this.settings = settings
    this.#plan = planOf(asked.map(({ name, node }) => [name, node] as const))
    checkReplay(this.#plan, settings)
    const events = { news: () => this.#kick(), gone: () => this.#onLeft() }
    this.outlets = new Outlets(this.#plan, asked, settings.storage, events)
    const { feeds } = this.outlets
    this.#checkpoints = Checkpoints.of(this.#plan, settings, feeds)
    this.#schedule = new Schedule(settings, () => feeds.full)
    const rows = feeds.any ? 0 : settings.sliceRows
    this.#saving = new Saving(this.#checkpoints, this.#schedule, () => this.#kick(), rows)
    this.#savepoints = new Savepoints(settings, (finished) =>
      takeSavepoint(this.#flow, this.#works.engine, settings.clock, finished),
    )
    this.#restarts = new Restarts(settings)
    this.#works = new Works(this.#plan, this.outlets, settings, this.#checkpoints, this.#saving, {
      isOver: () => this.#over,
      news: () => this.#kick(),
    })
  }

  /** Restore, or start anew; nothing is read yet. */
  async open(): Promise<void> {
    const { signal } = this.settings
    try {
      refuseAborted(signal)
      await this.#works.open()
      refuseAborted(signal)
    } catch (error) {
      this.#works.stop()
      this.#works.release(true)
      await this.#leave().catch(() => undefined) // The first error is the one to tell.
      throw error
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true })
  }

  /** Run to the end with nobody reading; rejects with the job's error. */
  finished(): Promise<void> {
    this.#runsToEnd = true
    this.#kick()
    return this.#ending.wait()
  }

  /** Take a checkpoint as soon as the consumers have what is before it. */
  async checkpoint(): Promise<void> {
    if (this.#checkpoints === undefined)
      throw new MillraceError("OPTION", "checkpoint() needs run({ storage })")
    if (this.#over) throw this.#ending.refusal()
    this.#kick()
    return this.#schedule.ask()
  }

  async savepoint(): Promise<ReadableStream<Uint8Array>> {
    if (this.#over) throw this.#ending.refusal()
    checkSources(this.#plan)
    this.#kick()
    return this.#savepoints.ask()
  }

  stats(): JobStats {
    if (!this.#works.isOpen && this.#over) throw this.#ending.refusal()
    const [{ count: restarts }, { counts: checkpoints }] = [this.#restarts, this.#schedule]
    return { ...this.#works.stats(), restarts, checkpoints }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close()) // One end, however often it is asked for.
  }

  async #close(): Promise<void> {
    this.#end("closed")
    this.outlets.close()
    await this.#pumping
    await this.#saving.settle()
    this.#works.release(typeof this.#ending.how === "object")
    await this.#leave()
  }

  async #leave(): Promise<void> {
    await this.outlets.feeds.close().finally(() => this.#checkpoints?.close())
  }

  /** Something has changed: an event came, a consumer asked, a timer ran out. */
  #kick(): void {
    this.#news.ring()
    if (this.#pumping !== undefined || this.#over) return
    this.outlets.feeds.start()
    // Later in this turn, so that outputs may be claimed before the first pull.
    this.#pumping = Promise.resolve().then(() => this.#pump())
  }

  async #pump(): Promise<void> {
    const breath = new Breath()
    try {
      while (!this.#over) {
        this.#news.clear()
        this.#flow.throwFailed()
        this.outlets.feeds.throwFailed()
        this.#saving.throwFailed()
        if (breath.isDue(this.#saving.going)) await breath.take()
        else if (this.#mayWrite && this.#schedule.wanted) await this.#standStill(this.#schedule)
        else if (this.#mayStop && this.#savepoints.asked) await this.#standStill(this.#savepoints)
        else if (this.#flow.busy) await this.#wait()
        else if (!this.#demand) {
          if (!this.#wanted) break
          await this.#wait()
        } else if (!this.#step()) {
          if (this.#flow.ended && !this.#flow.leftovers.waited) await this.#finish()
          else await this.#wait()
        } else this.#saving.goOn()
      }
    } catch (error) {
      if (!this.#over) await this.#goOnAfter(error)
    } finally {
      this.#pumping = undefined
    }
    if (!this.#over && this.#news.rung && this.#wanted) this.#kick()
  }

  /** Go on from the last checkpoint, if that was asked for and is of use; else it is the end. */
  async #goOnAfter(error: unknown): Promise<void> {
    try {
      await this.#restarts.after(error, this.#works)
      this.#finishing = false
      this.#schedule.restart()
      this.#news.ring()
    } catch (last) {
      if (!this.#over) this.#end({ error: last }, this.outlets.feeds.settled())
    }
  }

  /** Does somebody want results, and is nobody behind? */
  get #demand(): boolean {
    return !this.outlets.full && (this.#runsToEnd || this.outlets.hungry)
  }

  /** Is there anything to do, or to wait for? */
  get #wanted(): boolean {
    return this.#demand || this.#schedule.asked || this.#savepoints.asked || this.#saving.ready
  }

  /** Feed a chunk, or emit a part of what is left at the end; false when there is nothing to do. */
  #step(): boolean {
    if (this.#flow.complete) this.#flow.closeSources()
    const now = this.settings.clock.now() // Once: what is due by then comes before what came.
    if (this.#flow.fireDue(now)) return true
    if (this.#flow.feed(this.settings.chunkSize, now)) return true
    if (!this.#flow.ended || this.#works.unchanged) return false
    this.#finishing = true
    return this.#flow.finish()
  }

  /** All is emitted: the last checkpoint, then the end. */
  async #finish(): Promise<void> {
    this.#finishing = true
    const writes = this.#checkpoints !== undefined && !this.#works.unchanged
    const waits = () => writes || this.outlets.feeds.any || this.#savepoints.asked
    while (!this.#over && !this.#idle && waits()) {
      this.#news.clear()
      await this.#wait()
      this.outlets.feeds.throwFailed()
    }
    await this.#saving.settle()
    this.#saving.throwFailed()
    if (!this.#over && !writes) await this.outlets.feeds.flush()
    while (!this.#over && writes && !(await this.#saving.write(true))); // It may be tolerated.
    if (!this.#over) this.#savepoints.give(true)
    this.#end("ran to its end")
  }

  /** Wait until there is news, or until a checkpoint is due or too late; or go on with one. */
  async #wait(): Promise<void> {
    if (this.#saving.ready) return void ((await this.#news.soon()) || this.#saving.slice())
    const cancel = this.#flow.alarm(() => this.#news.ring())
    const checkpointMs = this.#mayWrite ? this.#schedule.waitMs : undefined
    await this.#news.wait(checkpointMs, this.#savepoints.waitMs)
    cancel()
  }

  /** Have all consumers what there is, do they ask for more, and is no function waited for? */
  get #idle(): boolean {
    return !this.#flow.busy && this.outlets.idle
  }

  /** While an end is emitted there is none: what was emitted of it could not be told apart. */
  get #mayStop(): boolean {
    return !this.#finishing && !this.#flow.midway
  }

  get #mayWrite(): boolean {
    return this.#checkpoints !== undefined && this.#mayStop && !this.#saving.going
  }

  /** Take what was asked for, or wait until all are ready for it. */
  async #standStill(asked: Schedule | Savepoints): Promise<void> {
    const late = this.#flow.busy ? "functions" : "consumers"
    if (!this.#idle) return asked.hold(late) ? undefined : this.#wait()
    if (asked === this.#savepoints) asked.give(this.#works.unchanged)
    else await this.#saving.take(this.#works.unchanged)
    await turn() // Who asked comes first, and may close the job.
    // However often it is asked for, the stream gets on.
    if (!this.#over && !this.#flow.busy && this.#demand) this.#step()
  }

  // ---- the end ----

  get #over(): boolean {
    return this.#ending.how !== undefined
  }

  #end(how: End, first?: Promise<void>): void {
    if (this.#over) return
    const failed = typeof how === "string" ? undefined : how
    this.#ending.end(how, first)
    this.#restarts.stop()
    this.#saving.end(failed)
    this.#works.stop()
    this.settings.signal?.removeEventListener("abort", this.#onAbort)
    this.outlets.end(failed)
    for (const each of [this.#schedule, this.#savepoints]) each.end(() => this.#ending.refusal())
    this.#news.ring()
    if (this.closeAtEnd) this.#works.release(failed !== undefined)
  }

  readonly #onAbort = (): void => {
    this.#end({ error: aborted(this.settings.signal as AbortSignal) })
    this.close().catch(() => undefined) // The abort is what is told.
  }

  /** A consumer has left. When none is there any more, nobody waits for the job. */
  async #onLeft(): Promise<void> {
    if (!this.#runsToEnd && this.outlets.left) await this.close()
    else this.#kick()
  }

  get #flow(): Flow {
    return this.#works.flow
  }

  /** What is at work, while the job is not closed. */
  opened(): { readonly engine: Engine; readonly flow: Flow } {
    if (this.#works.isOpen) return this.#works
    if (this.#over) throw this.#ending.refusal()
    throw new MillraceError("CLOSED", "the job is being restarted after an error")
  }
}
