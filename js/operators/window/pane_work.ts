/**
 * What events and timers do with the panes of one key.
 */
import type { Trigger, TriggerResult } from "../../windows/trigger.ts"
import { MillraceError, typeName } from "../../errors.ts"
import type { Emitted } from "../../sides.ts"
import { quiet } from "../../state/access.ts"
import { PaneContext } from "./context.ts"
import type { FireView } from "./context.ts"
import { dropFirst, evict, partOf, trim, withoutFirst } from "./contents.ts"
import type { Kept } from "./contents.ts"
import { isWindow, overAt } from "./panes.ts"
import type { Pane, Placed, PlaceSite } from "./panes.ts"
import type { Emitter, WindowPlan } from "./plan.ts"

/** An event on its way into windows. */
export interface WindowEvent {
  readonly value: unknown
  readonly time: number
  /** Windows that close by this time have closed for it. */
  readonly passed: number
}

/** How far a pane's time has come: the stream's, and the clock. */
export interface When {
  readonly timeMs: number
  readonly clockMs: number
}

const results: readonly unknown[] = ["continue", "fire", "purge", "fireAndPurge"]

export class Panes {
  readonly #plan: WindowPlan
  readonly #eventTime: boolean
  readonly #emitter: Emitter
  readonly #context: PaneContext
  readonly #number: () => number
  readonly #trigger: Trigger<unknown> | undefined
  readonly #site: PlaceSite
  /** Windows that close by this time have closed for the event that is placed. */
  #passed = 0

  constructor(plan: WindowPlan, eventTime: boolean, emitter: Emitter, number: () => number) {
    const { inclusive, counting } = plan.placing
    this.#plan = plan
    this.#eventTime = eventTime
    this.#emitter = emitter
    this.#number = number
    this.#trigger = plan.final ? undefined : (plan.trigger as Trigger<unknown> | undefined)
    const { contents } = emitter
    const { latenessMs } = plan
    this.#site = {
      isClosed: (over) => over + latenessMs <= this.#passed,
      nextOrder: number,
      fresh: () => contents.fresh(),
      timesIn: (data) => (data as Kept).times,
    }
    this.#context = new PaneContext(inclusive, counting !== undefined)
  }

  // ---- events ----

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
        const result = told[i] ?? (this.#plan.placing.counting?.full(each) ? "fire" : "continue")
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

  #add(pane: Pane, { value, time }: WindowEvent, number: number): void {
    const { contents } = this.#emitter
    const { counting } = this.#plan.placing
    if (counting !== undefined) {
      const empty = contents.isEmpty(pane)
      if (empty) pane.order = number
      pane.start = empty ? time : Math.min(pane.start, time)
      pane.end = empty ? time : Math.max(pane.end, time)
    }
    contents.add(pane, value, time, number)
  }

  // ---- timers ----

  /** When something is due in a pane. */
  #dueOf(pane: Pane): number {
    return Math.min(
      this.#closeAt(pane),
      pane.at[0] ?? Infinity,
      this.#eventTime ? Infinity : (pane.clocks[0] ?? Infinity),
    )
  }

  #closeAt(pane: Pane): number {
    const { placing, latenessMs } = this.#plan
    if (placing.counting !== undefined) return Infinity
    return overAt(pane, placing.inclusive) + latenessMs
  }

  /** When something is due first. */
  dueOf(panes: readonly Pane[]): number {
    return panes.reduce((due, pane) => Math.min(due, this.#dueOf(pane)), Infinity)
  }

  /** Is something due in a pane? */
  isDue(pane: Pane, timeMs: number): boolean {
    return this.#dueOf(pane) <= timeMs
  }

  /** When a timer of the clock is due first. */
  clockOf(panes: readonly Pane[]): number {
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
    const data = contents.keeps ? this.#eventsOf(pane, all) : pane.data
    const isEmpty = contents.keeps ? (data as Kept).events.length === 0 : contents.isEmpty(pane)
    if (!isWindow(pane) || isEmpty) return
    const range = { start: pane.start, end: pane.end }
    if (placing.counting !== undefined && contents.keeps) {
      const { times } = data as Kept
      range.start = times.reduce((min, time) => Math.min(min, time), Infinity)
      range.end = times.reduce((max, time) => Math.max(max, time), -Infinity)
    }
    const { revision } = pane
    const time = placing.counting === undefined ? overAt(pane, placing.inclusive) - 1 : range.end
    out.timeMs = time
    const { keyOf, keyBytes, watermark, now, position } = view
    const fire = { keyOf, keyBytes, watermark, now, position, range, revision, time }
    this.#emitter.emit(pane, data, fire, out)
    pane.revision++
  }

  /** The events that a pane emits, in lists of their own. */
  #eventsOf(pane: Pane, all: readonly Pane[]): Kept {
    const { placing, evictor } = this.#plan
    const source = placing.shares ? all[0] : pane
    const within = (time: number) => !placing.shares || (time >= pane.start && time <= pane.end)
    const part = partOf(source?.data as Kept, within)
    const { size = Infinity } = placing.counting ?? {}
    if (part.events.length > size) dropFirst(part, part.events.length - size)
    if (evictor !== undefined) evict(part, evictor)
    return part
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

function checkResult(given: unknown, name: string): TriggerResult {
  if (results.includes(given)) return given as TriggerResult
  quiet(given)
  const wanted = '"continue", "fire", "purge" or "fireAndPurge"'
  const message = `trigger.${name} must return ${wanted}, not ${typeName(given)}`
  throw new MillraceError("OPTION", message)
}
