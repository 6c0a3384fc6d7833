/**
 * The timers of an operator's rows: one per row, fired in the order of time, and of setting.
 */
import { layouts, status } from "./abi.ts"
import type { Operator } from "./operator.ts"

/** A timer that is due. */
export interface Due {
  readonly timeMs: number
  /** Address of its row. */
  readonly row: number
}

export class Timers {
  readonly #op: Operator
  /** No timer is due before; saves asking C at every event. */
  #earliestMs = -Infinity

  constructor(op: Operator) {
    this.#op = op
  }

  /** Set or move the timer of a row. */
  set(row: number, timeMs: number): void {
    const { engine, handle } = this.#op
    const result = engine.wasm.mr_timer_set(handle, row, timeMs)
    if (result !== 0) engine.check("set a timer", result)
    if (timeMs < this.#earliestMs) this.#earliestMs = timeMs
  }

  /** The first timer that is due by `uptoMs`. */
  first(uptoMs: number): Due | undefined {
    if (uptoMs < this.#earliestMs) return undefined
    return this.#ask("mr_timer_peek", uptoMs)
  }

  /** May a timer be due by `uptoMs`? */
  mayBeDue(uptoMs: number): boolean {
    return uptoMs >= this.#earliestMs
  }

  /** The operator has set timers by itself, none of them to a time before this. */
  changed(fromMs = -Infinity): void {
    if (fromMs < this.#earliestMs) this.#earliestMs = fromMs
  }

  /** Take the first timer that is due by `uptoMs`; its row stays. */
  take(uptoMs: number): Due | undefined {
    if (uptoMs < this.#earliestMs) return undefined
    return this.#ask("mr_timer_take", uptoMs)
  }

  /** Remove the row of a timer. */
  drop(row: number): void {
    const { engine, handle } = this.#op
    engine.check("drop a timer", engine.wasm.mr_row_drop(handle, row))
  }

  /** When the first timer is due: exact if that is by `uptoMs`, else a time before it. */
  next(uptoMs: number): number {
    if (uptoMs >= this.#earliestMs) this.#ask("mr_timer_peek", uptoMs)
    return this.#earliestMs
  }

  #ask(call: "mr_timer_take" | "mr_timer_peek", uptoMs: number): Due | undefined {
    const { engine, handle } = this.#op
    const { views, wasm, scratch } = engine
    const { at } = layouts.due
    let result: number = status.MORE
    while (result === status.MORE) result = wasm[call](handle, uptoMs, scratch)
    if (result < 0) throw this.#op.refusal("look for timers", result)
    engine.refs.collect() // Rows whose ttl is over may have gone, and memory may have grown.
    const row = views.word(scratch + at.row)
    const timeMs = views.f64[(scratch + at.time_ms) >>> 3] as number
    this.#earliestMs = timeMs
    this.#op.cut?.keep()
    return row === 0 ? undefined : { timeMs, row }
  }
}
