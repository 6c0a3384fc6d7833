/**
 * The general runner of windows, as Flink's WindowOperator: any assigner, trigger, evictor and
 * function. Windows that C can do whole are window_aggregate.ts.
 *
 *   event -> its panes (window_panes.ts) -> trigger -> contents -> emit?      one key at a time
 *   timer -> the panes that are due, of all keys, by (end, first event) -> emit? close?
 *
 * The row of a key holds its panes, and has one timer: at the first thing that any of them waits
 * for. What must stay true: an event takes effect as a whole or not at all; and what comes out does
 * not depend on how events are cut into chunks, so timers are looked at between any two of them.
 */
import { causeOf, ownWatermark, timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import { fillKeys } from "../engine/fill.ts"
import { sliceRowsMax } from "../engine/operator.ts"
import { ownError } from "../graph.ts"
import type { Finished, Ran, Runner, Site, Tolerate } from "../graph.ts"
import type { KeyReader } from "../state/keys.ts"
import type { Tracing } from "../state/trace.ts"
import type { NamedState } from "../states.ts"
import { LateCounter } from "../time/late.ts"
import { causeOfTime } from "./holding.ts"
import { afterChunk } from "./pushed.ts"
import { NumberSource } from "./window_numbers.ts"
import { WindowOut } from "./window_out.ts"
import { Panes } from "./window_pane_work.ts"
import { WindowRows } from "./window_rows.ts"
import type { Emitter, WindowPlan } from "./window_plan.ts"

/** How many results are given in one go at the end of the source, or little more. */
const finishedMax = 4096

export class WindowRunner implements Runner {
  readonly states: readonly NamedState[]
  readonly late = new LateCounter()
  readonly #site: Site
  readonly #read: KeyReader
  readonly #plan: WindowPlan
  readonly #rows: WindowRows
  readonly #emitter: Emitter
  readonly #work: Panes
  /** The event that was taken last, and its arrival: what it sets can come no earlier. */
  #lastCause = 0
  #lastOf: Chunk["arrival"] | undefined

  constructor(site: Site, read: KeyReader, plan: WindowPlan) {
    this.#site = site
    this.#read = read
    this.#plan = plan
    const numbers = new NumberSource(site)
    this.#emitter = plan.openEmitter(site)
    this.#work = new Panes(plan, site.eventTime, this.#emitter, () => numbers.next())
    this.#rows = new WindowRows(site, plan, this.#work)
    this.states = [this.#rows.named, numbers.named, ...this.#emitter.states]
  }

  trace(tracing: Tracing | undefined): void {
    this.#emitter.trace?.(tracing)
  }

  settle(chunk: Chunk): undefined {
    for (const { operator, readRow } of this.#emitter.states) {
      if (readRow !== undefined) afterChunk(operator, chunk)
    }
    return undefined
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran {
    const out = new WindowOut()
    const failure = this.#runFrom(0, chunk, out, tolerate)
    return { chunk: out.chunk(chunk), sides: out.sides(chunk), failure }
  }

  #runFrom(
    start: number,
    chunk: Chunk,
    out: WindowOut,
    tolerate: Tolerate | undefined,
  ): Failure | undefined {
    const { input } = this.#rows.operator
    const size = chunk.values.length
    for (let from = start; from < size;) {
      const upto = Math.min(from + sliceRowsMax, size)
      const filled = fillKeys(input, chunk, this.#read, from, upto, 0)
      if (filled.size > 0) this.#rows.find()
      for (let row = 0; row < filled.size; row++) {
        const index = filled.rows === undefined ? from + row : (filled.rows[row] as number)
        const failure = this.#try(chunk, index, out, tolerate, () =>
          this.#take(chunk, index, row, out, tolerate),
        )
        if (failure !== undefined) return failure
      }
      from = upto
      if (filled.failure === undefined) continue
      const { index, error } = filled.failure
      const failure = this.#try(chunk, index, out, tolerate, () => {
        this.#fireBefore(chunk, index, out, tolerate)
        throw error
      })
      if (failure !== undefined) return failure
      from = index + 1
    }
    const { watermark, now } = chunk.arrival
    return this.#guard(() => this.#fire(watermark ?? now, chunk, out, tolerate))
  }

  /** Do something with an event; gives the failure that ends the job. */
  #try(
    chunk: Chunk,
    index: number,
    out: WindowOut,
    tolerate: Tolerate | undefined,
    work: () => void,
  ): Failure | undefined {
    return this.#guard(() => {
      try {
        work()
      } catch (error) {
        if (error instanceof Ended) throw error
        this.#deal(chunk, index, error, out, tolerate)
      }
    })
  }

  #guard(work: () => void): Failure | undefined {
    try {
      work()
      return undefined
    } catch (error) {
      if (error instanceof Ended) return error.failure
      throw error
    }
  }

  /** An event failed, or what it let emit: throws {@link Ended}, or it is left out. */
  #deal(
    chunk: Chunk,
    index: number,
    error: unknown,
    out: WindowOut,
    tolerate: Tolerate | undefined,
  ): void {
    const dealt = tolerate?.(index, error) ?? { error }
    if ("error" in dealt) throw new Ended({ index, error: dealt.error })
    if ("emit" in dealt) {
      out.cause = causeOf(chunk, index)
      out.add(dealt.emit, timeOf(chunk, index))
    }
  }

  // ---- events ----

  /** The stream's time, as an event finds it. */
  #clockAt({ arrival }: Chunk, cause: number): number {
    return arrival.watermarks?.[cause] ?? arrival.now
  }

  /** What is due before an event. */
  #fireBefore(chunk: Chunk, index: number, out: WindowOut, tolerate: Tolerate | undefined): number {
    const cause = causeOf(chunk, index)
    const clock = this.#clockAt(chunk, cause)
    this.#fire(clock, chunk, out, tolerate)
    this.#lastCause = cause
    this.#lastOf = chunk.arrival
    out.cause = cause
    return clock
  }

  #take(
    chunk: Chunk,
    index: number,
    row: number,
    out: WindowOut,
    tolerate: Tolerate | undefined,
  ): void {
    const watermark = this.#fireBefore(chunk, index, out, tolerate)
    const view = { ...this.#rows.viewOfInput(row), watermark, now: chunk.arrival.now }
    const event = {
      value: chunk.values[index],
      time: timeOf(chunk, index),
      passed: Math.max(watermark, ownWatermark(chunk, index)),
    }
    const undo = out.mark()
    try {
      const taken = this.#rows.change(row, (open) => {
        const placed = this.#work.place(open, event)
        return placed.late
          ? undefined
          : { placed, apply: () => this.#work.apply(placed, event, view, out) }
      })
      if (taken) return
      this.late.add(chunk, index)
      const { lateTo } = this.#plan
      if (lateTo !== undefined) out.addTo(lateTo, event.value, event.time)
    } catch (error) {
      undo()
      throw error
    }
  }

  // ---- timers ----

  /** All that is due by a time of the stream, in order. Throws {@link Ended}. */
  #fire(upto: number, chunk: Chunk, out: WindowOut, tolerate: Tolerate | undefined): void {
    const last = this.#lastOf === chunk.arrival ? this.#lastCause : 0
    const { watermarks, watermark, now } = chunk.arrival
    this.#rows.fire(upto, out, {
      begin(timeMs) {
        out.cause = watermarks === undefined ? last : Math.max(causeOfTime(chunk, timeMs), last)
        return { watermark: watermarks?.[out.cause + 1] ?? watermark ?? now, now }
      },
      fail: (error) => this.#deal(chunk, valueOf(chunk, out.cause), error, out, tolerate),
    })
  }

  // ---- in processing time, and at the end ----

  nextDue(now: number): number {
    return this.#site.eventTime ? Infinity : this.#rows.timers.next(now)
  }

  fire(timeMs: number): Finished {
    const out = new WindowOut()
    const begin = () => ({ watermark: timeMs, now: timeMs })
    this.#rows.fire(timeMs, out, { begin, fail: this.#raise })
    return { values: out.values }
  }

  /** No event is to blame. */
  readonly #raise = (error: unknown): never => {
    throw ownError(this.#site.uid, error)
  }

  finish(): Finished | undefined {
    const out = new WindowOut()
    const begin = () => ({ watermark: Infinity, now: this.#site.clock.now() })
    this.#rows.fire(Infinity, out, { begin, fail: this.#raise }, finishedMax)
    return out.finished()
  }
}

/** The value of a chunk that an event of the arrival caused, or the next one. */
function valueOf(chunk: Chunk, cause: number): number {
  const { length } = chunk.values
  let index = 0
  while (index < length - 1 && causeOf(chunk, index) < cause) index++
  return index
}

/** The job ends with a failure. */
class Ended extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super()
    this.failure = failure
  }
}
