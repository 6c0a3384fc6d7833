/**
 * Events on their way through operators that add up numbers in C and keep values beside them: each
 * is read once, before either changes, so that what one of the two cannot use neither gets.
 */
import { slice, timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import type { FieldReader } from "../state/field_readers.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import type { KeyReader } from "../state/keys.ts"
import type { Picks } from "./picks.ts"

/** An event that was read. */
export interface Read {
  readonly key: unknown
  readonly event: unknown
  readonly timeMs: number
  /** What the aggregates take of it. */
  readonly values: readonly unknown[]
}

/** Reads the key of an event that was read. */
export const keyOfRead: KeyReader = (one) => (one as Read).key as KeyValue | undefined

/** Reads a field of an event that was read. */
export const ofRead =
  (field: FieldReader): FieldReader =>
  (one) =>
    field((one as Read).event)

/** Read all events, up to the first that is refused. */
export function readEvents(
  chunk: Chunk,
  keyOf: KeyReader,
  picks: Picks,
): { readonly read: Chunk; readonly failure: Failure | undefined } {
  const read: Read[] = []
  try {
    for (const event of chunk.values) {
      const key = keyOf(event)
      const timeMs = timeOf(chunk, read.length)
      read.push({ key, event, timeMs, values: picks.valuesOf(event) })
    }
    return { read: { ...chunk, values: read }, failure: undefined }
  } catch (error) {
    const index = read.length
    return { read: { ...slice(chunk, 0, index), values: read }, failure: { index, error } }
  }
}
