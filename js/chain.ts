/**
 * The chain of a state: the segments that a restore reads, in this order, to have it all.
 *
 * A checkpoint adds what changed, and drops what is of no use any more. c/save.h says why a chain
 * stays short; the two numbers here are its.
 */
import { encode } from "./codec.ts"
import type { Operator } from "./engine/operator.ts"
import { StateCut } from "./engine/state_cut.ts"
import type { SavedSegment } from "./manifest.ts"

/** Each checkpoint writes this part of the rows at least, so a chain is of little more of them. */
const checkpointsMax = 256

/** The most entries of a chain for each row that stands, its first segment aside. */
const entriesMax = 3

/**
 * Begin to save what changed of a state, as it is now; undefined: nothing did. The operator must be
 * told how it ends. Throws `MEMORY`.
 */
export function cutState(operator: Operator, chain: readonly SavedSegment[]): StateCut | undefined {
  const { rows, removed } = operator.changes()
  if (rows + removed === 0) return undefined
  const rewrite = rowsToRewrite(operator.stats().rows, rows + removed, chain)
  return new StateCut(operator, rewrite, encode)
}

/** The chain of a state once the segments that were added are durable, of a cut that is done. */
export function extendChain(
  chain: readonly SavedSegment[],
  added: readonly SavedSegment[],
  oldest: number,
): readonly SavedSegment[] {
  return [...chain, ...added].filter(({ number }) => number >= oldest)
}

/** How many rows that did not change are written once more, beside `changed` entries. */
function rowsToRewrite(rows: number, changed: number, chain: readonly SavedSegment[]): number {
  const share = Math.max(changed, Math.ceil(rows / checkpointsMax))
  const entries = chain.slice(1).reduce((sum, each) => sum + each.entries, changed + share)
  return entries > entriesMax * rows ? rows : Math.min(share, rows)
}
