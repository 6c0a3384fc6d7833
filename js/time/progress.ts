/**
 * How far event time has come, by what the sources of a job have named.
 */
import type { Chunk } from "../chunk.ts"
import type { Planned } from "../plan.ts"
import type { SourceNode } from "../sources/source.ts"

/** A source, as far as time goes. */
export interface Timekeeper {
  readonly planned: Planned
  readonly node: SourceNode
  /** Latest event time; the watermark is `disorderMs` behind it, at the end +Infinity. */
  timeMax: number
  ended: boolean
  /** Was it read in a part of a concat that is over? */
  over: boolean
}

type Sources = readonly Timekeeper[]

const of = (sources: Sources, { sources: own }: Planned) =>
  sources.filter(({ planned }) => own.has(planned.index))

/** The watermark of a node: the least of its sources that have not ended. */
export function watermarkOf(sources: Sources, planned: Planned): number {
  return lastWatermark(
    sources.filter(({ ended }) => !ended),
    planned,
  )
}

/** The watermark that a node's sources had come to, whether they have ended or not. */
export function lastWatermark(sources: Sources, planned: Planned): number {
  const own = of(sources, planned)
  const last = own.filter(({ over }) => !over) // None of these is behind one that is over.
  const counted = last.length > 0 ? last : own
  return Math.min(...counted.map(({ timeMax, node }) => timeMax - node.disorderMs))
}

/** The latest time that any of a node's sources has named; what a late reader takes for now. */
export function latestTime(sources: Sources, planned: Planned): number {
  return Math.max(...of(sources, planned).map(({ timeMax }) => timeMax))
}

/** Behind a union of several sources the watermark is the least of theirs. */
export function leastWatermark(sources: Sources, planned: Planned, chunk: Chunk): Chunk {
  const { watermarks, watermark, own = watermarks } = chunk.arrival
  const union = planned.node.kind === "union" && planned.sources.size > 1
  if (watermarks === undefined || !union) return chunk
  const others = watermarkOf(sources, planned)
  const least = watermarks.map((before) => Math.min(before, others))
  const last = Math.min(watermark ?? Infinity, others)
  return { ...chunk, arrival: { ...chunk.arrival, watermarks: least, own, watermark: last } }
}
