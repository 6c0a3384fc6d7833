/**
 * The sources of a job, as they are read: opened where a checkpoint left them, and saved again.
 */
import type { Plan } from "../plan.ts"
import type { Timekeeper } from "../time/progress.ts"
import type { Reader, SavedPosition, SourceNode } from "./source.ts"

/** A source of a job. */
export interface Source extends Timekeeper {
  reader: Reader | undefined
  /** Where it was left, if it was not opened again. */
  left: SavedPosition | undefined
}

/** What a checkpoint saves of a source. */
export interface SavedSource {
  readonly uid: string
  readonly position: SavedPosition | undefined
  readonly timeMax: number
}

const unread = { reader: undefined, left: undefined, timeMax: -Infinity, ended: false, over: false }

/** The sources of a plan, not yet opened. */
export function sourcesOf({ nodes }: Plan): Source[] {
  const sources = nodes.filter(({ node }) => node.kind === "source")
  return sources.map((planned) => ({ planned, node: planned.node as SourceNode, ...unread }))
}

/** Open a source where it was left, or at its start; not if it has ended for good. */
export function openSource(source: Source, saved: readonly SavedSource[], wake: () => void): void {
  const left = saved.find(({ uid }) => uid === source.planned.uid)
  source.timeMax = left?.timeMax ?? -Infinity
  source.left = left?.position
  if (!source.ended) source.reader = source.node.open(left?.position, wake)
}

export function savedSource({ planned, reader, left, timeMax }: Source): SavedSource {
  return { uid: planned.uid, position: reader === undefined ? left : reader.saved(), timeMax }
}
