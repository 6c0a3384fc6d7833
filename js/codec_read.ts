/**
 * CBOR back to JavaScript values: the other half of codec.ts.
 *
 * The bytes may be damaged, so nothing is believed: what `encode` does not write (longer forms than
 * needed, open lengths, a name twice, other tags, text that is not UTF-8) is `CORRUPT`. Names such
 * as `__proto__` become own properties, so no bytes can reach a prototype.
 */
import { decode as decodeItems, Token, Tokenizer, Type } from "cborg"
import type { DecodeOptions, TagDecodeControl } from "cborg"
import { timeMsMax } from "./duration.ts"
import { MillraceError } from "./errors.ts"

/** Tags of RFC 8746, for bytes as they lie in memory: little-endian on every host we know. */
export const typedArrays = [
  [68, Uint8ClampedArray],
  [69, Uint16Array],
  [70, Uint32Array],
  [71, BigUint64Array],
  [72, Int8Array],
  [77, Int16Array],
  [78, Int32Array],
  [79, BigInt64Array],
  [85, Float32Array],
  [86, Float64Array],
] as const

/**
 * Read a value that `encode` wrote.
 *
 * @throws {MillraceError} `CORRUPT` when these are not such bytes.
 */
export function decode(bytes: Uint8Array): unknown {
  // A view that is no Buffer, whose slice() would not copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return decodeItems(data, { ...options, tokenizer: new WholeStrings(data, options) })
  } catch (cause) {
    throw new MillraceError("CORRUPT", "these are not the bytes of a value", { cause })
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** cborg drops a byte order mark at the start of a string and mends bad UTF-8; not so this. */
class WholeStrings extends Tokenizer {
  override next(): Token {
    const from = this.pos()
    const token = super.next()
    if (!Type.equals(token.type, Type.string)) return token
    const minor = (this.data[from] ?? 0) & 31
    const header = minor < 24 ? 1 : 1 + (1 << (minor - 24))
    const size = this.pos() - from - header
    const mended = token.value as string
    if (mended.length === size && !mended.includes("\ufffd")) return token // All ASCII.
    const text = utf8.decode(this.data.subarray(from + header, from + header + size))
    return new Token(Type.string, text, token.encodedLength)
  }
}

function readDate(item: TagDecodeControl): Date {
  const seconds = item()
  if (typeof seconds !== "number") throw new TypeError("a date is not a number")
  if (Number.isNaN(seconds)) return new Date(seconds)
  const near = Math.round(seconds * 1000) // Off by one, far from 1970, when a fraction was cut.
  const ms = [near, near - 1, near + 1].find((candidate) => candidate / 1000 === seconds)
  if (ms === undefined || Math.abs(ms) > timeMsMax) throw new RangeError("not a date")
  return new Date(ms)
}

function readBigint(item: TagDecodeControl): bigint {
  const bytes = bytesOf(item)
  if (bytes[0] === 0) throw new TypeError("a bigint has a byte too many")
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return BigInt(`0x0${hex}`)
}

function readSet(item: TagDecodeControl): Set<unknown> {
  const elements = item()
  if (!Array.isArray(elements)) throw new TypeError("a set is not an array")
  return whole(new Set<unknown>(elements), elements.length)
}

function readMap(item: TagDecodeControl): Map<unknown, unknown> {
  const entries = item.entries()
  return whole(new Map(entries), entries.length)
}

function whole<Held extends { readonly size: number }>(held: Held, size: number): Held {
  if (held.size !== size) throw new TypeError("the same key twice")
  return held
}

function readWithoutPrototype(item: TagDecodeControl): unknown {
  const properties = item()
  if (typeof properties !== "object" || Object.getPrototypeOf(properties) !== Object.prototype) {
    throw new TypeError("not an object")
  }
  return Object.setPrototypeOf(properties, null) as unknown
}

function bytesOf(item: TagDecodeControl): Uint8Array<ArrayBuffer> {
  const bytes = item()
  if (bytes instanceof Uint8Array) return bytes.slice()
  throw new TypeError("not bytes")
}

const options: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
  tags: {
    1: readDate,
    2: readBigint,
    3: (item) => -1n - readBigint(item),
    258: readSet,
    259: readMap,
    275: readWithoutPrototype,
    ...Object.fromEntries(
      typedArrays.map(([tag, View]) => [
        tag,
        (item: TagDecodeControl) => new View(bytesOf(item).buffer),
      ]),
    ),
  },
}
