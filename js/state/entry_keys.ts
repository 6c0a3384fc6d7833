/**
 * The keys of entries while a call has them aside: as the texts that a `Map` of changes has.
 */
import { keyBytes } from "./key_bytes.ts"
import type { KeyValue } from "./key_bytes.ts"
import { decodeKey } from "./key_read.ts"

/** A text that only this key has. Throws `KEY_TYPE` for some of what cannot be a key. */
export function keyText(key: unknown): string {
  if (typeof key === "string") return `s${key}`
  if (typeof key === "number") return numberText(key)
  let text = "b"
  for (const byte of keyBytes(key)) text += String.fromCharCode(byte)
  return text
}

export function numberText(key: number): string {
  return `n${key + 0}` // -0 + 0 is 0.
}

/** The key as it comes back from a row; a tuple is no longer its giver's. */
export function ownKey(given: unknown): KeyValue {
  if (typeof given === "number") return given + 0
  if (typeof given !== "object" || given === null) return given as KeyValue
  const bytes = keyBytes(given)
  return decodeKey(bytes, 0, bytes.length)
}
