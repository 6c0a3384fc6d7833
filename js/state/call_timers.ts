/**
 * The timers of one time domain that a call sets and deletes, for its key.
 *
 * A timer is a row, found by its name or, without one, by its time. So there is one per key and
 * name, which moves when it is set again, and one per key and time. Like state, what a call does is
 * kept aside until it takes effect.
 */
import { timeMsMax } from "../duration.ts"
import { KeyedRows } from "../engine/keyed_rows.ts"
import type { Call } from "../engine/call.ts"
import type { Operator } from "../engine/operator.ts"
import type { Timers } from "../engine/timers.ts"
import { MillraceError, typeName } from "../errors.ts"
import { keyText } from "./entry_keys.ts"
import type { Change } from "./single.ts"

interface Changed {
  readonly key: number | string
  /** undefined: it is off. */
  readonly timeMs: number | undefined
}

const nothing = (): void => undefined

export class CallTimers {
  readonly #rows: KeyedRows
  readonly #timers: Timers
  /** In the order of setting. */
  readonly #changes = new Map<string, Changed>()
  /** Address of a record without fields. */
  readonly #record: number

  constructor(op: Operator, call: Call, timers: Timers) {
    this.#rows = new KeyedRows(op, call)
    this.#timers = timers
    this.#record = op.engine.scratch
  }

  set(given: unknown, name: string | undefined): void {
    const timeMs = timeOf(given)
    if (name !== undefined && typeof name !== "string") {
      throw new MillraceError("OPTION", `the name of a timer must be a text, not ${typeName(name)}`)
    }
    const key = name ?? timeMs
    const text = keyText(key)
    if (name === undefined && this.#stands(text, timeMs)) return
    this.#rows.call.key.putEntry(key) // Throws for a name that cannot be a key.
    this.#changes.delete(text)
    this.#changes.set(text, { key, timeMs })
  }

  delete(timeOrName: unknown): void {
    const key = typeof timeOrName === "string" ? timeOrName : timeOf(timeOrName)
    this.off(key)
  }

  /** A timer is off, by its time or name; so is one that fires. */
  off(key: number | string): void {
    const text = keyText(key)
    this.#changes.delete(text)
    this.#changes.set(text, { key, timeMs: undefined })
  }

  apply(log: Change[]): void {
    for (const { key, timeMs } of this.#changes.values()) {
      const end = this.#rows.call.key.putEntry(key)
      const stood = this.#rows.look(end)
      if (timeMs === undefined) {
        if (stood !== 0) log.push({ undo: nothing, settle: () => this.#rows.drop(stood) })
        continue
      }
      const row = stood === 0 ? this.#rows.make(this.#record, end) : stood
      const undo = stood === 0 ? () => this.#rows.drop(row) : nothing
      log.push({ undo, settle: () => this.#timers.set(row, timeMs) })
    }
  }

  reset(): void {
    if (this.#changes.size > 0) this.#changes.clear()
  }

  #stands(text: string, timeMs: number): boolean {
    const changed = this.#changes.get(text)
    return changed === undefined ? this.#look(timeMs) !== 0 : changed.timeMs !== undefined
  }

  #look(key: number | string): number {
    return this.#rows.look(this.#rows.call.key.putEntry(key))
  }
}

/** A timer never fires before its time: parts of a millisecond are rounded up. */
function timeOf(given: unknown): number {
  if (typeof given === "number" && Math.abs(given) <= timeMsMax) return Math.ceil(given) + 0
  const said = typeof given === "number" ? String(given) : typeName(given)
  throw new MillraceError("TIMESTAMP", `the time of a timer must be ms since 1970, not ${said}`)
}
