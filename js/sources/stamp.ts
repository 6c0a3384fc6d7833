/**
 * Events as they arrive: each gets its time and the watermark before it.
 */
import type { Arrival, Failure } from "../chunk.ts"
import type { SourceNode } from "./source.ts"

/** An arrival, and the first event whose time could not be read, which is not in it. */
export interface Stamped {
  readonly arrival: Arrival
  /** The latest time so far. */
  readonly timeMax: number
  readonly failure?: Failure
}

/** Stamp events that begin with number `first` of the job and arrived at `now`. */
export function stamp(
  { readTime, disorderMs }: SourceNode,
  events: readonly unknown[],
  first: number,
  now: number,
  latest: number,
): Stamped {
  if (readTime === undefined) {
    const arrival = { first, size: events.length, now, times: undefined, watermarks: undefined }
    return { arrival, timeMax: latest }
  }
  const times = new Float64Array(events.length)
  const watermarks = new Float64Array(events.length)
  let timeMax = latest
  let size = 0
  let failure: Failure | undefined
  try {
    for (; size < events.length; size++) {
      watermarks[size] = timeMax - disorderMs
      const time = readTime(events[size])
      times[size] = time
      if (time > timeMax) timeMax = time
    }
  } catch (error) {
    failure = { at: size, error }
  }
  const stamps = { times: times.subarray(0, size), watermarks: watermarks.subarray(0, size) }
  const arrival = { first, size, now, ...stamps }
  return failure === undefined ? { arrival, timeMax } : { arrival, timeMax, failure }
}
