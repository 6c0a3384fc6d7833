/**
 * The loop of operators that are whole in C: fill a batch, push it, take the results.
 *
 * A push stops where its results are full or at the first event that it refuses; results of the
 * events before are taken either way.
 */
import type { Chunk, Failure } from "../chunk.ts"
import { fillKeys } from "../engine/fill.ts"
import type { Filled } from "../engine/fill.ts"
import { sliceRowsMax } from "../engine/operator.ts"
import type { Operator } from "../engine/operator.ts"
import type { KeyReader } from "../state/keys.ts"
import type { Evictions } from "./evictions.ts"

/** An operator in C, and who is told of what it evicts. */
interface Pushed {
  readonly operator: Operator
  readonly evictions: Evictions
}

/** A part of a chunk that is in the operator's input batch. */
export interface Slice {
  readonly chunk: Chunk
  readonly from: number
  readonly filled: Filled
  /** The first batch row that the last push has run. */
  pushedFrom: number
}

/** The value columns of an operator's input, and how they are filled. */
export interface Columns {
  readonly count: number
  fill(this: void, slice: Slice): Filled
}

/** The chunk's value of a batch row. */
export function valueOf({ from, filled: { rows } }: Slice, row: number): number {
  return rows === undefined ? from + row : (rows[row] as number)
}

/**
 * Push a chunk through an operator; `take` is called with the results batch full of what has come
 * out. Returns the first failure.
 */
export function pushChunk(
  chunk: Chunk,
  pushed: Pushed,
  read: KeyReader,
  take: (slice: Slice) => void,
  columns: Columns = { count: 0, fill: ({ filled }) => filled },
): Failure | undefined {
  const { operator } = pushed
  for (let from = 0; from < chunk.values.length; from += sliceRowsMax) {
    const upto = Math.min(from + sliceRowsMax, chunk.values.length)
    const keyed = fillKeys(operator.input, chunk, read, from, upto, columns.count)
    const filled = columns.fill({ chunk, from, filled: keyed, pushedFrom: 0 })
    const slice = { chunk, from, filled, pushedFrom: 0 }
    const failure = filled.size === 0 ? undefined : pushSlice(pushed, slice, take)
    if (failure !== undefined || filled.failure !== undefined) return failure ?? filled.failure
  }
  return undefined
}

function pushSlice(
  { operator, evictions }: Pushed,
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
      failure = { index: valueOf(slice, operator.upto), error }
    }
    slice.pushedFrom = from
    take(slice)
    evictions.take(slice.chunk, (row) => valueOf(slice, row))
    if (failure !== undefined) return failure
    from = operator.upto
  }
  return undefined
}

/**
 * After a whole chunk, also one whose values were all left out: its last watermark holds for no
 * event before. Rows whose ttl is over by now are freed, about as many as a chunk can make.
 */
export function afterChunk(operator: Operator, { arrival, values }: Chunk): undefined {
  const { ttlMs, timeDomain } = operator.spec.limits
  if (ttlMs === 0) return undefined
  const { watermarks, now } = arrival
  const time = timeDomain === "processing" ? now : (watermarks?.at(-1) ?? now)
  operator.expire(time, Math.max(values.length, sliceRowsMax))
  return undefined
}
