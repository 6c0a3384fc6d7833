/**
 * Where the key of an event is: a path, several paths, or a function; and what a path's type is.
 *
 * A path is dotted: `"user.id"` is the own property `id` of the own property `user`, and
 * `"items.0"` the first element of an array. Only own properties count, so `"constructor"` or
 * `"__proto__"` in events that came from JSON is missing unless the event really has it; a getter
 * that a class defines, or a name with a dot in it, takes a function. `undefined` is missing;
 * `null` is a key.
 *
 * A reader is made once per operator and called once per event. What it returns is not judged here:
 * `encodeKey` (key_bytes.ts) refuses what cannot be a key.
 */
import { MillraceError, typeName } from "../errors.ts"
import { checkOptions } from "../options.ts"
import { isObject, nameReader } from "./field_readers.ts"
import type { FieldReader } from "./field_readers.ts"
import { keyBytes, keyElementsMax } from "./key_bytes.ts"
import type { KeyAtom, KeyValue } from "./key_bytes.ts"

export { encodeKey, keyBytes } from "./key_bytes.ts"
export { decodeKey } from "./key_read.ts"
export { keyBytesMax, keyDepthMax, keyElementsMax } from "./key_bytes.ts"
export type { KeyAtom, KeyValue } from "./key_bytes.ts"

type Previous = [never, 0, 1, 2, 3, 4]
type Leaf = KeyAtom | undefined

/** The dotted paths into `T` at which a key can be, with index steps into arrays. */
export type Path<T, Depth extends number = 4> = [Depth] extends [never]
  ? never
  : T extends Leaf | Date | ((...given: never[]) => unknown)
    ? never
    : T extends readonly (infer Element)[]
      ? `${number}` | `${number}.${Path<Element, Previous[Depth]>}`
      : { [Name in keyof T & string]: Step<T[Name], Name, Previous[Depth]> }[keyof T & string]

type Step<Value, Name extends string, Depth extends number> =
  | (NonNullable<Value> extends Leaf ? Name : `${Name}.${Path<NonNullable<Value>, Depth>}`)
  | (null extends Value ? Name : never)

/** The type of what is at path `P` of `T`. */
export type At<T, P extends string> = P extends keyof T
  ? T[P]
  : P extends `${infer Head}.${infer Rest}`
    ? Head extends keyof T
      ? At<NonNullable<T[Head]>, Rest>
      : T extends readonly (infer Element)[]
        ? At<Element, Rest>
        : never
    : T extends readonly (infer Element)[]
      ? Element
      : never

/** What says where the key of an event is. */
export type KeyPlace<T> = Path<T> | readonly Path<T>[] | ((event: T) => KeyValue | undefined)

/** The type of the key that is in such a place. */
export type KeyIn<T, By> = By extends (event: T) => infer K
  ? Exclude<K, undefined>
  : By extends string
    ? Exclude<At<T, By>, undefined>
    : { readonly [I in keyof By]: Exclude<At<T, By[I] & string>, undefined> }

/** Options of `keyBy`. */
export interface KeyOptions {
  /**
   * What happens to an event without a key: `"error"` refuses it, `"skip"` leaves it out, and
   * `{ use }` gives it that key. Default `"error"`.
   */
  readonly missing?: "error" | "skip" | { readonly use: KeyValue }
}

/** A path, several paths, or a function from an event to its key. */
export type KeyBy = string | readonly string[] | ((event: never) => unknown)

/** Read the key of an event; `undefined` for an event that is to be left out. */
export type KeyReader = (event: unknown) => KeyValue | undefined

/** Reads an event that is its own key. */
export const itself: KeyReader = (event) => event as KeyValue

/**
 * Make the function that reads keys. Several paths give a tuple, also when there is only one.
 *
 * The reader throws `KEY_MISSING`, naming the path, for an event without a key, unless
 * `options.missing` says otherwise; what a key function throws passes through.
 *
 * @throws {MillraceError} `OPTION` for a path that is empty or has an empty step, for no path or
 *   more than {@link keyElementsMax}, for unknown options; `KEY_TYPE` or `LIMIT` for a `use` that
 *   cannot be a key.
 */
export function keyReader(by: KeyBy, options?: KeyOptions): KeyReader {
  const { missing = "error" } = checkOptions(options, keyOptions, "keyBy")
  if (typeof by === "string" && isName(by) && missing === "error") return keyOfName(by)
  const read = typeof by === "string" ? fieldReader(by) : readerOfMany(by)
  const fallback = typeof missing === "object" ? missing.use : undefined
  const fails = missing === "error"
  return (event) => {
    const key = read(event)
    if (key !== undefined) return key as KeyValue
    if (fails) throw keyMissing(by, event)
    return fallback
  }
}

/** The common case in one closure: a field of the event that must be there. */
function keyOfName(name: string): KeyReader {
  return (event) => {
    const key = isObject(event) ? event[name] : undefined
    if (key === undefined) throw keyMissing(name, event)
    return key as KeyValue
  }
}

/** Is this path the name of a field that only an event itself can have? */
export function isName(path: string): boolean {
  return stepsOf(path).length === 1 && !isInherited(path)
}

function readerOfMany(by: readonly string[] | ((event: never) => unknown)): FieldReader {
  if (typeof by === "function") return by as FieldReader
  if (!Array.isArray(by) || by.length === 0 || by.length > keyElementsMax) {
    const wanted = `a path, 1 to ${keyElementsMax} paths, or a function`
    throw new MillraceError("OPTION", `keyBy takes ${wanted}, not ${typeName(by)}`)
  }
  const paths = by.map((path) => stepsOf(path))
  const [first = [], second = [], third = []] = paths
  const names = paths.every((steps) => steps.length === 1 && !isInherited(steps[0] as string))
  if (names && paths.length === 2) return pairOfNames(first[0] as string, second[0] as string)
  if (names && paths.length === 3) {
    return tripleOfNames(first[0] as string, second[0] as string, third[0] as string)
  }
  return tupleReader(paths.map((steps) => readerOfSteps(steps)))
}

/**
 * Make the function that reads one field by its dotted path, own properties only.
 *
 * @throws {MillraceError} `OPTION` when the path is empty or has an empty step.
 */
export function fieldReader(path: string): FieldReader {
  return readerOfSteps(stepsOf(path))
}

function stepsOf(path: unknown): string[] {
  if (typeof path !== "string") {
    throw new MillraceError("OPTION", `a path must be a string, not ${typeName(path)}`)
  }
  const steps = path.split(".")
  if (!steps.includes("")) return steps
  const shown = JSON.stringify(path.slice(0, 60))
  const hint = "a path has names between its dots; for other names pass a function"
  throw new MillraceError("OPTION", `${shown} is not a path: ${hint}`)
}

/*
 * A plain load is four times as fast as Object.hasOwn; only a name that every object inherits needs
 * the care. Each closure below has its own loads, instead of one shared helper, because an engine
 * remembers shapes per place in the source.
 */

function readerOfSteps(steps: readonly string[]): FieldReader {
  const [first = "", second = ""] = steps
  if (steps.some(isInherited) || steps.length > 2) return (event) => steps.reduce(own, event)
  if (steps.length === 1) return nameReader(first)
  return (event) => {
    const inner = isObject(event) ? event[first] : undefined
    return isObject(inner) ? inner[second] : undefined
  }
}

function pairOfNames(first: string, second: string): FieldReader {
  return (event) => {
    if (!isObject(event)) return undefined
    const a = event[first]
    const b = event[second]
    return a === undefined || b === undefined ? undefined : [a, b]
  }
}

function tripleOfNames(first: string, second: string, third: string): FieldReader {
  return (event) => {
    if (!isObject(event)) return undefined
    const a = event[first]
    const b = event[second]
    const c = event[third]
    return a === undefined || b === undefined || c === undefined ? undefined : [a, b, c]
  }
}

/** One missing element makes the whole tuple missing. */
function tupleReader(readers: readonly FieldReader[]): FieldReader {
  return (event) => {
    const elements: unknown[] = []
    for (const read of readers) {
      const element = read(event)
      if (element === undefined) return undefined
      elements.push(element)
    }
    return elements
  }
}

function isInherited(name: string): boolean {
  return name in Object.prototype
}

function own(from: unknown, name: string): unknown {
  if (typeof from !== "object" || from === null || !Object.hasOwn(from, name)) return undefined
  return (from as Readonly<Record<string, unknown>>)[name]
}

function keyMissing(by: KeyBy, event: unknown): MillraceError {
  if (typeof by === "function") {
    return new MillraceError("KEY_MISSING", "the key function gave undefined")
  }
  const paths = typeof by === "string" ? [by] : by
  const missing = paths.find((path) => fieldReader(path)(event) === undefined) ?? paths[0]
  return new MillraceError("KEY_MISSING", `the event has no own field ${JSON.stringify(missing)}`)
}

function missingOption(value: unknown, name: string): "error" | "skip" | { use: KeyValue } {
  if (value === "error" || value === "skip") return value
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "use")) {
    throw new MillraceError("OPTION", `${name} must be "error", "skip" or { use: key }`)
  }
  const { use } = value as { use: KeyValue }
  keyBytes(use) // Throws when it cannot be a key.
  return { use }
}

const keyOptions = { missing: missingOption }
