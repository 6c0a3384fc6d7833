/**
 * Windows whose range is not known beforehand: of a number of events, and those of each event.
 */
import { copyPane, keeperOrder, late, newPane } from "./panes.ts"
import type { Counting, Placing } from "./panes.ts"

// ---- windows of a number of events ----

/** One pane, whose window moves on when it is full. */
export function counted(counting: Counting): Placing {
  return {
    inclusive: false,
    counting,
    place([open], _, time, site) {
      const pane = open === undefined ? newPane(time, time, site) : copyPane(open)
      const isIn = pane.seen++ >= pane.base
      const touched = isIn ? [pane] : []
      return { panes: [pane], touched, keepers: touched, late: false }
    },
  }
}

export function countingOf(size: number, slide: number, emitPartial: boolean): Counting {
  return {
    size,
    keeps: slide < size,
    full: (seen, base) => seen === base + size,
    advance(pane) {
      pane.base += slide
      return Math.min(slide, size)
    },
    // Something in it must be new: before it was full for the first time, all is.
    partial: ({ seen, base }) => emitPartial && (base === 0 || seen > base - slide + size),
  }
}

/** The last `size` events, every `slide` of them. */
export function lastOf(size: number, slide: number): Counting {
  return {
    size,
    keeps: true,
    full: (seen) => seen % slide === 0,
    advance: () => 0,
    partial: () => false,
  }
}

/** The global window. */
export const endless: Counting = {
  size: Infinity,
  keeps: false,
  full: () => false,
  advance: () => 0,
  partial: () => true,
}

// ---- windows of each event ----

export function each(sizeMs: number): Placing {
  const inclusive = true
  return {
    inclusive,
    shares: { sizeMs },
    place(open, _, time, site) {
      const kept = open[0] === undefined ? [] : site.timesIn(open[0].data)
      const starts = new Set([time - sizeMs])
      if (kept.some((other) => other > time && other <= time + 1 + sizeMs)) starts.add(time + 1)
      for (const other of kept) {
        if (other < time && other >= time - 1 - sizeMs) starts.add(other + 1)
      }
      for (const { start } of open) starts.delete(start)
      const isOpen = (start: number) => !site.isClosed(start + sizeMs + 1)
      const old = open.slice(1).map((pane) => {
        return pane.start <= time && time <= pane.end && isOpen(pane.start) ? copyPane(pane) : pane
      })
      const made = [...starts].filter(isOpen).sort((a, b) => a - b)
      const panes = made.map((start) => newPane(start, start + sizeMs, site))
      const touched = [...old.filter((pane, i) => pane !== open[i + 1]), ...panes]
      if (!touched.some(({ start, end }) => start <= time && time <= end)) return late
      const keeper = open[0] === undefined ? newPane(time, -Infinity, site) : copyPane(open[0])
      keeper.order = keeperOrder
      keeper.start = -Infinity
      // Behind the last window that can have one of its events.
      keeper.end = Math.max(keeper.end, time + sizeMs + 1)
      return { panes: [keeper, ...old, ...panes], touched, keepers: [keeper], late: false }
    },
  }
}
