/**
 * The general runner of windows, as Flink's WindowOperator: any assigner, trigger, evictor and
 * function. Windows that C can do whole are aggregate.ts.
 *
 *   event -> its panes (placing.ts) -> trigger -> contents -> emit?    one key at a time
 *   timer -> the panes that are due, of all keys, by (end, first event) -> emit? close?
 *
 * What must stay true: an event takes effect as a whole or not at all; and what comes out does not
 * depend on how events are cut into chunks, so timers are looked at between any two of them. What
 * comes by itself is caused by the event that brought the stream's time there.
 */
import { causeOf, inputOf, ownWatermark, timeOf } from "../../chunk.ts"
import type { Chunk, Failure } from "../../chunk.ts"
import { eventError } from "../../graph.ts"
import type { Finished, OpenWindows, Ran, Runner, Site, Tolerate } from "../../graph.ts"
import type { ErrorEvent } from "../../on_error.ts"
import { Emitted } from "../../sides.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { Tracing } from "../../state/trace.ts"
import type { NamedState } from "../../states.ts"
import { LateCounter } from "../../time/late.ts"
import type { Evictions } from "../evictions.ts"
import { afterChunk } from "../pushed.ts"
import { indexOf, runSlices } from "../slices.ts"
import type { Slice } from "../slices.ts"
import { readerOf } from "../inputs.ts"
import { Taken } from "../taken.ts"
import { endless } from "./counting.ts"
import { NumberSource } from "./numbers.ts"
import { Panes } from "./pane_work.ts"
import type { Emitter, WindowPlan } from "./plan.ts"
import { WindowRows } from "./rows.ts"
import type { Firing } from "./rows.ts"

/** How many results are given in one go while nothing comes, or little more. */
const firedMax = 4096

export class WindowRunner implements Runner {
  readonly states: readonly NamedState[]
  readonly late = new LateCounter()
  readonly evictions?: Evictions
  readonly #site: Site
  readonly #readers: readonly KeyReader[]
  readonly #plan: WindowPlan
  readonly #rows: WindowRows
  readonly #emitter: Emitter
  readonly #work: Panes
  readonly #taken = new Taken()
  /** The number of the event that was taken last, for what is told of errors. */
  #position = 0
  /** What ends the job as soon as what came before it is out. */
  #failed: { readonly error: unknown } | undefined

  /** `readers` are those of its inputs. */
  constructor(site: Site, readers: readonly KeyReader[], plan: WindowPlan) {
    this.#site = site
    this.#readers = readers
    this.#plan = plan
    const numbers = new NumberSource(site)
    this.#emitter = plan.openEmitter(site)
    this.#work = new Panes(plan, site.eventTime, this.#emitter, () => numbers.next())
    this.#rows = new WindowRows(site, plan, this.#work)
    if (this.#emitter.evictions !== undefined) this.evictions = this.#emitter.evictions
    this.states = [...this.#rows.states, numbers.named, ...this.#emitter.states]
  }

  get windows(): OpenWindows {
    const { inclusive, counting } = this.#plan.placing
    const closeBy = counting === undefined ? "time" : counting === endless ? "end" : "count"
    const of = (row: number) => this.#rows.windowsOf(row)
    const { latenessMs: lateMs } = this.#plan
    return { operator: this.#rows.operator, closeBy, inclusive, lateMs, of }
  }

  trace(tracing: Tracing | undefined): void {
    this.#emitter.trace?.(tracing)
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran {
    const out = new Emitted()
    let ended: Failure | undefined
    const run = (slice: Slice) => (ended = ending(() => this.#runSlice(slice, out, tolerate)))
    let failure = runSlices(this.#rows.rows, readerOf(chunk, this.#readers), chunk, run)
    if (failure !== undefined && ended === undefined) {
      const { index } = failure // It was not looked at; what is due before it is.
      failure = ending(() => this.#fireBefore(chunk, index, out)) ?? failure
    }
    return { ...out.ran(chunk.arrival), failure }
  }

  /** The stream's time has gone on to the end of the chunk. */
  settle(chunk: Chunk): Ran | undefined {
    const { arrival, values } = chunk
    const out = new Emitted()
    const failure = ending(() => {
      this.#fire(arrival.watermark ?? arrival.now, chunk, values.length, out)
    })
    for (const { operator } of this.#emitter.states) afterChunk(operator, chunk)
    if (out.size === 0 && failure === undefined) return undefined
    return { ...out.ran(arrival), failure }
  }

  #runSlice(slice: Slice, out: Emitted, tolerate: Tolerate | undefined): void {
    const { chunk, size } = slice
    for (let row = 0; row < size; row++) {
      const index = indexOf(slice, row)
      this.#fireBefore(chunk, index, out)
      try {
        this.#take(chunk, index, row, out)
      } catch (error) {
        const time = timeOf(chunk, index)
        const errorsTo = this.#site.tolerance?.policy.errorsTo
        const route = (told: ErrorEvent) => add(out, told, time, errorsTo)
        const dealt = tolerate?.(index, error, route) ?? { error }
        if ("error" in dealt) throw new Ended({ index, error: dealt.error })
        if ("emit" in dealt) add(out, dealt.emit, time)
      }
    }
  }

  // ---- events ----

  /** The stream's time, as an event finds it. */
  #clockOf({ arrival }: Chunk, cause: number): number {
    return arrival.watermarks?.[cause] ?? arrival.now
  }

  #fireBefore(chunk: Chunk, index: number, out: Emitted): void {
    const cause = causeOf(chunk, index)
    this.#fire(this.#clockOf(chunk, cause), chunk, index, out)
    this.#taken.cause = cause
    this.#taken.of = chunk.arrival
    this.#position = chunk.arrival.first + cause
    out.cause = cause
  }

  #take(chunk: Chunk, index: number, row: number, out: Emitted): void {
    const watermark = this.#clockOf(chunk, out.cause)
    const view = this.#rows.inputView
    view.index = row
    view.watermark = watermark
    view.now = chunk.arrival.now
    view.position = this.#position
    const event = {
      value: chunk.values[index],
      time: timeOf(chunk, index),
      input: inputOf(chunk, index),
      passed: Math.max(watermark, ownWatermark(chunk, index)),
    }
    const { size } = out
    try {
      if (this.#rows.change(view, event, out)) return
      this.late.add(chunk, index)
      if (this.#plan.lateTo !== undefined) add(out, event.value, event.time, this.#plan.lateTo)
    } catch (error) {
      out.size = size
      throw error
    }
  }

  // ---- timers ----

  /** What is due by a time of the stream, before value `index`. Throws {@link Ended}. */
  #fire(upto: number, chunk: Chunk, index: number, out: Emitted): void {
    if (!this.#rows.mayBeDue(upto)) return
    const { arrival } = chunk
    const taken = this.#taken
    const { watermarks, watermark, now } = arrival
    this.#rows.fire(upto, out, {
      begin(timeMs) {
        out.cause = watermarks === undefined ? taken.in(arrival) : taken.causeOf(chunk, timeMs)
        const position = arrival.first + out.cause
        return { watermark: watermarks?.[out.cause + 1] ?? watermark ?? now, now, position }
      },
      fail: (error, keyOf) => {
        const position = arrival.first + out.cause
        const left = this.#deal(error, keyOf, position, out)
        if (left !== undefined) throw new Ended({ index, at: out.cause, error: left.error })
      },
    })
  }

  /** A window failed by itself: gives the error that is to end the job. */
  #deal(
    error: unknown,
    keyOf: () => unknown,
    position: number,
    out: Emitted,
  ): { readonly error: unknown } | undefined {
    const { tolerance, uid: operator } = this.#site
    if (tolerance === undefined) return { error }
    const tell = () => ({ event: undefined, error, operator, key: keyOf(), position })
    const route = (told: ErrorEvent) => out.add(told, tolerance.policy.errorsTo)
    const dealt = tolerance.deal(error, tell, route)
    if ("error" in dealt) return dealt
    if ("emit" in dealt) out.add(dealt.emit)
    return undefined
  }

  // ---- in processing time, and at the end ----

  nextDue(now: number): number {
    return this.#failed === undefined ? this.#rows.nextDue(now) : -Infinity
  }

  fire(timeMs: number): Finished {
    const { eventTime, watermark } = this.#site
    return this.#byItself((out, firing) => {
      if (eventTime) this.#rows.ring(timeMs, out, firing(watermark, timeMs))
      else this.#rows.fire(timeMs, out, firing(timeMs, timeMs))
    })
  }

  finish(): Finished | undefined {
    const now = this.#site.clock.now()
    const finished = this.#byItself((out, firing) => {
      this.#rows.fire(Infinity, out, firing(Infinity, now), firedMax)
    })
    return finished.values.length === 0 ? undefined : finished
  }

  /** What no chunk brings; a failure comes when what came before it is out. */
  #byItself(
    work: (out: Emitted, firing: (watermark: number, now: number) => Firing) => void,
  ): Finished {
    if (this.#failed !== undefined) throw this.#failed.error as Error
    this.#position = this.#site.position
    const out = new Emitted()
    const fail: Firing["fail"] = (error, keyOf) => {
      const left = this.#deal(error, keyOf, this.#position, out)
      if (left === undefined) return
      throw new Ended({ index: 0, error: eventError(this.#site.label, this.#position, left.error) })
    }
    const firing = (watermark: number, now: number): Firing => {
      return { begin: () => ({ watermark, now, position: this.#position }), fail }
    }
    const ended = ending(() => work(out, firing))
    const failure = ended ?? this.evictions?.tell({ first: this.#position })
    if (failure !== undefined && out.size === 0) throw failure.error as Error
    this.#failed = failure
    return out.finished(this.#site.eventTime)
  }
}

function add(out: Emitted, value: unknown, timeMs: number, tag?: WindowPlan["lateTo"]): void {
  out.timeMs = timeMs
  out.add(value, tag)
}

/** Do something that may end the job; gives the failure. */
function ending(work: () => void): Failure | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof Ended) return error.failure
    throw error
  }
}

/** The job ends with a failure. */
class Ended extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super()
    this.failure = failure
  }
}
