/**
 * A batch: columns in linear memory that JavaScript fills for an operator, or reads from one.
 *
 * A batch is opened once per operator and reused for every chunk; its arrays move when it grows,
 * so their addresses are read again after every `reserve`.
 */
import { layouts, present } from "./abi.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import { decodeKey } from "../state/key_read.ts"
import type { Engine } from "./engine.ts"

const { at } = layouts.columns

const noBytes = new Uint8Array(0)
const noBytesView = new DataView(noBytes.buffer)

export class Batch {
  readonly engine: Engine
  readonly handle: number
  /** Do its rows have processing time, whatever the events have? */
  readonly processing: boolean
  /** Address of the mr_columns. */
  #columns = 0
  #keys = noBytes
  #keysView = noBytesView

  constructor(engine: Engine, processing = false) {
    this.engine = engine
    this.processing = processing
    engine.check("open a batch", engine.wasm.mr_batch_open(engine.handle, engine.scratch))
    this.handle = engine.views.word(engine.scratch)
    this.reserve(0, 0, 0)
  }

  /** Empty the batch and make room. */
  reserve(rows: number, keyBytes: number, columns: number): void {
    const { wasm, scratch, views } = this.engine
    const result = wasm.mr_batch_reserve(this.handle, rows, keyBytes, columns, scratch)
    this.engine.check("make room for a chunk", result)
    this.#columns = views.word(scratch)
    this.#look()
  }

  /** Make room for more key bytes and keep what is there. */
  growKeys(keyBytes: number): void {
    const result = this.engine.wasm.mr_batch_reserve_keys(this.handle, keyBytes)
    this.engine.check("make room for keys", result)
    this.#look()
  }

  get size(): number {
    return this.#word(at.size)
  }

  set size(rows: number) {
    this.engine.views.u32[(this.#columns + at.size) >>> 2] = rows
  }

  /** Key bytes: the region of this batch, and a view of the same bytes. */
  get keys(): Uint8Array<ArrayBuffer> {
    this.#look()
    return this.#keys
  }

  get keysView(): DataView<ArrayBuffer> {
    return this.#keysView
  }

  /** Index of key_offsets[0] in `views.u32`. */
  get keyOffsets(): number {
    return this.#word(at.key_offsets) >>> 2
  }

  /** Index of position[0] in `views.u32`. */
  get positions(): number {
    return this.#word(at.position) >>> 2
  }

  /** Index of time_ms[0] in `views.f64`. */
  get times(): number {
    return this.#word(at.time_ms) >>> 3
  }

  /** Index of value column `column` in `views.f64`. */
  column(column: number): number {
    return this.#word(at.columns + column * 4) >>> 3
  }

  /** Address of the validity bitmap of a value column. */
  validity(column: number): number {
    return this.#word(at.validity + column * 4)
  }

  /** Say which value columns have their bitmap filled in: a bit each. */
  set nulls(columns: bigint) {
    this.engine.views.u64[(this.#columns + at.nulls) >>> 3] = columns
  }

  /** The rows arrived at `now` and have keys; with `times` they have event time as well. */
  stamp(now: number, times?: Float64Array, watermarks?: Float64Array): void {
    const { views } = this.engine
    views.f64[(this.#columns + at.now_ms) >>> 3] = now
    let has: number = present.HAS_KEYS
    if (times !== undefined && watermarks !== undefined) {
      has |= present.HAS_TIME
      views.f64.set(times, this.#word(at.time_ms) >>> 3)
      views.f64.set(watermarks, this.#word(at.watermark_before) >>> 3)
    }
    views.u32[(this.#columns + at.present) >>> 2] = has
  }

  /** The rows have watermarks of their own sources, which may be further than that of all. */
  stampOwn(watermarks: Float64Array): void {
    const { views } = this.engine
    const has = (this.#columns + at.present) >>> 2
    views.u32[has] = (views.u32[has] as number) | present.HAS_OWN
    views.f64.set(watermarks, this.#word(at.own_watermark) >>> 3)
  }

  /** The key of a row. */
  keyAt(row: number): KeyValue {
    const { u32 } = this.engine.views
    const [from, to] = [u32[this.keyOffsets + row], u32[this.keyOffsets + row + 1]]
    return decodeKey(this.keys, from as number, to as number)
  }

  /** A copy of the bytes of a row's key. */
  keyBytesAt(row: number): Uint8Array {
    const { u32 } = this.engine.views
    return this.keys.slice(u32[this.keyOffsets + row], u32[this.keyOffsets + row + 1])
  }

  /** Where the bytes of a row's key lie in linear memory. */
  keyRange(row: number): { readonly from: number; readonly to: number } {
    const { u32 } = this.engine.views
    const offsets = this.keyOffsets
    const keys = this.#word(at.keys)
    const [from, to] = [u32[offsets + row] as number, u32[offsets + row + 1] as number]
    return { from: keys + from, to: keys + to }
  }

  /** The bytes of a row's key, as a text that only that key has. */
  keyText(row: number): string {
    const { u32 } = this.engine.views
    const from = u32[this.keyOffsets + row] as number
    const upto = u32[this.keyOffsets + row + 1] as number
    let text = ""
    for (let at = from; at < upto; at++) text += String.fromCharCode(this.keys[at] as number)
    return text
  }

  close(): void {
    this.engine.wasm.mr_batch_close(this.handle)
  }

  #word(offset: number): number {
    return this.engine.views.word(this.#columns + offset)
  }

  #look(): void {
    const { buffer } = this.engine.views
    const from = this.#word(at.keys)
    const size = this.#word(at.key_bytes_max)
    if (this.#keys.buffer === buffer && this.#keys.byteOffset === from) {
      if (this.#keys.length === size) return
    }
    this.#keys = new Uint8Array(buffer, from, size)
    this.#keysView = new DataView(buffer, from, size)
  }
}
