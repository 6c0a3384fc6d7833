/**
 * Writing a chunk of JavaScript events into an operator's input batch: keys, times, numbers.
 *
 * Keys are written straight into linear memory, one loop over the chunk, no allocation per event.
 */
import { timeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import { MillraceError, typeName } from "../errors.ts"
import { encodeKey } from "../state/key_bytes.ts"
import type { FieldReader } from "../state/field_readers.ts"
import type { KeyReader } from "../state/keys.ts"
import type { Batch } from "./batch.ts"

/** What became of a chunk in the batch. */
export interface Filled {
  /** Rows in the batch. */
  readonly size: number
  /** The chunk's value of each row; undefined: row i is value `from + i`. */
  readonly rows: Uint32Array | undefined
  /** The first value that could not be written; rows are those before it. */
  readonly failure: Failure | undefined
}

/** Room for keys at first: 16 bytes each; it grows as keys need it. */
const keyBytesEach = 16

/**
 * Fill `batch` with values [from, upto) of the chunk, their keys as `read` gives them. Values
 * whose key is undefined are left out.
 */
export function fillKeys(
  batch: Batch,
  chunk: Chunk,
  read: KeyReader,
  from: number,
  upto: number,
  columns: number,
): Filled {
  const { values } = chunk
  const { views } = batch.engine
  try {
    batch.reserve(upto - from, (upto - from) * keyBytesEach, columns)
  } catch (error) {
    return { size: 0, rows: undefined, failure: { index: from, error } }
  }
  const offsets = batch.keyOffsets
  let rows: Uint32Array | undefined
  let failure: Failure | undefined
  let size = 0
  let end = 0
  let i = from
  // Taken once: nothing in the loop grows memory but growKeys.
  let { keys, keysView } = batch
  let { u32 } = views
  u32[offsets] = 0
  try {
    for (; i < upto; i++) {
      const key = read(values[i])
      if (key === undefined) {
        rows ??= Uint32Array.from({ length: upto - from }, (_, row) => from + row)
        continue
      }
      let next = encodeKey(key, keys, keysView, end)
      while (next < 0) {
        batch.growKeys(keys.length * 2)
        ;({ keys, keysView } = batch)
        u32 = views.u32
        next = encodeKey(key, keys, keysView, end)
      }
      if (rows !== undefined) rows[size] = i
      end = next
      u32[offsets + ++size] = end
    }
  } catch (error) {
    failure = { index: i, error }
  }
  batch.size = size
  stampTimes(batch, chunk, rows, from, size)
  return { size, rows: rows?.subarray(0, size), failure }
}

function stampTimes(
  batch: Batch,
  chunk: Chunk,
  rows: Uint32Array | undefined,
  from: number,
  size: number,
): void {
  const { at, arrival } = chunk
  const { times, watermarks, own, now } = arrival
  const timed = times !== undefined && watermarks !== undefined && !batch.processing
  if (!timed) return batch.stamp(now)
  if (at === undefined && chunk.times === undefined && rows === undefined) {
    const upto = from + size
    batch.stamp(now, times.subarray(from, upto), watermarks.subarray(from, upto))
    if (own !== undefined) batch.stampOwn(own.subarray(from, upto))
    return
  }
  const time = new Float64Array(size)
  const watermark = new Float64Array(size)
  const ownWatermark = own === undefined ? undefined : new Float64Array(size)
  for (let row = 0; row < size; row++) {
    const value = rows === undefined ? from + row : (rows[row] as number)
    const cause = at === undefined ? value : (at[value] as number)
    time[row] = timeOf(chunk, value)
    watermark[row] = watermarks[cause] as number
    if (ownWatermark !== undefined) ownWatermark[row] = own?.[cause] as number
  }
  batch.stamp(now, time, watermark)
  if (ownWatermark !== undefined) batch.stampOwn(ownWatermark)
}

/** A number field that an aggregate reads. */
export interface NumberField {
  readonly path: string
  readonly read: FieldReader
}

/**
 * Fill the value columns of the batch's rows. Numbers and bigints within 2^53 are values; null and
 * undefined are nulls. Gives the failure of the first value that is neither, and cuts the batch
 * there.
 */
export function fillNumbers(
  batch: Batch,
  chunk: Chunk,
  filled: Filled,
  from: number,
  fields: readonly NumberField[],
): Filled {
  let nulls = 0n
  let result = filled
  for (let column = 0; column < fields.length; column++) {
    const field = fields[column] as NumberField
    const { seenNull, size, error } = fillColumn(batch, chunk, result, from, field, column)
    if (seenNull) nulls |= 1n << BigInt(column)
    if (error === undefined) continue
    const value = result.rows === undefined ? from + size : (result.rows[size] as number)
    const rows = result.rows?.subarray(0, size)
    result = { size, rows, failure: { index: value, error } }
    batch.size = size
  }
  batch.nulls = nulls
  return result
}

function fillColumn(
  batch: Batch,
  { values }: Chunk,
  { rows, size }: Filled,
  from: number,
  { path, read }: NumberField,
  column: number,
): { seenNull: boolean; size: number; error: unknown } {
  const { f64, u8 } = batch.engine.views
  const to = batch.column(column)
  const bits = batch.validity(column)
  let seenNull = false
  let row = 0
  try {
    for (; row < size; row++) {
      const value = read(values[rows === undefined ? from + row : (rows[row] as number)])
      if (typeof value === "number") {
        f64[to + row] = value
      } else if (value === null || value === undefined) {
        if (!seenNull) u8.fill(0xff, bits, bits + ((size + 7) >>> 3))
        seenNull = true
        const byte = bits + (row >>> 3)
        u8[byte] = (u8[byte] as number) & ~(1 << (row & 7))
      } else {
        f64[to + row] = numberOf(value, path)
      }
    }
    return { seenNull, size, error: undefined }
  } catch (error) {
    return { seenNull, size: row, error }
  }
}

/** A field as a number: bigints within 2^53. Throws `FIELD_TYPE`, `LIMIT`. */
export function numberOf(value: unknown, path: string): number {
  if (typeof value === "number") return value
  if (typeof value !== "bigint") {
    const message = `field ${path} must be a number or bigint, not ${typeName(value)}`
    throw new MillraceError("FIELD_TYPE", message)
  }
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new MillraceError("LIMIT", `a bigint in field ${path} is beyond 2^53 and would be rounded`)
}
