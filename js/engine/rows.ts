/**
 * The found rows of a chunk, for operators whose function is the user's.
 *
 * `find` looks all keys of the input batch up at once; then each event's row is a word in memory.
 * C takes rows that go out of those words; for rows that come an event looks again.
 */
import { layouts } from "./abi.ts"
import type { Engine } from "./engine.ts"
import type { Operator } from "./operator.ts"
import type { Views } from "./views.ts"

export class Rows {
  readonly op: Operator
  readonly engine: Engine
  readonly views: Views
  /** Do reads count as use, and must writes be told to C? */
  readonly touchesReads: boolean
  readonly touchesWrites: boolean
  readonly #ttl: boolean
  readonly #keyAt: number
  readonly #keyBytesAt: number
  readonly #recordBytes: number
  /** Addresses of scratch memory that no call has. */
  readonly #scratch: number[] = []
  /** Word indexes of the found rows, and of what C says of them. */
  #rows = 0
  #ways = 0

  constructor(op: Operator) {
    const { ttlMs, evict, touchReads } = op.spec.limits
    this.op = op
    this.engine = op.engine
    this.views = op.engine.views
    this.touchesReads = evict || (touchReads && ttlMs > 0)
    this.touchesWrites = evict || ttlMs > 0 || op.engine.tracks
    this.#ttl = ttlMs > 0
    this.#keyAt = op.layout.keyAt
    this.#keyBytesAt = op.layout.keyBytesAt
    this.#recordBytes = op.layout.recordBytes
  }

  /** The address of two records that no row has, for a call; see {@link giveBack}. */
  borrow(): number {
    return this.#scratch.pop() ?? this.engine.alloc(Math.max(this.#recordBytes * 2, 8))
  }

  giveBack(scratch: number): void {
    this.#scratch.push(scratch)
  }

  /** Find the rows of the operator's input batch. */
  find(): void {
    const { wasm, scratch } = this.engine
    const result = wasm.mr_find(this.op.handle, this.op.input.handle, scratch)
    if (result < 0) throw this.op.refusal("find rows", result)
    this.views.follow()
    const found = this.views.word(scratch)
    this.#rows = this.views.word(found + layouts.found.at.rows) >>> 2
    this.#ways = this.views.word(found + layouts.found.at.ways) >>> 2
    this.op.cut?.keep()
  }

  /** Find the row of one key at `now`, or in event time at `event`; it is input row 0. */
  findKey(
    key: Uint8Array,
    now: number,
    event?: { readonly timeMs: number; readonly watermark: number },
  ): void {
    const { input } = this.op
    input.reserve(1, key.length, 0)
    input.keys.set(key)
    this.views.u32[input.keyOffsets] = 0
    this.views.u32[input.keyOffsets + 1] = key.length
    input.size = 1
    if (event === undefined || input.processing) input.stamp(now)
    else input.stamp(now, Float64Array.of(event.timeMs), Float64Array.of(event.watermark))
    this.find()
  }

  /** The row of one key, made if there is none of a record that `fill` writes. Throws `MEMORY`. */
  ensureKey(key: Uint8Array, fill: (record: number) => void): number {
    this.findKey(key, 0)
    const row = this.enter(0)
    if (row !== 0) return row
    const record = this.borrow()
    fill(record)
    try {
      this.create(0, record)
    } finally {
      this.giveBack(record)
    }
    return this.row(0)
  }

  /** The row of input row `index` as it is at that event; 0 if there is none. */
  enter(index: number): number {
    const row = this.row(index)
    return row !== 0 && !this.#ttl ? row : this.#enterAgain(index)
  }

  #enterAgain(index: number): number {
    this.engine.wasm.mr_row_enter(this.op.handle, index)
    if (this.#ttl) this.engine.refs.collect()
    return this.row(index)
  }

  /** The row of input row `index` as it is at `timeMs`; 0 if there is none. Changes nothing. */
  look(index: number, timeMs: number): number {
    const { wasm, scratch } = this.engine
    const result = wasm.mr_row_look(this.op.handle, index, timeMs, scratch)
    if (result < 0) throw this.op.refusal("look at a row", result)
    return this.views.word(scratch)
  }

  /** The row of input row `index`; 0 also if it was made since, until that is entered. */
  row(index: number): number {
    return this.views.u32[this.#rows + index] as number
  }

  /** Sessions: what becomes of the event of input row `index`, while its row is not 0. */
  way(index: number): number {
    return this.views.u32[this.#ways + index] as number
  }

  /** Where the key bytes of a row lie in `views.u8`. */
  keyOf(row: number): { readonly from: number; readonly to: number } {
    const from = row + this.#keyAt
    return { from, to: from + (this.views.u16[(row + this.#keyBytesAt) >>> 1] as number) }
  }

  /** The address of a row's record; {@link recordAt} for the hot path. */
  record(row: number): number {
    return row - this.#recordBytes
  }

  /** Make the row of an event; `record` is copied in. Throws `LIMIT`, `MEMORY`. */
  create(index: number, record: number): void {
    const result = this.engine.wasm.mr_row_create(this.op.handle, index, record)
    if (result < 0) throw this.op.refusal("keep state for another key", result)
    this.views.follow()
    if (this.touchesWrites) this.engine.refs.collect()
  }

  /** Tell C that the row of an event was read or written. */
  touch(index: number, written: boolean): void {
    this.engine.wasm.mr_row_touch(this.op.handle, index, written ? 1 : 0)
    if (this.touchesReads) this.engine.refs.collect()
  }

  /** A value of a row is in other hands, which may change it in place. */
  lent(row: number, value: unknown): void {
    if (!this.engine.tracks || typeof value !== "object" || value === null) return
    this.engine.wasm.mr_row_changes(this.op.handle, row)
    this.op.cut?.keep() // It may be known from before the cut.
  }

  /** Numbers of a row are to be written in place. */
  changed(row: number): void {
    if (this.engine.tracks) this.engine.wasm.mr_row_changes(this.op.handle, row)
  }

  /** Remove a row by its address. */
  drop(row: number): void {
    this.engine.wasm.mr_row_drop(this.op.handle, row)
    this.engine.refs.collect()
  }

  remove(index: number): void {
    this.engine.wasm.mr_row_remove(this.op.handle, index)
    this.engine.refs.collect()
  }
}
