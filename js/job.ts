/**
 * A job: a plan that runs, pulled by its consumers.
 *
 *   consumer asks -> pump: checkpoint due? -> feed a chunk -> results to outputs -> consumer
 *
 * One loop, the pump, does everything that waits, so nothing runs beside it: it feeds while somebody
 * wants results and nobody is behind, and takes a checkpoint only when every result of the events
 * before it was handed out and each consumer has asked for the next.
 */
import { Checkpoints } from "./checkpoint.ts"
import type { Skipped } from "./checkpoint.ts"
import type { Engine } from "./engine/engine.ts"
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import type { Node } from "./graph.ts"
import { Output } from "./output.ts"
import { planOf } from "./plan.ts"
import type { Plan } from "./plan.ts"
import type { Opened, RunSettings } from "./run.ts"
import { openFlow } from "./run.ts"
import { StateView } from "./state/view.ts"
import { statsOf } from "./stats.ts"
import type { CheckpointStats, JobStats } from "./stats.ts"
import type { Clock } from "./time/clock.ts"
import { turn } from "./time/macrotask.ts"

/** Chunks, and milliseconds, after which the event loop gets a turn. */
const chunksPerTurn = 64
const msPerTurn = 12

export class JobCore {
  readonly outputs: readonly Output[]
  readonly settings: RunSettings
  readonly #plan: Plan
  readonly #clock: Clock
  readonly #checkpoints: Checkpoints | undefined
  #engine!: Engine
  #flow!: Flow
  /** Free everything as soon as the job is over. */
  closeAtEnd = false
  #restored: { readonly epoch: number; readonly position: number; readonly skipped: readonly Skipped[] } | undefined
  #finishedBefore = false

  #pumping: Promise<void> | undefined
  #wake: (() => void) | undefined
  #woken = false
  #runsToEnd = false
  #over = false
  #failed: { readonly error: unknown } | undefined
  #settled: { resolve: () => void; reject: (error: unknown) => void }[] = []

  #lastCheckpointMs = 0
  #dueSinceMs: number | undefined
  #asked: { resolve: () => void; reject: (error: unknown) => void }[] = []
  #counts: CheckpointStats = { completed: 0, failed: 0, last: undefined }

  constructor(nodes: readonly (readonly [name: string, node: Node])[], settings: RunSettings) {
    this.settings = settings
    this.#plan = planOf(nodes)
    this.#clock = settings.clock
    const news = () => this.#kick()
    this.outputs = nodes.map(([name]) => new Output(name, news))
    const { storage, name } = settings
    this.#checkpoints = storage === undefined ? undefined : new Checkpoints(storage, name)
    checkReplay(this.#plan, settings)
  }

  /** Restore, or start anew; nothing is read yet. */
  async open(): Promise<void> {
    const { signal } = this.settings
    if (signal?.aborted === true) throw aborted(signal)
    try {
      this.#take(await openFlow(this.#plan, this.outputs, this.settings, this.#checkpoints))
    } catch (error) {
      await this.#closeStorage()
      throw error
    }
    this.#lastCheckpointMs = this.#clock.now()
    signal?.addEventListener("abort", this.#onAbort, { once: true })
  }

  #take({ engine, flow, manifest, skipped }: Opened): void {
    this.#engine = engine
    this.#flow = flow
    this.#finishedBefore = manifest?.finished ?? false
    if (manifest !== undefined) {
      this.#restored = { epoch: manifest.epoch, position: manifest.sequence, skipped }
    }
    try {
      flow.openSources(manifest?.sources ?? [], () => this.#kick())
    } catch (error) {
      this.#release()
      throw error
    }
  }

  /** Run to the end with nobody reading; rejects with the job's error. */
  finished(): Promise<void> {
    this.#runsToEnd = true
    return new Promise((resolve, reject) => {
      this.#settled.push({ resolve, reject })
      if (this.#over) this.#settle()
      else this.#kick()
    })
  }

  /** Take a checkpoint as soon as the consumers have what is before it. */
  checkpoint(): Promise<void> {
    if (this.#checkpoints === undefined) {
      return Promise.reject(new MillraceError("OPTION", "checkpoint() needs run({ storage })"))
    }
    if (this.#over) return Promise.reject(this.#refusal())
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject })
      this.#kick()
    })
  }

  state(uid: string): StateView {
    if (this.#engine.handle === 0) throw this.#refusal()
    const step = this.#flow.steps.find(({ planned }) => planned.uid === uid)
    if (step?.runner?.operator !== undefined) return new StateView(step, this.#flow, this.#clock)
    const known = this.#flow.steps.filter(({ runner }) => runner?.operator !== undefined)
    const names = known.map(({ planned }) => planned.uid).join(", ") || "none"
    throw new MillraceError("OPTION", `no operator ${uid} has state; there are ${names}`)
  }

  stats(): JobStats {
    if (this.#engine.handle === 0) throw this.#refusal()
    return statsOf(this.#engine, this.#flow, this.outputs, this.#restored, this.#counts)
  }

  async close(): Promise<void> {
    if (!this.#over) this.#end(undefined)
    for (const output of this.outputs) output.close()
    await this.#pumping
    this.#release()
    await this.#closeStorage()
  }

  // ---- the pump ----

  /** Something has changed: an event came, a consumer asked, a timer ran out. */
  #kick(): void {
    this.#woken = true
    this.#wake?.()
    if (this.#pumping !== undefined || this.#over) return
    // Later in this turn, so that outputs may be claimed before the first pull.
    this.#pumping = Promise.resolve().then(() => this.#pump())
  }

  async #pump(): Promise<void> {
    let chunks = 0
    let since = performance.now()
    try {
      while (!this.#over) {
        this.#woken = false
        if (await this.#checkpointIfDue()) continue
        if (this.#paused || !this.#demand) {
          if (!this.#paused && this.#asked.length === 0) break
          await this.#news()
          continue
        }
        if (this.#flow.feed(this.settings.chunkSize) || this.#finishPart()) {
          const late = performance.now() - since > msPerTurn
          if (++chunks % chunksPerTurn !== 0 && !late) continue
          await turn()
          since = performance.now()
        } else if (this.#flow.ended) await this.#complete()
        else await this.#news()
        if (this.#flow.complete) await this.#complete()
      }
    } catch (error) {
      if (!this.#over) this.#end({ error })
    } finally {
      this.#pumping = undefined
    }
    if (!this.#over && this.#woken && this.#demand) this.#kick()
  }

  /** Does somebody want results, and is nobody behind? */
  get #demand(): boolean {
    if (this.outputs.some(({ full }) => full)) return false
    return this.#runsToEnd || this.outputs.some(({ hungry }) => hungry)
  }

  #finishPart(): boolean {
    return this.#flow.ended && !this.#unchanged && this.#flow.finish()
  }

  /** A finished job that was run again and found nothing new has emitted its end already. */
  get #unchanged(): boolean {
    return this.#finishedBefore && this.#flow.events === 0
  }

  /** All is emitted: the last checkpoint, then the end. */
  async #complete(): Promise<void> {
    this.#flow.closeSources()
    while (!this.#over && !this.outputs.every((output) => output.idle)) {
      this.#woken = false
      await this.#news()
    }
    if (this.#over) return
    if (this.#checkpoints !== undefined && !this.#unchanged) await this.#write(true)
    this.#end(undefined)
  }

  /** Wait until there is news, or until a checkpoint is due or too late. */
  async #news(): Promise<void> {
    if (this.#woken) return
    let timer: ReturnType<typeof setTimeout> | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      const wait = this.#untilTimer()
      if (wait !== undefined) timer = setTimeout(resolve, wait)
    })
    clearTimeout(timer)
    this.#wake = undefined
  }

  #untilTimer(): number | undefined {
    const { checkpoint } = this.settings
    if (this.#checkpoints === undefined || checkpoint.intervalMs === undefined) return undefined
    const now = this.#clock.now()
    const due = this.#dueSinceMs === undefined ? this.#lastCheckpointMs + checkpoint.intervalMs : this.#dueSinceMs + checkpoint.timeoutMs
    return Math.min(Math.max(due - now, 1), 0x7fff_ffff)
  }

  // ---- checkpoints ----

  get #paused(): boolean {
    return this.#dueSinceMs !== undefined
  }

  /** Take a checkpoint if it is time and may be; true when one was taken or given up. */
  async #checkpointIfDue(): Promise<boolean> {
    if (this.#checkpoints === undefined) return false
    const { intervalMs, timeoutMs } = this.settings.checkpoint
    const now = this.#clock.now()
    const due = intervalMs !== undefined && now - this.#lastCheckpointMs >= intervalMs
    if (!due && this.#asked.length === 0) return false
    if (this.outputs.every((output) => output.idle)) {
      await this.#write(false)
      return true
    }
    this.#dueSinceMs ??= now
    if (now - this.#dueSinceMs < timeoutMs) return false
    this.#giveUp(new MillraceError("LIMIT", `no checkpoint: consumers took over ${timeoutMs} ms`))
    return true
  }

  async #write(finished: boolean): Promise<void> {
    const asked = this.#asked.splice(0)
    try {
      const { epoch } = (await this.#checkpoints?.write(this.#flow, this.#engine, finished)) ?? {}
      const { completed } = this.#counts
      this.#counts = { ...this.#counts, completed: completed + 1, last: epoch }
      for (const { resolve } of asked) resolve()
    } catch (error) {
      for (const { reject } of asked) reject(error)
      this.#counts = { ...this.#counts, failed: this.#counts.failed + 1 }
      throw error
    } finally {
      this.#dueSinceMs = undefined
      this.#lastCheckpointMs = this.#clock.now()
    }
  }

  #giveUp(error: MillraceError): void {
    this.#counts = { ...this.#counts, failed: this.#counts.failed + 1 }
    this.#dueSinceMs = undefined
    this.#lastCheckpointMs = this.#clock.now()
    for (const { reject } of this.#asked.splice(0)) reject(error)
  }

  // ---- the end ----

  #end(failed: { readonly error: unknown } | undefined): void {
    this.#over = true
    this.#failed = failed
    this.settings.signal?.removeEventListener("abort", this.#onAbort)
    this.#flow.closeSources()
    for (const output of this.outputs) output.end(failed)
    for (const { reject } of this.#asked.splice(0)) reject(this.#refusal())
    this.#wake?.()
    this.#settle()
    if (this.closeAtEnd) this.#release()
  }

  #settle(): void {
    for (const { resolve, reject } of this.#settled.splice(0)) {
      if (this.#failed === undefined) resolve()
      else reject(this.#failed.error)
    }
  }

  readonly #onAbort = (): void => {
    if (!this.#over) this.#end({ error: aborted(this.settings.signal as AbortSignal) })
    void this.close()
  }

  #refusal(): MillraceError {
    if (this.#failed === undefined) return new MillraceError("CLOSED", "the job is over")
    return new MillraceError("CLOSED", "the job has failed; see cause", { cause: this.#failed.error })
  }

  #release(): void {
    if (this.#engine?.handle !== 0) this.#engine?.close()
  }

  async #closeStorage(): Promise<void> {
    try {
      await this.settings.storage?.close?.()
    } catch (cause) {
      throw new MillraceError("STORAGE", "the storage failed to close; see cause", { cause })
    }
  }
}

function aborted(signal: AbortSignal): MillraceError {
  return new MillraceError("ABORTED", "the job was aborted; see cause", { cause: signal.reason })
}

/** A durable job must be able to read its sources again. */
function checkReplay(plan: Plan, { storage }: RunSettings): void {
  if (storage === undefined) return
  for (const { node, uid } of plan.nodes) {
    if (!("readTime" in node) || node.replayable || node.replayNone) continue
    const hint = 'pass { read(position) } or an array, or say replay: "none"'
    throw new MillraceError("SOURCE", `${uid} cannot be read again after a restart: ${hint}`)
  }
}
