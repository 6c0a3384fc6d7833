/**
 * What a user function sees of a record: an object whose own properties read and write linear
 * memory.
 *
 * There is one view per operator, moved from row to row. The accessor functions of a record type
 * are made once and shared by the views of all jobs, so that all of them have one shape and a user
 * function that has met one knows them all.
 */
import { timeMsMax } from "../duration.ts"
import { typeName, MillraceError } from "../errors.ts"
import { closed } from "../state/access.ts"
import type { FieldTypes, RecordType } from "../state/record.ts"
import type { Field } from "./record_cells.ts"

/** The record that a view shows at the moment. */
export interface Cells {
  /** What messages call the operator. */
  readonly label: string
  /** Address of the record; 0 outside a call. */
  readonly at: number
  /** The fields that are numbers, by {@link Field.number}; outside a call it throws. */
  readonly numbers: number[]
  /** Was it written already? If not, {@link write} comes before the first change. */
  readonly written: boolean
  /** Throws outside a call. */
  write(): void
  read(field: Field): unknown
  /** Put a value that was checked. */
  put(field: Field, value: unknown): void
}

const known = new WeakMap<RecordType<unknown>, PropertyDescriptorMap>()

export class RecordView {
  readonly #cells: Cells

  constructor(cells: Cells, type: RecordType<unknown>, fields: readonly Field[]) {
    this.#cells = cells
    let properties = known.get(type)
    if (properties === undefined) {
      properties = Object.fromEntries(
        fields.map((field) => [field.name, RecordView.#property(field)]),
      )
      known.set(type, properties)
    }
    Object.defineProperties(this, properties)
    Object.seal(this)
  }

  static #property(field: Field): PropertyDescriptor & ThisType<RecordView> {
    if (field.kind === "f64") return RecordView.#number(field)
    return {
      enumerable: true,
      get() {
        const cells = this.#cells
        if (cells.at === 0) throw closed()
        return cells.read(field)
      },
      set(value: unknown) {
        const cells = this.#cells
        if (!fits(field.kind, value)) refuse(cells, field, value)
        cells.write()
        cells.put(field, value)
      },
    }
  }

  /** Numbers are the hot path, and small: V8 makes one piece of the function and of these. */
  static #number(field: Field): PropertyDescriptor & ThisType<RecordView> {
    const { number } = field
    return {
      enumerable: true,
      get() {
        return this.#cells.numbers[number] // Throws where there are none.
      },
      set(value: unknown) {
        const cells = this.#cells
        if (typeof value !== "number") refuse(cells, field, value)
        if (!cells.written) cells.write()
        cells.numbers[number] = value
      },
    }
  }
}

const loneSurrogate = /\p{Surrogate}/u

function fits(kind: keyof FieldTypes, value: unknown): boolean {
  switch (kind) {
    case "i64":
      return typeof value === "bigint" && BigInt.asIntN(64, value) === value
    case "bool":
      return typeof value === "boolean"
    case "string":
      return typeof value === "string" && !loneSurrogate.test(value)
    case "timestamp":
      return Number.isInteger(value) && Math.abs(value as number) <= timeMsMax
    default:
      return typeof value === "number"
  }
}

/** Throws `SERIALIZATION` for a value that a field cannot have. */
export function checkField(label: string, field: Field, value: unknown): void {
  if (!fits(field.kind, value)) throw wrongType({ label }, field, value)
}

function refuse(cells: Cells, field: Field, value: unknown): never {
  throw cells.at === 0 ? closed() : wrongType(cells, field, value)
}

function wrongType(
  { label }: Pick<Cells, "label">,
  { name, kind }: Field,
  value: unknown,
): MillraceError {
  const field = `${label}: field ${name} of the record is ${kind}`
  return new MillraceError("SERIALIZATION", `${field} and cannot be ${typeName(value)}`)
}
