/**
 * What a job has at work: an engine and a flow, which a restart replaces by fresh ones.
 *
 *   open -> works -> rest -> reopen -> works ... release
 *
 * At rest nothing is read and nothing comes out any more; what was not read comes again.
 */
import type { Checkpoints } from "./checkpoint.ts"
import { Cleanup } from "./cleanup.ts"
import type { Engine } from "./engine/engine.ts"
import type { Flow } from "./flow.ts"
import { tell } from "./listeners.ts"
import type { Outlets } from "./outlets.ts"
import type { Plan } from "./plan.ts"
import { openFlow } from "./run.ts"
import type { RunSettings } from "./run.ts"
import type { Saving } from "./saving.ts"
import type { SavedFlow } from "./saved.ts"
import { statsOf } from "./stats.ts"
import type { FlowStats, Restored } from "./stats.ts"

/** The job, as those at work see it. */
export interface Employer {
  /** Is it over? */
  isOver(): boolean
  /** Something came. */
  news(): void
}

export class Works {
  readonly #plan: Plan
  readonly #outlets: Outlets
  readonly #settings: RunSettings
  readonly #checkpoints: Checkpoints | undefined
  readonly #saving: Saving
  readonly #job: Employer
  #engine: Engine | undefined
  #flow!: Flow
  #saved: SavedFlow | undefined
  #restored: Restored | undefined
  #cleanup: Cleanup | undefined
  /** Figures from before a rest. */
  #before: FlowStats | undefined

  constructor(
    plan: Plan,
    outlets: Outlets,
    settings: RunSettings,
    checkpoints: Checkpoints | undefined,
    saving: Saving,
    job: Employer,
  ) {
    this.#plan = plan
    this.#outlets = outlets
    this.#settings = settings
    this.#checkpoints = checkpoints
    this.#saving = saving
    this.#job = job
  }

  /** Restore, or start anew; nothing is read yet. Throws what {@link openFlow} does, and `SINK`. */
  async open(): Promise<void> {
    const { outputs, feeds } = this.#outlets
    const opened = await openFlow(this.#plan, outputs, this.#settings, this.#checkpoints)
    const { flow, saved, manifest, skipped } = opened
    this.#engine = opened.engine
    this.#flow = flow
    this.#saving.open(flow, opened.engine)
    this.#saved = saved
    this.#restored = saved && { epoch: manifest?.epoch, position: saved.sequence, skipped }
    feeds.number(saved?.numbers)
    await feeds.restore(this.#restored, manifest?.sinks)
    if (this.#restored !== undefined) tell(this.#settings.on, "restored", this.#restored)
    this.#before = undefined
    if (this.#job.isOver()) return
    flow.openSources(saved?.sources ?? [], () => this.#job.news())
    this.#cleanup = Cleanup.of(flow, this.#settings.clock)
  }

  get flow(): Flow {
    return this.#flow
  }

  get engine(): Engine {
    return this.#engine as Engine
  }

  get isOpen(): boolean {
    return this.#engine !== undefined && this.#engine.handle !== 0
  }

  /** A finished job that was run again and found nothing new has emitted its end already. */
  get unchanged(): boolean {
    return this.#saved?.finished === true && this.#flow.events === 0
  }

  /** Read no more. */
  stop(): void {
    this.#cleanup?.stop()
    if (this.#engine !== undefined) this.#flow.closeSources()
  }

  /** After an error: all that is at work stops. */
  async rest(error: unknown): Promise<void> {
    if (!this.isOpen) return
    this.#saving.end({ error })
    await this.#saving.settle()
    this.#before ??= this.#figures()
    this.stop()
    this.#flow.close()
    this.#outlets.forget()
  }

  /** Go on from the last checkpoint. */
  async reopen(): Promise<void> {
    this.#engine?.close(false)
    await this.open()
  }

  /** What it has done; from a rest on until it is opened again what it had done before. */
  stats(): FlowStats {
    return this.#before ?? this.#figures()
  }

  #figures(): FlowStats {
    return statsOf(this.engine, this.#flow, this.#outlets.outputs, this.#restored)
  }

  /** Free everything; after an error nothing of it is used again. */
  release(failed: boolean): void {
    if (!this.isOpen) return
    this.#flow.close()
    this.#engine?.close(!failed)
  }
}
