/**
 * JavaScript values as CBOR (RFC 8949), for what state keeps as live objects.
 *
 * The bytes are the same for the same value everywhere: shortest forms, properties in insertion
 * order. What comes back is what went in, or it was refused when it went in; nothing is dropped or
 * turned into something like it.
 *
 *     undefined null booleans strings   as they are; a lone surrogate is refused
 *     number                            integer, or the shortest float that is exact; one NaN
 *     bigint                            tags 2 and 3, small ones too, so that it stays a bigint
 *     Date                              tag 1, seconds since 1970; an invalid Date is NaN
 *     Uint8Array                        byte string; other typed arrays: tags of RFC 8746
 *     Map, Set                          tags 259 and 258
 *     array, plain object               array, map; an object without prototype: map in tag 275
 *
 * Refused are functions, symbols (also as names), instances of classes (so `Buffer` and subclasses
 * too), cycles, holes in arrays and nesting beyond {@link codecDepthMax}. An object that occurs
 * twice is written twice. Only enumerable own properties count, a getter is called once, and names
 * that an array has besides its elements are not looked for.
 *
 * cborg writes the items; what is a value is decided here, because an error has to say where in
 * the value it is.
 */
import { encode as encodeItems, Token, Type } from "cborg"
import { typedArrays } from "./codec_read.ts"
import { MillraceError, typeName } from "./errors.ts"

export { decode } from "./codec_read.ts"

/** How deep objects may stand in objects. */
export const codecDepthMax = 500

/** A step into a value: a name, an index, or what part of which entry of a Map or Set. */
type Step = string | number | { readonly part: "key" | "value" | "element"; readonly index: number }

/** A value on its way to bytes: items so far, and where we are. */
interface Walk {
  readonly items: Token[]
  readonly path: Step[]
  readonly ancestors: object[]
}

/**
 * Write a value as CBOR.
 *
 * @throws {MillraceError} `SERIALIZATION`, with the path to the part that cannot be saved, such as
 *   `$.user.tags[3]`; `cause` is what a getter threw.
 */
export function encode(value: unknown): Uint8Array {
  const walk: Walk = { items: [], path: [], ancestors: [] }
  try {
    put(value, walk)
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw refused(walk, "threw while it was read", cause)
  }
  return encodeItems(null, { typeEncoders: { null: () => walk.items } })
}

const loneSurrogate = /\p{Surrogate}/u

function put(value: unknown, walk: Walk): void {
  switch (typeof value) {
    case "number":
      return void walk.items.push(numberItem(value))
    case "string":
      return putString(value, walk)
    case "boolean":
      return void walk.items.push(new Token(value ? Type.true : Type.false, value))
    case "undefined":
      return void walk.items.push(new Token(Type.undefined))
    case "bigint":
      return putBigint(value, walk)
    case "object":
      if (value === null) return void walk.items.push(new Token(Type.null, null))
      return putObject(value, walk)
    default:
      throw refused(walk, `is ${typeName(value)}, which cannot be saved`)
  }
}

function numberItem(value: number): Token {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return new Token(Type.float, value)
  return new Token(value >= 0 ? Type.uint : Type.negint, value)
}

function putString(value: string, walk: Walk): void {
  if (loneSurrogate.test(value)) throw refused(walk, "has a lone surrogate")
  walk.items.push(new Token(Type.string, value))
}

function putBigint(value: bigint, walk: Walk): void {
  const negative = value < 0n
  const hex = (negative ? -1n - value : value).toString(16)
  const size = hex === "0" ? 0 : (hex.length + 1) >> 1
  const digits = hex.padStart(size * 2, "0")
  const bytes = Uint8Array.from({ length: size }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  )
  walk.items.push(new Token(Type.tag, negative ? 3 : 2), new Token(Type.bytes, bytes))
}

function putObject(value: object, walk: Walk): void {
  if (walk.ancestors.includes(value)) throw refused(walk, "contains itself")
  if (walk.ancestors.length === codecDepthMax) {
    throw refused(walk, `is nested deeper than codecDepthMax, ${codecDepthMax}`)
  }
  const prototype = Object.getPrototypeOf(value) as object | null
  const write = writers.get(prototype) ?? (isPlain(prototype) ? putProperties : undefined)
  if (write === undefined) throw refused(walk, `is ${typeName(value)}, which cannot be saved`)

  walk.ancestors.push(value)
  write(value as never, walk)
  walk.ancestors.pop()
}

/** The `Object.prototype` of another realm, such as a frame or a test runner's. */
function isPlain(prototype: object | null): boolean {
  if (prototype === null || Object.getPrototypeOf(prototype) !== null) return false
  return Object.hasOwn(prototype, "isPrototypeOf")
}

function putAt(step: Step, value: unknown, walk: Walk): void {
  walk.path.push(step)
  put(value, walk)
  walk.path.pop()
}

function putProperties(value: Readonly<Record<string, unknown>>, walk: Walk): void {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw refused(walk, "has a property named by a symbol, which cannot be saved")
  }
  const names = Object.keys(value)
  walk.items.push(new Token(Type.map, names.length))
  for (const name of names) {
    walk.path.push(name)
    putString(name, walk)
    put(value[name], walk)
    walk.path.pop()
  }
}

function putWithoutPrototype(value: Readonly<Record<string, unknown>>, walk: Walk): void {
  walk.items.push(new Token(Type.tag, 275))
  putProperties(value, walk)
}

function putArray(value: readonly unknown[], walk: Walk): void {
  if (!Array.isArray(value)) throw refused(walk, "only looks like an array")
  const length = value.length
  walk.items.push(new Token(Type.array, length))
  for (let i = 0; i < length; i++) {
    const element: unknown = value[i]
    if (element === undefined && !Object.hasOwn(value, i)) {
      walk.path.push(i)
      throw refused(walk, "is a hole in an array")
    }
    putAt(i, element, walk)
  }
}

function putMap(value: ReadonlyMap<unknown, unknown>, walk: Walk): void {
  const entries = [...value]
  walk.items.push(new Token(Type.tag, 259), new Token(Type.map, entries.length))
  entries.forEach(([key, held], index) => {
    putAt({ part: "key", index }, key, walk)
    putAt({ part: "value", index }, held, walk)
  })
}

function putSet(value: ReadonlySet<unknown>, walk: Walk): void {
  const elements = [...value]
  walk.items.push(new Token(Type.tag, 258), new Token(Type.array, elements.length))
  elements.forEach((element, index) => putAt({ part: "element", index }, element, walk))
}

function putDate(value: Date, walk: Walk): void {
  walk.items.push(new Token(Type.tag, 1), numberItem(value.getTime() / 1000))
}

function putBytes(value: Uint8Array, walk: Walk): void {
  walk.items.push(new Token(Type.bytes, value.slice()))
}

type Write = (value: never, walk: Walk) => void

/** By prototype, so that an instance of a class, or of a subclass of these, finds nothing. */
const writers = new Map<object | null, Write>([
  [Object.prototype, putProperties],
  [null, putWithoutPrototype],
  [Array.prototype, putArray],
  [Map.prototype, putMap],
  [Set.prototype, putSet],
  [Date.prototype, putDate],
  [Uint8Array.prototype, putBytes],
  ...typedArrays.map(([tag, { prototype }]): [object, Write] => [
    prototype,
    (value: ArrayBufferView, walk) => {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      walk.items.push(new Token(Type.tag, tag), new Token(Type.bytes, bytes.slice()))
    },
  ]),
])

function refused(walk: Walk, why: string, cause?: unknown): MillraceError {
  const message = `${pathText(walk.path)} ${why}`
  return new MillraceError("SERIALIZATION", message, cause === undefined ? {} : { cause })
}

function pathText(path: readonly Step[]): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`
    if (typeof step === "object") return `<${step.part} ${step.index}>`
    if (/^[A-Za-z_$][\w$]{0,60}$/.test(step)) return `.${step}`
    return `[${JSON.stringify(step.slice(0, 60))}]`
  })
  const shown = steps.length <= 20 ? steps : [...steps.slice(0, 10), "…", ...steps.slice(-5)]
  return `$${shown.join("")}`
}
