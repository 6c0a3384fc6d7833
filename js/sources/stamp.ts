/**
 * Events as they arrive: each gets its time and the watermark before it.
 */
import { select } from "../chunk.ts"
import type { Arrival, Chunk, Failure } from "../chunk.ts"
import type { Ran } from "../graph.ts"
import { Troubles } from "../on_error.ts"
import type { Tolerance } from "../on_error.ts"
import { MillraceError } from "../errors.ts"
import { watermarkAfter } from "../time/watermark.ts"
import type { WatermarkGenerator } from "../time/watermark.ts"
import type { SourceNode } from "./source.ts"

/** Events that have been stamped. */
export interface Stamped {
  /** The events from the first up to one whose time could not be read. */
  readonly ran: Ran
  /** The latest time so far, and the watermark. */
  readonly timeMax: number
  readonly watermark: number
}

/** A source, and how far its time has come. */
export interface Stampable {
  readonly node: SourceNode
  readonly generator: WatermarkGenerator | undefined
  readonly timeMax: number
  readonly watermark: number
}

/** Stamp events that begin with number `first` of the job and arrived at `now`. */
export function stamp(
  { node: { readTime }, generator, timeMax, watermark }: Stampable,
  events: readonly unknown[],
  first: number,
  now: number,
  tolerance: Tolerance | undefined,
): Stamped {
  const size = events.length
  if (readTime === undefined || generator === undefined) {
    const arrival: Arrival = { first, size, now, times: undefined, watermarks: undefined }
    return { ran: { chunk: { values: events, at: undefined, arrival } }, timeMax, watermark }
  }
  const times = new Float64Array(size)
  const watermarks = new Float64Array(size)
  const arrival = { first, size, now, times, watermarks, watermark }
  const chunk: Chunk = { values: events, at: undefined, arrival }
  const troubles = tolerance === undefined ? undefined : new Troubles(tolerance, chunk)
  let read: number[] | undefined // Undefined: all so far.
  let latest = timeMax
  let reached = watermark
  let failure: Failure | undefined
  for (let index = 0; index < size && failure === undefined; index++) {
    watermarks[index] = reached
    try {
      const time = readTime(events[index])
      reached = watermarkAfter(generator, events[index], time, reached)
      times[index] = time
      if (time > latest) latest = time
      read?.push(index)
    } catch (error) {
      read ??= Array.from({ length: index }, (_, before) => before)
      const ends = dealWith(troubles, index, error)
      if (ends === undefined) continue
      failure = { index, error: ends.error }
      watermarks.fill(reached, index + 1) // They ascend, also where nothing is read.
    }
  }
  arrival.watermark = reached
  const good = read === undefined ? chunk : select(chunk, Uint32Array.from(read))
  const ran = { chunk: good, sides: troubles?.sides(), failure }
  return { ran, timeMax: latest, watermark: reached }
}

/** The error that ends the job; undefined if the event is only left out. */
function dealWith(
  troubles: Troubles | undefined,
  index: number,
  error: unknown,
): { readonly error: unknown } | undefined {
  const dealt = troubles?.deal(index, error) ?? { error }
  if ("error" in dealt) return dealt
  if (!("emit" in dealt)) return undefined
  const message = "from.onError cannot emit an event whose time is not known; skip or route it"
  return { error: new MillraceError("OPTION", message) }
}
