/**
 * Left events, each with the last right one before it: once the watermark has passed them, in the
 * order of their times. Each is caused by the event that brought the watermark there.
 */
import { causeOf } from "../../chunk.ts"
import type { Chunk, Failure } from "../../chunk.ts"
import { joinColumns } from "../../engine/abi.ts"
import { valueOfCell } from "../../engine/adopt.ts"
import type { Finished, Ran, Site } from "../../graph.ts"
import { Emissions } from "../emissions.ts"
import type { Slice } from "../pushed.ts"
import { causeOfTime } from "../taken.ts"
import { JoinRunner, Pair } from "./runner.ts"
import type { Joined, JoinPlan } from "./runner.ts"
import type { AsOfSpec } from "./spec.ts"

type Give = (pair: Pair, timeMs: number) => void

export class AsOfRunner extends JoinRunner {
  readonly #outer: boolean

  constructor(site: Site, plan: JoinPlan, { toleranceMs, type }: AsOfSpec) {
    super(site, plan, { beforeMs: toleranceMs, afterMs: 0, asOf: true })
    this.#outer = type === "left"
  }

  settle(chunk: Chunk): Ran | undefined {
    const { watermark } = chunk.arrival
    if (watermark === undefined) return undefined
    const out = new Emissions(chunk, true)
    this.#passUpTo(watermark, giverOf(chunk, out))
    return out.size === 0 ? undefined : { chunk: out.chunk() }
  }

  /** The source has ended, and time with it. */
  finish(): Finished | undefined {
    const values: Pair[] = []
    const times: number[] = []
    const give: Give = (pair, timeMs) => {
      values.push(pair)
      times.push(timeMs)
    }
    while (this.#pass(Infinity, give)) if (values.length > 0) break
    return values.length === 0 ? undefined : { values, times: Float64Array.from(times) }
  }

  /** Where events are limited, what is over goes before the next is looked at. */
  protected take(slice: Slice, joined: Joined): void {
    const { results, engine } = this.operator
    const { size, positions } = results
    const cells = results.column(joinColumns.JOIN_CELL)
    for (let i = 0; i < size; i++) {
      const { u32, f64 } = engine.views
      if (f64[cells + i] === 0) this.leaveOut(slice, u32[positions + i] as number, joined)
    }
    this.#giveAll(giverOf(slice.chunk, joined.out))
  }

  protected override failed(chunk: Chunk, { index }: Failure, { out }: Joined): void {
    const watermark = chunk.arrival.watermarks?.[causeOf(chunk, index)]
    if (watermark !== undefined) this.#passUpTo(watermark, giverOf(chunk, out))
  }

  #passUpTo(watermark: number, give: Give): void {
    while (this.#pass(watermark, give));
  }

  /** Let time go on, and give some of what comes of it; true when there is more. */
  #pass(watermark: number, give: Give): boolean {
    const more = this.operator.advance(watermark)
    this.#giveAll(give)
    return more
  }

  /** Give what the results have, but for events that were late. */
  #giveAll(give: Give): void {
    const { results, engine } = this.operator
    const { size, times } = results
    const [lefts, leftsAt, rights, rightsAt] = columns.map((column) => results.column(column)) as [
      number,
      number,
      number,
      number,
    ]
    engine.refs.touch(lefts, size)
    engine.refs.touch(rights, size)
    for (let i = 0; i < size; i++) {
      let { f64 } = engine.views
      const right = f64[rights + i] as number
      const cell = f64[lefts + i] as number
      if (cell === 0 || (right === 0 && !this.#outer)) continue
      const left = valueOfCell(this.operator, cell, f64[leftsAt + i] as number)
      ;({ f64 } = engine.views) // Memory may have grown.
      const partner =
        right === 0 ? undefined : valueOfCell(this.operator, right, f64[rightsAt + i] as number)
      give(new Pair(left, partner), engine.views.f64[times + i] as number)
    }
    engine.refs.collect()
  }
}

const columns = [
  joinColumns.JOIN_CELL,
  joinColumns.JOIN_CELL_AT,
  joinColumns.JOIN_RIGHT,
  joinColumns.JOIN_RIGHT_AT,
]

/** An event is passed when the watermark is behind its time. */
function giverOf(chunk: Chunk, out: Emissions): Give {
  return (pair, timeMs) => out.emit(pair, causeOfTime(chunk, timeMs + 1), timeMs)
}
