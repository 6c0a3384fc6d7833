/**
 * Late events: those that came when what they belong to was over, counted by why it was.
 *
 *   the event's time < its own source's watermark          behind
 *   otherwise: its source was idle, and time went on       idle
 *
 * The watermark of an operator is the least of its sources', so as long as a source counts, what
 * is not late there finds everything open. Only a source that was left out can be overtaken.
 */
import { ownWatermark, timeOf } from "../chunk.ts"
import type { Chunk } from "../chunk.ts"

/** Late events of one operator, since the job's start in this run. */
export interface LateStats {
  /** They were behind the watermark of their own source. */
  readonly behind: number
  /** Their source had been idle (`idleAfter`), and the others had gone on without it. */
  readonly idle: number
}

/** Counts the late events of one operator; it is its own figures. */
export class LateCounter implements LateStats {
  behind = 0
  idle = 0

  /** Value `index` of a chunk came when what it belongs to was over. */
  add(chunk: Chunk, index: number): void {
    if (timeOf(chunk, index) < ownWatermark(chunk, index)) this.behind++
    else this.idle++
  }
}
