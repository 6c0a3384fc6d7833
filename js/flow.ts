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
import type { Ran, Site } from "./graph.ts"
import type { Manifest } from "./manifest.ts"
import { Tolerance } from "./on_error.ts"
import type { Output } from "./output.ts"
import { Passage } from "./passage.ts"
import type { Step } from "./passage.ts"
import type { Plan, Planned } from "./plan.ts"
import { isComplete, isHeard } from "./reach.ts"
import type { Reader, SavedPosition, SourceNode } from "./sources/source.ts"
import { stamp } from "./sources/stamp.ts"
import type { SteadyClock } from "./time/clock.ts"

/** A source of the job. */
export interface Source {
  readonly planned: Planned
  readonly node: SourceNode
  reader: Reader | undefined
  /** Latest event time; the watermark is `disorderMs` behind it, at the end +Infinity. */
  timeMax: number
  ended: boolean
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

  constructor(plan: Plan, engine: Engine, outputs: readonly Output[], clock: SteadyClock) {
    this.#plan = plan
    this.#clock = clock
    this.outputs = outputs
    const place = { engine, clock }
    this.steps = plan.nodes.map((planned) => openStep(planned, plan, place, outputs))
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
    if (this.#failed !== undefined) throw this.#failed.error
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

  /** Emit a part of what is left in nodes whose sources have all ended; false when nothing is. */
  finish(): boolean {
    if (this.#failed !== undefined) throw this.#failed.error
    for (const step of this.steps) {
      if (step.finished || !this.#over(step.planned)) continue
      const values = step.runner?.finish?.()
      if (values !== undefined) {
        this.#emit(step, values)
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

  /** Give up functions that are still waited for. */
  close(): void {
    for (const { runner } of this.steps) runner?.close?.()
  }

  /** The watermark of a node: the least of its sources that have not ended. */
  watermarkOf({ sources }: Planned): number {
    let least = Infinity
    for (const source of this.sources) {
      if (source.ended || !sources.has(source.planned.index)) continue
      least = Math.min(least, source.timeMax - source.node.disorderMs)
    }
    return least
  }

  /** The latest time that any of a node's sources has named; what a late reader takes for now. */
  latestTime({ sources }: Planned): number {
    const times = this.sources.map(({ planned, timeMax }) =>
      sources.has(planned.index) ? timeMax : -Infinity,
    )
    return Math.max(...times)
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
    const adapt = (planned: Planned, chunk: Chunk) => this.#minWatermark(planned, chunk)
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

  /** Behind a union of several sources the watermark is the least of theirs. */
  #minWatermark(planned: Planned, chunk: Chunk): Chunk {
    const { watermarks } = chunk.arrival
    const union = planned.node.kind === "union" && planned.sources.size > 1
    if (watermarks === undefined || !union) return chunk
    const others = this.watermarkOf(planned)
    const least = watermarks.map((watermark) => Math.min(watermark, others))
    return { ...chunk, arrival: { ...chunk.arrival, watermarks: least } }
  }

  /** What a node emitted at the end flows on as a chunk of its own. */
  #emit(step: Step, values: readonly unknown[]): void {
    const size = values.length
    const time = this.latestTime(step.planned)
    const timed = step.planned.eventTime
    const arrival: Arrival = {
      first: this.sequence,
      size,
      now: this.#clock.now(),
      times: timed ? new Float64Array(size).fill(time) : undefined,
      watermarks: timed ? new Float64Array(size).fill(time) : undefined,
    }
    step.out += size
    this.#route(step.planned, { chunk: { values, at: undefined, arrival } })
  }
}

/** A node's runner; whether its outputs are wanted is asked each time, as outputs get claimed. */
function openStep(
  planned: Planned,
  plan: Plan,
  place: Pick<Site, "engine" | "clock">,
  outputs: readonly Output[],
): Step {
  const { node, uid } = planned
  const read = plan.nodes.some(({ inputs }) => inputs.includes(planned))
  const own = plan.outputs.flatMap(({ from, tag }, i) =>
    tag === undefined && from.includes(planned) ? [outputs[i] as Output] : [],
  )
  const site: Site = {
    uid,
    ...place,
    get wanted() {
      return read || own.some(({ claimed, left }) => claimed && !left)
    },
  }
  const runner = "readTime" in node ? undefined : node.open(site)
  const keyOf = ("keyOf" in node ? node.keyOf : undefined) ?? (() => undefined)
  const tolerance = node.onError === undefined ? undefined : new Tolerance(node.onError, uid, keyOf)
  return { planned, runner, tolerance, in: 0, out: 0, finished: false }
}
