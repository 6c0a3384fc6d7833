/**
 * What events and timers do with the panes of one key.
 */
import { onWatermark } from "../../windows/trigger.ts"
import type { Trigger, TriggerResult } from "../../windows/trigger.ts"
import type { Emitted } from "../../sides.ts"
import { checkResult, PaneContext } from "./context.ts"
import type { FireView } from "./context.ts"
import { emittedOf, spanOf, trim, withoutFirst } from "./contents.ts"
import type { Kept } from "./contents.ts"
import { isWindow, newPane, overAt } from "./panes.ts"
import type { Counting, Pane, Placed, PlaceSite, When, WindowEvent } from "./panes.ts"
import type { Emitter, WindowPlan } from "./plan.ts"

export class Panes {
  readonly #plan: WindowPlan
  readonly #eventTime: boolean
  readonly #emitter: Emitter
  readonly #context: PaneContext
  readonly #number: () => number
  readonly #trigger: Trigger<unknown> | undefined
  readonly #site: PlaceSite
  /** Of windows that emit when they have so many events, and never before. */
  readonly #counts: Counting | undefined
  /** Do panes wait for nothing but their ends, in whose order they are? */
  readonly #onlyEnd: boolean
  /** Windows that close by this time have closed for the event that is placed. */
  #passed = 0

  constructor(plan: WindowPlan, eventTime: boolean, emitter: Emitter, number: () => number) {
    const { inclusive, counting, shares } = plan.placing
    this.#plan = plan
    this.#eventTime = eventTime
    this.#emitter = emitter
    this.#number = number
    this.#trigger = plan.final ? undefined : (plan.trigger as Trigger<unknown> | undefined)
    this.#counts = this.#trigger === undefined && !plan.updates ? counting : undefined
    const { contents } = emitter
    const { latenessMs } = plan
    const atEnd = this.#trigger === onWatermark() && latenessMs === 0
    const apart = counting === undefined && shares === undefined
    this.#onlyEnd = apart && (this.#trigger === undefined || atEnd)
    this.#site = {
      isClosed: (over) => over + latenessMs <= this.#passed,
      isLate: (time) => time + latenessMs < this.#passed,
      nextOrder: number,
      fresh: () => contents.fresh(),
      timesIn: (data) => (data as Kept).times,
    }
    this.#context = new PaneContext(inclusive, counting !== undefined)
  }

  // ---- events ----

  /** The window that a key's first event opens, where windows only count; it is not in it yet. */
  open({ value, time }: WindowEvent): Pane | undefined {
    if (this.#counts === undefined) return undefined
    this.#emitter.contents.prepare(value)
    return newPane(time, time, this.#site)
  }

  /**
   * An event takes effect in place, if its key has a window that only counts; else gives false. If
   * it throws, nothing has changed.
   */
  count(panes: readonly Pane[], event: WindowEvent, view: FireView, out: Emitted): boolean {
    const counts = this.#counts
    const pane = panes[0]
    if (counts === undefined || pane === undefined) return false
    const { contents } = this.#emitter
    contents.prepare(event.value)
    const { start, end, order, revision, data, seen, base } = pane
    const number = this.#number()
    const isIn = pane.seen++ >= base
    if (!isIn) return true
    let added = false
    try {
      this.#add(pane, event, number)
      added = true
      if (counts.full(pane.seen, base)) {
        this.#emit(pane, [pane], view, out)
        this.#leave(pane, "fire", true)
        this.#emitter.commit(view.position)
      }
    } catch (error) {
      this.#emitter.abandon()
      if (added) contents.undo(data)
      Object.assign(pane, { start, end, order, revision, data, seen, base })
      throw error
    }
    if (contents.keeps) trim(pane, this.#plan, event.passed)
    return true
  }

  /** Find the windows of an event; changes nothing. */
  place(open: readonly Pane[], { value, time, passed }: WindowEvent): Placed {
    const { contents } = this.#emitter
    contents.prepare(value)
    this.#passed = passed
    return this.#plan.placing.place(open, value, time, this.#site)
  }

  /**
   * An event takes effect; gives the panes of its key as they are then. If it throws, nothing has
   * changed but the copies that {@link place} made.
   */
  apply(placed: Placed, event: WindowEvent, view: FireView, out: Emitted): readonly Pane[] {
    const { contents } = this.#emitter
    const { keepers, touched, joined = [] } = placed
    const { counting } = this.#plan.placing
    const added: unknown[] = []
    try {
      if (joined.length > 1) this.#mergeTriggers(touched[0] as Pane, joined)
      const told = touched.map((pane) => this.#tell(pane, event, view))
      const [pane] = touched
      if (joined.length > 1 && pane !== undefined) contents.merge(pane, joined.slice(1))
      const number = this.#number()
      for (const keeper of keepers) {
        this.#add(keeper, event, number)
        added.push(keeper.data)
      }
      touched.forEach((each, i) => {
        const result = told[i] ?? (counting?.full(each.seen, each.base) ? "fire" : "continue")
        const fires = result === "fire" || result === "fireAndPurge"
        if (fires || this.#plan.updates) this.#emit(each, placed.panes, view, out)
        this.#leave(each, result, fires || this.#plan.updates)
      })
      this.#emitter.commit(view.position)
    } catch (error) {
      this.#emitter.abandon()
      for (const data of added) contents.undo(data)
      throw error
    }
    if (contents.keeps) for (const keeper of keepers) trim(keeper, this.#plan, event.passed)
    return placed.panes
  }

  #tell(pane: Pane, event: WindowEvent, view: FireView): TriggerResult | undefined {
    const trigger = this.#trigger
    if (trigger === undefined) return undefined
    const call = () => trigger.onEvent(event.value, this.#context)
    return checkResult(this.#context.with(pane, view, event.time, call), "onEvent")
  }

  #mergeTriggers(pane: Pane, joined: readonly Pane[]): void {
    const states = joined.map(({ trigger }) => trigger)
    pane.trigger = states.reduce((one, other) => this.#trigger?.merge?.(one, other))
  }

  #add(pane: Pane, { value, time, input }: WindowEvent, number: number): void {
    const { contents } = this.#emitter
    const { counting } = this.#plan.placing
    if (counting !== undefined) {
      const empty = contents.isEmpty(pane)
      if (empty) pane.order = number
      pane.start = empty ? time : Math.min(pane.start, time)
      pane.end = empty ? time : Math.max(pane.end, time)
    }
    contents.add(pane, value, time, number, input)
  }

  // ---- timers ----

  /** When something is due in a pane. */
  #dueOf(pane: Pane): number {
    const clock = this.#eventTime ? Infinity : (pane.clocks[0] ?? Infinity)
    return Math.min(this.#closeAt(pane), pane.at[0] ?? Infinity, clock)
  }

  #closeAt(pane: Pane): number {
    const { placing, latenessMs } = this.#plan
    if (placing.counting !== undefined) return Infinity
    return overAt(pane, placing.inclusive) + latenessMs
  }

  /** When something is due first. */
  dueOf(panes: readonly Pane[]): number {
    const [first] = panes
    if (this.#onlyEnd) return first === undefined ? Infinity : this.#closeAt(first)
    return panes.reduce((due, pane) => Math.min(due, this.#dueOf(pane)), Infinity)
  }

  /** The panes in which something is due. */
  dueIn(panes: readonly Pane[], timeMs: number): readonly Pane[] {
    if (!this.#onlyEnd) return panes.filter((pane) => this.#dueOf(pane) <= timeMs)
    const upto = panes.findIndex((pane) => this.#closeAt(pane) > timeMs)
    return upto < 0 ? panes : panes.slice(0, upto)
  }

  /** When a timer of the clock is due first. */
  clockOf(panes: readonly Pane[]): number {
    if (this.#onlyEnd) return Infinity
    return panes.reduce((due, { clocks }) => Math.min(due, clocks[0] ?? Infinity), Infinity)
  }

  /** The order of what comes at one time. */
  compare(a: Pane, b: Pane): number {
    const counts = this.#plan.placing.counting !== undefined
    return (counts ? 0 : a.end - b.end) || a.order - b.order
  }

  /** A pane's time has come; true if it has closed. What throws goes to `fail`. */
  step(
    pane: Pane,
    all: readonly Pane[],
    { timeMs, clockMs }: When,
    view: FireView,
    out: Emitted,
    fail: (error: unknown) => void,
  ): boolean {
    const attempt = (work: () => void) => {
      const { size } = out
      try {
        work()
        this.#emitter.commit(view.position)
      } catch (error) {
        this.#emitter.abandon()
        out.size = size
        fail(error)
      }
    }
    const own = pane.at.filter((time) => time <= timeMs)
    const clocks = pane.clocks.filter((time) => time <= clockMs)
    if (own.length > 0) pane.at = pane.at.slice(own.length)
    if (clocks.length > 0) pane.clocks = pane.clocks.slice(clocks.length)
    for (const time of own) attempt(() => this.#ring("onEventTime", pane, all, time, view, out))
    for (const time of clocks) {
      attempt(() => this.#ring("onProcessingTime", pane, all, time, view, out))
    }
    if (this.#closeAt(pane) > timeMs) return false
    attempt(() => this.#close(pane, all, timeMs, view, out))
    this.#emitter.contents.drop(pane)
    return true
  }

  #ring(
    name: "onEventTime" | "onProcessingTime",
    pane: Pane,
    all: readonly Pane[],
    timeMs: number,
    view: FireView,
    out: Emitted,
  ): void {
    const trigger = this.#trigger
    if (trigger?.[name] === undefined) return
    const call = () => trigger[name]?.(timeMs, this.#context)
    const result = checkResult(this.#context.with(pane, view, timeMs, call), name)
    const fires = result === "fire" || result === "fireAndPurge"
    if (fires) this.#emit(pane, all, view, out)
    this.#leave(pane, result, fires)
  }

  #close(pane: Pane, all: readonly Pane[], timeMs: number, view: FireView, out: Emitted): void {
    const { counting } = this.#plan.placing
    const trigger = this.#trigger
    const { final } = this.#plan
    const last = counting === undefined ? final : trigger === undefined && counting.partial(pane)
    if (last) this.#emit(pane, all, view, out)
    const call = () => trigger?.clear?.(this.#context)
    if (trigger?.clear !== undefined) this.#context.with(pane, view, timeMs, call)
  }

  // ---- emitting ----

  #emit(pane: Pane, all: readonly Pane[], view: FireView, out: Emitted): void {
    const { contents } = this.#emitter
    const { placing } = this.#plan
    const source = placing.shares ? all[0] : pane
    const data = contents.keeps ? emittedOf(source?.data as Kept, pane, this.#plan) : pane.data
    const isEmpty = contents.keeps ? (data as Kept).events.length === 0 : contents.isEmpty(pane)
    if (!isWindow(pane) || isEmpty) return
    const { start, end, revision } = pane
    const spans = placing.counting !== undefined && contents.keeps
    const range = spans ? spanOf(data as Kept) : { start, end }
    const time = placing.counting === undefined ? overAt(pane, placing.inclusive) - 1 : range.end
    out.timeMs = time
    const { keyOf, keyBytes, watermark, now, position } = view
    const fire = { keyOf, keyBytes, watermark, now, position, range, revision, time }
    this.#emitter.emit(pane, data, fire, out)
    pane.revision++
  }

  /** What becomes of a pane by a trigger's answer. */
  #leave(pane: Pane, result: TriggerResult, fired: boolean): void {
    const { contents } = this.#emitter
    const { counting } = this.#plan.placing
    if (counting !== undefined && this.#trigger === undefined && result === "fire") {
      const gone = counting.advance(pane)
      pane.revision = 0
      if (contents.keeps) pane.data = withoutFirst(pane.data as Kept, gone)
      if (contents.keeps) pane.order = (pane.data as Kept).orders[0] ?? pane.order
      else if (!counting.keeps) contents.clear(pane)
    }
    const purges = result === "purge" || result === "fireAndPurge"
    if (purges || (fired && this.#plan.discards)) contents.clear(pane)
  }
}
