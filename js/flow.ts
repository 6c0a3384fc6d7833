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
import { before, merge } from "./chunk.ts"
import type { Arrival, Chunk, Failure } from "./chunk.ts"
import type { Engine } from "./engine/engine.ts"
import { eventError } from "./graph.ts"
import type { Runner, Site } from "./graph.ts"
import type { Manifest } from "./manifest.ts"
import type { Output } from "./output.ts"
import type { Plan, Planned } from "./plan.ts"
import { isComplete, isHeard } from "./reach.ts"
import type { Reader, SavedPosition, SourceNode } from "./sources/source.ts"
import { stamp } from "./sources/stamp.ts"
import type { Clock } from "./time/clock.ts"

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

/** A node of the job. */
export interface Step {
  readonly planned: Planned
  readonly runner: Runner | undefined
  in: number
  out: number
  finished: boolean
}

export class Flow {
  readonly steps: readonly Step[]
  readonly sources: readonly Source[]
  readonly outputs: readonly Output[]
  readonly #plan: Plan
  readonly #clock: Clock
  /** Events read since the job's very first run. */
  sequence = 0
  /** Events read in this run. */
  events = 0
  /** In the middle of a chunk? */
  busy = false
  #turn = 0
  #complete = false

  constructor(plan: Plan, engine: Engine, outputs: readonly Output[], clock: Clock) {
    this.#plan = plan
    this.#clock = clock
    this.outputs = outputs
    this.steps = plan.nodes.map((planned) => openStep(planned, plan, engine, outputs))
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
    this.#complete ||= isComplete(this.#plan, this.steps)
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
      const events = source.reader?.poll(max)
      if (events === undefined) source.ended = true
      else if (events.length > 0) {
        this.#process(source, events)
        return true
      }
    }
    return false
  }

  /** Emit a part of what is left in nodes whose sources have all ended; false when nothing is. */
  finish(): boolean {
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
    const stamped = stamp(source.node, events, this.sequence, now, source.timeMax)
    const { arrival, timeMax, failure } = stamped
    source.timeMax = timeMax
    this.sequence += arrival.size
    this.events += arrival.size
    const values = arrival.size === events.length ? events : events.slice(0, arrival.size)
    this.#route(source.planned, { values, at: undefined, arrival }, failure)
  }

  /** Send a chunk from a node to all that read it, and what they make of it on to the outputs. */
  #route(origin: Planned, chunk: Chunk, failed?: Failure): void {
    this.busy = true
    try {
      this.#routeOn(origin, chunk, failed)
    } finally {
      this.busy = false
    }
  }

  #routeOn(origin: Planned, chunk: Chunk, failed: Failure | undefined): void {
    const made: (Chunk | undefined)[] = []
    made[origin.index] = chunk
    let failure = failed
    let culprit = origin
    for (const step of this.steps) {
      const { planned, runner } = step
      if (planned.index <= origin.index || runner === undefined) continue
      const reaching = planned.inputs.flatMap(({ index }) => made[index] ?? [])
      if (reaching.length === 0) continue
      const merged = merge(reaching)
      const input = failure === undefined ? merged : before(merged, failure.at)
      const ran = runner.run(
        planned.node.kind === "union" ? this.#minWatermark(planned, input) : input,
      )
      step.in += input.values.length
      step.out += ran.chunk.values.length
      made[planned.index] = ran.chunk
      if (ran.failure !== undefined && (failure === undefined || ran.failure.at < failure.at)) {
        failure = ran.failure
        culprit = planned
      }
    }
    this.#deliver(made, failure)
    if (failure === undefined) return
    // An event at a time, the job would have ended before it.
    if (this.complete && !isHeard(culprit, this.#plan, this.steps)) return
    throw eventError(culprit.uid, chunk.arrival.first + failure.at, failure.error)
  }

  #deliver(made: readonly (Chunk | undefined)[], failure: Failure | undefined): void {
    this.#plan.outputs.forEach(({ from }, i) => {
      const chunk = made[from.index]
      if (chunk === undefined) return
      const given = failure === undefined ? chunk : before(chunk, failure.at)
      this.outputs[i]?.push(given.values)
    })
  }

  /** Behind a union of several sources the watermark is the least of theirs. */
  #minWatermark(planned: Planned, chunk: Chunk): Chunk {
    const { watermarks } = chunk.arrival
    if (watermarks === undefined || planned.sources.size < 2) return chunk
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
    this.#route(step.planned, { values, at: undefined, arrival })
  }
}

/** A node's runner; whether its outputs are wanted is asked each time, as outputs get claimed. */
function openStep(planned: Planned, plan: Plan, engine: Engine, outputs: readonly Output[]): Step {
  const { node, uid } = planned
  const read = plan.nodes.some(({ inputs }) => inputs.includes(planned))
  const own = plan.outputs.flatMap(({ from }, i) =>
    from === planned ? [outputs[i] as Output] : [],
  )
  const site: Site = {
    uid,
    engine,
    get wanted() {
      return read || own.some(({ claimed, left }) => claimed && !left)
    },
  }
  const runner = "readTime" in node ? undefined : node.open(site)
  return { planned, runner, in: 0, out: 0, finished: false }
}
