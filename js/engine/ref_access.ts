/**
 * State that is one JavaScript value per key: the row holds its number, the slab the value.
 *
 * Nothing is encoded on the way: `get` hands the live object out. What a call sets or deletes is
 * kept aside until `commit`, so `abandon` undoes a failed call by forgetting it. A detached call
 * looks its row up again at the end: it may have gone meanwhile.
 */
import { copyOf } from "../copy.ts"
import type { Access } from "../state/access.ts"
import { adopt, decodeCell } from "./adopt.ts"
import { isEncoded } from "./refs.ts"
import type { Rows } from "./rows.ts"

const kept = 0
const replaced = 1
const deleted = 2

export class RefAccess implements Access {
  readonly #rows: Rows
  readonly #initial: (() => unknown) | undefined
  #index = -1
  #row = 0
  #change = kept
  #used = false
  #pending: unknown
  /** What `get` gives that has no row to get it from. */
  #fresh: unknown
  #hasFresh = false
  /** Was there a row when the call was detached? */
  #had = false
  #detached = false
  /** The event of a call that is suspended. */
  #suspended = -1

  constructor(rows: Rows, initial: (() => unknown) | undefined) {
    this.#rows = rows
    this.#initial = initial
  }

  get open(): boolean {
    return this.#index >= 0
  }

  begin(index: number): void {
    this.#index = index
    this.#row = this.#rows.enter(index)
    this.#change = kept
    this.#used = false
    this.#hasFresh = false
    this.#had = false
    this.#detached = false
  }

  detach(): void {
    this.#had = this.#row !== 0
    if (this.#had && this.#change === kept) {
      this.#fresh = this.#lend(this.#row)
      this.#hasFresh = true
    }
    this.#row = 0
    this.#detached = true
  }

  suspend(): void {
    this.#suspended = this.#index
    this.#index = -1
  }

  resume(): void {
    if (this.#suspended < 0) return
    this.#index = this.#suspended
    this.#suspended = -1
  }

  exists(): boolean {
    this.#used = true
    if (this.#change !== kept) return this.#change === replaced
    return this.#row !== 0 || this.#had
  }

  get(): unknown {
    if (this.#change === replaced) return this.#pending
    this.#used = true
    if (this.#row !== 0 && this.#change === kept) return this.#lend(this.#row)
    if (this.#hasFresh) return this.#fresh
    if (this.#initial === undefined) return undefined
    this.#fresh = this.#initial()
    this.#hasFresh = true
    return this.#fresh
  }

  set(value: unknown): void {
    this.#pending = value
    this.#change = replaced
  }

  delete(): void {
    this.#change = deleted
    if (!this.#had) return
    this.#fresh = undefined // It was the row's.
    this.#hasFresh = false
  }

  /** The value of a row, outside any call. */
  peek(row: number): unknown {
    return this.#value(row)
  }

  /** The state itself is copied, so that a later event cannot change what was emitted. */
  plain(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value
    return value === this.#state() ? copyOf(value) : value
  }

  #state(): unknown {
    if (this.#change === replaced) return this.#pending
    if (this.#row !== 0 && this.#change === kept) return this.#value(this.#row)
    return this.#hasFresh ? this.#fresh : undefined
  }

  commit(): void {
    const index = this.#index
    if (this.#detached) this.#row = this.#rows.row(index)
    if (this.#change === replaced) {
      if (this.#row === 0) this.#create(index)
      else this.#replace(index)
      this.#pending = undefined
    } else if (this.#change === deleted) {
      if (this.#row !== 0) this.#rows.remove(index)
    } else if (this.#used && this.#row !== 0 && this.#rows.touchesReads) {
      this.#rows.touch(index, false)
    }
    this.#close()
  }

  abandon(): void {
    this.#pending = undefined
    this.#close()
  }

  #close(): void {
    this.#index = -1
    this.#fresh = undefined
  }

  /** The value of a row for the function, which may change it in place. */
  #lend(row: number): unknown {
    const value = this.#value(row)
    this.#rows.lent(row, value)
    return value
  }

  #value(row: number): unknown {
    const rows = this.#rows
    const cellAt = rows.record(row)
    const cell = rows.views.word(cellAt)
    return isEncoded(cell) ? decodeCell(rows.op, cellAt, cell) : rows.engine.refs.get(cell)
  }

  #create(index: number): void {
    const rows = this.#rows
    const { refs } = rows.engine
    const number = refs.add(rows.op.kept(this.#pending))
    const scratch = rows.borrow()
    rows.views.u32[scratch >>> 2] = number
    rows.views.u32[(scratch >>> 2) + 1] = 0
    try {
      rows.create(index, scratch)
    } catch (error) {
      refs.remove(number)
      throw error
    } finally {
      rows.giveBack(scratch)
    }
  }

  #replace(index: number): void {
    const rows = this.#rows
    const cellAt = rows.record(this.#row)
    const cell = rows.views.word(cellAt)
    if (isEncoded(cell)) adopt(rows.op, cellAt, this.#pending)
    else rows.engine.refs.replace(cell, rows.op.kept(this.#pending))
    if (rows.touchesWrites) rows.touch(index, true)
  }
}
