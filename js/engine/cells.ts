/**
 * How a row holds one value: as a live value in the slab, or as a record in linear memory.
 *
 * Here a record is read and written whole, as an object of its own.
 */
import { copyOf } from "../copy.ts"
import { MillraceError, typeName } from "../errors.ts"
import type { RecordType } from "../state/record.ts"
import { decodeCell } from "./adopt.ts"
import type { KeyedRows } from "./keyed_rows.ts"
import type { FieldKind, Operator } from "./operator.ts"
import { fieldsOf, readCell } from "./record_cells.ts"
import type { Field } from "./record_cells.ts"
import { checkField } from "./record_view.ts"
import { isEncoded } from "./refs.ts"
import { recordAt } from "./scan.ts"
import { makeText } from "./texts.ts"

/** The value that a row had before it got another one. */
interface Replaced {
  /** The row has it again. */
  putBack(this: void, row: number): void
  /** It is of no use any more. */
  forget(this: void): void
}

/** What makes rows of records. */
export type RowMaker = Pick<KeyedRows, "make">

export interface Cells {
  /** Throws `SERIALIZATION` for a value that no row can hold. */
  check(value: unknown): void
  read(row: number): unknown
  /** The value of a row as one that is nobody else's. */
  copy(row: number): unknown
  /** Make the row of the call's key, or of an entry, with this value. Throws `LIMIT`, `MEMORY`. */
  make(rows: RowMaker, value: unknown, end?: number): void
  /** Give a row another value. Throws `LIMIT`, `MEMORY`. */
  replace(row: number, value: unknown): Replaced
}

/** The fields of rows that hold records of this type, or any value. */
export function fieldKinds(type: RecordType<unknown> | undefined): FieldKind[] {
  return type === undefined ? ["ref"] : type.fields.map(([, kind]) => kind)
}

export function cellsOf(op: Operator, type: RecordType<unknown> | undefined): Cells {
  return type === undefined ? new RefCells(op) : new RecordCells(op, type)
}

class RefCells implements Cells {
  readonly #op: Operator
  /** Address of a record to make rows from. */
  readonly #scratch: number

  constructor(op: Operator) {
    this.#op = op
    this.#scratch = op.engine.alloc(8)
  }

  check(): void {
    // Any value will do; what cannot be saved is found when it is saved.
  }

  read(row: number): unknown {
    const { engine } = this.#op
    const cellAt = recordAt(this.#op, row)
    const cell = engine.views.word(cellAt)
    return isEncoded(cell) ? decodeCell(this.#op, cellAt, cell) : engine.refs.get(cell)
  }

  copy(row: number): unknown {
    return copyOf(this.read(row))
  }

  make(rows: RowMaker, value: unknown, end?: number): void {
    const { refs, views } = this.#op.engine
    const number = refs.add(this.#op.kept(value))
    views.u32[this.#scratch >>> 2] = number
    views.u32[(this.#scratch >>> 2) + 1] = 0
    try {
      rows.make(this.#scratch, end)
    } catch (error) {
      refs.remove(number)
      throw error
    }
  }

  replace(row: number, value: unknown): Replaced {
    const old = this.read(row)
    this.#put(row, value)
    return { putBack: (at) => this.#put(at, old), forget: () => undefined }
  }

  #put(row: number, value: unknown): void {
    const { engine } = this.#op
    engine.refs.replace(engine.views.word(recordAt(this.#op, row)), this.#op.kept(value))
  }
}

type Plain = Record<string, unknown>

class RecordCells implements Cells {
  readonly #op: Operator
  readonly #fields: readonly Field[]
  /** Address of a record to fill. */
  readonly #scratch: number

  constructor(op: Operator, type: RecordType<unknown>) {
    this.#op = op
    this.#fields = fieldsOf(type, op.layout.fieldAt)
    this.#scratch = op.engine.alloc(op.layout.recordBytes)
  }

  check(value: unknown): void {
    const { uid } = this.#op
    if (typeof value !== "object" || value === null) {
      const message = `${uid}: state must be a record, not ${typeName(value)}`
      throw new MillraceError("SERIALIZATION", message)
    }
    for (const field of this.#fields) checkField(uid, field, (value as Plain)[field.name])
  }

  read(row: number): unknown {
    const at = recordAt(this.#op, row)
    const object: Plain = {}
    const { views } = this.#op.engine
    for (const field of this.#fields) object[field.name] = readCell(views, field, at)
    return object
  }

  copy(row: number): unknown {
    return this.read(row)
  }

  make(rows: RowMaker, value: unknown, end?: number): void {
    this.#fill(value)
    try {
      rows.make(this.#scratch, end)
    } catch (error) {
      this.#free(this.#blobs(this.#scratch))
      throw error
    }
  }

  replace(row: number, value: unknown): Replaced {
    this.#fill(value)
    const { views } = this.#op.engine
    const at = recordAt(this.#op, row)
    const bytes = this.#op.layout.recordBytes
    const old = views.u8.slice(at, at + bytes)
    const replaced = this.#blobs(at)
    views.u8.copyWithin(at, this.#scratch, this.#scratch + bytes)
    return {
      putBack: (back) => {
        const record = recordAt(this.#op, back)
        this.#free(this.#blobs(record))
        this.#op.engine.views.u8.set(old, record)
      },
      forget: () => this.#free(replaced),
    }
  }

  /** Write a value into scratch memory; its strings are new blobs. */
  #fill(value: unknown): void {
    this.check(value)
    const words = this.#op.layout.recordBytes >>> 2
    this.#op.engine.views.u32.fill(0, this.#scratch >>> 2, (this.#scratch >>> 2) + words)
    try {
      for (const field of this.#fields) {
        this.#putField(field, this.#scratch + field.at, (value as Plain)[field.name])
      }
    } catch (error) {
      this.#free(this.#blobs(this.#scratch))
      throw error
    }
  }

  #blobs(record: number): number[] {
    const { views } = this.#op.engine
    return this.#fields.flatMap(({ kind, at }) => {
      const blob = kind === "string" ? views.word(record + at) : 0
      return blob === 0 ? [] : [blob]
    })
  }

  #free(blobs: readonly number[]): void {
    for (const blob of blobs) this.#op.engine.wasm.mr_blob_free(this.#op.handle, blob)
  }

  #putField({ kind }: Field, at: number, value: unknown): void {
    const { views } = this.#op.engine
    if (kind === "i64") views.i64[at >>> 3] = value as bigint
    else if (kind === "bool") views.u8[at] = value === true ? 1 : 0
    else if (kind === "string") {
      const blob = makeText(this.#op, value as string) // It may move the views.
      views.u32[at >>> 2] = blob
    } else views.f64[at >>> 3] = value as number
  }
}
