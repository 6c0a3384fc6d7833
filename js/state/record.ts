/**
 * Typed records: state whose fields are known, kept in linear memory instead of as objects.
 */
import { MillraceError } from "../errors.ts"

/** The JavaScript type of each kind of field. */
export interface FieldTypes {
  /** A number; 0 at first. */
  f64: number
  /** A bigint from -2^63 to 2^63 - 1; 0n at first. */
  i64: bigint
  /** false at first. */
  bool: boolean
  /** Well-formed text of at most 1 MiB; "" at first. */
  string: string
  /** Whole milliseconds since 1970; 0 at first. */
  timestamp: number
}

/** The fields of a record, by name. */
export type RecordSchema = Readonly<Record<string, keyof FieldTypes>>

/** What {@link record} gives: the type of a record, for `state: { value }` and `fold`. */
export class RecordType<out R> {
  /** Names and kinds, in the order given. */
  readonly fields: readonly (readonly [name: string, kind: keyof FieldTypes])[]
  /** Only the type of the record; there is no value. */
  declare readonly type: R

  constructor(schema: RecordSchema) {
    this.fields = Object.freeze(Object.entries(schema))
  }
}

const kinds: readonly string[] = ["f64", "i64", "bool", "string", "timestamp"]

/**
 * The type of a record with these fields. A record is faster and smaller than an object, and a
 * failed call is undone for it whole.
 *
 * @example
 * ```ts
 * const totals = from(orders)
 *   .keyBy("customer")
 *   .fold(record({ orders: "f64", last: "timestamp" }), (total, order) => {
 *     total.orders += 1
 *     total.last = order.time
 *     return total
 *   })
 * ```
 * @throws {MillraceError} `STATE_CONFIG` when there are no fields, more than 64, or a kind that
 *   does not exist.
 */
export function record<const Schema extends RecordSchema>(
  schema: Schema,
): RecordType<{ -readonly [Name in keyof Schema]: FieldTypes[Schema[Name]] }> {
  const fields = Object.entries(schema)
  if (fields.length === 0 || fields.length > 64) {
    throw new MillraceError("STATE_CONFIG", `a record has 1 to 64 fields, not ${fields.length}`)
  }
  for (const [name, kind] of fields) {
    if (name === "__proto__") {
      throw new MillraceError("STATE_CONFIG", "a record cannot have a field __proto__")
    }
    if (kinds.includes(kind)) continue
    const known = kinds.join(", ")
    throw new MillraceError("STATE_CONFIG", `field ${name} of a record must be one of ${known}`)
  }
  return new RecordType(schema)
}
