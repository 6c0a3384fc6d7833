/**
 * State that is a typed record: `get` gives one view per operator, whose properties read and write
 * the row in linear memory.
 *
 * A row that is there is changed in place, after its record was copied aside; a missing row's
 * record is built in scratch memory and becomes a row at `commit`. So `abandon` undoes a failed
 * call whole, strings included: the blobs that a call made are freed, those it replaced are kept.
 *
 * A detached call works on a copy in scratch memory, with strings of its own, which becomes the
 * row's record at `commit`, whatever has become of the row meanwhile.
 */
import { MillraceError, typeName } from "../errors.ts"
import type { Access } from "../state/access.ts"
import type { RecordType } from "../state/record.ts"
import { fieldsOf, readCell, textOf } from "./record_cells.ts"
import type { Field } from "./record_cells.ts"
import { RecordView } from "./record_view.ts"
import type { Cells } from "./record_view.ts"
import type { Rows } from "./rows.ts"
import { makeText } from "./texts.ts"
import type { Views } from "./views.ts"

type Plain = Record<string, unknown>

export class RecordAccess implements Access, Cells {
  readonly #rows: Rows
  readonly #fields: readonly Field[]
  readonly #view: RecordView
  readonly label: string
  readonly views: Views
  #index = -1
  #row = 0
  /** Address of the record that the view shows; 0 outside a call. */
  at = 0
  written = false
  #deleted = false
  #used = false
  #detached = false
  /** The event of a call that is suspended. */
  #suspended = -1
  /** Was there a row when the call was detached? */
  #had = false
  #made: number[] = []
  #replaced: number[] = []
  /** Address of two records: one to build, one to remember. */
  readonly #scratch: number

  constructor(rows: Rows, type: RecordType<unknown>) {
    this.#rows = rows
    this.label = rows.op.label
    this.views = rows.views
    this.#fields = fieldsOf(type, rows.op.layout.fieldAt)
    this.#view = new RecordView(this, type, this.#fields)
    this.#scratch = rows.borrow()
  }

  get open(): boolean {
    return this.#index >= 0
  }

  begin(index: number): void {
    this.#index = index
    this.#row = this.#rows.enter(index)
    this.written = false
    this.#deleted = false
    this.#used = false
    if (this.#row === 0) this.#showScratch()
    else this.at = this.#rows.record(this.#row)
  }

  exists(): boolean {
    this.#used = true
    return this.written || ((this.#row !== 0 || this.#had) && !this.#deleted)
  }

  get(): RecordView {
    this.#used = true
    return this.#view
  }

  /** Give every field the value that the object has; the view itself is a no-op write. */
  set(value: unknown): void {
    this.write()
    if (value === this.#view) return
    if (typeof value !== "object" || value === null) {
      const message = `${this.label}: state must be a record, not ${typeName(value)}`
      throw new MillraceError("SERIALIZATION", message)
    }
    const view = this.#view as unknown as Plain
    for (const { name } of this.#fields) view[name] = (value as Plain)[name]
  }

  delete(): void {
    if (this.written) this.#undo()
    this.#deleted = true
    this.#showScratch()
  }

  plain(value: unknown): unknown {
    return value === this.#view ? this.plainAt(this.at) : value
  }

  /** The record at an address as an object of its own. */
  plainAt(at: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    for (const field of this.#fields) object[field.name] = readCell(this.views, field, at)
    return object
  }

  detach(): void {
    this.#had = this.#row !== 0
    this.#detached = true
    if (this.at !== this.#scratch) {
      this.#copy(this.at, this.#scratch)
      if (this.written) this.#copy(this.#undoRecord, this.at)
      this.at = this.#scratch
    }
    this.#row = 0
    this.#replaced = []
    for (const { kind, at } of this.#fields) {
      const blob = kind === "string" ? this.views.word(this.at + at) : 0
      if (blob === 0 || this.#made.includes(blob)) continue
      this.views.u32[(this.at + at) >>> 2] = 0 // It is the row's.
      this.#putText(this.at + at, textOf(this.views, blob))
    }
  }

  suspend(): void {
    this.#suspended = this.#index
    this.#index = -1
    this.at = 0
  }

  resume(): void {
    if (this.#suspended < 0) return
    this.#index = this.#suspended
    this.#suspended = -1
    this.at = this.#scratch
  }

  commit(): void {
    const index = this.#index
    if (this.#detached) this.#meet(this.#rows.row(index))
    if (this.written && this.#row !== 0) {
      this.#settle(this.#replaced) // First: what was replaced counts no more when room is made.
      if (this.#rows.touchesWrites) this.#rows.touch(index, true)
      return
    }
    if (this.written) {
      this.#create(index)
    } else if (this.#deleted) {
      if (this.#row !== 0) this.#rows.remove(index)
    } else if (this.#used && this.#row !== 0 && this.#rows.touchesReads) {
      this.#rows.touch(index, false)
    }
    this.#settle(this.written ? this.#replaced : this.#made)
  }

  /** What a detached call wrote takes the place of the row's record, if there is a row. */
  #meet(row: number): void {
    this.#row = row
    if (row === 0 || !this.written) return
    const record = this.#rows.record(row)
    for (const { kind, at } of this.#fields) {
      const blob = kind === "string" ? this.views.word(record + at) : 0
      if (blob !== 0) this.#replaced.push(blob)
    }
    this.#copy(this.#scratch, record)
  }

  abandon(): void {
    if (this.#detached) return this.#settle(this.#made)
    if (this.written) this.#undo()
    this.#settle([])
  }

  #create(index: number): void {
    try {
      this.#rows.create(index, this.#scratch)
    } catch (error) {
      this.#settle(this.#made)
      throw error
    }
  }

  /** The call is over; the blobs that nothing names any more are freed. */
  #settle(blobs: number[]): void {
    this.#index = -1
    this.at = 0
    if (this.#made.length > 0 || this.#replaced.length > 0) this.#free(blobs)
    if (this.#detached) this.#rows.giveBack(this.#scratch) // It is not used again.
  }

  #free(blobs: number[]): void {
    const { engine, op } = this.#rows
    for (const blob of blobs) engine.wasm.mr_blob_free(op.handle, blob)
    this.#made = []
    this.#replaced = []
  }

  #showScratch(): void {
    const at = this.#scratch
    const words = this.#rows.op.layout.recordBytes >>> 2
    this.#rows.views.u32.fill(0, at >>> 2, (at >>> 2) + words)
    this.at = at
  }

  /** Before the first change of a call: copy the record aside. */
  write(): void {
    if (this.written) return
    this.written = true
    if (this.#row === 0) return
    const record = this.#rows.record(this.#row)
    this.#copy(record, this.#undoRecord)
    if (this.#deleted) this.#blank(record)
  }

  /** A deleted row is written again: it stays, with a record like a new one's. */
  #blank(record: number): void {
    for (const { kind, at } of this.#fields) {
      const blob = kind === "string" ? this.#rows.views.word(record + at) : 0
      if (blob !== 0) this.#replaced.push(blob)
    }
    this.#copy(this.#scratch, record)
    this.at = record
    this.#deleted = false
  }

  #undo(): void {
    this.written = false
    if (this.#row !== 0) this.#copy(this.#undoRecord, this.#rows.record(this.#row))
    this.#free(this.#made)
  }

  get #undoRecord(): number {
    return this.#scratch + this.#rows.op.layout.recordBytes
  }

  #copy(from: number, to: number): void {
    const { u32 } = this.#rows.views
    const words = this.#rows.op.layout.recordBytes >>> 2
    for (let i = 0; i < words; i++) u32[(to >>> 2) + i] = u32[(from >>> 2) + i] as number
  }

  put(field: Field, value: unknown): void {
    const { views } = this.#rows
    const at = this.at + field.at
    switch (field.kind) {
      case "i64":
        views.i64[at >>> 3] = value as bigint
        return
      case "bool":
        views.u8[at] = value === true ? 1 : 0
        return
      case "string":
        this.#putText(at, value as string)
        return
      default:
        views.f64[at >>> 3] = value as number
    }
  }

  #putText(at: number, text: string): void {
    const { engine, op, views } = this.#rows
    const blob = makeText(op, text)
    const old = views.word(at)
    if (old !== 0) {
      const own = this.#made.indexOf(old)
      if (own < 0) this.#replaced.push(old)
      else {
        this.#made.splice(own, 1)
        engine.wasm.mr_blob_free(op.handle, old)
      }
    }
    if (blob !== 0) this.#made.push(blob)
    views.u32[at >>> 2] = blob
  }
}
