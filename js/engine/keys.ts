/**
 * The keys of a result batch, as JavaScript values.
 *
 * Most keys are short ASCII strings, so all bytes are decoded by one call first: where each byte is
 * one character, a string key is a piece of that text.
 */
import { decodeKey } from "../state/key_read.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import type { Batch } from "./batch.ts"
import type { Operator } from "./operator.ts"

const decoder = new TextDecoder()
const stringTag = 5

/** The keys of all rows of a batch. */
export function keysOf(batch: Batch): KeyValue[] {
  const { keys: bytes, keyOffsets, size } = batch
  const { u32 } = batch.engine.views
  const end = u32[keyOffsets + size] as number
  const text = decoder.decode(bytes.subarray(0, end))
  const ascii = text.length === end
  const keys = new Array<KeyValue>(size)
  for (let i = 0, from = 0; i < size; i++) {
    const to = u32[keyOffsets + i + 1] as number
    keys[i] =
      ascii && bytes[from] === stringTag ? text.slice(from + 1, to) : decodeKey(bytes, from, to)
    from = to
  }
  return keys
}

/** The key of a row, by the row's address. */
export function keyOfRow({ layout, engine }: Operator, row: number): KeyValue {
  const from = row + layout.keyAt
  const size = engine.views.u16[(row + layout.keyBytesAt) >>> 1] as number
  return decodeKey(engine.views.u8, from, from + size)
}
