/**
 * Sessions at work: events come to them, one after another.
 *
 *   event -> sessions that are over by its watermark end -> its own session -> user's function
 *
 * Functions that give promises: a session ends only when all events before the one that ends it
 * are done, so of a slice such a piece is in flight at once as no session can end in.
 */
import { causeOf, causedBy, timeIn, timeOf } from "../../chunk.ts"
import type { Arrival, Chunk, Failure } from "../../chunk.ts"
import { Operator } from "../../engine/operator.ts"
import { sessionFields, SessionRows } from "../../engine/session_rows.ts"
import type { Finished, Ran, Runner, Site, Tolerate } from "../../graph.ts"
import { copyOf } from "../../copy.ts"
import { isPromise, UserState } from "../../state/access.ts"
import type { KeyReader } from "../../state/keys.ts"
import { TracedAccess } from "../../state/trace.ts"
import type { Tracing } from "../../state/trace.ts"
import { LateCounter } from "../../time/late.ts"
import { Emissions } from "../emissions.ts"
import { Flights } from "../flights.ts"
import { Seats } from "../seats.ts"
import type { Seat } from "../seats.ts"
import { SessionEnds } from "./ends.ts"
import type { SessionPlan } from "./ends.ts"
import { SessionAccess } from "./access.ts"
import { overAt } from "./rule.ts"
import { indexOf, runSlices } from "../slices.ts"
import type { Slice } from "../slices.ts"
import type { Moments } from "./access.ts"

/** What comes of a chunk. */
interface Passage {
  readonly out: Emissions
  /** The values that were late. */
  readonly late: number[]
  readonly tolerate: Tolerate | undefined
}

type Piece = Slice & Passage

/** What is over for an event: by the watermark, and by that of its own source. */
function passedOf({ watermarks, own }: Arrival, cause: number): number {
  if (watermarks === undefined) return -Infinity
  const watermark = watermarks[cause] as number
  return own === undefined ? watermark : Math.max(watermark, own[cause] as number)
}

/** A seat whose accessor may be wrapped. */
interface SessionSeat extends Seat {
  readonly own: SessionAccess
}

export class SessionRunner implements Runner, Moments {
  readonly operator: Operator
  readonly concurrency: number
  readonly late = new LateCounter()
  readonly #site: Site
  readonly #read: KeyReader
  readonly #plan: SessionPlan
  readonly #sessions: SessionRows
  readonly #ends: SessionEnds
  readonly #seats: Seats<SessionSeat>
  readonly #evicts: boolean
  readonly #flights: Flights
  #tracing: Tracing | undefined
  /** What is being run. */
  #piece!: Piece

  constructor(site: Site, read: KeyReader, plan: SessionPlan) {
    const { rule: session, limits } = plan
    const spec = { kind: "session", session, fields: sessionFields, limits } as const
    this.#site = site
    this.#read = read
    this.#plan = plan
    this.concurrency = plan.concurrency.limit
    this.operator = new Operator(
      site.engine,
      site.uid,
      { ...spec, timers: true, keepEvicted: true },
      site.label,
    )
    this.#evicts = plan.limits.evict
    this.#sessions = new SessionRows(this.operator)
    this.#ends = new SessionEnds(this.#sessions, plan)
    this.#seats = new Seats(() => this.#newSeat())
    this.#flights = new Flights(this.#seats, this.operator.input, plan.concurrency)
  }

  #newSeat(): SessionSeat {
    const { rule, initial, each } = this.#plan
    const own = new SessionAccess(this.#sessions, this, rule, initial)
    const keyAt = (row: number) => this.operator.input.keyAt(row)
    const tracing = this.#tracing
    const access =
      tracing === undefined ? own : new TracedAccess(own, this.operator.uid, keyAt, tracing)
    const state = new UserState(access)
    return {
      own,
      access,
      verb: {
        call: (value) => (own.late ? undefined : each(value, own.isNew, state)),
        accept: (result, _, index, out) => {
          if (own.late) this.#leaveOut(index)
          else if (result !== undefined) out.add(access.plain(result), index)
        },
      },
    }
  }

  trace(tracing: Tracing | undefined): void {
    this.#tracing = tracing
    this.#seats.renew()
  }

  get waits(): boolean {
    return this.#flights.begun
  }

  readRow(row: number): unknown {
    const { first, others } = this.#sessions.sessionsOf(row)
    return [first, ...others].map(({ start, last, count, has, state }) => {
      const session = { start, end: last + this.#plan.rule.gapMs, count }
      return has ? { ...session, state: copyOf(state) } : session
    })
  }

  close(): void {
    this.#flights.giveUp()
  }

  timeAt(row: number): number {
    return timeOf(this.#piece.chunk, indexOf(this.#piece, row))
  }

  passedAt(row: number): number {
    const { chunk } = this.#piece
    return passedOf(chunk.arrival, causeOf(chunk, indexOf(this.#piece, row)))
  }

  /** What made room for an event's session ends with it. */
  committed(row: number): void {
    if (!this.#evicts) return
    const { chunk, out } = this.#piece
    const index = indexOf(this.#piece, row)
    for (const { row: evicted } of this.operator.evicted()) {
      this.#ends.all(evicted, out, causeOf(chunk, index), timeOf(chunk, index))
    }
    this.operator.freeEvicted()
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran | Promise<Ran> {
    const passage = { out: new Emissions(chunk, this.#site.wanted), late: [], tolerate }
    const run = (slice: Slice) => this.#runSlice((this.#piece = { ...slice, ...passage }), 0)
    const failure = runSlices(this.#sessions.rows, this.#read, chunk, run)
    if (!(failure instanceof Promise)) return this.#ranTo(chunk, passage, failure)
    return failure.then((failure) => this.#ranTo(chunk, passage, failure))
  }

  #ranTo(chunk: Chunk, { out, late }: Passage, failure: Failure | undefined): Ran {
    if (failure !== undefined) {
      const { watermarks } = chunk.arrival
      this.#ends.upTo(watermarks?.[causeOf(chunk, failure.index)] ?? -Infinity, chunk, out)
    }
    const { lateTo } = this.#plan
    if (lateTo === undefined || late.length === 0) return { chunk: out.chunk(), failure }
    late.sort((a, b) => a - b)
    const values = late.map((index) => chunk.values[index])
    const side = causedBy(chunk, values, Uint32Array.from(late))
    return { chunk: out.chunk(), sides: new Map([[lateTo, side]]), failure }
  }

  #runSlice(slice: Piece, start: number): Failure | undefined | Promise<Failure | undefined> {
    // Chunks and slices are of many shapes: what the loop wants of them is read before it.
    const { size, out, tolerate, chunk, rows, from } = slice
    const { values, arrival, at, times } = chunk
    const { watermarks } = arrival
    const { own, access, verb } = this.#seats.seat
    const { taken } = this.#ends
    for (let row = start; row < size; row++) {
      const index = rows === undefined ? from + row : (rows[row] as number)
      const cause = at === undefined ? index : (at[index] as number)
      let made = out.size
      try {
        const watermark = watermarks?.[cause]
        if (watermark === undefined) this.#endOverdue(row, cause, out)
        else {
          if (this.#sessions.timers.mayBeDue(watermark)) this.#ends.upTo(watermark, chunk, out)
          taken.cause = cause
          taken.of = arrival
        }
        made = out.size
        if (access !== own) access.begin(row)
        else own.beginAt(row, timeIn(arrival, times, index, cause))
        const result = verb.call(values[index])
        if (isPromise(result)) return this.#fly(slice, row, result)
        verb.accept(result, values[index], index, out)
        access.commit()
      } catch (error) {
        if (access.open) access.abandon()
        out.size = made
        const failure = out.dealt(tolerate, index, error)
        if (failure !== undefined) return failure
      }
    }
    return undefined
  }

  /** The rows from one on whose function gave a promise, up to where a session may end. */
  #fly(slice: Piece, from: number, promise: PromiseLike<unknown>): Promise<Failure | undefined> {
    const { out, tolerate } = slice
    const upto = this.#calmUpTo(slice, from)
    return this.#flights
      .run(slice, [from, upto], promise, out, tolerate)
      .then((failure) => failure ?? this.#runSlice(slice, upto))
  }

  /** The first row behind `from` before which a session may end; or all rows. */
  #calmUpTo(slice: Piece, from: number): number {
    const { chunk, size } = slice
    const { watermarks } = chunk.arrival
    const { timers } = this.#sessions
    let soonest = Infinity // When a session that is made meanwhile may be over.
    for (let row = from; row < size; row++) {
      const watermark = watermarks?.[causeOf(chunk, indexOf(slice, row))]
      const ends =
        watermark === undefined
          ? this.#overRow(row) !== 0
          : watermark >= soonest || timers.next(watermark) <= watermark
      if (ends && row > from) return row
      soonest = Math.min(soonest, overAt(this.timeAt(row), this.#plan.rule))
    }
    return size
  }

  /** In processing time, when nobody has fired its timer yet: the session of an event's key. */
  #endOverdue(row: number, cause: number, out: Emissions): void {
    const over = this.#overRow(row)
    if (over !== 0) this.#ends.first(over, (ended) => out.emit(ended, cause, 0))
  }

  /** In processing time: the row of an event's key if its session is over; else 0. */
  #overRow(row: number): number {
    const address = this.#sessions.rows.enter(row)
    if (address === 0) return 0
    const over = overAt(this.#sessions.lastOf(address), this.#plan.rule) <= this.timeAt(row)
    return over ? address : 0
  }

  #leaveOut(index: number): void {
    const { chunk, late } = this.#piece
    this.late.add(chunk, index)
    late.push(index)
  }

  /** The watermark has gone on to the end of the chunk. */
  settle(chunk: Chunk): Ran | undefined {
    const { watermark } = chunk.arrival
    if (watermark === undefined) return undefined
    const out = new Emissions(chunk, this.#site.wanted)
    this.#ends.upTo(watermark, chunk, out)
    return out.size === 0 ? undefined : { chunk: out.chunk() }
  }

  nextDue(now: number): number {
    return this.#site.eventTime ? Infinity : this.#sessions.timers.next(now)
  }

  fire(timeMs: number): Finished {
    return { values: this.#ends.some(timeMs)?.values ?? [] }
  }

  finish(): Finished | undefined {
    const ended = this.#ends.some(Infinity)
    return ended === undefined || this.#site.eventTime ? ended : { values: ended.values }
  }
}
