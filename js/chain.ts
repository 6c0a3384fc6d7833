/**
 * The chain of a state: the segments that a restore reads, in this order, to have it all.
 *
 * A checkpoint adds what changed, and drops what is of no use any more. c/save.h says why a chain
 * stays short; the two numbers here are its.
 */
import { encode } from "./codec.ts"
import type { Operator } from "./engine/operator.ts"
import { saveChanges } from "./engine/scan.ts"
import type { Segment } from "./engine/scan.ts"
import type { SavedSegment } from "./manifest.ts"

/** Each checkpoint writes this part of the rows at least, so a chain is of little more of them. */
const checkpointsMax = 256

/** The most entries of a chain for each row that stands, its first segment aside. */
const entriesMax = 3

/**
 * Write what changed of a state by `put`; gives its chain as it is once the checkpoint is durable,
 * which the operator must be told then. Throws what `put` throws.
 */
export async function extendChain(
  operator: Operator,
  chain: readonly SavedSegment[],
  put: (segment: Segment) => Promise<SavedSegment>,
): Promise<readonly SavedSegment[]> {
  const { rows, removed } = operator.changes()
  if (rows + removed === 0) return chain
  const added: SavedSegment[] = []
  const rewrite = rowsToRewrite(operator.stats().rows, rows + removed, chain)
  for (const segment of saveChanges(operator, rewrite, encode)) added.push(await put(segment))
  const { oldest } = operator.changes()
  return [...chain, ...added].filter(({ number }) => number >= oldest)
}

/** How many rows that did not change are written once more, beside `changed` entries. */
function rowsToRewrite(rows: number, changed: number, chain: readonly SavedSegment[]): number {
  const share = Math.max(changed, Math.ceil(rows / checkpointsMax))
  const entries = chain.slice(1).reduce((sum, each) => sum + each.entries, changed + share)
  return entries > entriesMax * rows ? rows : Math.min(share, rows)
}
