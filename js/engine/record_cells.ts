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
  /** Its index among the fields that are numbers; -1: it is none. */
  readonly number: number
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The fields of a record type in a layout, which is the same for every engine. */
export function fieldsOf(type: RecordType<unknown>, fieldAt: readonly number[]): Field[] {
  let numbers = 0
  return type.fields.map(([name, kind], i) => {
    const number = kind === "f64" || kind === "timestamp" ? numbers++ : -1
    return { name, kind, at: fieldAt[i] as number, number }
  })
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

/** Write a field that is neither a number nor a string. */
export function writeCell(views: Views, field: Field, record: number, value: unknown): void {
  const at = record + field.at
  if (field.kind === "bool") views.u8[at] = value === true ? 1 : 0
  else views.i64[at >>> 3] = value as bigint
}

/** The blobs of a record's strings. */
export function blobsOf(views: Views, fields: readonly Field[], record: number): number[] {
  const strings = fields.filter(({ kind }) => kind === "string")
  return strings.map(({ at }) => views.word(record + at)).filter((blob) => blob !== 0)
}
