/**
 * The rows of open windows: a key's panes, and a timer at the first thing that any of them waits
 * for.
 *
 *   timers --- all rows due at t ---> their panes, by (end, first event) ---> step, one by one
 *
 * A key may have several windows, and those of one time belong to many keys, so all of a time are
 * taken at once and put in order.
 */
import { copyOf } from "../copy.ts"
import { keyOfRow } from "../engine/keys.ts"
import { Operator } from "../engine/operator.ts"
import { RefAccess } from "../engine/ref_access.ts"
import { Rows } from "../engine/rows.ts"
import { Timers } from "../engine/timers.ts"
import type { Site } from "../graph.ts"
import type { NamedState } from "../states.ts"
import type { FireView } from "./window_context.ts"
import type { WindowOut } from "./window_out.ts"
import type { Panes } from "./window_pane_work.ts"
import type { Pane, Placed } from "./window_panes.ts"
import type { WindowPlan } from "./window_plan.ts"

/** The state of a key. */
interface KeyWindows {
  panes: readonly Pane[]
  /** What the timer of its row is set to. */
  due: number
}

/** What an event does, once it is known which windows it is in. */
interface Change {
  readonly placed: Placed
  /** Gives the panes from now on; if it throws, nothing has changed. */
  apply(this: void): readonly Pane[]
}

/** How timers fire. */
export interface Firing {
  /** What is due at a time is next; gives where the stream's time and the clock are then. */
  begin(this: void, timeMs: number): Pick<FireView, "watermark" | "now">
  /** A function threw; throws if that ends all. */
  fail(this: void, error: unknown): void
}

/** Times from here on are the end of the source. */
const endOfTime = 8.64e15

export class WindowRows {
  readonly operator: Operator
  readonly named: NamedState
  readonly timers: Timers
  readonly #rows: Rows
  readonly #access: RefAccess
  readonly #work: Panes

  constructor(site: Site, { limits, schema }: WindowPlan, work: Panes) {
    const spec = { kind: "custom", limits, fields: ["ref"], timers: true } as const
    this.operator = new Operator(site.engine, site.uid, spec)
    this.timers = new Timers(this.operator)
    this.#rows = new Rows(this.operator)
    this.#access = new RefAccess(this.#rows, undefined)
    this.#work = work
    const readRow = (row: number) => copyOf(this.#at(row).panes)
    this.named = { name: "windows", schema, operator: this.operator, readRow }
  }

  /** Find the rows of the input batch. */
  find(): void {
    this.#rows.find()
  }

  #at(row: number): KeyWindows {
    return this.#access.peek(row) as KeyWindows
  }

  /**
   * Change the panes of an input row's key as `decide` says; false if it gives nothing. If it or
   * what it gave throws, nothing has changed.
   */
  change(index: number, decide: (open: readonly Pane[]) => Change | undefined): boolean {
    const access = this.#access
    let created = false
    access.begin(index)
    try {
      const had = access.get() as KeyWindows | undefined
      const change = decide(had?.panes ?? [])
      if (change === undefined || change.placed.panes.length === 0) {
        access.abandon()
        return change !== undefined
      }
      if (had === undefined) {
        // First of all: there may be no room for it.
        access.set({ panes: [], due: NaN } satisfies KeyWindows)
        access.commit()
        created = true
        access.begin(index)
      }
      const panes = change.apply()
      const due = this.#work.dueOf(panes)
      access.set({ panes, due } satisfies KeyWindows)
      access.commit()
      if (due !== had?.due) this.timers.set(this.#rows.row(index), due)
      return true
    } catch (error) {
      if (access.open) access.abandon()
      if (created) this.#rows.remove(index)
      throw error
    }
  }

  /** Fire what is due by a time of the stream; stops between two times once `most` came out. */
  fire(upto: number, out: WindowOut, firing: Firing, most = Infinity): void {
    while (out.size < most) {
      const next = this.timers.next(upto)
      if (!(next <= upto) || next === Infinity) return
      const timeMs = next >= endOfTime ? Infinity : next
      const rows: number[] = []
      for (let due = this.timers.take(next); due !== undefined; due = this.timers.take(next)) {
        rows.push(due.row)
      }
      const instant = firing.begin(timeMs)
      for (const { row, pane } of this.#dueOf(rows, timeMs)) {
        const view = { ...this.#viewOf(row), ...instant }
        const { panes } = this.#at(row)
        if (this.#work.step(pane, panes, timeMs, view, out, firing.fail)) {
          this.#at(row).panes = panes.filter((other) => other !== pane)
        }
      }
      for (const row of rows) this.#rearm(row)
    }
  }

  #dueOf(rows: readonly number[], timeMs: number): { row: number; pane: Pane }[] {
    const due = rows.flatMap((row) =>
      this.#work.dueBy(this.#at(row).panes, timeMs).map((pane) => ({ row, pane })),
    )
    return due.sort((a, b) => this.#work.compare(a.pane, b.pane))
  }

  /** Set the timer of a row anew; a row without windows goes. */
  #rearm(row: number): void {
    const state = this.#at(row)
    if (state.panes.length === 0) return this.#rows.drop(row)
    state.due = this.#work.dueOf(state.panes)
    this.timers.set(row, state.due)
  }

  /** The key of an input row. */
  viewOfInput(index: number): Pick<FireView, "keyOf" | "keyBytes"> {
    const { input } = this.operator
    return { keyOf: () => input.keyAt(index), keyBytes: () => input.keyBytesAt(index) }
  }

  #viewOf(row: number): Pick<FireView, "keyOf" | "keyBytes"> {
    return {
      keyOf: () => keyOfRow(this.operator, row),
      keyBytes: () => {
        const { from, to } = this.#rows.keyOf(row)
        return this.#rows.views.u8.slice(from, to)
      },
    }
  }
}
