/**
 * Reading key bytes; twin of key_bytes.ts, which says what they are.
 */
import { MillraceError } from "../errors.ts"
import { keyBytesMax, keyDepthMax, tag } from "./key_bytes.ts"
import type { KeyValue } from "./key_bytes.ts"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * Read the key whose bytes are exactly [from, to). A tuple comes back as a frozen array.
 *
 * @throws {MillraceError} `CORRUPT` when these are not the bytes that {@link encodeKey} writes.
 */
export function decodeKey(bytes: Uint8Array, from: number, to: number): KeyValue {
  if (from < 0 || to > bytes.length) throw damaged()
  return readKey(bytes, from, to, 0)
}

function readKey(bytes: Uint8Array, from: number, to: number, depth: number): KeyValue {
  if (from >= to || to - from > keyBytesMax) throw damaged()
  const size = to - from - 1
  switch (bytes[from]) {
    case tag.number:
      return readNumber(bytes, from + 1, size)
    case tag.bigint:
      return readBigint(bytes, from + 1, size)
    case tag.string:
      return readString(bytes, from + 1, to)
    case tag.tuple:
      return readTuple(bytes, from + 1, to, depth + 1)
    default:
      return readBare(bytes[from], size)
  }
}

function readBare(first: number | undefined, size: number): null | boolean {
  if (size === 0 && first === tag.null) return null
  if (size === 0 && first === tag.false) return false
  if (size === 0 && first === tag.true) return true
  throw damaged()
}

function readNumber(bytes: Uint8Array, at: number, size: number): number {
  if (size !== 8) throw damaged()
  const value = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(at, true)
  if (Number.isNaN(value) || Object.is(value, -0)) throw damaged()
  return value
}

function readBigint(bytes: Uint8Array, at: number, size: number): bigint {
  if (size === 0) return 0n
  const last = bytes[at + size - 1] ?? 0
  const sign = size === 1 ? 0 : (bytes[at + size - 2] ?? 0) & 0x80
  const spare = (last === 0 && sign === 0) || (last === 0xff && size > 1 && sign !== 0)
  if (spare) throw damaged()

  let hex = "0x"
  for (let i = size - 1; i >= 0; i--) hex += (bytes[at + i] ?? 0).toString(16).padStart(2, "0")
  return BigInt.asIntN(size * 8, BigInt(hex))
}

/** Texts up to this size, if they are ASCII, are read more quickly one by one. */
const shortBytes = 16

function readString(bytes: Uint8Array, from: number, to: number): string {
  if (to - from <= shortBytes) {
    let text = ""
    let at = from
    for (; at < to && (bytes[at] as number) < 0x80; at++) {
      text += String.fromCharCode(bytes[at] as number)
    }
    if (at === to) return text
  }
  try {
    return decoder.decode(bytes.subarray(from, to))
  } catch {
    throw damaged()
  }
}

function readTuple(bytes: Uint8Array, from: number, to: number, depth: number): KeyValue {
  if (depth > keyDepthMax || from >= to) throw damaged()
  const elements: KeyValue[] = []
  let at = from + 1
  for (let left = bytes[from] ?? 0; left > 0; left--) {
    const start = at + 2
    at = start + ((bytes[start - 2] ?? 0) | ((bytes[start - 1] ?? 0) << 8))
    if (start > to || at > to) throw damaged()
    elements.push(readKey(bytes, start, at, depth))
  }
  if (at !== to) throw damaged()
  return Object.freeze(elements)
}

function damaged(): MillraceError {
  return new MillraceError("CORRUPT", "these are not the bytes of a key")
}
