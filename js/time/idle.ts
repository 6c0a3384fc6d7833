/**
 * Sources that are silent: when nothing has come from one for its `idleAfter`, the others go on
 * without it.
 *
 *     asked, nothing there -> silent since then -> after `idleAfter` idle -> an event: it counts
 *
 * Only time in which the job has asked for events is silence: one that reads slowly, or not at all,
 * does not make its sources idle.
 */
import type { Timekeeper } from "./progress.ts"

/** Nothing is there of a source at `nowMs`. True when that makes it idle. */
export function isSilent(source: Timekeeper, nowMs: number): boolean {
  source.silentSinceMs ??= nowMs
  if (source.idle || nowMs < idleAtMs(source)) return false
  source.idle = true
  return true
}

/** Something has come. */
export function isHeardOf(source: Timekeeper): void {
  source.silentSinceMs = undefined
  source.idle = false
}

/** When the next source will be idle; Infinity: none will be. */
export function nextIdleMs(sources: readonly Timekeeper[]): number {
  const waiting = sources.filter(({ idle, ended }) => !idle && !ended)
  return Math.min(...waiting.map(idleAtMs))
}

function idleAtMs({ silentSinceMs, node }: Timekeeper): number {
  return silentSinceMs === undefined ? Infinity : silentSinceMs + node.idleAfterMs
}
