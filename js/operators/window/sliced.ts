/**
 * Aggregates of windows of time of which some keep values: C does the numbers and says which
 * windows come out when; beside each of its rows stands one of the same key with what was kept.
 *
 *   events -> are read -> C: windows that are due, late events
 *                          `-> each event into its slice, each window of its slices, in that order
 *
 * What must stay true: a window that comes out has just the events before it. C has run a whole
 * push by then, so what it gave is gone through with the events once more, one by one. Slices are
 * forgotten when their last window has closed, also between two events: rows come and go as if
 * there were no chunks.
 */
import { causeOf, ownWatermark } from "../../chunk.ts"
import type { Chunk } from "../../chunk.ts"
import { windowColumns } from "../../engine/abi.ts"
import { fillKeys } from "../../engine/fill.ts"
import { keysOf } from "../../engine/keys.ts"
import { Operator } from "../../engine/operator.ts"
import { RefAccess } from "../../engine/ref_access.ts"
import { Rows } from "../../engine/rows.ts"
import { Timers } from "../../engine/timers.ts"
import type { Finished, Ran, Runner, Site, StateSchema } from "../../graph.ts"
import { noLimits } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { NamedState } from "../../states.ts"
import { Aggregate, fieldsOf } from "../aggregates.ts"
import { isPick, Picks } from "../picks.ts"
import type { AnySpec } from "../picks.ts"
import { valueOf } from "../pushed.ts"
import type { Slice } from "../pushed.ts"
import { keyOfRead, readEvents } from "../read_events.ts"
import type { Read } from "../read_events.ts"
import { WindowAggregateRunner } from "./aggregate.ts"
import type { Beside, WholeWindows } from "./aggregate.ts"
import { NumberSource } from "./numbers.ts"
import type { Row } from "./results.ts"
import { SharedSlices } from "./shared.ts"
import type { KeySlices } from "./shared.ts"
import { Stretches } from "./stretches.ts"

/** Windows of time, their numbers whole in C. */
export interface SlicedWindows {
  /** All aggregates, in the order of the columns of a row. */
  readonly specs: readonly AnySpec[]
  readonly numbers: Omit<WholeWindows, "beside">
  /** Of the numbers. */
  readonly schema: StateSchema
}

export class SlicedRunner implements Runner {
  readonly states: readonly NamedState[]
  readonly #read: KeyReader
  readonly #picks: Picks
  readonly #values: SlicedValues
  readonly #windows: WindowAggregateRunner

  constructor(site: Site, read: KeyReader, { specs, numbers, schema }: SlicedWindows) {
    this.#read = read
    this.#picks = new Picks(specs.filter(isPick).map(([, spec]) => spec))
    let values: SlicedValues | undefined
    const beside = (operator: Operator) =>
      (values = new SlicedValues(site, specs, this.#picks, numbers.window, operator))
    this.#windows = new WindowAggregateRunner(site, keyOfRead, { ...numbers, beside })
    this.#values = values as unknown as SlicedValues
    const { operator } = this.#windows
    const readRow = (row: number) => this.#windows.readRow(row)
    this.states = [{ name: "windows", schema, operator, readRow }, ...this.#values.states]
  }

  get late() {
    return this.#windows.late
  }

  get windows() {
    return this.#windows.windows
  }

  get evictions() {
    return this.#windows.evictions
  }

  run(chunk: Chunk): Ran {
    const { read, failure } = readEvents(chunk, this.#read, this.#picks)
    const refused = failure && { failure, cause: causeOf(chunk, failure.index) }
    const ran = this.#windows.runBefore(refused, read)
    const sides = new Map([...(ran.sides ?? [])].map(([tag, side]) => [tag, eventsOf(side)]))
    return { ...ran, sides }
  }

  settle(chunk: Chunk): Ran | undefined {
    const ran = this.#windows.settle(chunk)
    const { watermark, now } = chunk.arrival
    const isOver = watermark !== undefined || this.nextDue(now) > now
    if (isOver) this.#values.forget(watermark ?? now)
    return ran
  }

  nextDue(now: number): number {
    return this.#windows.nextDue(now)
  }

  fire(timeMs: number): Finished {
    const finished = this.#windows.fire(timeMs)
    if (this.#windows.nextDue(timeMs) > timeMs) this.#values.forget(timeMs)
    return finished
  }

  finish(): Finished | undefined {
    const finished = this.#windows.finish()
    if (finished === undefined) this.#values.forget(Infinity)
    return finished
  }
}

/** What was read as it came. */
function eventsOf(chunk: Chunk): Chunk {
  return { ...chunk, values: chunk.values.map((one) => (one as Read).event) }
}

/** The values of all keys. */
class SlicedValues implements Beside {
  readonly states: readonly NamedState[]
  readonly #wanted: () => boolean
  readonly #specs: readonly AnySpec[]
  readonly #picks: Picks
  readonly #numbers: Operator
  readonly #latenessMs: number
  readonly #slices: SharedSlices
  readonly #stretches: Stretches
  readonly #orders: NumberSource
  readonly #rows: Rows
  readonly #timers: Timers
  readonly #access: RefAccess

  constructor(
    site: Site,
    specs: readonly AnySpec[],
    picks: Picks,
    { size, slide, offsetMs, lateMs }: WholeWindows["window"],
    numbers: Operator,
  ) {
    const spec = {
      kind: "custom",
      limits: noLimits,
      fields: ["ref"],
      own: true,
      timers: true,
    } as const
    const operator = new Operator(site.engine, site.uid, spec, site.label)
    this.#wanted = () => site.wanted
    this.#specs = specs
    this.#picks = picks
    this.#numbers = numbers
    this.#latenessMs = lateMs
    this.#stretches = new Stretches(size, slide, offsetMs)
    this.#slices = new SharedSlices(picks, this.#stretches)
    this.#orders = new NumberSource(site)
    this.#rows = new Rows(operator)
    this.#timers = new Timers(operator)
    this.#access = new RefAccess(this.#rows, () => ({ slices: [], later: 0 }) satisfies KeySlices)
    const fields = [`slices(${size}, ${slide}, ${offsetMs})`, ...fieldsOf(specs.filter(isPick))]
    const schema = { kind: "windowValues", fields, ttl: false }
    const readRow = (row: number) => this.#shown(row)
    this.states = [{ name: "values", schema, operator, readRow }, this.#orders.named]
  }

  /** What was kept of a key, slice by slice. */
  #shown(row: number): unknown {
    const names = this.#specs.filter(isPick).map(([name]) => name)
    return this.#at(row).slices.map(({ start, kept }) => {
      const results = this.#picks.results(kept)
      return { start, ...Object.fromEntries(names.map((name, i) => [name, results[i]])) }
    })
  }

  #at(row: number): KeySlices {
    return this.#access.peek(row) as KeySlices
  }

  rows(numbers: readonly Row[], slice: Slice | undefined): readonly Row[] {
    const { results, engine, upto } = this.#numbers
    const size = numbers.length
    const from = slice?.pushedFrom ?? 0
    const count = slice === undefined ? 0 : upto - from
    const keys = size === 0 ? [] : (keysOf(results) as unknown[])
    this.#find(slice, from, count, keys)
    const { u32, f64 } = engine.views
    const ofResults = (from: number) => f64.slice(from, from + size)
    const positions = u32.slice(results.positions, results.positions + size)
    const dues = ofResults(results.times)
    const starts = ofResults(results.column(windowColumns.WINDOW_START))
    const ends = ofResults(results.column(windowColumns.WINDOW_END))
    let next = 0
    const rows = numbers.map((row, i) => {
      const [position, start] = [positions[i] as number, starts[i] as number]
      const late = Number.isNaN(start)
      // Events before the one that is at the position have been applied, or that one, too.
      const before = slice === undefined ? 0 : position - from
      const applied = !late && dues[i] === -Infinity && slice !== undefined ? before + 1 : before
      for (; next < applied; next++) this.#add(slice as Slice, from, next)
      if (late) next = before + 1
      if (late || !this.#wanted()) return row
      const kept = this.#at(this.#rows.enter(count + i))
      return this.#rowOf(row, this.#slices.results(kept, start, ends[i] as number))
    })
    for (; next < count; next++) this.#add(slice as Slice, from, next)
    return rows
  }

  /** Find the rows of some events, and behind them those of some keys. */
  #find(slice: Slice | undefined, from: number, count: number, keys: readonly unknown[]): void {
    const values = Array.from({ length: count }, (_, i) =>
      keyOfRead(readAt(slice as Slice, from + i)),
    )
    const all = [...values, ...keys]
    const arrival = { first: 0, size: all.length, now: 0, times: undefined, watermarks: undefined }
    const chunk: Chunk = { values: all, at: undefined, arrival }
    const { input } = this.#rows.op
    const { failure } = fillKeys(input, chunk, asIs, 0, all.length, 0)
    if (failure !== undefined) throw failure.error as Error
    this.#rows.find()
  }

  /** An event of a slice that was pushed comes in. */
  #add(slice: Slice, from: number, index: number): void {
    const { chunk } = slice
    const at = valueOf(slice, from + index)
    const { event, timeMs, values } = chunk.values[at] as Read
    const { watermarks, now } = chunk.arrival
    this.forget(watermarks?.[causeOf(chunk, at)] ?? now)
    const access = this.#access
    access.begin(index)
    const state = access.get() as KeySlices
    const isFirst = state.slices[0]
    const kept = this.#slices.at(state, timeMs, this.#fromOf(chunk, at, timeMs))
    this.#picks.add(kept, values, event, this.#orders.next(), timeMs)
    access.set(state)
    access.commit()
    if (state.slices[0] !== isFirst) this.#rearm(this.#rows.row(index), state)
  }

  /** The end of the first window that an event counts in, if it came too late for some. */
  #fromOf(chunk: Chunk, index: number, timeMs: number): number {
    if (chunk.arrival.own === undefined) return -Infinity
    const own = ownWatermark(chunk, index)
    const open = this.#stretches.endAfter(own - this.#latenessMs)
    return open > this.#stretches.endAfter(timeMs) ? open : -Infinity
  }

  #rearm(row: number, { slices: [first] }: KeySlices): void {
    if (first === undefined) return this.#rows.drop(row)
    this.#timers.set(row, this.#slices.closesAt(first.start, this.#latenessMs))
  }

  /** Forget what is in no window that is open at a time. */
  forget(timeMs: number): void {
    if (!this.#timers.mayBeDue(timeMs)) return
    for (let due = this.#timers.take(timeMs); due; due = this.#timers.take(timeMs)) {
      const state = this.#at(due.row)
      this.#slices.forget(state, timeMs, this.#latenessMs)
      this.#rearm(due.row, state)
    }
  }

  #rowOf(numbers: Row, values: readonly unknown[]): Row {
    const { key, start, end } = numbers
    const row: Row = { key, start, end }
    if (Object.hasOwn(numbers, "revision")) row["revision"] = numbers["revision"]
    let next = 0
    for (const [name, spec] of this.#specs) {
      row[name] = spec instanceof Aggregate ? numbers[name] : values[next++]
    }
    return row
  }
}

const asIs: KeyReader = (key) => key as never

function readAt(slice: Slice, row: number): unknown {
  return slice.chunk.values[valueOf(slice, row)]
}
