/**
 * Which event causes what comes by itself: the one that brought the watermark there, but none
 * before the one that was taken last, as what is due may have been set by that.
 */
import type { Arrival, Chunk } from "../chunk.ts"

/** The event that an operator took last. Operators write it, once for each event. */
export class Taken {
  /** Its number in the arrival, and that. */
  cause = 0
  of: Arrival | undefined;

  /** In an arrival of which none was taken, the first. */
  in(arrival: Arrival): number {
    return this.of === arrival ? this.cause : 0
  }

  /** The event that causes what is due at a time. */
  causeOf(chunk: Chunk, timeMs: number): number {
    return Math.max(causeOfTime(chunk, timeMs), this.in(chunk.arrival))
  }
}

/** The event of a chunk's arrival that brought the watermark to a time. */
export function causeOfTime({ arrival }: Chunk, timeMs: number): number {
  const watermarks = arrival.watermarks as Float64Array
  let from = 0
  let upto = watermarks.length // The first event before which the time had come; or none.
  while (from < upto) {
    const middle = (from + upto) >>> 1
    if ((watermarks[middle] as number) >= timeMs) upto = middle
    else from = middle + 1
  }
  return Math.max(from - 1, 0)
}
