/**
 * A job: a plan that runs, pulled by its consumers.
 *
 *   consumer asks -> pump: checkpoint due? -> feed a chunk -> results to outputs -> consumer
 *
 * One loop, the pump, does everything that waits, so nothing runs beside it: it feeds while
 * somebody wants results and nobody is behind, and takes a checkpoint only when every result of
 * the events before it was handed out and each consumer has asked for the next.
 */
import { aborted, refuseAborted } from "./abort.ts"
import { Checkpoints } from "./checkpoint.ts"
import { Cleanup } from "./cleanup.ts"
import type { Engine } from "./engine/engine.ts"
import { Ending } from "./ending.ts"
import type { End } from "./ending.ts"
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import type { Manifest } from "./manifest.ts"
import { tell } from "./listeners.ts"
import { News } from "./news.ts"
import { Output } from "./output.ts"
import { planOf } from "./plan.ts"
import type { Plan } from "./plan.ts"
import { checkReplay, openFlow } from "./run.ts"
import type { Opened, RunSettings } from "./run.ts"
import { Schedule } from "./schedule.ts"
import { Feeds } from "./sinks/feeds.ts"
import type { AskedOutput } from "./sinks/sink.ts"
import { StateView } from "./state/view.ts"
import type { Tracing } from "./state/trace.ts"
import { statsOf } from "./stats.ts"
import type { JobStats } from "./stats.ts"
import { Breath } from "./time/macrotask.ts"

export class JobCore {
  readonly outputs: readonly Output[]
  readonly settings: RunSettings
  readonly #plan: Plan
  readonly #checkpoints: Checkpoints | undefined
  readonly #schedule: Schedule
  readonly #feeds: Feeds
  #engine: Engine | undefined
  #flow!: Flow
  #cleanup: Cleanup | undefined
  /** Free everything as soon as the job is over. */
  closeAtEnd = false
  #manifest: Manifest | undefined
  #restored: JobStats["restored"]

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
    const news = () => this.#kick()
    const gone = () => this.#onLeft()
    this.outputs = this.#plan.outputs.map(({ name, tag }) => new Output(name, tag, news, gone))
    const { storage, name } = settings
    this.#feeds = new Feeds(this.outputs, asked, storage, () => this.#news.ring())
    if (storage) this.#checkpoints = new Checkpoints(storage, name, this.#plan, this.#feeds)
    this.#schedule = new Schedule(settings)
  }

  /** Restore, or start anew; nothing is read yet. */
  async open(): Promise<void> {
    const { signal } = this.settings
    try {
      refuseAborted(signal)
      this.#take(await openFlow(this.#plan, this.outputs, this.settings, this.#checkpoints))
      await this.#feeds.restore(this.#manifest)
      refuseAborted(signal)
    } catch (error) {
      if (this.#engine !== undefined) this.#flow.closeSources()
      this.#release()
      await this.#leave().catch(() => undefined) // The first error is the one to tell.
      throw error
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true })
    this.#cleanup = Cleanup.of(this.#flow, this.settings.clock, () => !this.#schedule.taking)
  }

  #take({ engine, flow, manifest, skipped }: Opened): void {
    this.#engine = engine
    this.#flow = flow
    this.#manifest = manifest
    if (manifest !== undefined) {
      this.#restored = { epoch: manifest.epoch, position: manifest.sequence, skipped }
      tell(this.settings.on, "restored", this.#restored)
    }
    flow.openSources(manifest?.sources ?? [], () => this.#kick())
  }

  /** Run to the end with nobody reading; rejects with the job's error. */
  finished(): Promise<void> {
    this.#runsToEnd = true
    this.#kick()
    return this.#ending.wait()
  }

  /** Take a checkpoint as soon as the consumers have what is before it. */
  checkpoint(): Promise<void> {
    if (this.#checkpoints === undefined) {
      return Promise.reject(new MillraceError("OPTION", "checkpoint() needs run({ storage })"))
    }
    if (this.#over) return Promise.reject(this.#ending.refusal())
    const taken = this.#schedule.ask()
    this.#kick()
    return taken
  }

  state(uid: string): StateView {
    this.#open()
    return StateView.of(uid, this.#flow, this.settings.clock)
  }

  trace(tracing: Tracing | undefined): void {
    this.#open()
    this.#flow.trace(tracing)
  }

  stats(): JobStats {
    const { counts } = this.#schedule
    return statsOf(this.#open(), this.#flow, this.outputs, this.#restored, counts)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close()) // One end, however often it is asked for.
  }

  async #close(): Promise<void> {
    if (!this.#over) this.#end("closed")
    for (const output of this.outputs) output.close()
    await this.#pumping
    this.#release()
    await this.#leave()
  }

  async #leave(): Promise<void> {
    await this.#feeds.close().finally(() => this.#checkpoints?.close())
  }

  // ---- the pump ----

  /** Something has changed: an event came, a consumer asked, a timer ran out. */
  #kick(): void {
    this.#news.ring()
    if (this.#pumping !== undefined || this.#over) return
    this.#feeds.start()
    // Later in this turn, so that outputs may be claimed before the first pull.
    this.#pumping = Promise.resolve().then(() => this.#pump())
  }

  async #pump(): Promise<void> {
    const breath = new Breath()
    try {
      while (!this.#over) {
        this.#news.clear()
        this.#flow.throwFailed()
        this.#feeds.throwFailed()
        if (breath.isDue()) await breath.take()
        else if (this.#checkpointDue) await this.#checkpointOrPause()
        else if (this.#flow.busy) await this.#wait()
        else if (!this.#demand) {
          if (!this.#schedule.asked) break
          await this.#wait()
        } else if (!this.#step()) {
          if (this.#flow.ended && !this.#flow.leftovers.waited) await this.#finish()
          else await this.#wait()
        }
      }
    } catch (error) {
      if (!this.#over) this.#end({ error })
    } finally {
      this.#pumping = undefined
    }
    if (!this.#over && this.#news.rung && this.#demand) this.#kick()
  }

  /** Does somebody want results, and is nobody behind? */
  get #demand(): boolean {
    if (this.outputs.some(({ full }) => full)) return false
    return this.#runsToEnd || this.outputs.some(({ hungry }) => hungry)
  }

  /** Feed a chunk, or emit a part of what is left at the end; false when there is nothing to do. */
  #step(): boolean {
    if (this.#flow.complete) this.#flow.closeSources()
    const now = this.settings.clock.now() // Once: what is due by then comes before what came.
    if (this.#flow.fireDue(now)) return true
    if (this.#flow.feed(this.settings.chunkSize, now)) return true
    if (!this.#flow.ended || this.#unchanged) return false
    this.#finishing = true
    return this.#flow.finish()
  }

  /** A finished job that was run again and found nothing new has emitted its end already. */
  get #unchanged(): boolean {
    return this.#manifest?.finished === true && this.#flow.events === 0
  }

  /** All is emitted: the last checkpoint, then the end. */
  async #finish(): Promise<void> {
    this.#finishing = true
    const saves = this.#checkpoints !== undefined && !this.#unchanged
    if (saves || this.#feeds.any) {
      while (!this.#over && !this.#idle) {
        this.#news.clear()
        await this.#wait()
        this.#feeds.throwFailed()
      }
      if (!saves && !this.#over) await this.#feeds.flush()
      while (saves && !this.#over && !(await this.#write(true))); // Failures that are tolerated.
    }
    if (!this.#over) this.#end("ran to its end")
  }

  /** Wait until there is news, or until a checkpoint is due or too late. */
  async #wait(): Promise<void> {
    const cancel = this.#flow.alarm(() => this.#news.ring())
    await this.#news.wait(this.#mayWrite ? this.#schedule.waitMs : undefined)
    cancel()
  }

  // ---- checkpoints ----

  /** Have all consumers what there is, do they ask for more, and is no function waited for? */
  get #idle(): boolean {
    return !this.#flow.busy && this.outputs.every(({ idle }) => idle)
  }

  /** While an end is emitted there is none: what was emitted of it could not be told apart. */
  get #mayWrite(): boolean {
    return this.#checkpoints !== undefined && !this.#finishing && !this.#flow.midway
  }

  get #checkpointDue(): boolean {
    return this.#mayWrite && this.#schedule.wanted
  }

  async #checkpointOrPause(): Promise<void> {
    const late = this.#flow.busy ? "functions" : "consumers"
    if (this.#idle) await this.#write(this.#unchanged)
    else if (!this.#schedule.hold(late)) await this.#wait()
  }

  #write(finished: boolean): Promise<boolean> {
    const checkpoints = this.#checkpoints as Checkpoints
    const engine = this.#engine as Engine
    return this.#schedule.take((ms) => checkpoints.write(this.#flow, engine, finished, ms))
  }

  // ---- the end ----

  get #over(): boolean {
    return this.#ending.how !== undefined
  }

  #end(how: End): void {
    this.#ending.end(how)
    this.#cleanup?.stop()
    this.settings.signal?.removeEventListener("abort", this.#onAbort)
    this.#flow.closeSources()
    for (const output of this.outputs) output.end(typeof how === "string" ? undefined : how)
    this.#schedule.end(() => this.#ending.refusal())
    this.#news.ring()
    if (this.closeAtEnd) this.#release()
  }

  readonly #onAbort = (): void => {
    if (!this.#over) this.#end({ error: aborted(this.settings.signal as AbortSignal) })
    this.close().catch(() => undefined) // The abort is what is told.
  }

  /** A consumer has left. When none is there any more, nobody waits for the job. */
  #onLeft(): Promise<void> {
    const claimed = this.outputs.filter((output) => output.claimed)
    if (!this.#runsToEnd && claimed.every(({ left }) => left)) return this.close()
    this.#kick()
    return Promise.resolve()
  }

  /** The engine, while the job is not closed. */
  #open(): Engine {
    if (this.#engine === undefined || this.#engine.handle === 0) throw this.#ending.refusal()
    return this.#engine
  }

  #release(): void {
    if (this.#engine === undefined || this.#engine.handle === 0) return
    this.#flow.close()
    this.#engine.close(typeof this.#ending.how !== "object")
  }
}
