/**
 * What flows between operators: a chunk of values, and where each came from.
 *
 *     arrival  events first .. first + size - 1 of the job, as the source gave them,
 *              with the time of each and the watermark before it
 *     chunk    values that an operator made of them; at[i] is the arrival's event that caused i
 *
 * `at` ascends, so branches of one source merge again by it, and an error at one event leaves
 * exactly the values that earlier events caused.
 */

/** The events that one read of one source gave. */
export interface Arrival {
  /** Number of the first event, over all sources of the job. */
  readonly first: number
  readonly size: number
  /** When they arrived, ms. */
  readonly now: number
  /** Event times, ms; undefined under processing time. */
  readonly times: Float64Array | undefined
  /** The watermark before each event took effect; there with `times`. */
  readonly watermarks: Float64Array | undefined
  /**
   * The watermark of each event's own source, before it took effect; undefined: `watermarks`.
   * Behind a union that may be further than the watermark, which is the least of several.
   */
  readonly own?: Float64Array | undefined
  /** The watermark after the last event; there with `times`. */
  readonly watermark?: number | undefined
}

/** Values caused by the events of an arrival. */
export interface Chunk {
  readonly values: readonly unknown[]
  /** Which event of the arrival caused each value, ascending; undefined: one value each. */
  readonly at: Uint32Array | undefined
  /** Event times of the values; undefined: those of the events that caused them. */
  readonly times?: Float64Array | undefined
  readonly arrival: Arrival
  /** For a node that tells its inputs apart: which of them each value is of, or all are. */
  readonly inputs?: number | Uint8Array | undefined
}

/** Of nothing. */
export const noChunk: Chunk = {
  values: [],
  at: undefined,
  arrival: { first: 0, size: 0, now: 0, times: undefined, watermarks: undefined },
}

/** A value that an operator could not take; those before it are unaffected. */
export interface Failure {
  /** Of the operator's input. */
  readonly index: number
  /** The event of the arrival that it comes from, where no value is to blame but a timer. */
  readonly at?: number
  readonly error: unknown
}

/** Which event of the arrival caused value `index`. */
export function causeOf(chunk: Chunk, index: number): number {
  return chunk.at === undefined ? index : (chunk.at[index] as number)
}

/** Which of the inputs of its reader value `index` is of. */
export function inputOf({ inputs = 0 }: Chunk, index: number): number {
  return typeof inputs === "number" ? inputs : (inputs[index] as number)
}

/** The time of value `index`: event time, or its arrival. */
export function timeOf(chunk: Chunk, index: number): number {
  return timeIn(chunk.arrival, chunk.times, index, causeOf(chunk, index))
}

/** The same, for loops: chunks are of many shapes, so that reading their fields takes time. */
export function timeIn(
  { times, now }: Arrival,
  own: Float64Array | undefined,
  index: number,
  cause: number,
): number {
  if (own !== undefined) return own[index] as number
  return times === undefined ? now : (times[cause] as number)
}

/**
 * The watermark of the source that value `index` comes from, before the event that caused it: the
 * value is late if its time is before that. -Infinity under processing time, where nothing is late.
 */
export function ownWatermark(chunk: Chunk, index: number): number {
  const { own, watermarks } = chunk.arrival
  return (own ?? watermarks)?.[causeOf(chunk, index)] ?? -Infinity
}

/** The first event that finds the watermark beyond a time; how many there are, if none does. */
export function firstBeyond(watermarks: Float64Array, timeMs: number): number {
  let from = 0
  let upto = watermarks.length
  while (from < upto) {
    const middle = (from + upto) >>> 1
    if ((watermarks[middle] as number) > timeMs) upto = middle
    else from = middle + 1
  }
  return from
}

/** The part of a chunk that events before `limit` caused. */
export function before(chunk: Chunk, limit: number): Chunk {
  let size = chunk.values.length
  while (size > 0 && causeOf(chunk, size - 1) >= limit) size--
  return slice(chunk, 0, size)
}

/** Values [from, upto) of a chunk. */
export function slice(chunk: Chunk, from: number, upto: number): Chunk {
  const { values, times, arrival, inputs } = chunk
  if (from === 0 && upto >= values.length) return chunk
  const part = values.slice(from, upto)
  const end = from + part.length
  const at = Uint32Array.from(part, (_, index) => causeOf(chunk, from + index))
  const sliced = { values: part, at, times: times?.subarray(from, end), arrival }
  if (inputs === undefined) return sliced
  return { ...sliced, inputs: typeof inputs === "number" ? inputs : inputs.subarray(from, end) }
}

/** Values of an operator's own, each caused by the value of its input at the index beside it. */
export function causedBy(
  { at, times, arrival }: Chunk,
  values: readonly unknown[],
  indices: Uint32Array,
): Chunk {
  const causes = at === undefined ? indices : pick(at, indices, new Uint32Array(indices.length))
  const own = times && pick(times, indices, new Float64Array(indices.length))
  return { values, at: causes, times: own, arrival }
}

/** By a loop: `from` and `map` of typed arrays take up to forty times as long. */
function pick<List extends Uint32Array | Float64Array>(
  from: List,
  indices: Uint32Array,
  to: List,
): List {
  for (let i = 0; i < indices.length; i++) to[i] = from[indices[i] as number] as number
  return to
}

/** Some values of a chunk, by ascending index. */
export function select(chunk: Chunk, indices: Uint32Array): Chunk {
  const { values } = chunk
  if (indices.length === values.length) return chunk
  const picked = new Array<unknown>(indices.length)
  for (let i = 0; i < indices.length; i++) picked[i] = values[indices[i] as number]
  return causedBy(chunk, picked, indices)
}

/** Parts of one chunk's results, in order, as one. */
export function concat(parts: readonly Chunk[], arrival: Arrival): Chunk {
  const full = parts.filter(({ values }) => values.length > 0)
  const [only] = full
  if (only !== undefined && full.length === 1) return only
  const made = new Made(full)
  for (const part of full) for (let i = 0; i < part.values.length; i++) made.add(part, i)
  return made.chunk(arrival)
}

/** Chunks of one arrival as one, in the order of their events; ties in the order given. */
export function merge(chunks: readonly Chunk[]): Chunk {
  const [first, ...rest] = chunks
  if (first === undefined) throw new RangeError("nothing to merge")
  return rest.reduce(mergeTwo, first)
}

function mergeTwo(a: Chunk, b: Chunk): Chunk {
  if (b.values.length === 0) return a
  if (a.values.length === 0) return b
  const made = new Made([a, b])
  for (let i = 0, j = 0; i < a.values.length || j < b.values.length;) {
    const left = i < a.values.length
    if (j === b.values.length || (left && causeOf(a, i) <= causeOf(b, j))) made.add(a, i++)
    else made.add(b, j++)
  }
  return made.chunk(a.arrival)
}

/** A chunk that is made of the values of others. */
class Made {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Made([])
  readonly #values: unknown[]
  readonly #at: Uint32Array
  readonly #times: Float64Array | undefined
  readonly #inputs: Uint8Array | undefined
  #size = 0

  constructor(parts: readonly Chunk[]) {
    const size = parts.reduce((sum, { values }) => sum + values.length, 0)
    const timed = parts.some(({ times }) => times !== undefined)
    this.#values = new Array<unknown>(size)
    this.#at = new Uint32Array(size)
    this.#times = timed ? new Float64Array(size) : undefined
    const told = parts.some(({ inputs }) => inputs !== undefined)
    this.#inputs = told ? new Uint8Array(size) : undefined
  }

  add(chunk: Chunk, index: number): void {
    this.#values[this.#size] = chunk.values[index]
    this.#at[this.#size] = causeOf(chunk, index)
    if (this.#times !== undefined) this.#times[this.#size] = timeOf(chunk, index)
    if (this.#inputs !== undefined) this.#inputs[this.#size] = inputOf(chunk, index)
    this.#size++
  }

  chunk(arrival: Arrival): Chunk {
    const made = { values: this.#values, at: this.#at, times: this.#times, arrival }
    return this.#inputs === undefined ? made : { ...made, inputs: this.#inputs }
  }
}
