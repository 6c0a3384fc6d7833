/**
 * Functions that read a field of an event by its name.
 *
 * An engine remembers what a read has met, names and shapes of objects, per place in the source:
 * one place that reads several fields is twice as slow for all of them. So there are several
 * places, all the same, and each of the first names has one to itself.
 */

/** Reads a field of an event; undefined: the event has none. */
export type FieldReader = (event: unknown) => unknown

type Fields = Readonly<Record<string, unknown>>
type Maker = (name: string) => FieldReader

/** The last is for all names that have no place of their own. */
const makers: readonly Maker[] = [
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
  (name) => (event) => (isObject(event) ? event[name] : undefined),
]

const readers = new Map<string, FieldReader>()

/** The function that reads the field of this name; inherited ones count too. */
export function nameReader(name: string): FieldReader {
  const known = readers.get(name)
  if (known !== undefined) return known
  const reader = (makers[readers.size] as Maker)(name)
  if (readers.size < makers.length - 1) readers.set(name, reader)
  return reader
}

/** Is this something that has fields? */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null
}
