/**
 * The loop of process functions: events, and in between the timers that are due.
 *
 * In event time a timer at t fires when the watermark passes t, in between the events of a chunk:
 * before the event that finds the watermark there, and caused by the one that brought it there. It
 * sees state as it is at t. In processing time the job asks.
 */
import { causeOf, firstBeyond, inputOf, timeOf } from "../../chunk.ts"
import type { Arrival, Chunk, Failure } from "../../chunk.ts"
import { Batch } from "../../engine/batch.ts"
import { fillKeys } from "../../engine/fill.ts"
import { sliceRowsMax } from "../../engine/operator.ts"
import type { Finished, Ran, Runner, Site, Tolerate } from "../../graph.ts"
import type { ErrorEvent } from "../../on_error.ts"
import { Emitted } from "../../sides.ts"
import { refusePromise } from "../../state/access.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { Descriptor } from "../../state/kinds.ts"
import type { NamedState } from "../../states.ts"
import type { AnyTag } from "../../tag.ts"
import { Evictions } from "../evictions.ts"
import type { Untold } from "../evictions.ts"
import { readerOf } from "../inputs.ts"
import { Firing } from "./firing.ts"
import { namedState, namedTimers, openStates, openTimers } from "./states.ts"
import { afterChunk } from "../pushed.ts"
import { Taken } from "../taken.ts"
import { Seat } from "./seat.ts"
import type { Handler, Handlers, OpenState } from "./seat.ts"

/** What process functions are made of. */
export interface ProcessPlan {
  /** The keys of the events of each input. */
  readonly readers: readonly KeyReader[]
  readonly state: Readonly<Record<string, Descriptor<unknown>>>
  /** States that are one for all keys: events of the second input are broadcast to them. */
  readonly broadcast: Readonly<Record<string, Descriptor<unknown>>> | undefined
  readonly handlers: Handlers
  readonly outputs: readonly AnyTag[]
}

export class ProcessRunner implements Runner {
  readonly states: readonly NamedState[]
  readonly evictions = { tell: (arrival: Pick<Arrival, "first">) => this.#tell(arrival) }
  readonly #site: Site
  readonly #readers: readonly KeyReader[]
  readonly #process: Handlers["process"]
  /** Are events of the second input broadcast? */
  readonly #broadcasts: boolean
  readonly #input: Batch
  readonly #shown: readonly OpenState[]
  readonly #seat: Seat
  readonly #firing: Firing
  /** Of states that tell of what they evict. */
  readonly #evictions: readonly Evictions[]
  readonly #taken = new Taken()

  constructor(site: Site, { readers, state, broadcast, handlers, outputs }: ProcessPlan) {
    this.#site = site
    this.#readers = readers
    this.#broadcasts = broadcast !== undefined
    this.#process = handlers.process
    this.#input = new Batch(site.engine)
    this.#shown = [...openStates(site, state, false), ...openStates(site, broadcast ?? {}, true)]
    this.#evictions = this.#shown.flatMap(({ operator, copy }) =>
      operator.spec.limits.onEvict === undefined ? [] : [new Evictions(operator, copy)],
    )
    const timers = handlers.onTimer === undefined ? new Map() : openTimers(site)
    this.states = [...this.#shown.map(namedState), ...Array.from(timers, namedTimers)]
    this.#seat = new Seat(site.engine, site.label, this.#shown, timers, outputs)
    this.#firing = new Firing(site, this.#seat, timers, handlers, this.#evictions)
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran {
    const out = new Emitted()
    const size = chunk.values.length
    if (size > 0) this.#firing.life.open()
    this.#seat.ending = false // A source that had ended may have more after all.
    const read = readerOf(chunk, this.#readers)
    let failure: Failure | undefined
    for (let from = 0; from < size && failure === undefined; from += sliceRowsMax) {
      const upto = Math.min(from + sliceRowsMax, size)
      const filled = fillKeys(this.#input, chunk, read, from, upto, 0)
      for (let row = 0; row < filled.size && failure === undefined; row++) {
        const index = filled.rows === undefined ? from + row : (filled.rows[row] as number)
        failure =
          this.#fireBefore(chunk, index, out) ?? this.#take(chunk, index, row, out, tolerate)
      }
      const { failure: refused } = filled
      if (failure !== undefined || refused === undefined) continue
      failure = this.#fireBefore(chunk, refused.index, out) ?? refused
    }
    return { ...out.ran(chunk.arrival), failure }
  }

  /** The watermark has gone on to the end of the chunk. */
  settle(chunk: Chunk): Ran | undefined {
    const { arrival, values } = chunk
    const out = new Emitted()
    let failure = this.#fireUpTo(arrival.watermark ?? -Infinity, chunk, values.length, out)
    for (const { operator } of this.#shown) afterChunk(operator, chunk)
    const untold = failure === undefined ? this.#tell(arrival) : undefined
    if (untold !== undefined) failure = { index: values.length, ...untold }
    if (out.size === 0 && failure === undefined) return undefined
    return { ...out.ran(arrival), failure }
  }

  nextDue(now: number): number {
    return this.#firing.nextDue(now)
  }

  fire(timeMs: number): Finished {
    const out = new Emitted()
    this.#firing.now = Math.max(this.#firing.now, timeMs)
    this.#firing.position = this.#site.position
    this.#firing.due(out)
    return out.finished(false)
  }

  finish(): Finished | undefined {
    const out = new Emitted()
    this.#seat.ending = true
    this.#firing.now = Math.max(this.#firing.now, this.#site.clock.now())
    this.#firing.position = this.#site.position
    if (this.#firing.last("event", out)) return out.finished(true)
    return this.#firing.last("processing", out) ? out.finished(false) : undefined
  }

  close(): void {
    this.#firing.life.close()
  }

  #tell(arrival: Pick<Arrival, "first">): Untold | undefined {
    let untold: Untold | undefined
    for (const evictions of this.#evictions) untold ??= evictions.tell(arrival)
    return untold
  }

  #take(
    chunk: Chunk,
    index: number,
    row: number,
    out: Emitted,
    tolerate: Tolerate | undefined,
  ): Failure | undefined {
    const { arrival, values } = chunk
    const cause = causeOf(chunk, index)
    this.#taken.cause = cause
    this.#taken.of = arrival
    this.#arrive(arrival, cause)
    const { now } = this.#firing
    const timeMs = timeOf(chunk, index)
    const { [cause]: watermark } = arrival.watermarks ?? []
    const shown = watermark ?? -Infinity
    const when = { timestamp: timeMs, watermark: shown, timeMs, passedMs: watermark ?? now, now }
    out.cause = cause
    out.timeMs = timeMs
    const input = inputOf(chunk, index)
    const process = this.#process[input] as Handler
    const broadcasts = this.#broadcasts && input === 1
    const { ctx, out: give } = this.#seat
    const state = broadcasts ? this.#seat.broadcast : this.#seat.state
    this.#seat.begin(this.#input.keyRange(row), when, out, broadcasts)
    try {
      refusePromise(process(values[index], state, ctx, give))
      this.#seat.commit()
      for (const evictions of this.#evictions) evictions.takeFor(this.#firing.position)
    } catch (error) {
      this.#seat.abandon()
      const route = (told: ErrorEvent) => out.add(told, this.#site.tolerance?.policy.errorsTo)
      const dealt = tolerate?.(index, error, route) ?? { error }
      if ("error" in dealt) return { index, error: dealt.error }
      if ("emit" in dealt) out.add(dealt.emit)
    }
    const failed = this.#firing.overdue(out, when)
    return failed && { index, error: failed.error, at: cause }
  }

  /** Fire what is due before a value of the chunk. */
  #fireBefore(chunk: Chunk, index: number, out: Emitted): Failure | undefined {
    const watermark = chunk.arrival.watermarks?.[causeOf(chunk, index)] ?? -Infinity
    return this.#fireUpTo(watermark, chunk, index, out)
  }

  /** Fire what is due by a watermark: timers of times before it. */
  #fireUpTo(watermark: number, chunk: Chunk, index: number, out: Emitted): Failure | undefined {
    const { arrival } = chunk
    const { watermarks } = arrival
    if (watermarks === undefined) return undefined
    for (;;) {
      const due = this.#firing.first("event", Math.ceil(watermark) - 1)
      if (due === undefined) return undefined
      const { timeMs } = due
      const least = this.#taken.of === arrival ? this.#taken.cause + 1 : 0
      const found = Math.max(firstBeyond(watermarks, timeMs), least)
      const at = Math.max(found - 1, 0)
      out.cause = at
      out.timeMs = timeMs
      this.#arrive(arrival, at)
      const when = {
        timestamp: timeMs,
        watermark: watermarks[found] ?? arrival.watermark ?? watermark,
        timeMs,
        passedMs: Math.max(watermarks[at] ?? -Infinity, timeMs),
        now: this.#firing.now,
      }
      const failed = this.#firing.one("event", due, out, when) ?? this.#firing.overdue(out, when)
      if (failed !== undefined) return { index, at, error: failed.error }
    }
  }

  /** Functions see the time of an event, or of what it lets fire. */
  #arrive(arrival: Arrival, cause: number): void {
    this.#firing.now = Math.max(this.#firing.now, arrival.now)
    this.#firing.position = arrival.first + cause
  }
}
