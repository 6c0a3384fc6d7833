/**
 * Pairs of events that are near in time: each as soon as the later of its events has come. In event
 * time it has the later of their times; by arrival, the time of the event that came last.
 */
import type { Chunk } from "../../chunk.ts"
import { joinColumns } from "../../engine/abi.ts"
import { valueOfCell } from "../../engine/adopt.ts"
import { isEncoded } from "../../engine/refs.ts"
import { Timers } from "../../engine/timers.ts"
import type { Finished, Site } from "../../graph.ts"
import type { Within } from "../../windows/trigger.ts"
import type { Slice } from "../pushed.ts"
import { JoinRunner, Pair } from "./runner.ts"
import type { Joined, JoinPlan } from "./runner.ts"
import type { IntervalSpec } from "./spec.ts"

type Bounds = Pick<IntervalSpec, "beforeMs" | "afterMs">

export class PairRunner extends JoinRunner {
  constructor(site: Site, plan: JoinPlan, { beforeMs, afterMs }: Bounds) {
    super(site, plan, { beforeMs, afterMs, asOf: false })
  }

  /** The watermark has gone on to the end of the chunk: what is over by then goes. */
  settle({ arrival: { watermark } }: Chunk): undefined {
    if (watermark !== undefined) this.letGo(watermark)
  }

  protected letGo(timeMs: number): void {
    while (this.operator.advance(timeMs));
    this.operator.engine.refs.collect()
  }

  protected take(slice: Slice, joined: Joined): void {
    const { results, engine, input } = this.operator
    const { processing } = input
    const { chunk, from, filled } = slice
    const { rows } = filled
    const { values, at, inputs = 0 } = chunk
    const { out } = joined
    const { size, positions, times } = results
    const cells = results.column(joinColumns.JOIN_CELL)
    const cellsAt = results.column(joinColumns.JOIN_CELL_AT)
    const { refs } = engine
    refs.touch(cells, size)
    out.reserve(size)
    let { u32, f64 } = engine.views
    for (let i = 0; i < size; i++) {
      const row = u32[positions + i] as number
      const cell = f64[cells + i] as number
      if (cell === 0) {
        this.leaveOut(slice, row, joined)
        continue
      }
      const index = rows === undefined ? from + row : (rows[row] as number)
      const event = values[index]
      let other: unknown
      if (isEncoded(cell)) {
        other = valueOfCell(this.operator, cell, f64[cellsAt + i] as number)
        ;({ u32, f64 } = engine.views) // Memory may have grown.
      } else other = refs.get(cell)
      const side = typeof inputs === "number" ? inputs : (inputs[index] as number)
      const pair = side === 0 ? new Pair(event, other) : new Pair(other, event)
      if (processing) out.add(pair, index)
      else
        out.emit(pair, at === undefined ? index : (at[index] as number), f64[times + i] as number)
    }
    refs.collect()
  }
}

/** Times are told apart by so little, or less. */
const leastMs = 1 / 1024

/** Pairs by the time of arrival; events go by the clock, also while nothing comes. */
export class ArrivalRunner extends PairRunner {
  readonly #timers: Timers

  constructor(site: Site, plan: JoinPlan, { ms }: Within) {
    const bounds = { beforeMs: ms - leastMs, afterMs: ms - leastMs }
    super(site, { ...plan, limits: { ...plan.limits, timeDomain: "processing" } }, bounds)
    this.#timers = new Timers(this.operator)
  }

  override settle({ arrival: { now } }: Chunk): undefined {
    this.letGo(now)
    this.#timers.changed()
  }

  nextDue(now: number): number {
    return this.#timers.next(now)
  }

  fire(timeMs: number): Finished {
    this.letGo(timeMs)
    this.#timers.changed()
    return { values: [] }
  }
}
