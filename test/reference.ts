/**
 * What keyed state does, said in the plainest way: one event at a time, rows in a Map.
 *
 * The Map holds rows from least to most recently used. A row has expired when the clock is `ttl` or
 * more past its last use; the clock of an event is its own time or what had passed before it (the
 * watermark; under processing time both are its arrival), whichever is later.
 */
import type { KeyValue, StateAccess } from "../js/index.ts"

/** State limits as the `state` option has them, durations in ms. */
export interface Limits {
  readonly ttl?: number
  readonly maxSize?: number
  readonly maxBytes?: number
  readonly onFull?: "evict" | "error"
  readonly update?: "write" | "readWrite"
  readonly visibility?: "neverExpired" | "untilCleanedUp"
}

/** When an event happens. */
export interface Moment {
  readonly time: number
  /** What had surely passed before it. */
  readonly passed: number
}

interface Row<V> {
  readonly key: KeyValue
  readonly birth: number
  value: V
  lastUse: number
}

/** Two keys are the same exactly if their ids are; -0 is 0. */
export function idOf(key: KeyValue): string {
  if (Array.isArray(key)) return `[${key.map(idOf).join()}]`
  if (typeof key === "string") return JSON.stringify(key)
  return `${typeof key} ${String(key)}`
}

/** The error of a row that has no room. */
export class Full extends Error {}

export class Rows<V> {
  readonly #limits: Limits
  readonly #weigh: (key: KeyValue) => number
  readonly #rows = new Map<string, Row<V>>()
  #births = 0

  /** `weigh` gives the bytes of a key's row; for `maxBytes`. */
  constructor(limits: Limits, weigh: (key: KeyValue) => number = () => 0) {
    this.#limits = limits
    this.#weigh = weigh
  }

  /** The row of a key at an event. What has expired is gone, even if the clock steps back. */
  enter(key: KeyValue, { time, passed }: Moment): Row<V> | undefined {
    this.pass(passed)
    const row = this.#rows.get(idOf(key))
    if (row === undefined || !this.#expired(row, Math.max(time, passed))) return row
    this.#rows.delete(idOf(key))
    return undefined
  }

  /** The same as {@link use}, by a call that only looked. */
  read(key: KeyValue, { time }: Moment): void {
    const row = this.#rows.get(idOf(key)) as Row<V>
    if (this.#limits.update === "readWrite") row.lastUse = Math.max(row.lastUse, time)
    this.use(key)
  }

  use(key: KeyValue): void {
    const row = this.#rows.get(idOf(key)) as Row<V>
    this.#rows.delete(idOf(key))
    this.#rows.set(idOf(key), row)
  }

  write(key: KeyValue, value: V, { time }: Moment): void {
    const row = this.#rows.get(idOf(key))
    if (row === undefined) {
      this.#makeRoom(key)
      const birth = this.#births++
      this.#rows.set(idOf(key), { key, birth, value, lastUse: time })
      return
    }
    row.value = value
    row.lastUse = Math.max(row.lastUse, time)
    this.use(key)
  }

  remove(key: KeyValue): void {
    this.#rows.delete(idOf(key))
  }

  /** Keys and values that are visible when `passed` has passed, in first-seen order. */
  entries(passed: number): [KeyValue, V][] {
    const rows = [...this.#rows.values()].filter((row) => !this.#expired(row, passed))
    return rows.sort((a, b) => a.birth - b.birth).map(({ key, value }) => [normal(key), value])
  }

  /** So much has passed, whether an event comes of it or not. */
  pass(passed: number): void {
    for (const [id, row] of this.#rows) if (this.#expired(row, passed)) this.#rows.delete(id)
  }

  #makeRoom(key: KeyValue): void {
    const { maxBytes = Infinity, onFull } = this.#limits
    const bytes = this.#weigh(key)
    for (const [id] of this.#rows) {
      if (!this.#isFull(bytes)) break
      if (onFull === "evict" && bytes <= maxBytes) this.#rows.delete(id)
    }
    if (this.#isFull(bytes)) throw new Full()
  }

  #isFull(bytes: number): boolean {
    const { maxSize = Infinity, maxBytes = Infinity } = this.#limits
    if (this.#rows.size + 1 > maxSize) return true
    if (maxBytes === Infinity) return false
    const held = [...this.#rows.values()].map(({ key }) => this.#weigh(key))
    return held.reduce((sum, each) => sum + each, bytes) > maxBytes
  }

  #expired({ lastUse }: Row<V>, clock: number): boolean {
    const { ttl = Infinity, visibility } = this.#limits
    const over = lastUse + ttl
    // The clean-up interval is the ttl.
    return clock >= (visibility === "untilCleanedUp" ? Math.ceil(over / ttl) * ttl : over)
  }
}

/** A key as it comes back from state. */
export function normal(key: KeyValue): KeyValue {
  if (Array.isArray(key)) return key.map((element: KeyValue) => normal(element))
  return typeof key === "number" ? key + 0 : key
}

/** A call's view of one key's state; `commit` makes what it did state. */
export interface Draft extends StateAccess<unknown, unknown> {
  commit(): void
}

/** A draft of state that is any value. */
export function draftOf(
  rows: Rows<unknown>,
  key: KeyValue,
  moment: Moment,
  initial: () => unknown,
): Draft {
  const row = rows.enter(key, moment)
  let change: { readonly value: unknown } | "deleted" | undefined
  let used = false
  const draft: Draft = {
    get() {
      used = true
      if (typeof change === "object") return change.value
      return row === undefined || change === "deleted" ? initial() : row.value
    },
    set: (value) => void (change = { value }),
    exists() {
      used = true
      return typeof change === "object" || (row !== undefined && change !== "deleted")
    },
    delete: () => void (change = "deleted"),
    update(next) {
      const value = next(draft.get())
      draft.set(value)
      return value
    },
    commit() {
      if (typeof change === "object") rows.write(key, change.value, moment)
      else if (change === "deleted") rows.remove(key)
      else if (used && row !== undefined) rows.read(key, moment)
    },
  }
  return draft
}

type Fields = Record<string, unknown>

/** A draft of state that is a record: properties written through `get()` are state. */
export function recordDraftOf(
  rows: Rows<unknown>,
  key: KeyValue,
  moment: Moment,
  blank: Readonly<Fields>,
): Draft {
  const row = rows.enter(key, moment)
  const fields = { ...((row?.value as Fields | undefined) ?? blank) }
  let written = false
  let deleted = false
  let used = false
  const view = new Proxy(fields, {
    set(target, name, value) {
      written = true
      target[name as string] = value
      return true
    },
  })
  const draft: Draft = {
    get() {
      used = true
      return view
    },
    set(value) {
      written = true
      for (const name of Object.keys(blank)) fields[name] = (value as Fields)[name]
    },
    exists() {
      used = true
      return written || (row !== undefined && !deleted)
    },
    delete() {
      Object.assign(fields, blank)
      written = false
      deleted = true
    },
    update(next) {
      const value = next(draft.get())
      draft.set(value)
      return value
    },
    commit() {
      if (written) rows.write(key, { ...fields }, moment)
      else if (deleted) rows.remove(key)
      else if (used && row !== undefined) rows.read(key, moment)
    },
  }
  return draft
}
