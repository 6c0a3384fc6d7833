/**
 * A look at time as operators have it: a step that passes events on and notes what came with them.
 */
import { causeOf, ownWatermark, timeOf } from "../js/chunk.ts"
import type { OperatorNode, Runner } from "../js/graph.ts"
import { Stream } from "../js/index.ts"
import type { StreamOf } from "../js/index.ts"
import { LateCounter } from "../js/time/late.ts"

/** What a step has seen of a value, or, without one, the watermark after all that came. */
export interface Seen {
  readonly value?: unknown
  readonly time?: number
  /** Before the event that caused the value, of all sources and of its own. */
  readonly watermark: number
  readonly own?: number
}

/** What {@link watched} gives: the same stream, and what it saw. */
export interface Watched<T> {
  readonly stream: Stream<T>
  readonly seen: Seen[]
  /** Only the watermarks, each once: how time went on. */
  readonly watermarks: number[]
}

/** Note what comes with events; those before the watermark are late, and dropped. */
export function watched<T>(of: StreamOf<T>, uid?: string): Watched<T> {
  const seen: Seen[] = []
  const watermarks: number[] = []
  const goOn = (watermark: number): void => {
    if (watermarks.at(-1) !== watermark) watermarks.push(watermark)
  }
  const open = (): Runner => {
    const late = new LateCounter()
    return {
      late,
      run(chunk) {
        chunk.values.forEach((value, i) => {
          const watermark = chunk.arrival.watermarks?.[causeOf(chunk, i)] ?? -Infinity
          const time = timeOf(chunk, i)
          seen.push({ value, time, watermark, own: ownWatermark(chunk, i) })
          goOn(watermark)
          if (time < watermark) late.add(chunk, i)
        })
        return { chunk }
      },
      settle({ arrival }) {
        goOn(arrival.watermark ?? -Infinity)
        return undefined
      },
    }
  }
  const node: OperatorNode = { kind: "watched", inputs: [of.node], uid, open }
  return { stream: new Stream(node), seen, watermarks }
}
