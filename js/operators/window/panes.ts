/**
 * The open windows of a key, and which of them an event is in.
 *
 * A pane is one window of one key: its range, what its trigger keeps, its timers and what is in it.
 * All panes of a key are one state. An event changes copies of the panes that it is in; they take
 * the place of the old ones when the event has taken effect, so one that fails leaves no trace.
 *
 *     key -> [pane] [pane] ...     in the order of their ends; of count and global windows one
 *
 * A pane is over at `overAt`: its end, or just behind an end that belongs to it; and it closes so
 * much later as events may be late. Then it is gone.
 */
import type { WindowRange } from "../../windows/assigner.ts"

/** One window of one key. */
export interface Pane {
  start: number
  end: number
  /** Number of its first event, over all keys; what comes out at one time goes by it. */
  order: number
  /** How often it has emitted. */
  revision: number
  /** What its trigger keeps; undefined: nothing. */
  trigger: unknown
  /** The times of its timers, ascending: of the stream's time, and of the clock. */
  at: readonly number[]
  clocks: readonly number[]
  /** What is in it; see contents.ts. */
  data: unknown
  /** Of count windows: how many events came, and the number of the first that is in it. */
  seen: number
  base: number
}

/** An event on its way into windows. */
export interface WindowEvent {
  readonly value: unknown
  readonly time: number
  /** Which of the inputs it is of. */
  readonly input: number
  /** Windows that close by this time have closed for it. */
  readonly passed: number
}

/** How far a pane's time has come: the stream's, and the clock. */
export interface When {
  readonly timeMs: number
  readonly clockMs: number
}

/** What came of an event. */
export interface Placed {
  /** All panes of the key from now on; those that the event changes are copies. */
  readonly panes: readonly Pane[]
  /** Those that it is in, or that it made; their triggers hear of it. */
  readonly touched: readonly Pane[]
  /** Those that keep it. */
  readonly keepers: readonly Pane[]
  /** The sessions that met, the first of which the touched one goes on with. */
  readonly joined?: readonly Pane[]
  /** All its windows have closed. */
  readonly late: boolean
}

/** What an assigner does with events. */
export interface Placing {
  /** Is the end of a window in it? */
  readonly inclusive: boolean
  /** Do windows end by counting, or never? */
  readonly counting?: Counting
  /** Can two windows become one? */
  readonly merges?: true
  /** Panes have no contents of their own: it is the part of the first pane's in their range. */
  readonly shares?: { readonly sizeMs: number }
  /**
   * Find the windows of an event among the open ones of its key. Throws what the user's function
   * throws.
   */
  place(open: readonly Pane[], event: unknown, time: number, site: PlaceSite): Placed
}

/** Windows of a number of events. */
export interface Counting {
  /** The most events that are in a window. */
  readonly size: number
  /** Are the last `size` events kept after it has emitted? */
  readonly keeps: boolean
  /** Does it emit, once so many events have come, and those from `base` on are in it? */
  full(seen: number, base: number): boolean
  /** It has emitted: how many of its first events go. */
  advance(pane: Pane): number
  /** Does it emit at the end of the source? */
  partial(pane: Pane): boolean
}

/** What placing an event needs. */
export interface PlaceSite {
  /** Has a window closed for the event, if it is over at a time? */
  isClosed(this: void, overAt: number): boolean
  /** Is it behind the watermark, and later than an event may be? */
  isLate(this: void, time: number): boolean
  /** The next number of {@link Pane.order}. */
  nextOrder(this: void): number
  /** The contents of a window without events. */
  fresh(this: void): unknown
  /** The times of the events in some contents. */
  timesIn(this: void, data: unknown): readonly number[]
}

/** When a window is over. */
export function overAt({ end }: WindowRange, inclusive: boolean): number {
  return inclusive ? end + 1 : end
}

/** Nothing has changed: the event came too late. */
export const late: Placed = { panes: [], touched: [], keepers: [], late: true }

export function newPane(start: number, end: number, site: PlaceSite): Pane {
  return {
    start,
    end,
    order: site.nextOrder(),
    data: site.fresh(),
    revision: 0,
    trigger: undefined,
    at: [],
    clocks: [],
    seen: 0,
    base: 0,
  }
}

/** Field by field, which V8 does many times as quickly as all at once, where some are doubles. */
export function copyPane(pane: Pane): Pane {
  const { start, end, order, data, revision, trigger, at, clocks, seen, base } = pane
  return { start, end, order, data, revision, trigger, at, clocks, seen, base }
}

/** The number of a pane that is no window, but keeps events for all others. */
export const keeperOrder = -1

/** Is it a window? */
export function isWindow({ order }: Pane): boolean {
  return order !== keeperOrder
}
