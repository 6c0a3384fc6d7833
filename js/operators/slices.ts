/**
 * The way of a chunk through an operator with a user function: slice by slice, the keys of each
 * written into the operator's input batch and their rows found.
 */
import type { Chunk, Failure } from "../chunk.ts"
import { fillKeys } from "../engine/fill.ts"
import { sliceRowsMax } from "../engine/operator.ts"
import type { Rows } from "../engine/rows.ts"
import type { KeyReader } from "../state/keys.ts"

/** A part of a chunk whose rows are found. */
export interface Slice {
  readonly chunk: Chunk
  readonly from: number
  readonly rows: Uint32Array | undefined
  readonly size: number
}

/** The chunk's value of a row of a slice. */
export function indexOf({ from, rows }: Slice, row: number): number {
  return rows === undefined ? from + row : (rows[row] as number)
}

type Ended = Failure | undefined | Promise<Failure | undefined>

/** Run each slice of a chunk, up to the first failure; a promise if any run gives one. */
export function runSlices<Run extends Ended>(
  rows: Rows,
  read: KeyReader,
  chunk: Chunk,
  run: (slice: Slice) => Run,
  start?: number,
): Run | Failure | undefined
export function runSlices(
  rows: Rows,
  read: KeyReader,
  chunk: Chunk,
  run: (slice: Slice) => Ended,
  start = 0,
): Ended {
  const size = chunk.values.length
  let failure: Failure | undefined
  for (let from = start; from < size && failure === undefined; from += sliceRowsMax) {
    const upto = Math.min(from + sliceRowsMax, size)
    const filled = fillKeys(rows.op.input, chunk, read, from, upto, 0)
    failure = filled.failure
    if (filled.size === 0) continue
    try {
      rows.find()
    } catch (error) {
      return { index: from, error }
    }
    const ran = run({ chunk, from, rows: filled.rows, size: filled.size })
    if (ran instanceof Promise) {
      return ran.then(
        (failed) => failed ?? filled.failure ?? runSlices(rows, read, chunk, run, upto),
      )
    }
    failure = ran ?? failure
  }
  return failure
}
