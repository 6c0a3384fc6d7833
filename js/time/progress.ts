/**
 * How far event time has come, at every node of a plan.
 *
 *     source            what its generator says
 *     one input         as far as that
 *     several inputs    the least of those that count, at event after event
 *
 * An input counts no more when its sources have ended and what was left in its operators is out;
 * and not while its sources are idle. With all inputs idle time has come as far as the furthest.
 *
 * What must stay true: the watermark of a node never goes back, whoever counts again and after a
 * restart too; and it does not depend on how events are cut into chunks.
 */
import type { Chunk } from "../chunk.ts"
import type { Parts } from "../parts.ts"
import type { Plan, Planned } from "../plan.ts"
import type { SourceNode } from "../sources/source.ts"
import type { Step } from "../step.ts"

/** A source, as far as time goes. */
export interface Timekeeper {
  readonly planned: Planned
  readonly node: SourceNode
  /** Latest event time, and the watermark that the generator made of events. */
  timeMax: number
  watermark: number
  /** Since when it has been asked for events and has given none, by the clock. */
  silentSinceMs: number | undefined
  /** Nothing has come for its `idleAfter`. */
  idle: boolean
  ended: boolean
  /** Was it read in a part of a concat that is over? */
  over: boolean
}

/** What a checkpoint saves of a node with several inputs. */
export interface SavedWatermark {
  readonly uid: string
  readonly watermark: number
}

/** What reaches a node through one of its inputs. */
interface Reaching {
  readonly input: Planned
  readonly chunk: Chunk
}

/** A node whose watermark has gone on although nothing came. */
interface Moved {
  readonly planned: Planned
  readonly before: number
  readonly watermark: number
}

export class Progress {
  readonly #steps: readonly Step[]
  readonly #parts: Parts
  /** The sources of each node, by its index; and those that are nodes. */
  readonly #sources: readonly (readonly Timekeeper[])[]
  readonly #nodes: ReadonlyMap<number, Timekeeper>
  /** Nodes with several inputs, of several sources. */
  readonly #joins: ReadonlySet<Planned>
  /** How far they have come, by their index. */
  readonly #reached = new Map<number, number>()
  readonly #rooms = new Map<number, Float64Array>()

  constructor(
    { nodes }: Plan,
    steps: readonly Step[],
    sources: readonly Timekeeper[],
    parts: Parts,
  ) {
    this.#steps = steps
    this.#parts = parts
    this.#nodes = new Map(sources.map((source) => [source.planned.index, source]))
    this.#sources = nodes.map((node) =>
      sources.filter(({ planned }) => node.sources.has(planned.index)),
    )
    const joins = nodes.filter(({ eventTime, inputs, sources }) => {
      return eventTime && inputs.length > 1 && sources.size > 1
    })
    this.#joins = new Set(joins)
  }

  saved(): SavedWatermark[] {
    return [...this.#joins].map((planned) => ({ uid: planned.uid, watermark: this.at(planned) }))
  }

  goOn(saved: readonly SavedWatermark[]): void {
    for (const { uid, watermark } of saved) {
      const join = [...this.#joins].find((planned) => planned.uid === uid)
      if (join !== undefined) this.#reached.set(join.index, watermark)
    }
  }

  /** The watermark of a node: how far it has come. */
  at(planned: Planned): number {
    let node = planned
    while (node.inputs.length > 0 && !this.#joins.has(node)) node = node.inputs[0] as Planned
    if (node.inputs.length > 0) return this.#reached.get(node.index) ?? -Infinity
    return this.#nodes.get(node.index)?.watermark ?? -Infinity
  }

  /** The sources that a node's watermark is of: of several, those that have come least far. */
  holders(planned: Planned): readonly Timekeeper[] {
    const { inputs, index } = planned
    if (inputs.length === 0) return [this.#nodes.get(index) as Timekeeper]
    if (!this.#joins.has(planned)) return this.holders(inputs[0] as Planned)
    const counted = this.#counted(planned)
    const reached = this.#reachedBy(planned, counted)
    const holding = counted.length > 0 ? counted : inputs.filter((input) => this.#isIdle(input))
    return holding.filter((input) => this.at(input) === reached).flatMap((i) => this.holders(i))
  }

  /** As {@link at}; at the end of all its sources, the furthest of theirs. */
  lastAt(planned: Planned): number {
    const own = this.#of(planned)
    const live = own.some(({ ended }) => !ended)
    return live ? this.at(planned) : Math.max(...own.map(({ watermark }) => watermark))
  }

  /** The latest time that any of a node's sources has named; what a late reader takes for now. */
  latestTime(planned: Planned): number {
    return Math.max(...this.#of(planned).map(({ timeMax }) => timeMax))
  }

  /** Have all sources of a node ended? */
  ended(planned: Planned): boolean {
    return this.#of(planned).every(({ ended }) => ended)
  }

  /** What a node gets of what reaches it: behind several inputs, with the least watermarks. */
  join(planned: Planned, merged: Chunk, reaching: readonly Reaching[]): Chunk {
    const { arrival } = merged
    const { watermarks, own = watermarks, size } = arrival
    if (watermarks === undefined || !this.#joins.has(planned)) return merged
    const reached = this.at(planned)
    const counted = this.#counted(planned)
    const others = counted.filter((each) => reaching.every(({ input }) => input !== each))
    const least = Math.min(...others.map((input) => this.at(input)))
    const before = this.#room(planned, watermarks.length)
    if (size === 0)
      before.fill(reached) // No event came, only time has gone on.
    else leastOf(reaching, least, reached, before)
    const watermark = Math.max(reached, this.#reachedBy(planned, counted))
    this.#reached.set(planned.index, watermark)
    return { ...merged, arrival: { ...arrival, watermarks: before, own, watermark } }
  }

  /** For the watermarks of an arrival, written over those of the last one; see `StampRoom`. */
  #room({ index }: Planned, size: number): Float64Array {
    let room = this.#rooms.get(index)
    if (room === undefined || room.length < size) {
      room = new Float64Array(size)
      this.#rooms.set(index, room)
    }
    return room.length === size ? room : room.subarray(0, size)
  }

  /** A node behind several inputs that time goes on at, as one of them counts no more. */
  move(): Moved | undefined {
    for (const planned of this.#joins) {
      const before = this.at(planned)
      const watermark = this.#reachedBy(planned, this.#counted(planned))
      if (watermark <= before) continue
      this.#reached.set(planned.index, watermark)
      return { planned, before, watermark }
    }
    return undefined
  }

  /** How far the inputs have come that count; of none that do, the idle ones. */
  #reachedBy({ inputs }: Planned, counted: readonly Planned[]): number {
    if (counted.length > 0) return Math.min(...counted.map((input) => this.at(input)))
    const idle = inputs.filter((input) => this.#isIdle(input))
    return Math.max(...idle.map((input) => this.at(input)))
  }

  /** The inputs that count. */
  #counted({ index, inputs }: Planned): Planned[] {
    const gone: boolean[] = []
    for (const step of this.#steps.slice(0, index)) gone.push(this.isGone(step, gone))
    return inputs.filter((input) => !this.#isIdle(input) && gone[input.index] === false)
  }

  /** Has nothing come for long from any of its sources that could give something? */
  #isIdle(input: Planned): boolean {
    const live = this.#of(input).filter(({ ended }) => !ended)
    const quiet = live.every((source) => source.idle || this.#parts.waits(source))
    return quiet && live.some(({ idle }) => idle)
  }

  /**
   * Will a node give nothing more, also nothing of what is left at the end, given which of the
   * nodes before it in the plan will not?
   */
  isGone({ planned, runner, finished, over }: Step, gone: readonly boolean[]): boolean {
    if (over || runner?.done === true) return true
    if (runner === undefined) return this.#nodes.get(planned.index)?.ended === true
    if (runner.finish !== undefined && !finished) return false
    return planned.inputs.every(({ index }) => gone[index])
  }

  #of({ index }: Planned): readonly Timekeeper[] {
    return this.#sources[index] as readonly Timekeeper[]
  }
}

/** Write the least of `least` and of what comes through each input, but not below `reached`. */
function leastOf(
  reaching: readonly Reaching[],
  least: number,
  reached: number,
  watermarks: Float64Array,
): void {
  watermarks.fill(least)
  for (const { chunk } of reaching) {
    const through = chunk.arrival.watermarks
    if (through === undefined) continue
    for (let i = 0; i < watermarks.length; i++) {
      if ((through[i] as number) < (watermarks[i] as number)) watermarks[i] = through[i] as number
    }
  }
  for (let i = 0; i < watermarks.length; i++) {
    if ((watermarks[i] as number) < reached) watermarks[i] = reached
  }
}
