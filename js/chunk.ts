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
}

/** Values caused by the events of an arrival. */
export interface Chunk {
  readonly values: readonly unknown[]
  /** Which event of the arrival caused each value, ascending; undefined: one value each. */
  readonly at: Uint32Array | undefined
  readonly arrival: Arrival
}

/** A value that an operator could not take; those before it are unaffected. */
export interface Failure {
  /** Of the operator's input. */
  readonly index: number
  readonly error: unknown
}

/** Which event of the arrival caused value `index`. */
export function causeOf(chunk: Chunk, index: number): number {
  return chunk.at === undefined ? index : (chunk.at[index] as number)
}

/** The part of a chunk that events before `limit` caused. */
export function before(chunk: Chunk, limit: number): Chunk {
  const { values, at, arrival } = chunk
  if (at === undefined) {
    return limit >= values.length ? chunk : { values: values.slice(0, limit), at, arrival }
  }
  let size = at.length
  while (size > 0 && (at[size - 1] as number) >= limit) size--
  if (size === at.length) return chunk
  return { values: values.slice(0, size), at: at.subarray(0, size), arrival }
}

/** Values [from, upto) of a chunk. */
export function slice(chunk: Chunk, from: number, upto: number): Chunk {
  const { values, at, arrival } = chunk
  if (from === 0 && upto >= values.length) return chunk
  const part = values.slice(from, upto)
  const causes =
    at === undefined
      ? Uint32Array.from(part, (_, index) => from + index)
      : at.subarray(from, from + part.length)
  return { values: part, at: causes, arrival }
}

/** Parts of one chunk's results, in order, as one. */
export function concat(parts: readonly Chunk[], arrival: Arrival): Chunk {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const values = parts.flatMap((part) => part.values)
  const at = new Uint32Array(values.length)
  let size = 0
  for (const part of parts) {
    for (let i = 0; i < part.values.length; i++) at[size++] = causeOf(part, i)
  }
  return { values, at, arrival }
}

/** Some values of a chunk, by ascending index. */
export function select(chunk: Chunk, indices: Uint32Array): Chunk {
  const { values, at, arrival } = chunk
  if (indices.length === values.length) return chunk
  const picked = new Array<unknown>(indices.length)
  const causes = new Uint32Array(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    picked[i] = values[index]
    causes[i] = at === undefined ? index : (at[index] as number)
  }
  return { values: picked, at: causes, arrival }
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
  const size = a.values.length + b.values.length
  const values = new Array<unknown>(size)
  const at = new Uint32Array(size)
  for (let i = 0, j = 0, to = 0; to < size; to++) {
    const fromA = j === b.values.length || (i < a.values.length && causeOf(a, i) <= causeOf(b, j))
    at[to] = fromA ? causeOf(a, i) : causeOf(b, j)
    values[to] = fromA ? a.values[i++] : b.values[j++]
  }
  return { values, at, arrival: a.arrival }
}
