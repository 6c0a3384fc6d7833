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
import type { Arrival, Chunk } from "./chunk.ts"
import type { Engine } from "./engine/engine.ts"
import { eventError } from "./graph.ts"
import type { Finished, Ran } from "./graph.ts"
import type { Manifest } from "./manifest.ts"
import type { Output } from "./output.ts"
import { Passage } from "./passage.ts"
import type { Plan, Planned } from "./plan.ts"
import { isComplete, isHeard } from "./reach.ts"
import type { Reader, SavedPosition, SourceNode } from "./sources/source.ts"
import type { Tracing } from "./state/trace.ts"
import { openStep } from "./step.ts"
import type { Step } from "./step.ts"
import { lastWatermark, latestTime, leastWatermark } from "./time/progress.ts"
import type { Timekeeper } from "./time/progress.ts"
import { stamp } from "./sources/stamp.ts"
import type { SteadyClock } from "./time/clock.ts"

/** A source of the job. */
export interface Source extends Timekeeper {
  reader: Reader | undefined
}

/** What a checkpoint saves of a source. */
export interface SavedSource {
  readonly uid: string
  readonly position: SavedPosition | undefined
  readonly timeMax: number
}

const unread = { reader: undefined, timeMax: -Infinity, ended: false }

export class Flow {
  readonly steps: readonly Step[]
  readonly sources: readonly Source[]
  readonly outputs: readonly Output[]
  readonly #plan: Plan
  readonly #clock: SteadyClock
  /** Events read since the job's very first run. */
  sequence = 0
  /** Events read in this run. */
  events = 0
  #busy = false
  /** What functions that were waited for came to. */
  #failed: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined
  #turn = 0
  #complete = false
  /** Steps with timers in processing time. */
  readonly #timed: readonly Step[]

  constructor(plan: Plan, engine: Engine, outputs: readonly Output[], clock: SteadyClock) {
    this.#plan = plan
    this.#clock = clock
    this.outputs = outputs
    const place = { engine, clock }
    this.steps = plan.nodes.map((planned) => openStep(planned, plan, place, outputs))
    this.#timed = this.steps.filter(({ planned, runner }) => {
      return !planned.eventTime && runner?.nextDue !== undefined
    })
    this.sources = plan.nodes.flatMap((planned) =>
      planned.node.kind === "source"
        ? [{ planned, node: planned.node as SourceNode, ...unread }]
        : [],
    )
  }

  /** Open the sources where they were left, or at their start. */
  openSources(saved: readonly SavedSource[], wake: () => void): void {
    for (const source of this.sources) {
      const left = saved.find(({ uid }) => uid === source.planned.uid)
      source.timeMax = left?.timeMax ?? -Infinity
      source.reader = source.node.open(left?.position, wake)
    }
    this.#wake = wake
  }

  /** In the middle of a chunk? Functions may be waited for; then `wake` is called at its end. */
  get busy(): boolean {
    return this.#busy
  }

  /** Throws what functions that were waited for have failed with; nothing may come after. */
  throwFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.error
  }

  savedSources(): SavedSource[] {
    return this.sources.map(({ planned, reader, timeMax }) => {
      return { uid: planned.uid, position: reader?.saved(), timeMax }
    })
  }

  get ended(): boolean {
    return this.sources.every(({ ended }) => ended)
  }

  /** Go on where a checkpoint was taken; its rows are loaded. */
  goOn({ sequence, complete }: Manifest): void {
    this.sequence = sequence
    this.#complete = complete
  }

  /** Will no output hear of a source again, whatever the sources still have? */
  get complete(): boolean {
    this.#complete ||= isComplete(this.#plan, this.steps, this.outputs)
    return this.#complete
  }

  /**
   * Read the next source that has something, in turn, and process it; false when none has.
   *
   * Throws the error of the first event that failed, after the results of those before it are out.
   */
  feed(max: number): boolean {
    for (let tried = 0; tried < this.sources.length; tried++) {
      const source = this.sources[this.#turn++ % this.sources.length] as Source
      if (source.ended) continue
      const events = source.reader?.poll(this.#chunkMax(max))
      if (events === undefined) source.ended = true
      else if (events.length > 0) {
        this.#process(source, events)
        return true
      }
    }
    return false
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
   * Fire the timers in processing time that are due first, of all nodes; false when none is due.
   * What they let go arrives at the time of the timer, as if the clock had been looked at then.
   */
  fireDue(): boolean {
    const now = this.#timed.length === 0 ? 0 : this.#clock.now()
    let first: Step | undefined
    let timeMs = Infinity
    for (const step of this.#timed) {
      const due = step.runner?.nextDue?.(now) ?? Infinity
      if (due > now || due >= timeMs) continue
      first = step
      timeMs = due
    }
    if (first === undefined) return false
    this.#emit(first, { values: first.runner?.fire?.(timeMs) ?? [] }, timeMs)
    return true
  }

  /**
   * Ring at the time of the next timer in processing time; gives what cancels that. While functions
   * are waited for no timer can fire.
   */
  alarm(ring: () => void): () => void {
    if (this.#busy) return () => undefined
    const now = this.#clock.now()
    const due = Math.min(...this.#timed.map(({ runner }) => runner?.nextDue?.(now) ?? Infinity))
    return due === Infinity ? () => undefined : this.#clock.after(due - now, ring, true)
  }

  /** Has the end to wait for timers? */
  get waited(): boolean {
    return this.steps.some((step) => !step.finished && this.#waitsFor(step))
  }

  /** Has a node timers that have to be waited for, and would an output hear of them? */
  #waitsFor({ planned, runner }: Step): boolean {
    return runner?.waited === true && isHeard(planned, this.#plan, this.steps, this.outputs)
  }

  /** Emit a part of what is left in nodes whose sources have all ended; false when nothing is. */
  finish(): boolean {
    for (const step of this.steps) {
      if (step.finished || !this.#over(step.planned)) continue
      if (this.#waitsFor(step)) return false
      const finished = step.runner?.finish?.()
      if (finished !== undefined) {
        this.#emit(step, finished, this.#clock.now())
        return true
      }
      step.finished = true
    }
    return false
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
    for (const { runner } of this.steps) runner?.close?.()
  }

  #over({ sources }: Planned): boolean {
    return this.sources.every(({ planned, ended }) => ended || !sources.has(planned.index))
  }

  #process(source: Source, events: readonly unknown[]): void {
    const now = this.#clock.now()
    const step = this.steps[source.planned.index] as Step
    const stamped = stamp(source, events, this.sequence, now, step.tolerance)
    source.timeMax = stamped.timeMax
    this.sequence += stamped.ran.chunk.arrival.size
    this.events += stamped.ran.chunk.arrival.size
    this.#route(source.planned, stamped.ran)
  }

  /**
   * Send what a node made through all that read it. While functions are waited for the flow is
   * busy; `wake` is called when they have settled.
   */
  #route(origin: Planned, ran: Ran): void {
    this.#busy = true
    const adapt = (planned: Planned, chunk: Chunk) => leastWatermark(this.sources, planned, chunk)
    const passage = new Passage(this.#plan, this.steps, this.outputs, adapt)
    const { first } = ran.chunk.arrival
    let passed: void | Promise<void>
    try {
      passed = passage.send(origin, ran)
    } catch (error) {
      this.#busy = false
      throw error
    }
    if (!(passed instanceof Promise)) {
      this.#busy = false
      return this.#check(passage, first)
    }
    passed
      .then(() => this.#check(passage, first))
      .then(
        () => this.#settled(undefined),
        (error: unknown) => this.#settled({ error }),
      )
  }

  #settled(failed: { readonly error: unknown } | undefined): void {
    this.#busy = false
    this.#failed = failed
    this.#wake()
  }

  /** Throws the error of an event that failed. */
  #check({ failed }: Passage, first: number): void {
    if (failed === undefined) return
    // An event at a time, the job would have ended before it.
    const heard = () => isHeard(failed.culprit, this.#plan, this.steps, this.outputs)
    if (this.complete && !heard()) return
    throw eventError(failed.culprit.uid, first + failed.at, failed.error)
  }

  /** What a node emitted by itself flows on as a chunk of its own. */
  #emit(step: Step, { values, times }: Finished, now: number): void {
    const size = values.length
    const { eventTime } = step.planned
    const filled = (time: number) => new Float64Array(size).fill(time)
    const watermark = lastWatermark(this.sources, step.planned)
    const arrival: Arrival = {
      first: this.sequence,
      size,
      now,
      times: eventTime ? (times ?? filled(latestTime(this.sources, step.planned))) : undefined,
      watermarks: eventTime ? filled(watermark) : undefined,
      watermark: eventTime ? watermark : undefined,
    }
    step.out += size
    this.#route(step.planned, { chunk: { values, at: undefined, arrival } })
  }
}
