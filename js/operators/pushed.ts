/**
 * The loop of operators that are whole in C: fill a batch, push it, take the results.
 *
 * A push stops where its results are full or at the first event that it refuses; results of the
 * events before are taken either way.
 */
import { causeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import { fillKeys } from "../engine/fill.ts"
import type { Filled } from "../engine/fill.ts"
import { sliceRowsMax } from "../engine/operator.ts"
import type { Operator } from "../engine/operator.ts"
import type { KeyReader } from "../state/keys.ts"
import { expireAfter } from "./keyed.ts"

/** A part of a chunk that is in the operator's input batch. */
export interface Slice {
  readonly chunk: Chunk
  readonly from: number
  readonly filled: Filled
}

/** The chunk's value of a batch row. */
export function valueOf({ from, filled: { rows } }: Slice, row: number): number {
  return rows === undefined ? from + row : (rows[row] as number)
}

/**
 * Push a chunk through an operator; `columns` value columns are filled by `fill`, and `take` is
 * called with the results batch full of what has come out. Returns the first failure.
 */
export function pushChunk(
  chunk: Chunk,
  operator: Operator,
  read: KeyReader,
  columns: number,
  fill: (slice: Slice) => Filled,
  take: (slice: Slice) => void,
): Failure | undefined {
  for (let from = 0; from < chunk.values.length; from += sliceRowsMax) {
    const upto = Math.min(from + sliceRowsMax, chunk.values.length)
    const keyed = fillKeys(operator.input, chunk, read, from, upto, columns)
    const filled = fill({ chunk, from, filled: keyed })
    const slice = { chunk, from, filled }
    const failure = filled.size === 0 ? undefined : pushSlice(operator, slice, take)
    if (failure !== undefined || filled.failure !== undefined) return failure ?? filled.failure
  }
  expireAfter(operator, chunk)
  return undefined
}

function pushSlice(
  operator: Operator,
  slice: Slice,
  take: (slice: Slice) => void,
): Failure | undefined {
  let from = 0
  let more = true
  while (more) {
    let failure: Failure | undefined
    try {
      more = operator.push(from)
    } catch (error) {
      failure = { at: causeOf(slice.chunk, valueOf(slice, operator.upto)), error }
    }
    take(slice)
    if (failure !== undefined) return failure
    from = operator.upto
  }
  return undefined
}
