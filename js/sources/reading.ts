/**
 * The sources of a job, as they are read: opened where a checkpoint left them, and saved again.
 */
import { copyOf } from "../copy.ts"
import { MillraceError } from "../errors.ts"
import type { Plan } from "../plan.ts"
import type { Timekeeper } from "../time/progress.ts"
import { openGenerator } from "../time/watermark.ts"
import type { WatermarkGenerator } from "../time/watermark.ts"
import type { Reader, SavedPosition, SourceNode } from "./source.ts"
import { StampRoom } from "./stamp.ts"

/** A source of a job. */
export interface Source extends Timekeeper {
  reader: Reader | undefined
  /** Where it was left, if it was not opened again. */
  left: SavedPosition | undefined
  /** Makes its watermarks; undefined under processing time. */
  generator: WatermarkGenerator | undefined
  readonly room: StampRoom
}

/** What a checkpoint saves of a source. */
export interface SavedSource {
  readonly uid: string
  readonly position: SavedPosition | undefined
  readonly timeMax: number
  /** Under event time: how far its watermark had come, so that it never goes back. */
  readonly watermark?: number
  /** What its generator goes on with. */
  readonly generator?: unknown
}

const unread = {
  reader: undefined,
  left: undefined,
  generator: undefined,
  timeMax: -Infinity,
  watermark: -Infinity,
  silentSinceMs: undefined,
  idle: false,
  ended: false,
  over: false,
}

/** The sources of a plan, not yet opened. */
export function sourcesOf({ nodes }: Plan): Source[] {
  const sources = nodes.filter(({ node }) => node.kind === "source")
  return sources.map((planned) => ({
    planned,
    node: planned.node as SourceNode,
    room: new StampRoom(),
    ...unread,
  }))
}

/** Open a source where it was left, or at its start; not if it has ended for good. */
export function openSource(source: Source, saved: readonly SavedSource[], wake: () => void): void {
  const left = saved.find(({ uid }) => uid === source.planned.uid)
  source.timeMax = left?.timeMax ?? -Infinity
  source.watermark = left?.watermark ?? -Infinity
  source.left = left?.position
  const { node, planned } = source
  if (planned.eventTime) {
    source.generator = openGenerator(node.watermark, planned.uid, left?.generator)
  }
  if (!source.ended) source.reader = node.open(left?.position, wake)
}

/** Throws `USER_FUNCTION` when a generator's own `save` throws. */
export function savedSource(source: Source): SavedSource {
  const { planned, reader, left, timeMax, watermark, generator } = source
  const position = reader === undefined ? left : reader.saved()
  const saved = { uid: planned.uid, position, timeMax }
  if (generator === undefined) return saved
  if (generator.save === undefined) return { ...saved, watermark }
  try {
    return { ...saved, watermark, generator: copyOf(generator.save()) } // It may go on with it.
  } catch (cause) {
    const message = `${planned.uid}: the watermark's save threw; see cause`
    throw new MillraceError("USER_FUNCTION", message, { cause })
  }
}
