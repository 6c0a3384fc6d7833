/**
 * Rows found by one key, whatever chunk it came in: the states of process functions.
 *
 * All states of a call have its key from one buffer (call.ts). Nothing that only looks removes a
 * row, so during a call rows go only when the call, or another one, takes effect.
 */
import type { KeyValue } from "../state/key_bytes.ts"
import { decodeKey } from "../state/key_read.ts"
import { layouts, status } from "./abi.ts"
import { headBytes, sizeBytes } from "./call.ts"
import type { Call } from "./call.ts"
import type { Engine } from "./engine.ts"
import type { Operator } from "./operator.ts"

/** The rows of one state for the key of a call. */
export class KeyedRows {
  readonly op: Operator
  readonly engine: Engine
  readonly call: Call
  /** Do reads count as use, and must writes be told to C? */
  readonly touchesReads: boolean
  readonly touchesWrites: boolean
  /** Does the order of uses decide what goes? */
  readonly evicts: boolean
  /** Do rows stay until they are dropped? Else making one may remove another. */
  readonly stay: boolean
  /** Are values lent that can be changed in place, and must that be told to C? */
  readonly #lends: boolean
  readonly #entries: boolean
  readonly #processing: boolean

  constructor(op: Operator, call: Call) {
    const { ttlMs, evict, touchReads } = op.spec.limits
    this.op = op
    this.engine = op.engine
    this.call = call
    this.touchesReads = evict || (touchReads && ttlMs > 0)
    this.touchesWrites = evict || ttlMs > 0 || op.engine.tracks
    this.evicts = evict
    this.stay = ttlMs === 0 && !evict
    this.#lends = op.engine.tracks && op.spec.fields?.includes("ref") === true
    this.#entries = op.spec.entries === true
    this.#processing = op.input.processing
  }

  /** The row of the call's key, or of an entry whose key ends at `end`; 0 if there is none. */
  look(end = 0): number {
    const { wasm, scratch, views } = this.engine
    const { at, size } = this.#keyAt(end)
    const result = wasm.mr_key_look(this.op.handle, at, size, this.#clockMs, scratch)
    if (result < 0) throw this.op.refusal("look for state", result)
    const row = views.word(scratch)
    this.op.cut?.keep()
    return row
  }

  /** Make that row; `record` is copied in. Throws `LIMIT`, `MEMORY`. */
  make(record: number, end = 0): number {
    const { wasm, scratch, views } = this.engine
    const { at, size } = this.#keyAt(end)
    const [time, passed] = [this.#timeMs, this.#passedMs]
    const result = wasm.mr_key_make(this.op.handle, at, size, time, passed, record, scratch)
    if (result < 0) throw this.op.refusal("keep more state", result)
    this.engine.refs.collect() // Others may have gone, and memory may have grown.
    return views.word(scratch)
  }

  /** A row was read or written; others may go. */
  use(row: number, written: boolean): void {
    const { wasm, refs } = this.engine
    wasm.mr_row_use(this.op.handle, row, this.#timeMs, this.#passedMs, written ? 1 : 0)
    refs.collect()
  }

  /** A value of a row is in the function's hands, which may change it in place. */
  lent(row: number, value: unknown): void {
    if (!this.#lends || typeof value !== "object" || value === null) return
    this.engine.wasm.mr_row_changes(this.op.handle, row)
  }

  drop(row: number): void {
    this.engine.wasm.mr_row_drop(this.op.handle, row)
    this.engine.refs.collect()
  }

  /** An entry will be dropped at the end of the call, or will not. */
  leave(row: number, leaves: boolean): void {
    this.engine.wasm.mr_entry_leave(this.op.handle, row, leaves ? 1 : 0)
  }

  /** Drop the entries of the key that leave, which are its first. */
  dropLeaving(): void {
    const { wasm, refs } = this.engine
    const { owner, ownerSize } = this.call.key
    while (wasm.mr_entries_drop(this.op.handle, owner, ownerSize) === status.MORE) refs.collect()
    refs.collect()
  }

  /** The entry of the key that was made last, of those that have not surely expired; or 0. */
  last(): number {
    const { wasm, scratch, views } = this.engine
    const { owner, ownerSize } = this.call.key
    views.u32[scratch >>> 2] = 0
    for (;;) {
      const passed = this.#passedMs
      const result = wasm.mr_entry_last(this.op.handle, owner, ownerSize, passed, scratch)
      if (result < 0) throw this.op.refusal("look for entries", result)
      if (result === status.MORE) continue
      const row = views.word(scratch)
      this.op.cut?.keep()
      return row
    }
  }

  /** The visible entries of the key, or all that stand, page by page, in first-seen order. */
  *pages(all = false): Generator<readonly number[], undefined> {
    const { wasm, scratch, views } = this.engine
    const { at } = layouts.entries
    const { owner, ownerSize } = this.call.key
    const cursor = new Uint8Array(at.count)
    let result: number = status.MORE
    while (result === status.MORE) {
      views.u8.set(cursor, scratch)
      views.f64[(scratch + at.clock_ms) >>> 3] = all ? -Infinity : this.#clockMs
      result = wasm.mr_entries_next(this.op.handle, owner, ownerSize, scratch)
      if (result < 0) throw this.op.refusal("look for entries", result)
      cursor.set(views.u8.subarray(scratch, scratch + at.count))
      const from = (scratch + at.rows) >>> 2
      const rows = Array.from(views.u32.subarray(from, from + views.word(scratch + at.count)))
      this.op.cut?.keep()
      if (rows.length > 0) yield rows
    }
    return undefined
  }

  /** The own key of an entry. */
  entryKey(row: number): KeyValue {
    return entryKeyOf(this.op, row)
  }

  #keyAt(end: number): { readonly at: number; readonly size: number } {
    const { key } = this.call
    return this.#entries ? { at: key.entry, size: end } : { at: key.owner, size: key.ownerSize }
  }

  get #timeMs(): number {
    return this.#processing ? this.call.now : this.call.timeMs
  }

  get #passedMs(): number {
    return this.#processing ? this.call.now : this.call.passedMs
  }

  get #clockMs(): number {
    return Math.max(this.#timeMs, this.#passedMs)
  }
}

/** Where the key bytes of a row lie that an entry belongs to, and where its own. */
function partsOf({ engine, layout }: Operator, row: number) {
  const { u8, u16 } = engine.views
  const at = row + layout.keyAt
  const size = (u8[at + 2] as number) | ((u8[at + 3] as number) << 8)
  const own = at + headBytes + size + sizeBytes
  return {
    owner: at + headBytes,
    size,
    own,
    end: at + (u16[(row + layout.keyBytesAt) >>> 1] as number),
  }
}

/** The own key of an entry. */
export function entryKeyOf(op: Operator, row: number): KeyValue {
  const { own, end } = partsOf(op, row)
  return decodeKey(op.engine.views.u8, own, end)
}

/** Where the bytes lie of the key that an entry belongs to. */
export function ownerOf(op: Operator, row: number): { readonly from: number; readonly to: number } {
  const { owner, size } = partsOf(op, row)
  return { from: owner, to: owner + size }
}
