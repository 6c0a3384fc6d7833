/**
 * Key bytes: the one encoding of a key, for the hash, the key group, storage and savepoints.
 *
 * A tag byte, then the payload; two keys are the same key exactly if their bytes are the same:
 *
 *     0 null   1 false   2 true      no payload
 *     3 number                       f64, little-endian; -0 is written as 0
 *     4 bigint                       two's complement, little-endian, as few bytes as keep the
 *                                    sign; 0n has no payload at all
 *     5 string                       well-formed UTF-8, to the end
 *     6 tuple                        u8 count, then for each element u16 length and key bytes
 *
 * What must stay true: there is one way to write each key, so the decoder refuses NaN, -0, a
 * bigint with a byte too many and lengths that do not add up. Writing is the hot path: a string or
 * a number allocates nothing. Short strings are written by a loop over char codes, because
 * `TextEncoder.encodeInto` costs four times as much for a short one, and as much at some 70.
 */
import { MillraceError, typeName } from "../errors.ts"

/** A value that can be a key by itself. `1` and `"1"` are different keys; `-0` is `0`. */
export type KeyAtom = string | number | bigint | boolean | null

/** A key: an atom, or a tuple of keys. */
export type KeyValue = KeyAtom | readonly KeyValue[]

/** The most bytes that one key may have, as key bytes. */
export const keyBytesMax = 65_535

/** How deep tuples may stand in tuples; the outermost is 1. */
export const keyDepthMax = 8

/** The most elements of one tuple. */
export const keyElementsMax = 255

/** The first byte of each kind of key. */
export const tag = {
  null: 0,
  false: 1,
  true: 2,
  number: 3,
  bigint: 4,
  string: 5,
  tuple: 6,
} as const

/** Strings up to this length are written by the loop; longer ones by TextEncoder. */
const loopLengthMax = 64

const encoder = new TextEncoder()
const loneSurrogate = /\p{Surrogate}/u

/**
 * Write the key bytes of `key` at `at`, and return where they end.
 *
 * Returns -1 when they do not fit before the end of `bytes`: give more room and call again. `view`
 * must be over the very bytes of `bytes`. After -1 or an error the bytes from `at` are undefined.
 *
 * @throws {MillraceError} `KEY_TYPE` when the value, or an element of it, cannot be a key; `LIMIT`
 *   when it has more than {@link keyBytesMax} bytes, {@link keyElementsMax} elements or
 *   {@link keyDepthMax} levels.
 */
export function encodeKey(key: unknown, bytes: Uint8Array, view: DataView, at: number): number {
  if (typeof key === "string") {
    return key.length <= loopLengthMax ? putShort(key, bytes, view, at) : putLong(key, bytes, at)
  }
  if (typeof key === "number") return putNumber(key, bytes, view, at)
  if (Array.isArray(key)) return putTuple(key, bytes, view, at, 1)
  if (typeof key === "bigint") return putBigint(key, bytes, at)
  if (at >= bytes.length) return -1
  bytes[at] = bareTag(key)
  return at + 1
}

/**
 * The key bytes of a key, in an array of their own; for single look-ups, not for the hot path.
 *
 * @throws {MillraceError} as {@link encodeKey}.
 */
export function keyBytes(key: unknown): Uint8Array {
  for (let room = 64; ; room *= 4) {
    const bytes = new Uint8Array(room)
    const end = encodeKey(key, bytes, new DataView(bytes.buffer), 0)
    if (end >= 0) return bytes.slice(0, end)
  }
}

function bareTag(key: unknown): number {
  if (key === null) return tag.null
  if (key === false) return tag.false
  if (key === true) return tag.true
  throw new MillraceError("KEY_TYPE", `${typeName(key)} cannot be a key`)
}

function putNumber(key: number, bytes: Uint8Array, view: DataView, at: number): number {
  if (at + 9 > bytes.length) return -1
  if (Number.isNaN(key)) throw new MillraceError("KEY_TYPE", "NaN cannot be a key")
  bytes[at] = tag.number
  view.setFloat64(at + 1, key + 0, true) // -0 + 0 is 0.
  return at + 9
}

function putShort(key: string, bytes: Uint8Array, view: DataView, at: number): number {
  const length = key.length
  if (at + 1 + length > bytes.length) return -1
  bytes[at] = tag.string
  let to = at + 1
  let i = 0
  for (; i + 4 <= length; i += 4, to += 4) {
    const a = key.charCodeAt(i)
    const b = key.charCodeAt(i + 1)
    const c = key.charCodeAt(i + 2)
    const d = key.charCodeAt(i + 3)
    if ((a | b | c | d) > 0x7f) break
    view.setUint32(to, a | (b << 8) | (c << 16) | (d << 24), true)
  }
  for (; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code > 0x7f) return putRest(key, i, bytes, to)
    bytes[to++] = code
  }
  return to
}

/** The rest of a short string, from its first character that is not ASCII. */
function putRest(key: string, from: number, bytes: Uint8Array, at: number): number {
  let to = at
  for (let i = from; i < key.length; i++) {
    const code = key.codePointAt(i) as number
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (to + size > bytes.length) return -1
    if (size === 1) {
      bytes[to++] = code
      continue
    }
    if (code >= 0xd800 && code <= 0xdfff) throw notWellFormed()
    for (let rest = size - 1, high = code; rest > 0; rest--, high >>= 6) {
      bytes[to + rest] = 0x80 | (high & 0x3f)
    }
    bytes[to] = (0xf00 >> size) | (code >> (6 * (size - 1)))
    to += size
    if (size === 4) i++ // Two char codes went into it.
  }
  return to
}

function putLong(key: string, bytes: Uint8Array, at: number): number {
  if (key.length >= keyBytesMax) throw tooLong()
  const room = Math.min(bytes.length - at - 1, keyBytesMax - 1)
  if (room < key.length) return -1
  if (loneSurrogate.test(key)) throw notWellFormed()

  const { read, written } = encoder.encodeInto(key, bytes.subarray(at + 1, at + 1 + room))
  if (read < key.length) {
    if (room === keyBytesMax - 1) throw tooLong()
    return -1
  }
  bytes[at] = tag.string
  return at + 1 + written
}

function putTuple(
  key: readonly unknown[],
  bytes: Uint8Array,
  view: DataView,
  at: number,
  depth: number,
): number {
  const count = key.length
  if (count > keyElementsMax) throw limit("elements in a tuple", "keyElementsMax", keyElementsMax)
  if (depth > keyDepthMax) throw limit("levels of tuples", "keyDepthMax", keyDepthMax)
  if (at + 2 > bytes.length) return -1
  bytes[at] = tag.tuple
  bytes[at + 1] = count
  let to = at + 2
  for (let i = 0; i < count; i++) {
    const element = key[i]
    const from = to + 2
    to = Array.isArray(element)
      ? putTuple(element, bytes, view, from, depth + 1)
      : encodeKey(element, bytes, view, from)
    if (to < 0) return -1
    if (to - at > keyBytesMax) throw tooLong()
    bytes[from - 2] = to - from
    bytes[from - 1] = (to - from) >> 8
  }
  return to
}

/** By division while that is exact, as for nearly every bigint; by hexadecimal beyond 2^53. */
function putBigint(key: bigint, bytes: Uint8Array, at: number): number {
  let rest = Number(key)
  if (!Number.isSafeInteger(rest)) return putHuge(key, bytes, at)
  if (at >= bytes.length) return -1
  bytes[at] = tag.bigint
  let to = at + 1
  let byte = 0 // Done when what is left only repeats the sign bit of the last byte.
  while (rest !== (byte < 0x80 ? 0 : -1)) {
    if (to === bytes.length) return -1
    const above = Math.floor(rest / 256)
    byte = rest - above * 256
    bytes[to++] = byte
    rest = above
  }
  return to
}

function putHuge(key: bigint, bytes: Uint8Array, at: number): number {
  const digits = (key < 0n ? ~key : key).toString(16)
  const bits = digits.length * 4 - Math.clz32(Number.parseInt(digits.charAt(0), 16)) + 28
  const size = (bits >> 3) + 1 // One bit more, for the sign.
  if (size >= keyBytesMax) throw tooLong()
  if (at + 1 + size > bytes.length) return -1

  bytes[at] = tag.bigint
  const hex = BigInt.asUintN(size * 8, key)
    .toString(16)
    .padStart(size * 2, "0")
  for (let i = 0; i < size; i++) {
    const from = (size - 1 - i) * 2
    bytes[at + 1 + i] = Number.parseInt(hex.slice(from, from + 2), 16)
  }
  return at + 1 + size
}

function notWellFormed(): MillraceError {
  return new MillraceError("KEY_TYPE", "a string with a lone surrogate cannot be a key")
}

function tooLong(): MillraceError {
  return limit("bytes in a key", "keyBytesMax", keyBytesMax)
}

function limit(what: string, name: string, most: number): MillraceError {
  return new MillraceError("LIMIT", `too many ${what}: ${name} is ${most}`)
}
