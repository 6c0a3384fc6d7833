/**
 * The fields of a record in linear memory: where they lie, and how they are read.
 */
import type { FieldTypes, RecordType } from "../state/record.ts"
import type { Views } from "./views.ts"

/** A field and where it lies in the record. */
export interface Field {
  readonly name: string
  readonly kind: keyof FieldTypes
  readonly at: number
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The fields of a record type in a layout, which is the same for every engine. */
export function fieldsOf(type: RecordType<unknown>, fieldAt: readonly number[]): Field[] {
  return type.fields.map(([name, kind], i) => ({ name, kind, at: fieldAt[i] as number }))
}

/** The value of a field of the record at an address. */
export function readCell(views: Views, field: Field, record: number): unknown {
  const at = record + field.at
  switch (field.kind) {
    case "i64":
      return views.i64[at >>> 3]
    case "bool":
      return views.u8[at] === 1
    case "string":
      return textOf(views, views.word(at))
    default:
      return views.f64[at >>> 3]
  }
}

/** The string of a blob; 0 is the empty one. */
export function textOf(views: Views, blob: number): string {
  if (blob === 0) return ""
  return decoder.decode(views.u8.subarray(blob + 4, blob + 4 + views.word(blob)))
}
