/**
 * The loop of process functions: events, and in between the timers that are due.
 *
 * In event time a timer at t fires when the watermark passes t, in between the events of a chunk:
 * before the event that finds the watermark there, and caused by the one that brought it there. It
 * sees state as it is at t. In processing time the job asks.
 *
 * What must stay true: a timer is off when its call has taken effect, and not before. So what is
 * saved has each timer that did not fire, and the state of each that did.
 */
import { causeOf, firstBeyond, timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import { Batch } from "../engine/batch.ts"
import { fillKeys } from "../engine/fill.ts"
import { entryKeyOf, ownerOf } from "../engine/keyed_rows.ts"
import { sliceRowsMax } from "../engine/operator.ts"
import type { Due } from "../engine/timers.ts"
import { eventError } from "../graph.ts"
import type { Finished, Ran, Runner, Site, Tolerate } from "../graph.ts"
import type { ErrorEvent } from "../on_error.ts"
import { Emitted } from "../sides.ts"
import { refusePromise } from "../state/access.ts"
import type { KeyReader } from "../state/keys.ts"
import type { Descriptor } from "../state/kinds.ts"
import type { NamedState } from "../states.ts"
import type { AnyTag } from "../tag.ts"
import { Life } from "./life.ts"
import { namedState, namedTimers, openStates, openTimers } from "./process_states.ts"
import { tellEvicted } from "./evictions.ts"
import { afterChunk } from "./pushed.ts"
import { Seat } from "./seat.ts"
import type { Domain, Handlers, OpenState, OpenTimers, When } from "./seat.ts"

interface Failed {
  readonly error: unknown
}

/** How many timers fire in one go, while nothing comes. */
const firedMax = 4096

export class ProcessRunner implements Runner {
  readonly states: readonly NamedState[]
  readonly #site: Site
  readonly #read: KeyReader
  readonly #handlers: Handlers
  readonly #life: Life
  readonly #input: Batch
  readonly #seat: Seat
  readonly #timers: ReadonlyMap<Domain, OpenTimers>
  readonly #shown: readonly OpenState[]
  /** The latest `now` that a function has seen: it never runs backwards. */
  #now = -Infinity
  /** The event that was taken last, of which arrival; what it sets can fire no earlier. */
  #lastCause = -1
  #lastOf: unknown
  /** That event's number in the job; what is told of timers that fail. */
  #position = 0
  /** How far event time has come. */
  #watermark = -Infinity
  /** What ends the job as soon as what came before it is out. */
  #failed: Failed | undefined

  constructor(
    site: Site,
    read: KeyReader,
    state: Readonly<Record<string, Descriptor<unknown>>>,
    handlers: Handlers,
    outputs: readonly AnyTag[],
  ) {
    this.#site = site
    this.#read = read
    this.#handlers = handlers
    this.#life = new Life(site.uid, handlers)
    this.#input = new Batch(site.engine)
    this.#shown = openStates(site, state)
    this.#timers = handlers.onTimer === undefined ? new Map() : openTimers(site)
    this.states = [...this.#shown.map(namedState), ...Array.from(this.#timers, namedTimers)]
    this.#seat = new Seat(site.engine, site.uid, this.#shown, this.#timers, outputs)
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran {
    const out = new Emitted()
    const size = chunk.values.length
    if (size > 0) this.#life.open()
    let failure: Failure | undefined
    for (let from = 0; from < size && failure === undefined; from += sliceRowsMax) {
      const upto = Math.min(from + sliceRowsMax, size)
      const filled = fillKeys(this.#input, chunk, this.#read, from, upto, 0)
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
    const { watermark = -Infinity } = arrival
    if (watermark > this.#watermark) this.#watermark = watermark
    const failure = this.#fireUpTo(watermark, chunk, values.length, out)
    for (const { operator, copy } of this.#shown) {
      tellEvicted(operator, copy)
      afterChunk(operator, chunk)
    }
    if (out.size === 0 && failure === undefined) return undefined
    return { ...out.ran(arrival), failure }
  }

  nextDue(now: number): number {
    if (this.#failed !== undefined) return -Infinity
    const due = this.#timers.get("processing")?.timers.next(now) ?? Infinity
    return Math.max(due, this.#now)
  }

  fire(timeMs: number, watermark: number): Finished {
    this.#now = Math.max(this.#now, timeMs)
    if (watermark > this.#watermark) this.#watermark = watermark
    const out = new Emitted()
    this.#fireAll("processing", this.#now, out, (due) => this.#whenNow(due, watermark))
    return out.finished(false)
  }

  /** All timers fire: those in event time, and what they set; then those in processing time. */
  finish(): Finished | undefined {
    this.#seat.ending = true
    this.#now = Math.max(this.#now, this.#site.clock.now())
    const out = new Emitted()
    const inEventTime = this.#fireAll("event", Infinity, out, ({ timeMs }) => {
      const passedMs = Math.max(this.#watermark, timeMs)
      return { timestamp: timeMs, watermark: Infinity, timeMs, passedMs, now: this.#now }
    })
    if (inEventTime) return out.finished(true)
    const whenNow = (due: Due) => this.#whenNow(due, Infinity, this.#watermark)
    // One by one, where each may set others in event time, which come first.
    const most = this.#site.eventTime ? 1 : firedMax
    const fired = this.#fireAll("processing", Infinity, out, whenNow, most)
    return fired ? out.finished(false) : undefined
  }

  close(): void {
    this.#life.close()
  }

  // ---- events ----

  #take(
    chunk: Chunk,
    index: number,
    row: number,
    out: Emitted,
    tolerate: Tolerate | undefined,
  ): Failure | undefined {
    const { arrival, values } = chunk
    const cause = causeOf(chunk, index)
    this.#lastCause = cause
    this.#lastOf = arrival
    this.#position = arrival.first + cause
    this.#now = Math.max(this.#now, arrival.now)
    const timeMs = timeOf(chunk, index)
    const watermark = arrival.watermarks?.[cause]
    const when = {
      timestamp: timeMs,
      watermark: watermark ?? -Infinity,
      timeMs,
      passedMs: watermark ?? timeMs,
      now: this.#now,
    }
    out.cause = cause
    out.timeMs = timeMs
    const { state, ctx, out: give } = this.#seat
    this.#seat.begin(this.#input.keyRange(row), when, out)
    try {
      refusePromise(this.#handlers.process(values[index], state, ctx, give))
      this.#seat.commit()
    } catch (error) {
      this.#seat.abandon()
      const dealt = tolerate?.(index, error) ?? { error }
      if ("error" in dealt) return { index, error: dealt.error }
      if ("emit" in dealt) out.add(dealt.emit)
    }
    const failed = this.#fireOverdue(out, when)
    return failed && { index, error: failed.error, at: cause }
  }

  // ---- timers in event time ----

  /** What is due before a value of the chunk. */
  #fireBefore(chunk: Chunk, index: number, out: Emitted): Failure | undefined {
    const watermark = chunk.arrival.watermarks?.[causeOf(chunk, index)] ?? -Infinity
    return this.#fireUpTo(watermark, chunk, index, out)
  }

  /** Fire what is due by a watermark: timers of times before it. */
  #fireUpTo(watermark: number, chunk: Chunk, index: number, out: Emitted): Failure | undefined {
    const open = this.#timers.get("event")
    const { arrival } = chunk
    const { watermarks } = arrival
    if (open === undefined || watermarks === undefined) return undefined
    const uptoMs = Math.ceil(watermark) - 1
    for (;;) {
      const due = open.timers.first(uptoMs)
      if (due === undefined) return undefined
      const least = this.#lastOf === arrival ? this.#lastCause + 1 : 0
      const found = Math.max(firstBeyond(watermarks, due.timeMs), least)
      const at = Math.max(found - 1, 0)
      out.cause = at
      out.timeMs = due.timeMs
      this.#position = arrival.first + at
      this.#now = Math.max(this.#now, arrival.now)
      const before = watermarks[at] ?? -Infinity
      const when = {
        timestamp: due.timeMs,
        watermark: watermarks[found] ?? arrival.watermark ?? watermark,
        timeMs: due.timeMs,
        passedMs: Math.max(before, due.timeMs),
        now: this.#now,
      }
      const failed = this.#fireOne("event", due, out, when) ?? this.#fireOverdue(out, when)
      if (failed !== undefined) return { index, at, error: failed.error }
    }
  }

  // ---- timers in processing time, and at the end ----

  /** What a call has set to a time that has passed fires at once. */
  #fireOverdue(out: Emitted, when: When): Failed | undefined {
    const open = this.#timers.get("processing")
    for (;;) {
      const due = open?.timers.first(this.#now)
      if (due === undefined) return undefined
      const failed = this.#fireOne("processing", due, out, { ...when, timestamp: due.timeMs })
      if (failed !== undefined) return failed
    }
  }

  /** The same of the watermark, while no event comes; at the end all of them have their turn. */
  #firePassed(out: Emitted): Failed | undefined {
    const open = this.#seat.ending ? undefined : this.#timers.get("event")
    const [watermark, now] = [this.#watermark, this.#now]
    for (;;) {
      const due = open?.timers.first(Math.ceil(watermark) - 1)
      if (due === undefined) return undefined
      const { timeMs } = due
      const when = { timestamp: timeMs, watermark, timeMs, passedMs: watermark, now }
      const failed = this.#fireOne("event", due, out, when) ?? this.#fireOverdue(out, when)
      if (failed !== undefined) return failed
    }
  }

  /** State is as it is now: in event time, as far as that has come. */
  #whenNow({ timeMs: timestamp }: Due, watermark: number, reached = watermark): When {
    const now = this.#now
    const { eventTime } = this.#site
    const timeMs = eventTime ? reached : now
    return {
      timestamp,
      watermark: eventTime ? watermark : -Infinity,
      timeMs,
      passedMs: timeMs,
      now,
    }
  }

  /** Fire a bounded number of timers; false when none was due. Throws what one failed with. */
  #fireAll(
    domain: Domain,
    uptoMs: number,
    out: Emitted,
    whenOf: (due: Due) => When,
    most = firedMax,
  ): boolean {
    if (this.#failed !== undefined) throw this.#failed.error
    const open = this.#timers.get(domain)
    let fired = 0
    for (; fired < most && this.#failed === undefined; fired++) {
      const due = open?.timers.first(uptoMs)
      if (due === undefined) break
      out.timeMs = due.timeMs
      const failed = this.#fireOne(domain, due, out, whenOf(due)) ?? this.#firePassed(out)
      if (failed !== undefined) {
        this.#failed = { error: eventError(this.#site.uid, this.#position, failed.error) }
      }
    }
    for (const { operator, copy } of this.#shown) tellEvicted(operator, copy)
    if (this.#failed !== undefined && out.size === 0) throw (this.#failed as Failed).error
    return fired > 0
  }

  /** Call the function for a timer; gives the error that is to end the job. */
  #fireOne(domain: Domain, due: Due, out: Emitted, when: When): Failed | undefined {
    const { operator, timers } = this.#timers.get(domain) as OpenTimers
    const seat = this.#seat
    this.#life.open()
    seat.begin(ownerOf(operator, due.row), when, out)
    seat.fire(domain, entryKeyOf(operator, due.row) as number | string)
    try {
      refusePromise(this.#handlers.onTimer?.(due.timeMs, seat.state, seat.ctx, seat.out))
      seat.commit()
      return undefined
    } catch (error) {
      const { key } = seat
      seat.abandon()
      const { tolerance, uid: operatorUid } = this.#site
      if (tolerance === undefined) return { error }
      const position = this.#position
      const tell = () => ({ event: undefined, error, operator: operatorUid, key, position })
      const route = (told: ErrorEvent) => out.add(told, tolerance.policy.errorsTo)
      const dealt = tolerance.deal(error, tell, route)
      if ("error" in dealt) return dealt
      timers.drop(due.row)
      if ("emit" in dealt) out.add(dealt.emit)
      return undefined
    }
  }
}
