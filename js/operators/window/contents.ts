/**
 * What is in a window: its events, or what a function has made of them one by one.
 *
 *     kept     { events, times, orders }     process, and whatever has to take events out again
 *     folded   a value                       reduce, aggregates
 *
 * What must stay true: a change that may fail changes only what the event's own copies of panes
 * have; what a failed event added to a shared list is taken out again.
 */
import { copyOf } from "../../copy.ts"
import { refusePromise } from "../../state/access.ts"
import type { WindowRange } from "../../windows/assigner.ts"
import type { Evictor } from "../../windows/trigger.ts"
import { overAt } from "./panes.ts"
import type { Pane } from "./panes.ts"
import type { WindowPlan } from "./plan.ts"

/** Events, as they came. */
export interface Kept {
  events: unknown[]
  times: number[]
  /** Numbers by which the events of sessions that meet are put in order; else empty. */
  orders: number[]
  /** With so many events it is worth looking for some that may go; undefined: with any. */
  trimAt?: number
}

/** What an operator keeps of the events of a window, and what it makes of that. */
export interface Contents {
  /** Does it keep events? If so, data is {@link Kept}. */
  readonly keeps: boolean
  /** Look at an event before anything changes. Throws what is wrong with it. */
  prepare(event: unknown): void
  fresh(): unknown
  /** Is there nothing in it? */
  isEmpty(pane: Pane): boolean
  /** Add the prepared event of an input. May throw what the user's function throws. */
  add(pane: Pane, event: unknown, time: number, order: number, input: number): void
  /** An event that failed had been added to this data. */
  undo(data: unknown): void
  /** Sessions have met: `pane`, a copy of the first, gets what is in the others. */
  merge(pane: Pane, others: readonly Pane[]): void
  clear(pane: Pane): void
  /** The pane is gone. */
  drop(pane: Pane): void
}

function newKept(): Kept {
  return { events: [], times: [], orders: [] }
}

/** The events of a window themselves; `ordered` where windows can meet. */
export function keptContents(ordered: boolean, prepare: (event: unknown) => void): Contents {
  const kept = ({ data }: Pane) => data as Kept
  return {
    keeps: true,
    prepare,
    fresh: newKept,
    isEmpty: (pane) => kept(pane).events.length === 0,
    add(pane, event, time, order) {
      const { events, times, orders } = kept(pane)
      events.push(event)
      times.push(time)
      if (ordered) orders.push(order)
    },
    undo(data) {
      const { events, times, orders } = data as Kept
      events.pop()
      times.pop()
      orders.pop()
    },
    merge(pane, others) {
      const parts = [pane, ...others].map(kept)
      const all = parts.flatMap(({ events, times, orders }) =>
        events.map((event, i) => ({ event, time: times[i] as number, order: orders[i] as number })),
      )
      all.sort((a, b) => a.order - b.order)
      pane.data = {
        events: all.map(({ event }) => event),
        times: all.map(({ time }) => time),
        orders: all.map(({ order }) => order),
      }
    },
    clear: (pane) => void (pane.data = newKept()),
    drop: () => undefined,
  }
}

/** Take the first events out. */
function dropFirst({ events, times, orders }: Kept, count: number): void {
  for (const list of [events, times, orders]) list.splice(0, count)
}

/** A copy without the first events. */
export function withoutFirst({ events, times, orders }: Kept, count: number): Kept {
  return { events: events.slice(count), times: times.slice(count), orders: orders.slice(count) }
}

/** Take out what an evictor does not keep. */
function evict(kept: Kept, evictor: Evictor): void {
  const { events, times } = kept
  if (evictor.kind === "keepLast")
    return dropFirst(kept, Math.max(events.length - evictor.count, 0))
  const newest = times.reduce((max, time) => Math.max(max, time), -Infinity)
  keepIf(kept, (time) => time > newest - evictor.ms)
}

/** At most so many more events are kept than are wanted. */
const slack = 2

/** Let go of events of a pane that will not be emitted again. */
export function trim(pane: Pane, plan: WindowPlan, passed: number): void {
  const { placing, evictor, latenessMs } = plan
  const kept = pane.data as Kept
  const most = evictor?.kind === "keepLast" ? evictor.count : (placing.counting?.size ?? Infinity)
  if (kept.events.length > most * slack) dropFirst(kept, kept.events.length - most)
  // Before it has emitted once, all of them may be wanted.
  if (evictor?.kind === "within" && pane.revision > 0) evictNowAndThen(kept, evictor)
  if (!placing.shares) return
  const { sizeMs } = placing.shares
  // The last window that an event has a part in begins right behind it.
  const lastOver = (time: number) => overAt({ start: time + 1, end: time + 1 + sizeMs }, true)
  keepIf(kept, (time) => lastOver(time) + latenessMs > passed)
}

function evictNowAndThen(kept: Kept, evictor: Evictor): void {
  if (kept.events.length < (kept.trimAt ?? 0)) return
  evict(kept, evictor)
  kept.trimAt = slack * kept.events.length + 16
}

/** Keep the events whose times are wanted. */
function keepIf(kept: Kept, wanted: (time: number) => boolean): void {
  const { times } = kept
  if (times.every(wanted)) return
  const left = wantedOf(times, wanted)
  for (const list of [kept.events, kept.orders, kept.times] as unknown[][]) {
    if (list.length === 0) continue // Not in use.
    left.forEach((from, to) => (list[to] = list[from]))
    list.length = left.length
  }
}

/** Which of the times are wanted. */
function wantedOf(times: readonly number[], wanted: (time: number) => boolean): number[] {
  const left: number[] = []
  for (let i = 0; i < times.length; i++) if (wanted(times[i] as number)) left.push(i)
  return left
}

/** What a window emits of its contents, or of those that it shares; in lists of their own. */
export function emittedOf(
  kept: Kept,
  { start, end }: WindowRange,
  { placing, evictor }: WindowPlan,
): Kept {
  const { size = Infinity } = placing.counting ?? {}
  const part = placing.shares
    ? partOf(kept, (time) => time >= start && time <= end)
    : withoutFirst(kept, Math.max(kept.events.length - size, 0))
  if (evictor !== undefined) evict(part, evictor)
  return part
}

/** The part of some contents whose times are wanted. */
function partOf({ events, times }: Kept, wanted: (time: number) => boolean): Kept {
  const left = wantedOf(times, wanted)
  return {
    events: left.map((i) => events[i]),
    times: left.map((i) => times[i] as number),
    orders: [],
  }
}

/** A function over two events, or over what it made of some and one more. */
export type Reducer = (acc: unknown, event: unknown) => unknown

/** What a reducer made of the events so far. */
interface Reduced {
  readonly value: unknown
}

/** What reduce makes of events; copies, as the function may change what it is given first. */
export function reduceOf(reducer: Reducer, events: readonly unknown[]): unknown {
  return events.slice(1).reduce((acc, event) => step(reducer, acc, event), copyOf(events[0]))
}

function step(reducer: Reducer, acc: unknown, event: unknown): unknown {
  const next = reducer(acc, event)
  refusePromise(next)
  return next
}

/** One value for all events of a window, step by step. */
export function reducedContents(reducer: Reducer): Contents {
  return {
    keeps: false,
    prepare: () => undefined,
    fresh: () => undefined,
    isEmpty: ({ data }) => data === undefined,
    add(pane, event) {
      const { data } = pane as { data: Reduced | undefined }
      const value = data === undefined ? copyOf(event) : step(reducer, data.value, event)
      pane.data = { value } satisfies Reduced
    },
    undo: () => undefined,
    merge(pane, others) {
      for (const { data } of others as readonly { data: Reduced | undefined }[]) {
        if (data === undefined) continue
        const mine = pane.data as Reduced | undefined
        const value = mine === undefined ? data.value : step(reducer, mine.value, data.value)
        pane.data = { value } satisfies Reduced
      }
    },
    clear: (pane) => void (pane.data = undefined),
    drop: () => undefined,
  }
}

/** From the first to the last of the times of events. */
export function spanOf({ times }: Kept): WindowRange {
  let [start, end] = [Infinity, -Infinity]
  for (const time of times) {
    start = Math.min(start, time)
    end = Math.max(end, time)
  }
  return { start, end }
}
