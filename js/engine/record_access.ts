/**
 * State that is a typed record: `get` gives one view per operator, whose properties read and write
 * the row in linear memory.
 *
 * Its numbers are kept aside until `commit`; see record_numbers.ts. Other fields of a row that is
 * there are changed in place, after its record was copied aside; a missing row's record is built in
 * scratch memory and becomes a row at `commit`. So `abandon` undoes a failed call whole, strings
 * included: the blobs that a call made are freed, those it replaced are kept.
 *
 * A detached call works on a copy in scratch memory, with strings of its own, which becomes the
 * row's record at `commit`, whatever has become of the row meanwhile.
 */
import { MillraceError, typeName } from "../errors.ts"
import { closed } from "../state/access.ts"
import type { Access } from "../state/access.ts"
import type { RecordType } from "../state/record.ts"
import { blobsOf, fieldsOf, readCell, textOf, writeCell } from "./record_cells.ts"
import type { Field } from "./record_cells.ts"
import { noNumbers, Numbers } from "./record_numbers.ts"
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
  readonly #numbers: Numbers
  /** Of the call; {@link noNumbers} outside. */
  numbers = noNumbers
  /** Are all fields numbers? */
  readonly #numeric: boolean
  readonly label: string
  readonly views: Views
  #index = -1
  #row = 0
  /** Address of the record that the view shows; 0 outside a call. */
  at = 0
  written = false
  /** Is the row's record changed in place, so that it must be copied aside first? */
  #inPlace = false
  #copied = false
  #deleted = false
  #used = false
  #detached = false
  #suspended = -1 // The event of a call that is.
  #had = false // Was there a row when the call was detached?
  #made: number[] = []
  #replaced: number[] = []
  /** Address of a record to build, and of one to remember. */
  readonly #scratch: number
  readonly #undoRecord: number

  constructor(rows: Rows, type: RecordType<unknown>) {
    this.#rows = rows
    this.label = rows.op.label
    this.views = rows.views
    this.#fields = fieldsOf(type, rows.op.layout.fieldAt)
    this.#view = new RecordView(this, type, this.#fields)
    this.#numbers = new Numbers(this.#fields)
    this.#numeric = this.#fields.every(({ number }) => number >= 0)
    this.#scratch = rows.borrow()
    this.#undoRecord = this.#scratch + rows.op.layout.recordBytes
  }

  get open(): boolean {
    return this.#index >= 0
  }

  begin(index: number): void {
    const row = this.#rows.enter(index)
    this.#index = index
    this.#row = row
    this.numbers = this.#numbers.values
    this.written = false
    this.#inPlace = row !== 0 && !this.#numeric
    this.#copied = false
    this.#deleted = false
    this.#used = false
    if (row === 0) return this.#showScratch()
    this.at = this.#rows.record(row)
    this.#numbers.load(this.views.f64, this.at)
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
    this.#inPlace = this.#row !== 0
    this.#deleted = true
    this.#showScratch()
  }

  plain(value: unknown): unknown {
    return value === this.#view ? this.#shown() : value
  }

  #shown(): Plain {
    return Object.fromEntries(this.#fields.map((field) => [field.name, this.read(field)]))
  }

  /** The record at an address as an object of its own. */
  plainAt(at: number): Record<string, unknown> {
    const { views } = this
    return Object.fromEntries(this.#fields.map((field) => [field.name, readCell(views, field, at)]))
  }

  detach(): void {
    this.#had = this.#row !== 0
    this.#detached = true
    if (this.at !== this.#scratch) {
      this.#copy(this.at, this.#scratch)
      if (this.#copied) this.#copy(this.#undoRecord, this.at)
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
    this.#close()
  }

  resume(): void {
    if (this.#suspended < 0) return
    this.#index = this.#suspended
    this.#suspended = -1
    this.at = this.#scratch
    this.numbers = this.#numbers.values
  }

  /** The hot path is small, so that V8 makes one piece of it and the loop of all events. */
  commit(): void {
    if (!this.written || this.#row === 0 || !this.#numeric) return this.#finish()
    this.#numbers.store(this.views.f64, this.at)
    if (this.#rows.touchesWrites) this.#rows.touch(this.#index, true)
    this.#close()
  }

  #finish(): void {
    const index = this.#index
    if (this.written) this.#numbers.store(this.views.f64, this.at)
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
    this.#replaced.push(...blobsOf(this.views, this.#fields, record))
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
    this.#close()
    if (this.#made.length > 0 || this.#replaced.length > 0) this.#free(blobs)
    if (this.#detached) this.#rows.giveBack(this.#scratch) // It is not used again.
  }

  #close(): void {
    this.#index = -1
    this.at = 0
    this.numbers = noNumbers
  }

  #free(blobs: number[]): void {
    const { engine, op } = this.#rows
    for (const blob of blobs) engine.wasm.mr_blob_free(op.handle, blob)
    this.#made = []
    this.#replaced = []
  }

  #showScratch(): void {
    const at = this.#scratch
    if (!this.#numeric) this.views.u8.fill(0, at, at + this.#rows.op.layout.recordBytes)
    this.#numbers.clear()
    this.at = at
  }

  write(): void {
    if (this.at === 0) throw closed()
    if (this.#inPlace && !this.written) this.#copyAside()
    this.written = true
  }

  #copyAside(): void {
    const record = this.#rows.record(this.#row)
    this.#copy(record, this.#undoRecord)
    this.#copied = true
    if (this.#deleted) this.#blank(record)
  }

  /** A deleted row is written again: it stays, with a record like a new one's. */
  #blank(record: number): void {
    this.#replaced.push(...blobsOf(this.views, this.#fields, record))
    this.#copy(this.#scratch, record)
    this.at = record
    this.#deleted = false
  }

  #undo(): void {
    this.written = false
    if (this.#copied) this.#copy(this.#undoRecord, this.#rows.record(this.#row))
    this.#free(this.#made)
  }

  #copy(from: number, to: number): void {
    const { u32 } = this.#rows.views
    const words = this.#rows.op.layout.recordBytes >>> 2
    for (let i = 0; i < words; i++) u32[(to >>> 2) + i] = u32[(from >>> 2) + i] as number
  }

  read(field: Field): unknown {
    const { number } = field
    return number < 0 ? readCell(this.views, field, this.at) : this.numbers[number]
  }

  put(field: Field, value: unknown): void {
    if (field.number >= 0) this.numbers[field.number] = value as number
    else if (field.kind === "string") this.#putText(this.at + field.at, value as string)
    else writeCell(this.views, field, this.at, value)
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
