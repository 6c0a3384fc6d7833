/**
 * The rows of open windows: a key's panes, and a timer at the first thing that any of them waits
 * for.
 *
 *   timers --- all rows due at t ---> their panes, by (end, first event) ---> step, one by one
 *
 * A key may have several windows, and those of one time belong to many keys, so all of a time are
 * taken at once and put in order.
 */
import { copyOf } from "../../copy.ts"
import { timeMsMax } from "../../duration.ts"
import { keyOfRow } from "../../engine/keys.ts"
import { Operator } from "../../engine/operator.ts"
import { RefAccess } from "../../engine/ref_access.ts"
import { Rows } from "../../engine/rows.ts"
import { Timers } from "../../engine/timers.ts"
import type { OpenWindow, Site } from "../../graph.ts"
import { noLimits } from "../../state/config.ts"
import type { Emitted } from "../../sides.ts"
import type { NamedState } from "../../states.ts"
import type { FireView } from "./context.ts"
import type { Panes } from "./pane_work.ts"
import { isWindow } from "./panes.ts"
import type { Pane, When, WindowEvent } from "./panes.ts"
import type { WindowPlan } from "./plan.ts"

/** The state of a key. */
interface KeyWindows {
  panes: readonly Pane[]
  /** What the timer of its row is set to, and that of the clock, if any; else Infinity. */
  due: number
  clock: number
}

/** Where the stream's time and the clock are, and the event of the job that came last. */
type Instant = Pick<FireView, "watermark" | "now" | "position">

/** An event of the input batch; one for all of them. */
class InputView implements FireView {
  index = 0
  watermark = 0
  now = 0
  position = 0
  readonly keyOf: () => unknown
  readonly keyBytes: () => Uint8Array

  constructor({ input }: Operator) {
    this.keyOf = () => input.keyAt(this.index)
    this.keyBytes = () => input.keyBytesAt(this.index)
  }
}

/** How timers fire. */
export interface Firing {
  /** What is due at a time is next; gives where the stream's time and the clock are then. */
  begin(this: void, timeMs: number): Instant
  /** A function threw that was called for a key; throws if that ends all. */
  fail(this: void, error: unknown, keyOf: () => unknown): void
}

/** A timer of the clock for each key that has one, in event time. */
class ClockRows {
  readonly named: NamedState
  readonly timers: Timers
  readonly #rows: Rows

  constructor(site: Site) {
    const spec = { kind: "custom", limits: noLimits, fields: ["bool"], timers: true } as const
    const operator = new Operator(site.engine, site.uid, spec, site.label)
    this.timers = new Timers(operator)
    this.#rows = new Rows(operator)
    const schema = { kind: "clocks", fields: ["set:bool"], ttl: false }
    this.named = { name: "clocks", schema, operator }
  }

  /** Set the timer of a key; Infinity: there is none. */
  set(key: Uint8Array, dueMs: number): void {
    const rows = this.#rows
    if (dueMs === Infinity) {
      rows.findKey(key, 0)
      return rows.remove(0)
    }
    const row = rows.ensureKey(key, (record) => void (rows.views.u8[record] = 1))
    this.timers.set(row, dueMs)
  }

  /** The keys whose timers are due by a time, which are off. */
  take(nowMs: number): Uint8Array[] {
    const keys: Uint8Array[] = []
    for (let due = this.timers.take(nowMs); due !== undefined; due = this.timers.take(nowMs)) {
      const { from, to } = this.#rows.keyOf(due.row)
      keys.push(this.#rows.views.u8.slice(from, to))
      this.#rows.drop(due.row)
    }
    return keys
  }
}

/** Times from here on are the end of the source. */
const endOfTime = timeMsMax

export class WindowRows {
  readonly operator: Operator
  readonly states: readonly NamedState[]
  readonly #timers: Timers
  /** Timers of the clock, where the stream's time is another. */
  readonly #clocks: ClockRows | undefined
  readonly rows: Rows
  readonly #access: RefAccess
  readonly inputView: InputView
  readonly #work: Panes
  readonly #eventTime: boolean

  constructor(site: Site, plan: WindowPlan, work: Panes) {
    const { limits, schema } = plan
    const spec = { kind: "custom", limits, fields: ["ref"], own: true, timers: true } as const
    this.operator = new Operator(site.engine, site.uid, spec, site.label)
    this.#timers = new Timers(this.operator)
    this.inputView = new InputView(this.operator)
    this.rows = new Rows(this.operator)
    this.#access = new RefAccess(this.rows, undefined)
    this.#work = work
    this.#eventTime = site.eventTime
    const readRow = (row: number) => copyOf(this.#at(row).panes)
    const windows = { name: "windows", schema, operator: this.operator, readRow }
    const clocks = site.eventTime && plan.trigger?.onProcessingTime !== undefined
    this.#clocks = clocks ? new ClockRows(site) : undefined
    this.states = [windows, ...(this.#clocks === undefined ? [] : [this.#clocks.named])]
  }

  #at(row: number): KeyWindows {
    return this.#access.peek(row) as KeyWindows
  }

  /** The windows of a row: of those that keep events, how many these are. */
  windowsOf(row: number): OpenWindow[] {
    return this.#at(row)
      .panes.filter(isWindow)
      .map(({ start, end, data }) => {
        const { events, value } = (data ?? {}) as { events?: readonly unknown[]; value?: unknown }
        const contents = events === undefined ? copyOf(value) : { events: events.length }
        return { start, end, contents }
      })
  }

  /**
   * Put an event into the windows of an input row's key; false if all of them have closed. If it
   * throws, nothing has changed.
   */
  change(view: InputView, event: WindowEvent, out: Emitted): boolean {
    const access = this.#access
    const { index } = view
    let created = false
    access.begin(index)
    try {
      let had = access.get() as KeyWindows | undefined
      const opened = had === undefined ? this.#work.open(event) : undefined
      if (opened !== undefined) {
        access.set((had = { panes: [opened], due: Infinity, clock: Infinity }))
        access.commit()
        created = true
        access.begin(index)
      }
      if (had !== undefined && this.#work.count(had.panes, event, view, out)) {
        access.commit()
        if (created) this.#timers.set(this.rows.row(index), Infinity)
        return true
      }
      const placed = this.#work.place(had?.panes ?? [], event)
      if (placed.late || placed.panes.length === 0) {
        access.abandon()
        return !placed.late
      }
      if (had === undefined) {
        // First of all: there may be no room for it.
        access.set({ panes: [], due: NaN, clock: Infinity } satisfies KeyWindows)
        access.commit()
        created = true
        access.begin(index)
      }
      const panes = this.#work.apply(placed, event, view, out)
      const due = this.#work.dueOf(panes)
      const clock = this.#work.clockOf(panes)
      access.set({ panes, due, clock } satisfies KeyWindows)
      access.commit()
      if (due !== had?.due) this.#timers.set(this.rows.row(index), due)
      if (clock !== (had?.clock ?? Infinity)) this.#clocks?.set(view.keyBytes(), clock)
      return true
    } catch (error) {
      if (access.open) access.abandon()
      if (created) this.rows.remove(index)
      throw error
    }
  }

  /** May something be due by a time of the stream? */
  mayBeDue(upto: number): boolean {
    return this.#timers.mayBeDue(upto)
  }

  /** Fire what is due by a time of the stream; stops between two times once `most` came out. */
  fire(upto: number, out: Emitted, firing: Firing, most = Infinity): void {
    while (out.size < most) {
      const next = this.#timers.next(upto)
      if (!(next <= upto) || next === Infinity) return
      const timeMs = next >= endOfTime ? Infinity : next
      const rows: number[] = []
      for (let due = this.#timers.take(next); due !== undefined; due = this.#timers.take(next)) {
        rows.push(due.row)
      }
      const dueIn = (panes: readonly Pane[]) => this.#work.dueIn(panes, timeMs)
      const ends = timeMs === Infinity || upto === Infinity
      const clockMs = this.#eventTime && !ends ? -Infinity : ends ? Infinity : timeMs
      this.#step(rows, dueIn, { timeMs, clockMs }, out, firing)
    }
  }

  /** When the first timer in processing time is due; see {@link Runner.nextDue}. */
  nextDue(now: number): number {
    if (!this.#eventTime) return this.#timers.next(now)
    return this.#clocks?.timers.next(now) ?? Infinity
  }

  /** Where the stream's time is another: fire what is due by a time of the clock. */
  ring(nowMs: number, out: Emitted, firing: Firing): void {
    const keys = this.#clocks?.take(nowMs) ?? []
    const rows = keys.map((key) => {
      this.rows.findKey(key, nowMs)
      return this.rows.enter(0)
    })
    const dueIn = (panes: readonly Pane[]) =>
      panes.filter(({ clocks }) => (clocks[0] ?? Infinity) <= nowMs)
    this.#step(rows, dueIn, { timeMs: -Infinity, clockMs: nowMs }, out, firing)
  }

  /** What happens to some panes of some rows, in order. */
  #step(
    rows: readonly number[],
    dueIn: (panes: readonly Pane[]) => readonly Pane[],
    when: When,
    out: Emitted,
    firing: Firing,
  ): void {
    const due: { readonly row: number; readonly pane: Pane }[] = []
    for (const row of rows) {
      for (const pane of dueIn(this.#at(row).panes)) due.push({ row, pane })
    }
    due.sort((a, b) => this.#work.compare(a.pane, b.pane))
    const instant = firing.begin(when.timeMs)
    try {
      for (const { row, pane } of due) {
        const view = this.#viewOf(row, instant)
        const { panes } = this.#at(row)
        const fail = (error: unknown) => firing.fail(error, view.keyOf)
        if (this.#work.step(pane, panes, when, view, out, fail)) {
          this.#at(row).panes = without(panes, pane)
        }
      }
    } finally {
      for (const row of rows) this.#rearm(row)
    }
  }

  /** Set the timers of a row anew; a row without windows goes. */
  #rearm(row: number): void {
    const state = this.#at(row)
    const clock = this.#work.clockOf(state.panes)
    if (clock !== state.clock) this.#clocks?.set(this.#keyBytesOf(row), clock)
    state.clock = clock
    if (state.panes.length === 0) return this.rows.drop(row)
    state.due = this.#work.dueOf(state.panes)
    this.#timers.set(row, state.due)
  }

  /** Name by name, which V8 does many times as quickly as by spreading both. */
  #viewOf(row: number, { watermark, now, position }: Instant): FireView {
    const keyOf = () => keyOfRow(this.operator, row)
    const keyBytes = () => this.#keyBytesOf(row)
    return { keyOf, keyBytes, watermark, now, position }
  }

  #keyBytesOf(row: number): Uint8Array {
    const { from, to } = this.rows.keyOf(row)
    return this.rows.views.u8.slice(from, to)
  }
}

function without(panes: readonly Pane[], pane: Pane): readonly Pane[] {
  const others = panes.slice()
  others.splice(others.indexOf(pane), 1)
  return others
}
