/**
 * State that is one value per key, in one call: value, reducing and aggregating state.
 *
 * What the call does is kept aside; {@link Single.apply} makes it state, in a way that can be taken
 * back until all states of the call have taken theirs.
 */
import { copyOf } from "../copy.ts"
import { cellsOf } from "../engine/cells.ts"
import type { Cells } from "../engine/cells.ts"
import { KeyedRows } from "../engine/keyed_rows.ts"
import type { Call } from "../engine/call.ts"
import type { Operator } from "../engine/operator.ts"
import { closed, refusePromise } from "./access.ts"
import { UserSum, UserValue } from "./faces.ts"
import type { Descriptor, Steps } from "./kinds.ts"

/** A change that has taken effect. */
export interface Change {
  undo(): void
  /** It stays; cannot fail. */
  settle(): void
}

/** One state of a process function, in one call at a time. */
export interface CallState {
  /** What the function gets. */
  readonly face: object
  /** What the call did becomes state. Throws `LIMIT`, `MEMORY`: the changes so far are in `log`. */
  apply(log: Change[]): void
  /** The call is over: what it did is forgotten. */
  reset(): void
  /** A value that may leave the call: what is state is copied. */
  plain(value: unknown): unknown
}

const nothing = (): void => undefined

export class Single implements CallState {
  readonly face: object
  readonly #call: Call
  readonly #rows: KeyedRows
  readonly #cells: Cells
  readonly #steps: Steps
  /** The row before the call, once it was asked for; 0: there is none. */
  #row = 0
  /** What there is, once it was asked for; undefined: nothing. */
  #current: { readonly value: unknown } | undefined
  #known = false
  #changed = false
  /** What `result` made when there is nothing: the same object within a call. */
  #initial: { readonly value: unknown } | undefined

  constructor(op: Operator, call: Call, { kind, record, steps }: Descriptor<unknown>) {
    this.#call = call
    this.#rows = new KeyedRows(op, call)
    this.#cells = cellsOf(op, record)
    this.#steps = steps as Steps
    this.face = kind === "value" ? new UserValue(this) : new UserSum(this)
  }

  get(): unknown {
    const current = this.#look()
    if (current !== undefined) return this.#steps.result(current)
    this.#initial ??= { value: this.#steps.result(undefined) }
    return this.#initial.value
  }

  add(value: unknown): void {
    const next = this.#steps.add(this.#look(), value)
    refusePromise(next)
    this.#cells.check(next)
    this.#current = { value: next }
    this.#changed = true
  }

  clear(): void {
    if (!this.#call.open) throw closed()
    if (!this.#known) this.#row = this.#rows.look()
    this.#current = undefined
    this.#initial = undefined
    this.#known = true
    this.#changed = true
  }

  #look(): { readonly value: unknown } | undefined {
    if (!this.#call.open) throw closed()
    if (this.#known) return this.#current
    this.#row = this.#rows.look()
    this.#known = true
    if (this.#row === 0) return (this.#current = undefined)
    const value = this.#cells.read(this.#row)
    this.#rows.lent(this.#row, value)
    return (this.#current = { value })
  }

  plain(value: unknown): unknown {
    return this.#known && this.#current?.value === value ? copyOf(value) : value
  }

  apply(log: Change[]): void {
    if (!this.#known) return
    const row = this.#row
    if (!this.#changed) {
      if (row !== 0 && this.#rows.touchesReads) this.#touch(log, false)
    } else if (this.#current === undefined) {
      if (row !== 0) log.push({ undo: nothing, settle: () => this.#drop() })
    } else if (row === 0) {
      this.#cells.make(this.#rows, this.#current.value)
      log.push({ undo: () => this.#drop(), settle: nothing })
    } else {
      const replaced = this.#cells.replace(row, this.#current.value)
      const putBack = (): void => {
        const at = this.#rows.look()
        if (at === 0) replaced.forget()
        else replaced.putBack(at)
      }
      log.push({ undo: putBack, settle: replaced.forget })
      if (this.#rows.touchesWrites) this.#touch(log, true)
    }
  }

  reset(): void {
    this.#known = false
    this.#changed = false
    this.#current = undefined
    this.#initial = undefined
  }

  #touch(log: Change[], written: boolean): void {
    const use = (): void => {
      const row = this.#rows.look()
      if (row !== 0) this.#rows.use(row, written)
    }
    log.push({ undo: nothing, settle: use })
  }

  #drop(): void {
    const row = this.#rows.look()
    if (row !== 0) this.#rows.drop(row)
  }
}
