/**
 * A plan at work: sources are read chunk by chunk, and each chunk goes through every node that it
 * reaches, before the next one is read.
 *
 *   poll a source -> arrival -> node -> node -> outputs
 *
 * What must stay true: outputs are those of processing one event at a time. If event i fails in any
 * node, only results of events before i are given, whatever the chunk size; nodes that come later
 * see nothing of event i either.
 */
import { Alarms } from "./alarms.ts"
import type { Arrival } from "./chunk.ts"
import type { Engine } from "./engine/engine.ts"
import { eventError } from "./graph.ts"
import type { Finished, Ran } from "./graph.ts"
import { Leftovers } from "./leftovers.ts"
import type { Output } from "./output.ts"
import { Parts } from "./parts.ts"
import { Passage } from "./passage.ts"
import { spread } from "./sides.ts"
import type { Plan, Planned } from "./plan.ts"
import { isComplete, isHeard } from "./reach.ts"
import type { SavedFlow } from "./saved.ts"
import { openSource, savedSource, sourcesOf } from "./sources/reading.ts"
import type { SavedSource, Source } from "./sources/reading.ts"
import type { Tracing } from "./state/trace.ts"
import { openStep } from "./step.ts"
import type { Step } from "./step.ts"
import { isHeardOf, isSilent, nextIdleMs } from "./time/idle.ts"
import { Progress } from "./time/progress.ts"
import { stamp } from "./sources/stamp.ts"
import type { SteadyClock } from "./time/clock.ts"

export class Flow {
  readonly steps: readonly Step[]
  readonly sources: readonly Source[]
  readonly outputs: readonly Output[]
  readonly parts: Parts
  readonly progress: Progress
  readonly leftovers: Leftovers
  readonly #plan: Plan
  readonly #clock: SteadyClock
  /** Events read since the job's very first run. */
  sequence = 0
  /** Events read in this run. */
  events = 0
  /** When what is on its way arrived; undefined: nothing is. */
  #arrivedMs: number | undefined
  /** What functions that were waited for came to. */
  #failed: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined
  #turn = 0
  #complete = false
  /** What functions are waited for in. */
  #passage: Passage | undefined
  readonly #alarms: Alarms

  constructor(plan: Plan, engine: Engine, outputs: readonly Output[], clock: SteadyClock) {
    this.#plan = plan
    this.#clock = clock
    this.outputs = outputs
    const watermarkAt = (planned: Planned): number => this.progress.at(planned)
    const position = () => Math.max(this.sequence - 1, 0)
    const place = { engine, clock, watermarkAt, position }
    this.steps = plan.nodes.map((planned) => openStep(planned, plan, place, outputs))
    this.#alarms = new Alarms(this.steps, clock)
    this.sources = sourcesOf(plan)
    this.parts = new Parts(plan, this.steps, this.sources, outputs)
    this.progress = new Progress(plan, this.steps, this.sources, this.parts)
    this.leftovers = new Leftovers(plan, this.steps, outputs, this.progress)
  }

  /** Open the sources where they were left, or at their start; but for those that are over. */
  openSources(saved: readonly SavedSource[], wake: () => void): void {
    for (const source of this.sources) openSource(source, saved, wake)
    this.#wake = wake
  }

  /** In the middle of a chunk? Functions may be waited for; then `wake` is called at its end. */
  get busy(): boolean {
    return this.#arrivedMs !== undefined
  }

  /** Is a step in the middle of what it gives at its end? */
  get midway(): boolean {
    return this.parts.midway || this.leftovers.midway
  }

  /** Throws what functions that were waited for have failed with; nothing may come after. */
  throwFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.error
  }

  savedSources(): SavedSource[] {
    return this.sources.map(savedSource)
  }

  get ended(): boolean {
    return this.sources.every(({ ended }) => ended)
  }

  /** Go on where a checkpoint or savepoint was taken; its rows are loaded. */
  goOn(saved: SavedFlow): void {
    const { over = [], watermarks = [], ended = [] } = saved
    this.parts.goOn(over)
    this.progress.goOn(watermarks)
    this.leftovers.goOn(saved.finished ? "all" : ended)
    this.sequence = saved.sequence
    this.#complete = saved.complete
  }

  /** Will no output hear of a source again, whatever the sources still have? */
  get complete(): boolean {
    this.#complete ||= isComplete(this.#plan, this.steps, this.outputs)
    return this.#complete
  }

  /**
   * Read the next source that has something at `now`, in turn, and process it; or let time go on
   * without one that has ended, or is idle. False when there is nothing to do.
   *
   * Throws the error of the first event that failed, after the results of those before it are out.
   */
  feed(max: number, now: number): boolean {
    if (this.#goForth()) return true
    for (let tried = 0; tried < this.sources.length; tried++) {
      const source = this.sources[this.#turn++ % this.sources.length] as Source
      if (source.ended || this.parts.waits(source)) continue
      const events = source.reader?.poll(this.#chunkMax(max))
      if (events !== undefined && events.length > 0) {
        isHeardOf(source)
        this.#process(source, events, now)
        return true
      }
      if (events === undefined) source.ended = true
      else if (!isSilent(source, now)) continue
      if (this.#goForth()) return true
    }
    return false
  }

  /** What lets time go on, although nothing comes: an end, or a silence. */
  #goForth(): boolean {
    if (this.parts.goForth((step, finished) => this.#emit(step, finished))) return true
    if (!this.ended && this.sources.some(({ ended }) => ended) && this.finish()) return true
    const moved = this.progress.move()
    if (moved === undefined) return false
    const { planned, before, watermark } = moved
    const times = new Float64Array([this.progress.latestTime(planned)])
    const watermarks = new Float64Array([before])
    const now = this.#clock.now()
    const arrival = { first: this.sequence, size: 0, now, times, watermarks, watermark }
    const chunk = { values: [], at: undefined, arrival }
    this.#route(planned, this.steps[planned.index]?.runner?.settle?.(chunk) ?? { chunk })
    return true
  }

  /**
   * The first chunk is one event, which tells which functions give promises; where they do, chunks
   * are short, as a chunk goes on only when all its promises have settled.
   */
  #chunkMax(max: number): number {
    let most = max
    for (const { runner } of this.steps) {
      if (runner?.concurrency === undefined) continue
      if (this.events === 0) return 1
      if (runner.waits !== true) continue
      most = Math.min(most, runner.concurrency === 1 ? 1 : 2 * runner.concurrency)
    }
    return most
  }

  /**
   * Fire the timers in processing time that are due first, by `now`; false when none is due. What
   * they let go arrives at the time of the timer, as if the clock had been looked at then.
   */
  fireDue(now: number): boolean {
    const due = this.#alarms.firstDue(now)
    if (due === undefined) return false
    const { step, timeMs } = due
    this.#emit(step, step.runner?.fire?.(timeMs) ?? { values: [] }, timeMs)
    return true
  }

  /**
   * How far processing time has come: `now`, but not beyond a timer that is still to be fired, nor
   * beyond events that are on their way.
   */
  passedMs(now: number): number {
    if (this.#arrivedMs !== undefined) return this.#arrivedMs
    return Math.min(now, this.#alarms.firstDue(now)?.timeMs ?? now)
  }

  /**
   * Ring at the time of the next timer in processing time, and when a source will be idle; gives
   * what cancels that. While functions are waited for no timer can fire.
   */
  alarm(ring: () => void): () => void {
    return this.busy ? () => undefined : this.#alarms.alarm(ring, nextIdleMs(this.sources))
  }

  /** Emit a piece of what is left in nodes whose sources have ended; false when nothing is. */
  finish(): boolean {
    return this.leftovers.emit((step, finished) => this.#emit(step, finished))
  }

  closeSources(): void {
    for (const source of this.sources) {
      source.reader?.close()
      source.ended = true
    }
  }

  /** Tell how functions use their state, from the next chunk on; undefined: no more. */
  trace(tracing: Tracing | undefined): void {
    for (const { runner } of this.steps) runner?.trace?.(tracing)
  }

  /** Give up functions that are still waited for. */
  close(): void {
    this.#passage?.stop()
    for (const { runner } of this.steps) runner?.close?.()
  }

  #process(source: Source, events: readonly unknown[], now: number): void {
    const step = this.steps[source.planned.index] as Step
    const stamped = stamp(source, events, this.sequence, now, step.tolerance)
    source.timeMax = stamped.timeMax
    source.watermark = stamped.watermark
    this.parts.follow()
    this.leftovers.goOnFrom(source.planned)
    this.sequence += stamped.ran.chunk.arrival.size
    this.events += stamped.ran.chunk.arrival.size
    this.#route(source.planned, stamped.ran)
  }

  /**
   * Send what a node made through all that read it. While functions are waited for the flow is
   * busy; `wake` is called when they have settled.
   */
  #route(origin: Planned, ran: Ran): void {
    const passage = new Passage(this.#plan, this.steps, this.outputs, this.progress)
    const { first, now } = ran.chunk.arrival
    this.#arrivedMs = now
    let passed: void | Promise<void>
    try {
      passed = passage.send(origin, ran)
    } catch (error) {
      this.#arrivedMs = undefined
      throw error
    }
    if (!(passed instanceof Promise)) {
      this.#arrivedMs = undefined
      return this.#check(passage, first)
    }
    this.#passage = passage
    passed
      .then(() => this.#check(passage, first))
      .then(
        () => this.#settled(undefined),
        (error: unknown) => this.#settled({ error }),
      )
  }

  #settled(failed: { readonly error: unknown } | undefined): void {
    this.#arrivedMs = undefined
    this.#passage = undefined
    this.#failed = failed
    this.#wake()
  }

  /** Throws the error of an event that failed. */
  #check({ failed }: Passage, first: number): void {
    if (failed === undefined) return
    // An event at a time, the job would have ended before it.
    const heard = () => isHeard(failed.culprit, this.#plan, this.steps, this.outputs)
    if ((this.complete || this.parts.isLeft(failed.culprit)) && !heard()) return
    throw eventError(failed.culprit.label, first + failed.at, failed.error)
  }

  /** What a node emitted by itself flows on as a chunk of its own. */
  #emit(step: Step, finished: Finished, now = this.#clock.now()): void {
    const { values, times } = finished
    const size = values.length
    const { eventTime } = step.planned
    const filled = (time: number) => new Float64Array(size).fill(time)
    const watermark = this.progress.at(step.planned)
    const arrival: Arrival = {
      first: this.sequence,
      size,
      now,
      times: eventTime ? (times ?? filled(this.progress.latestTime(step.planned))) : undefined,
      watermarks: eventTime ? filled(watermark) : undefined,
      watermark: eventTime ? watermark : undefined,
    }
    const ran = spread(finished, arrival)
    step.out += ran.chunk.values.length
    this.#route(step.planned, ran)
  }
}
