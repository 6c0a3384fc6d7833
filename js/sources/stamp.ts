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

/**
 * Where the times and watermarks of a source's events are written, one arrival over the other: an
 * arrival has gone through all nodes when the next one comes. Arrays of its own for each would be
 * so much memory outside of V8's heap that V8 would soon walk through all of that for garbage.
 */
export class StampRoom {
  #times = new Float64Array(0)
  #watermarks = new Float64Array(0)

  /** Arrays of a size, whatever is in them; those given before are void. */
  take(size: number): { readonly times: Float64Array; readonly watermarks: Float64Array } {
    if (this.#times.length < size) {
      this.#times = new Float64Array(size)
      this.#watermarks = new Float64Array(size)
    }
    const [times, watermarks] = [this.#times, this.#watermarks]
    if (times.length === size) return { times, watermarks }
    return { times: times.subarray(0, size), watermarks: watermarks.subarray(0, size) }
  }
}

/** A source, and how far its time has come. */
export interface Stampable {
  readonly node: SourceNode
  readonly room: StampRoom
  readonly generator: WatermarkGenerator | undefined
  readonly timeMax: number
  readonly watermark: number
}

/** Stamp events that begin with number `first` of the job and arrived at `now`. */
export function stamp(
  { node: { readTime }, room, generator, timeMax, watermark }: Stampable,
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
  const { times, watermarks } = room.take(size)
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
      times[index] = 0 // Not what was there before.
      read ??= Array.from({ length: index }, (_, before) => before)
      const ends = dealWith(troubles, index, error)
      if (ends === undefined) continue
      failure = { index, error: ends.error }
      times.fill(0, index)
      watermarks.fill(reached, index + 1) // They ascend, also where nothing is read.
    }
  }
  arrival.watermark = reached
  const good = read === undefined ? chunk : select(chunk, Uint32Array.from(read))
  const ran = { chunk: good, sides: troubles?.take(), failure }
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
