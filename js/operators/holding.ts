/**
 * Operators that hold events back and let them go by timers: deduplicate (the last), debounce,
 * sample, buffer, group, and the queue of a throttle.
 *
 *   event -> what its key holds: add -> full? let go at once : timer at `due`
 *   timer -> let go: what goes comes out at the timer's time; the rest gets a new timer
 *
 * In event time a timer at t fires when the watermark reaches t, in between the events of a chunk,
 * and what it lets go is caused by the event that brought the watermark there. An event at or past
 * its key's due time lets go first: what is due is over for it. In processing time the job asks.
 */
import { causeOf, timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import { keyOfRow } from "../engine/keys.ts"
import { Operator } from "../engine/operator.ts"
import { RefAccess } from "../engine/ref_access.ts"
import { Rows } from "../engine/rows.ts"
import { Timers } from "../engine/timers.ts"
import { copyOf } from "../copy.ts"
import type { Finished, Ran, Runner, Site } from "../graph.ts"
import type { StateLimits } from "../engine/operator.ts"
import { scanPages } from "../engine/scan.ts"
import type { KeyReader, KeyValue } from "../state/keys.ts"
import { Emissions } from "./emissions.ts"
import { indexOf, runSlices } from "./slices.ts"
import type { Slice } from "./slices.ts"
import { Taken } from "./taken.ts"

/** What is held of a key; the state of its row. */
export interface Held {
  values: unknown[]
  /** Time of the newest. */
  time: number
  /** When to let go; Infinity: at the end of the source. */
  due: number
}

/** What an operator does with what it holds. */
export interface Holding {
  /** Hold one more value; `held` is undefined for the first. Gives what is held now. */
  add(held: Held | undefined, value: unknown, time: number): Held
  /** Is that so much that it goes at once? */
  full(held: Held): boolean
  /**
   * Take out what goes at a time; what stays has a new `due`. If nothing stays, `values` is empty.
   */
  letGo(held: Held, time: number, key: () => KeyValue): readonly unknown[]
  /** Is one key held at a time, so that an event of another lets go? Default false. */
  readonly alone?: boolean
  /** At the end of the source, is what is held waited for, instead of let go at once? */
  readonly waited: boolean
}

/** All that is held goes; as a whole, which is several times as quick as `splice`. */
export function takeAll(held: Held): readonly unknown[] {
  const { values } = held
  held.values = []
  return values
}

/** How many timers fire in one go, while nothing comes. */
const firedMax = 4096

export function openHolding(
  site: Site,
  read: KeyReader,
  limits: StateLimits,
  holding: Holding,
): Runner {
  return new HoldingRunner(site, read, limits, holding)
}

class HoldingRunner implements Runner {
  readonly operator: Operator
  readonly #eventTime: boolean
  readonly #read: KeyReader
  readonly #holding: Holding
  readonly #rows: Rows
  readonly #access: RefAccess
  readonly #timers: Timers
  readonly #taken = new Taken()
  /** Where one key is held at a time, its row; 0: none, undefined: not looked for yet. */
  #only: number | undefined

  constructor(site: Site, read: KeyReader, limits: StateLimits, holding: Holding) {
    const own = { fields: ["ref"], own: true, timers: true, keepEvicted: true } as const
    const spec = { kind: "custom", limits, ...own } as const
    this.operator = new Operator(site.engine, site.uid, spec, site.label)
    this.#eventTime = site.eventTime
    this.#read = read
    this.#holding = holding
    this.#rows = new Rows(this.operator)
    this.#access = new RefAccess(this.#rows, undefined)
    this.#timers = new Timers(this.operator)
  }

  readRow(row: number): unknown {
    return copyOf((this.#access.peek(row) as Held).values)
  }

  run(chunk: Chunk): Ran {
    const out = new Emissions(chunk, true)
    const run = (slice: Slice) => this.#runSlice(slice, out)
    const failure = runSlices(this.#rows, this.#read, chunk, run)
    if (failure !== undefined && this.#eventTime) {
      const { watermarks } = chunk.arrival
      this.#fire(watermarks?.[causeOf(chunk, failure.index)] ?? -Infinity, chunk, out)
    }
    return { chunk: out.chunk(), failure }
  }

  #runSlice(slice: Slice, out: Emissions): Failure | undefined {
    const { chunk, size } = slice
    for (let row = 0; row < size; row++) {
      const index = indexOf(slice, row)
      try {
        this.#take(chunk, index, row, out)
      } catch (error) {
        if (this.#access.open) this.#access.abandon()
        return { index, error }
      }
    }
    return undefined
  }

  /** The watermark has gone on to the end of the chunk. */
  settle(chunk: Chunk): Ran | undefined {
    const { watermark } = chunk.arrival
    if (!this.#eventTime || watermark === undefined) return undefined
    const out = new Emissions(chunk, true)
    this.#fire(watermark, chunk, out)
    return { chunk: out.chunk() }
  }

  nextDue(now: number): number {
    return this.#eventTime ? Infinity : this.#timers.next(now)
  }

  fire(timeMs: number): Finished {
    const values: unknown[] = []
    while (values.length < firedMax) {
      const due = this.#timers.take(timeMs)
      if (due === undefined) break
      for (const value of this.#letGo(due.row, due.timeMs)) values.push(value)
    }
    return { values }
  }

  get waited(): boolean {
    return this.#holding.waited && this.operator.stats().rows > 0
  }

  finish(): Finished | undefined {
    if (this.waited) return undefined
    const values: unknown[] = []
    const times: number[] = []
    while (values.length < firedMax) {
      const due = this.#timers.take(Infinity)
      if (due === undefined) break
      const { time, due: lastMs } = this.#access.peek(due.row) as Held
      for (const value of this.#letGo(due.row, due.timeMs)) {
        values.push(value)
        times.push(lastMs === Infinity ? time : due.timeMs)
      }
    }
    return values.length === 0 ? undefined : { values, times: Float64Array.from(times) }
  }

  #take(chunk: Chunk, index: number, row: number, out: Emissions): void {
    const { arrival, values } = chunk
    const cause = causeOf(chunk, index)
    const time = timeOf(chunk, index)
    const watermark = arrival.watermarks?.[cause] ?? time
    if (this.#eventTime) {
      this.#fire(watermark, chunk, out)
      this.#taken.cause = cause
      this.#taken.of = arrival
    }
    const clock = Math.max(time, watermark)
    if (this.#holding.alone) this.#letOthersGo(row, cause, time, out)
    const key = () => this.operator.input.keyAt(row)
    const access = this.#access
    access.begin(row)
    let held = access.get() as Held | undefined
    const due = held?.due ?? Infinity
    if (held !== undefined && clock >= due) {
      const gone = this.#holding.letGo(held, due, key)
      for (const value of gone) out.emit(value, cause, due)
      if (held.values.length === 0) held = undefined
    }
    const now = this.#holding.add(held, values[index], time)
    if (this.#holding.full(now)) {
      for (const value of this.#holding.letGo(now, time, key)) out.emit(value, cause, time)
    }
    if (now.values.length === 0) access.delete()
    else access.set(now)
    access.commit()
    // The end of the source lets go by timers, too: what has no time comes last.
    if (this.operator.spec.limits.evict) this.#releaseEvicted(cause, time, out)
    const moved = held === undefined || now.due !== due
    if (moved && now.values.length > 0) this.#timers.set(this.#rows.row(row), now.due)
    this.#only = now.values.length > 0 ? this.#rows.row(row) : 0
  }

  /** What is held of another key than that of an event goes before it. */
  #letOthersGo(row: number, cause: number, time: number, out: Emissions): void {
    const only = this.#only ?? this.#findOnly()
    if (only === 0 || only === this.#rows.enter(row)) return
    const held = this.#access.peek(only) as Held
    this.#rows.lent(only, held)
    const key = () => keyOfRow(this.operator, only)
    for (const value of this.#holding.letGo(held, time, key)) out.emit(value, cause, time)
    this.#drop(only)
  }

  #findOnly(): number {
    for (const { rows } of scanPages(this.operator, -Infinity)) {
      return this.operator.engine.views.u32[rows] as number
    }
    return 0
  }

  #drop(row: number): void {
    this.#rows.drop(row)
    if (row === this.#only) this.#only = 0
  }

  /** What made room for another key is not lost: it goes now. */
  #releaseEvicted(cause: number, time: number, out: Emissions): void {
    for (const { row } of this.operator.evicted()) {
      const held = this.#access.peek(row) as Held
      const key = () => keyOfRow(this.operator, row)
      while (held.values.length > 0) {
        for (const value of this.#holding.letGo(held, held.due, key)) out.emit(value, cause, time)
      }
    }
    this.operator.freeEvicted()
  }

  /** Let go of what is due by a watermark. */
  #fire(watermark: number, chunk: Chunk, out: Emissions): void {
    for (;;) {
      const due = this.#timers.take(watermark)
      if (due === undefined) return
      const cause = this.#taken.causeOf(chunk, due.timeMs)
      for (const value of this.#letGo(due.row, due.timeMs)) out.emit(value, cause, due.timeMs)
    }
  }

  /** A row's timer has come; gives what goes. */
  #letGo(row: number, timeMs: number): readonly unknown[] {
    const held = this.#access.peek(row) as Held
    const gone = this.#holding.letGo(held, timeMs, () => keyOfRow(this.operator, row))
    if (held.values.length === 0) this.#drop(row)
    else this.#timers.set(row, held.due)
    return gone
  }
}
