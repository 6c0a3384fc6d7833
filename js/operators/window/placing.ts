/**
 * Which of the open windows of its key an event is in, by the assigner.
 */
import { durationMs, timeMsMax } from "../../duration.ts"
import { MillraceError, typeName } from "../../errors.ts"
import type { Assigner, WindowRange } from "../../windows/assigner.ts"
import { counted, countingOf, each, endless, lastOf } from "./counting.ts"
import { copyPane, late, newPane, overAt } from "./panes.ts"
import type { Pane, Placing } from "./panes.ts"

/** The most windows that one event is in. */
const windowsMax = 65_536

export function placingOf(assigner: Assigner<never>): Placing {
  switch (assigner.kind) {
    case "tumbling": {
      const { sizeMs, offsetMs } = assigner
      return fixed(aligned(sizeMs, sizeMs, offsetMs))
    }
    case "sliding": {
      const { sizeMs, slideMs, offsetMs } = assigner
      if (sizeMs / slideMs > windowsMax) {
        const message = `sliding: an event would be in more than ${windowsMax} windows`
        throw new MillraceError("OPTION", message)
      }
      return fixed(aligned(sizeMs, slideMs, offsetMs))
    }
    case "custom": {
      const assign = assigner.assign as (event: unknown, time: number) => unknown
      return fixed((event, time) => checkRanges(assign(event, time)))
    }
    case "sessions":
      return sessionPlacing(assigner)
    case "slidingEach":
      return each(assigner.sizeMs)
    case "count":
      return counted(countingOf(assigner.size, assigner.slide, assigner.emitPartial))
    case "slidingCount":
      return counted(lastOf(assigner.size, assigner.slide))
    case "global":
      return counted(endless)
  }
}

// ---- windows whose range is known ----

type WindowsOf = (event: unknown, time: number) => readonly WindowRange[]

/** Windows of one size that begin at the multiples of `slideMs` from an offset. */
function aligned(sizeMs: number, slideMs: number, offsetMs: number): WindowsOf {
  return (_, time) => {
    const ranges: WindowRange[] = []
    let start = Math.floor((time - offsetMs) / slideMs) * slideMs + offsetMs
    for (; start > time - sizeMs; start -= slideMs) ranges.push({ start, end: start + sizeMs })
    return ranges.reverse()
  }
}

function checkRanges(given: unknown): readonly WindowRange[] {
  const isTime = (time: unknown) => typeof time === "number" && Math.abs(time) <= timeMsMax
  const isRange = (range: unknown) => {
    const { start, end } = (range ?? {}) as Partial<WindowRange>
    return isTime(start) && isTime(end) && (start as number) < (end as number)
  }
  const list: readonly unknown[] | undefined = Array.isArray(given) ? given : undefined
  if (list !== undefined && list.length <= windowsMax && list.every(isRange)) {
    return list as readonly WindowRange[]
  }
  const wanted = `at most ${windowsMax} windows { start, end }, times with start < end`
  const shown = list === undefined ? typeName(given) : "others"
  throw new MillraceError("OPTION", `an assigner must give ${wanted}, not ${shown}`)
}

/** Panes in the order of their ends, then of their starts. */
function fixed(windowsOf: WindowsOf): Placing {
  return {
    inclusive: false,
    place(open, event, time, site) {
      const ranges = windowsOf(event, time)
      const panes = [...open]
      const touched = new Set<Pane>()
      for (const range of ranges) {
        if (site.isClosed(range.end)) continue
        const index = findPane(panes, range)
        const found = panes[index]
        if (found?.start === range.start && found.end === range.end) {
          if (touched.has(found)) continue // Given twice.
          touched.add((panes[index] = copyPane(found)))
        } else {
          const pane = newPane(range.start, range.end, site)
          panes.splice(index, 0, pane)
          touched.add(pane)
        }
      }
      const late = touched.size === 0 && ranges.length > 0
      return { panes, touched: [...touched], keepers: [...touched], late }
    },
  }
}

/** The index of the first pane that is not before a range. */
function findPane(panes: readonly Pane[], { start, end }: WindowRange): number {
  let [from, upto] = [0, panes.length]
  while (from < upto) {
    const middle = (from + upto) >>> 1
    const pane = panes[middle] as Pane
    if (pane.end < end || (pane.end === end && pane.start < start)) from = middle + 1
    else upto = middle
  }
  return from
}

// ---- sessions ----

type Sessions = Extract<Assigner<never>, { kind: "sessions" }>

function sessionPlacing({ gapMs, gap, boundary }: Sessions): Placing {
  const inclusive = boundary === "inclusive"
  const gapOf = (event: unknown): number =>
    gapMs ??
    durationMs((gap as (event: unknown) => unknown)(event), "sessions.gap", { zero: false })
  return {
    inclusive,
    merges: true,
    place(open, event, time, site) {
      const own = { start: time, end: time + gapOf(event) }
      const { from, upto } = meeting(open, own, inclusive)
      const joined = open.slice(from, upto).sort((a, b) => a.order - b.order)
      const range = {
        start: joined.reduce((start, pane) => Math.min(start, pane.start), own.start),
        end: joined.reduce((end, pane) => Math.max(end, pane.end), own.end),
      }
      if (site.isClosed(overAt(range, inclusive))) return late
      const pane = joined.length === 0 ? newPane(0, 0, site) : join(joined, range, inclusive)
      Object.assign(pane, range)
      const panes = open.slice()
      panes.splice(from, upto - from, pane)
      return { panes, touched: [pane], keepers: [pane], joined, late: false }
    },
  }
}

/** The sessions that meet a range, from one to before another: they lie apart, in their order. */
function meeting(panes: readonly Pane[], { start, end }: WindowRange, inclusive: boolean) {
  let [from, high] = [0, panes.length]
  while (from < high) {
    const middle = (from + high) >>> 1
    const pane = panes[middle] as Pane
    if (inclusive ? pane.end < start : pane.end <= start) from = middle + 1
    else high = middle
  }
  const isBehind = (pane: Pane) => (inclusive ? pane.start > end : pane.start >= end)
  let upto = from
  while (upto < panes.length && !isBehind(panes[upto] as Pane)) upto++
  return { from, upto }
}

/** Sessions that meet are one; it has their timers, but for those of ends that are none now. */
function join(all: readonly Pane[], range: WindowRange, inclusive: boolean): Pane {
  const over = overAt(range, inclusive)
  const stays = (time: number) =>
    time === over || !all.some((pane) => overAt(pane, inclusive) === time)
  const timers = (of: (pane: Pane) => readonly number[]) => {
    if (all.length === 1) return of(all[0] as Pane).filter(stays)
    return [...new Set(all.flatMap(of))].filter(stays).sort((a, b) => a - b)
  }
  const pane = copyPane(all[0] as Pane)
  pane.revision = Math.max(...all.map(({ revision }) => revision))
  pane.at = timers(({ at }) => at)
  pane.clocks = timers(({ clocks }) => clocks)
  return pane
}
