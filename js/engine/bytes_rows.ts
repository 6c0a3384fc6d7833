/**
 * Rows whose value is bytes, looked up one key at a time.
 *
 * The bytes lie in linear memory, so that they count as what they are. A string field holds a MiB
 * at most, so a row has several, and a value lies in them piece by piece:
 *
 *     record  [piece 0][piece 1] ...     a blob each; 0: nothing more
 *
 * What must stay true: a call that is refused has changed nothing that can be seen, save that
 * expired rows may be gone.
 */
import { MillraceError } from "../errors.ts"
import { keyBytes } from "../state/key_bytes.ts"
import { decodeKey } from "../state/key_read.ts"
import { limits } from "./abi.ts"
import type { Engine } from "./engine.ts"
import { Operator } from "./operator.ts"
import type { StateLimits } from "./operator.ts"
import { Rows } from "./rows.ts"
import { scanPages } from "./scan.ts"

const pieceBytesMax = limits.STRING_BYTES_MAX
const piecesMax = 16

/** The most bytes of one value. */
export const valueBytesMax = piecesMax * pieceBytesMax

export class BytesRows {
  readonly operator: Operator
  readonly #rows: Rows

  /** `uid` is what messages call the state. */
  constructor(engine: Engine, uid: string, allowed: StateLimits) {
    const { bytesMax } = allowed
    const pieces = Math.min(bytesMax === 0 ? Infinity : bytesMax / pieceBytesMax, piecesMax)
    const fields = Array.from({ length: Math.ceil(pieces) }, () => "string" as const)
    this.operator = new Operator(engine, uid, { kind: "custom", limits: allowed, fields })
    this.#rows = new Rows(this.operator)
  }

  /** A copy of the value of a key; this is a use of it. */
  get(key: string, now: number): Uint8Array | undefined {
    const row = this.#enter(key, now)
    if (row === 0) return undefined
    this.#used()
    return this.#read(row)
  }

  /** Is there a value? A use too, if there is. */
  has(key: string, now: number): boolean {
    const row = this.#enter(key, now)
    if (row !== 0) this.#used()
    return row !== 0
  }

  /** Keep what `change` makes of a copy of the value. It must not use these rows itself. */
  update(
    key: string,
    now: number,
    change: (current: Uint8Array | undefined) => Uint8Array,
  ): Uint8Array {
    const row = this.#enter(key, now)
    const next = change(row === 0 ? undefined : this.#read(row))
    this.#refuseTooLong(next)
    if (row === 0) this.#create(next)
    else this.#replace(row, next)
    return next
  }

  delete(key: string, now: number): void {
    this.#enter(key, now)
    this.#rows.remove(0)
  }

  /** The keys that have a value, as first seen. */
  keys(now: number): string[] {
    const { views } = this.operator.engine
    const keys: string[] = []
    for (const { rows, count } of scanPages(this.operator, now)) {
      for (let i = 0; i < count; i++) keys.push(this.#keyOf(views.u32[rows + i] as number))
    }
    return keys
  }

  /** The keys and values that made room for others since the last time, first evicted first. */
  takeEvicted(): (readonly [key: string, value: Uint8Array])[] {
    const rows = this.operator.evicted()
    if (rows.length === 0) return []
    const evicted = rows.map(({ row }) => [this.#keyOf(row), this.#read(row)] as const)
    this.operator.freeEvicted()
    return evicted
  }

  #keyOf(row: number): string {
    const { from, to } = this.#rows.keyOf(row)
    return decodeKey(this.operator.engine.views.u8, from, to) as string
  }

  #enter(key: string, now: number): number {
    this.#rows.findKey(keyBytes(key), now)
    return this.#rows.enter(0)
  }

  #used(): void {
    if (this.#rows.touchesReads) this.#rows.touch(0, false)
  }

  #create(value: Uint8Array): void {
    const record = this.#rows.borrow()
    try {
      this.#write(record, value)
      this.#rows.create(0, record)
    } catch (error) {
      this.#empty(record)
      throw error
    } finally {
      this.#rows.giveBack(record)
    }
  }

  /** The old bytes go first: what is replaced must not count toward what there may be. */
  #replace(row: number, value: Uint8Array): void {
    const record = this.#rows.record(row)
    const before = this.#read(row)
    this.#empty(record)
    try {
      const { bytes } = this.operator.stats()
      this.#write(record, value)
      this.#refuseTooLarge(row, this.operator.stats().bytes - bytes)
    } catch (error) {
      this.#empty(record)
      this.#write(record, before) // There is room: it stood here a moment ago.
      throw error
    }
    if (this.#rows.touchesWrites) this.#rows.touch(0, true)
  }

  #refuseTooLong({ length }: Uint8Array): void {
    const { bytesMax } = this.operator.spec.limits
    if (bytesMax > 0 && length > bytesMax) throw this.#tooLarge()
    if (length <= valueBytesMax) return
    const message = `a value of ${length} bytes cannot be kept; valueBytesMax is ${valueBytesMax}`
    throw new MillraceError("LIMIT", `${this.operator.uid}: ${message}`)
  }

  /** Where rows are evicted, all others may go; a row that is too large alone is refused. */
  #refuseTooLarge(row: number, held: number): void {
    const { spec } = this.operator
    const { evict, bytesMax } = spec.limits
    const upto = (this.#rows.keyOf(row).to + 7) & ~7
    const bytes = upto - this.#rows.record(row) + held
    if (evict && bytesMax > 0 && bytes > bytesMax) throw this.#tooLarge()
  }

  #tooLarge(): MillraceError {
    const { uid, spec } = this.operator
    const message = `state.maxBytes of ${spec.limits.bytesMax} is reached`
    return new MillraceError("LIMIT", `${uid}: could not keep a value: ${message}`)
  }

  // ---- pieces ----

  #read(row: number): Uint8Array {
    const { views } = this.#rows
    const blobs = this.#pieces(this.#rows.record(row))
    const value = new Uint8Array(blobs.reduce((size, blob) => size + views.word(blob), 0))
    let at = 0
    for (const blob of blobs) {
      const size = views.word(blob)
      value.set(views.u8.subarray(blob + 4, blob + 4 + size), at)
      at += size
    }
    return value
  }

  /** Fill an empty record; it stays empty when that is refused. */
  #write(record: number, value: Uint8Array): void {
    const { fieldAt, recordBytes } = this.operator.layout
    this.#rows.views.u32.fill(0, record >>> 2, (record + recordBytes) >>> 2)
    try {
      for (let i = 0, from = 0; from < value.length; i++, from += pieceBytesMax) {
        const piece = value.subarray(from, from + pieceBytesMax)
        const blob = this.#blobOf(piece)
        this.#rows.views.u32[(record + (fieldAt[i] as number)) >>> 2] = blob
      }
    } catch (error) {
      this.#empty(record)
      throw error
    }
  }

  #blobOf(piece: Uint8Array): number {
    const { wasm, scratch, views } = this.operator.engine
    const result = wasm.mr_blob_new(this.operator.handle, 0, piece.length, scratch)
    if (result < 0) throw this.operator.refusal("keep a value", result)
    views.follow()
    const blob = views.word(scratch)
    views.u8.set(piece, blob + 4)
    return blob
  }

  /** Free what a record holds. */
  #empty(record: number): void {
    const { wasm } = this.operator.engine
    for (const blob of this.#pieces(record)) wasm.mr_blob_free(this.operator.handle, blob)
    for (const at of this.operator.layout.fieldAt) {
      this.#rows.views.u32[(record + at) >>> 2] = 0
    }
  }

  /** The blobs of a record, in order. */
  #pieces(record: number): number[] {
    const { views } = this.#rows
    const blobs = this.operator.layout.fieldAt.map((at) => views.word(record + at))
    return blobs.filter((blob) => blob !== 0)
  }
}
