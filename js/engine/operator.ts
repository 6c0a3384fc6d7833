/**
 * One C operator and its state: opening, pushing chunks, scanning, saving and loading.
 *
 * How a user function's rows are found and changed is in rows.ts.
 */
import { MillraceError } from "../errors.ts"
import { deepFreeze } from "../freeze.ts"
import { layouts, status } from "./abi.ts"
import { Batch } from "./batch.ts"
import type { Engine } from "./engine.ts"
import { givesResults, keepsEvicted, writeSpec } from "./operator_spec.ts"
import type { OperatorSpec } from "./operator_spec.ts"
import type { StateCut } from "./state_cut.ts"

export type * from "./operator_spec.ts"

/** Figures of one operator's state. */
export interface StateStats {
  readonly rows: number
  readonly bytes: number
  readonly expired: number
  readonly evicted: number
  readonly nans: number
}

/** What there is to save of a state. */
export interface Changes {
  /** Rows that changed since the last checkpoint. */
  readonly rows: number
  /** Rows that were removed, which a checkpoint may know. */
  readonly removed: number
  /** Segments with lower numbers are of no use. */
  readonly oldest: number
  /** The number that the next segment may have. */
  readonly next: number
  /** Rows that were kept as they were at the cut, and are not encoded yet. */
  readonly kept: number
}

/** A row that was evicted and is kept. */
export interface EvictedRow {
  /** Its address. */
  readonly row: number
  /** The row of the input found last for which it made room. */
  readonly by: number
}

/** Where the fields of a record lie. */
export interface Layout {
  readonly keyAt: number
  readonly keyBytesAt: number
  readonly recordBytes: number
  readonly evictedNextAt: number
  readonly evictedByAt: number
  /** Where its timer lies in a row; 0: rows have none. */
  readonly timerAt: number
  readonly fieldAt: readonly number[]
}

/** Rows of one slice of an input: results of a slice always fit one result batch. */
export const sliceRowsMax = 4096

export class Operator {
  readonly engine: Engine
  readonly handle: number
  readonly uid: string
  /** What messages call it. */
  readonly label: string
  readonly spec: OperatorSpec
  readonly layout: Layout
  readonly input: Batch
  /** While a checkpoint goes on and rows have live values: see {@link StateCut.keep}. */
  cut: StateCut | undefined
  readonly #results: Batch | undefined
  readonly #freezes: boolean
  #upto = 0
  /** Address of the mr_found, where evicted rows are kept. */
  readonly #found: number

  constructor(engine: Engine, uid: string, spec: OperatorSpec, label = uid) {
    this.engine = engine
    this.uid = uid
    this.label = label
    this.spec = spec
    this.handle = open(engine, label, spec)
    this.layout = readLayout(engine, this.handle)
    this.input = new Batch(engine, spec.limits.timeDomain === "processing")
    if (givesResults(spec)) this.#results = new Batch(engine)
    this.#freezes = engine.refs.freezes && spec.own !== true
    this.#found = keepsEvicted(spec) ? this.#findNothing() : 0
  }

  /** A value on its way into a cell: the user's, which tests may freeze, or the operator's own. */
  kept<Value>(value: Value): Value {
    return this.#freezes ? deepFreeze(value) : value
  }

  /** What came of the last push; where the function is the user's, there is none. */
  get results(): Batch {
    return this.#results as Batch
  }

  /**
   * Run the input batch from row `from`; results are in {@link results}. True when there is more:
   * take the results and push again from {@link upto}. Throws for the row at {@link upto}; rows
   * before it are applied and their results are there.
   */
  push(from: number): boolean {
    const { wasm, scratch } = this.engine
    this.#upto = from
    const { handle, input, results } = this
    const result = wasm.mr_operator_push(handle, input.handle, from, scratch, results.handle)
    this.engine.views.follow()
    this.#upto = this.engine.views.word(scratch)
    if (result < 0) throw this.refusal("apply an event", result)
    return result === status.MORE
  }

  /** The first row that the last {@link push} has not applied. */
  get upto(): number {
    return this.#upto
  }

  /** The source has ended: emit what is left into {@link results}; true when there is more. */
  finish(): boolean {
    const { wasm } = this.engine
    const result = wasm.mr_operator_advance(this.handle, Infinity, this.results.handle)
    if (result < 0) throw this.refusal("emit at the end of the source", result)
    this.engine.views.follow()
    // Collecting rows in order gives no results yet; only what was emitted is worth a stop.
    return result === status.MORE
  }

  /** Time has come so far: emit what is due into {@link results}; true when there is more. */
  advance(watermarkMs: number): boolean {
    const { wasm } = this.engine
    const result = wasm.mr_operator_advance(this.handle, watermarkMs, this.results.handle)
    if (result < 0) throw this.refusal("go on in time", result)
    this.engine.views.follow()
    return result === status.MORE
  }

  /** Free rows whose ttl is over, a bounded number of them; true when there may be more. */
  expire(timeMs: number, steps: number): boolean {
    if (this.spec.limits.ttlMs === 0) return false
    const result = this.engine.wasm.mr_operator_expire(this.handle, timeMs, steps)
    this.engine.refs.collect()
    return result === status.MORE
  }

  /** Write the results of `count` rows, their addresses from word index `rows` on. */
  resultsOf(rows: number, count: number): void {
    const { wasm } = this.engine
    const result = wasm.mr_operator_results(this.handle, rows, count, this.results.handle)
    if (result < 0) throw this.refusal("read results", result)
    this.engine.views.follow()
  }

  /** Add what one row of an aggregate has aggregated to another; both stay. */
  merge(into: number, from: number): void {
    const result = this.engine.wasm.mr_aggregate_merge(this.handle, into, from)
    if (result < 0) throw this.refusal("merge aggregates", result)
  }

  stats(): StateStats {
    const { views, wasm, scratch } = this.engine
    this.engine.check("read figures", wasm.mr_operator_stats(this.handle, scratch))
    const { at } = layouts.stats
    const read = (offset: number) => Number(views.u64[(scratch + offset) >>> 3])
    return {
      rows: read(at.rows),
      bytes: read(at.bytes),
      expired: read(at.expired),
      evicted: read(at.evicted),
      nans: read(at.nans),
    }
  }

  /** The rows that were evicted and are kept, in the order in which they went. */
  evicted(): readonly EvictedRow[] {
    if (this.#found === 0) return []
    this.cut?.keep()
    const { views } = this.engine
    const { evictedByAt, evictedNextAt } = this.layout
    const rows: EvictedRow[] = []
    let row = views.word(this.#found + layouts.found.at.evicted)
    for (; row !== 0; row = views.word(row + evictedNextAt)) {
      rows.push({ row, by: views.word(row + evictedByAt) })
    }
    return rows
  }

  freeEvicted(): void {
    this.engine.wasm.mr_evicted_free(this.handle)
    this.engine.refs.collect()
  }

  /** Where C tells of found and evicted rows; it stays where it is. */
  #findNothing(): number {
    const { wasm, scratch, views } = this.engine
    this.input.stamp(0)
    this.engine.check("find rows", wasm.mr_find(this.handle, this.input.handle, scratch))
    return views.word(scratch)
  }

  /** What there is to save, and which segments are still of use. */
  changes(): Changes {
    const { views, wasm, scratch } = this.engine
    this.engine.check("read what changed", wasm.mr_changes_of(this.handle, scratch))
    const { at } = layouts.changes
    const read = (offset: number) => views.word(scratch + offset)
    return {
      rows: read(at.rows),
      removed: read(at.removed),
      oldest: read(at.oldest),
      next: read(at.next),
      kept: read(at.kept),
    }
  }

  /** The checkpoint for which changes were scanned is durable, or given up. */
  endChanges(saved: boolean): void {
    const result = this.engine.wasm.mr_changes_end(this.handle, saved ? 1 : 0)
    this.engine.check("end a checkpoint", result)
  }

  /** Before the first segment: make room for so many rows at once. */
  loadBegin(rows: number): void {
    this.engine.check(
      "make room for saved state",
      this.engine.wasm.mr_load_begin(this.handle, rows),
    )
  }

  /**
   * Add what a segment says; segments come in the order of their numbers. Rows without a last use
   * were used at `timeMs`.
   */
  load(segment: Uint8Array, timeMs: number, number: number): void {
    this.engine.withBytes(segment, (address) => {
      const { wasm } = this.engine
      const result = wasm.mr_load(this.handle, address, segment.length, timeMs, number)
      if (result < 0) throw this.refusal("load saved state", result)
    })
  }

  /** All segments are loaded. */
  loaded(): void {
    this.engine.check("order loaded state", this.engine.wasm.mr_load_end(this.handle))
  }

  /** Free all of it; nobody may use it any more. */
  close(): void {
    const { wasm, refs } = this.engine
    wasm.mr_operator_close(this.handle)
    wasm.mr_batch_close(this.input.handle)
    if (this.#results !== undefined) wasm.mr_batch_close(this.#results.handle)
    refs.collect()
  }

  /** The error of a refused call, with the operator's name. */
  refusal(what: string, result: number): MillraceError {
    const error = this.engine.refusal(what, result)
    return new MillraceError(error.code, `${this.label}: ${error.message}`)
  }
}

function open(engine: Engine, uid: string, spec: OperatorSpec): number {
  const { views, scratch, wasm } = engine
  writeSpec(engine, uid, spec)
  const out = scratch + layouts.operator_spec.bytes
  engine.check(`open ${uid}`, wasm.mr_operator_open(engine.handle, scratch, out))
  return views.word(out)
}

function readLayout(engine: Engine, handle: number): Layout {
  const { views, scratch, wasm } = engine
  const { at } = layouts.layout
  engine.check("read a layout", wasm.mr_operator_layout(handle, scratch))
  const count = views.word(scratch + at.field_count)
  const fieldAt = Array.from({ length: count }, (_, i) => views.word(scratch + at.field_at + i * 4))
  return {
    keyAt: views.word(scratch + at.key_at),
    keyBytesAt: views.word(scratch + at.key_bytes_at),
    recordBytes: views.word(scratch + at.record_bytes),
    evictedNextAt: views.word(scratch + at.evicted_next_at),
    evictedByAt: views.word(scratch + at.evicted_by_at),
    timerAt: views.word(scratch + at.timer_at),
    fieldAt,
  }
}
