/**
 * The schema of a state whose rows are values, or records: what is saved of it, and read back.
 */
import type { StateSchema } from "../graph.ts"
import type { StateSetting } from "./config.ts"
import { RecordType } from "./record.ts"
import type { FieldTypes, RecordSchema } from "./record.ts"

/** The schema of rows that hold records of this type, or any value. */
export function valueSchema(
  kind: string,
  record: RecordType<unknown> | undefined,
  { limits, version = 1 }: StateSetting,
): StateSchema {
  const fields = record?.fields.map(([name, type]) => `${name}:${type}`) ?? ["ref"]
  return { kind, fields, ttl: limits.ttlMs > 0, ...(version > 1 && { version }) }
}

/** What the rows of a schema hold; undefined: they are neither. */
export function heldBy({
  fields,
}: StateSchema): { readonly record: RecordType<unknown> | undefined } | undefined {
  if (fields.length === 1 && fields[0] === "ref") return { record: undefined }
  const named = fields.map((field) => /^(.*):(f64|i64|bool|string|timestamp)$/s.exec(field))
  if (fields.length === 0 || named.includes(null)) return undefined
  const schema: RecordSchema = Object.fromEntries(
    named.map((match) => [match?.[1] ?? "", match?.[2] as keyof FieldTypes]),
  )
  return { record: new RecordType(schema) }
}
