/**
 * Aggregates of windows that are whole in C: of numbers, over tumbling and sliding windows,
 * sessions and counts of events, emitted when the watermark or the count says so.
 *
 *   event -> C: its windows -> due, or late? -> rows { key, start, end, …aggregates }
 *   watermark, clock -> C: windows that are due, in the order of their ends and first events
 *
 * What is due by the watermark before an event comes out before what the event does, caused by the
 * event that brought the watermark there.
 */
import { causeOf, noChunk, select } from "../../chunk.ts"
import type { Chunk, Failure } from "../../chunk.ts"
import { windowColumns } from "../../engine/abi.ts"
import { fillNumbers } from "../../engine/fill.ts"
import type { NumberField } from "../../engine/fill.ts"
import { Operator } from "../../engine/operator.ts"
import type { OperatorSpec, StateLimits } from "../../engine/operator.ts"
import { Timers } from "../../engine/timers.ts"
import type { Finished, OpenWindow, OpenWindows, Ran, Runner, Site } from "../../graph.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { AnyTag } from "../../tag.ts"
import { LateCounter } from "../../time/late.ts"
import type { AggregateSpec } from "../aggregates.ts"
import { Emissions } from "../emissions.ts"
import { Evictions } from "../evictions.ts"
import { pushChunk, valueOf } from "../pushed.ts"
import type { Slice } from "../pushed.ts"
import { causeOfTime, Taken } from "../taken.ts"
import { rowMaker } from "./results.ts"
import type { Row, RowsOf } from "./results.ts"

/** What is kept beside the numbers of windows, and comes out with them. */
export interface Beside {
  /**
   * The last push gave these rows, of the events of a slice up to those that it has run; without a
   * slice nothing was pushed. Gives the rows as they come out.
   */
  rows(numbers: readonly Row[], slice: Slice | undefined): readonly Row[]
}

/** What the runner of such windows is told. */
export interface WholeWindows {
  readonly window: NonNullable<OperatorSpec["window"]>
  readonly specs: readonly AggregateSpec[]
  readonly aggregates: NonNullable<OperatorSpec["aggregates"]>
  readonly columns: readonly NumberField[]
  readonly lateTo: AnyTag | undefined
  /** Do rows carry a revision? */
  readonly revised: boolean
  readonly limits: StateLimits
  /** Undefined: there are but numbers. */
  readonly beside?: (numbers: Operator) => Beside
}

/** An event that was refused, by the event of the arrival that caused it. */
interface Refused {
  readonly failure: Failure
  readonly cause: number
}

/** Do windows end by counting, whatever the time? */
export function counts({ assigner }: Pick<WholeWindows["window"], "assigner">): boolean {
  return assigner === "counted" || assigner === "countedEach"
}

/** How many rows are given in one go while nothing comes, or little more. */
const firedMax = 4096

export class WindowAggregateRunner implements Runner {
  readonly operator: Operator
  readonly evictions: Evictions
  readonly late = new LateCounter()
  readonly #site: Site
  readonly #read: KeyReader
  readonly #windows: WholeWindows
  /** Undefined where windows end by counting. */
  readonly #timers: Timers | undefined
  readonly #rowsOf: RowsOf
  readonly #beside: Beside | undefined
  readonly #taken = new Taken()
  /** The time by which some windows are still due. */
  #firing = Infinity

  constructor(site: Site, read: KeyReader, windows: WholeWindows) {
    const { window, aggregates, limits, specs, revised } = windows
    this.operator = new Operator(site.engine, site.uid, {
      kind: "window",
      limits,
      aggregates,
      window,
      timers: !counts(window),
    })
    this.evictions = new Evictions(this.operator, (row) => this.readRow(row))
    this.#site = site
    this.#read = read
    this.#windows = windows
    this.#timers = counts(window) ? undefined : new Timers(this.operator)
    this.#rowsOf = rowMaker(this.operator, specs, revised)
    this.#beside = windows.beside?.(this.operator)
  }

  run(chunk: Chunk): Ran {
    return this.runBefore(undefined, chunk)
  }

  /** The same of a chunk that ends before an event that was refused, if there is one. */
  runBefore(refused: Refused | undefined, chunk: Chunk): Ran {
    const { operator } = this
    const { columns, lateTo } = this.#windows
    const out = new Emitted(chunk)
    const fill = ({ from, filled }: Slice) => {
      return fillNumbers(operator.input, chunk, filled, from, columns)
    }
    const take = (slice: Slice) => this.#take(chunk, slice, out)
    const failed = pushChunk(chunk, this, this.#read, take, { count: columns.length, fill })
    const end =
      failed === undefined ? refused : { failure: failed, cause: causeOf(chunk, failed.index) }
    const { watermarks } = chunk.arrival
    if (end !== undefined && watermarks !== undefined) {
      this.#advance(watermarks[end.cause] as number, chunk, out)
    }
    const sides =
      lateTo === undefined || out.late.length === 0
        ? undefined
        : new Map([[lateTo, select(chunk, Uint32Array.from(out.late))]])
    return { chunk: out.chunk(), sides, failure: end?.failure }
  }

  settle(chunk: Chunk): Ran | undefined {
    const { watermark } = chunk.arrival
    if (watermark === undefined || this.#timers === undefined) return undefined
    const out = new Emitted(chunk)
    this.#advance(watermark, chunk, out)
    return { chunk: out.chunk() }
  }

  nextDue(now: number): number {
    if (this.#site.eventTime || this.#timers === undefined) return Infinity
    this.#timers.changed()
    return Math.min(this.#firing, this.#timers.next(now))
  }

  fire(timeMs: number): Finished {
    const rows: Row[] = []
    let more = true
    while (more && rows.length < firedMax) {
      more = this.operator.advance(timeMs)
      for (const row of this.#rows()) rows.push(row)
    }
    this.#firing = more ? timeMs : Infinity
    return { values: rows }
  }

  finish(): Finished | undefined {
    const { results, engine } = this.operator
    for (let more = true; more;) {
      more = this.operator.advance(Infinity)
      const { size } = results
      if (size === 0) continue
      const ends = results.column(windowColumns.WINDOW_END)
      const times = engine.views.f64.slice(ends, ends + size)
      return { values: this.#rows(), times: times.map((end) => end - this.#behind) }
    }
    return undefined
  }

  get windows(): OpenWindows {
    const { window } = this.#windows
    return {
      operator: this.operator,
      closeBy: counts(window) ? "count" : "time",
      inclusive: this.#behind === 0,
      lateMs: window.lateMs,
      of: (row) => {
        const windows = this.readRow(row) as (Row & Pick<OpenWindow, "start" | "end">)[]
        return windows.map(({ start, end, ...contents }) => ({ start, end, contents }))
      },
    }
  }

  readRow(row: number): unknown {
    const { views, scratch } = this.operator.engine
    views.u32[scratch >>> 2] = row
    this.operator.resultsOf(scratch, 1)
    const windows = this.#rowsOf(this.operator.results.size)
    for (const window of windows) for (const name of ["key", "revision"]) delete window[name]
    return windows
  }

  /** The rows of the results; of results that nobody wants, so many. */
  #rows(slice?: Slice): readonly Row[] {
    const { size } = this.operator.results
    const made = this.#site.wanted && size > 0
    const rows = made ? this.#rowsOf(size) : new Array<Row>(size)
    return this.#beside?.rows(rows, slice) ?? rows
  }

  /** How far behind the end of a window its last instant is. */
  get #behind(): number {
    const { exclusive, assigner } = this.#windows.window
    return assigner === "aligned" || (assigner === "sessions" && exclusive) ? 1 : 0
  }

  /** Take the results of a push. */
  #take(chunk: Chunk, slice: Slice, out: Emitted): void {
    const { results, engine } = this.operator
    const { size, positions, times } = results
    const rows = this.#rows(slice)
    if (size > 0) {
      const { u32, f64 } = engine.views
      const starts = results.column(windowColumns.WINDOW_START)
      const ends = results.column(windowColumns.WINDOW_END)
      const behind = this.#behind
      let last = this.#taken.in(chunk.arrival)
      let pushed = slice.pushedFrom
      for (let i = 0; i < size; i++) {
        const row = u32[positions + i] as number
        const due = f64[times + i] as number
        // Events before the one that is at the position have been applied.
        if (row > pushed || due === -Infinity) {
          const applied = due === -Infinity ? row : row - 1
          last = Math.max(last, causeOf(chunk, valueOf(slice, applied)))
          pushed = row
        }
        if (Number.isNaN(f64[starts + i])) this.#leave(chunk, valueOf(slice, row), out)
        else out.emit(rows[i], Math.max(last, out.causeOf(due)), (f64[ends + i] as number) - behind)
      }
    }
    if (this.operator.upto === 0) return
    this.#taken.cause = causeOf(chunk, valueOf(slice, this.operator.upto - 1))
    this.#taken.of = chunk.arrival
  }

  #leave(chunk: Chunk, index: number, out: Emitted): void {
    this.late.add(chunk, index)
    out.late.push(index)
  }

  /** Emit what is due by a watermark. */
  #advance(watermark: number, chunk: Chunk, out: Emitted): void {
    const { results, engine } = this.operator
    const last = this.#taken.in(chunk.arrival)
    for (let more = true; more;) {
      more = this.operator.advance(watermark)
      const { size, times } = results
      if (size === 0) continue
      const rows = this.#rows()
      const ends = results.column(windowColumns.WINDOW_END)
      const { f64 } = engine.views
      for (let i = 0; i < size; i++) {
        const cause = Math.max(last, out.causeOf(f64[times + i] as number))
        out.emit(rows[i], cause, (f64[ends + i] as number) - this.#behind)
      }
    }
  }
}

/** What one chunk makes windows emit, and which values of it were late. */
class Emitted extends Emissions {
  /** Stays for good, as in passage.ts. */
  static override readonly lasting = new Emitted(noChunk)
  readonly late: number[] = []
  readonly #input: Chunk
  #due = NaN
  #cause = 0

  constructor(input: Chunk) {
    super(input, true)
    this.#input = input
  }

  /** The event that brought the watermark to a time. */
  causeOf(due: number): number {
    if (due === this.#due || this.#input.arrival.watermarks === undefined) return this.#cause
    this.#due = due
    this.#cause = due === -Infinity ? 0 : causeOfTime(this.#input, due)
    return this.#cause
  }
}
