/**
 * State that is many rows per key, in one call: lists and maps. A list is a map by running number.
 *
 *   rows of the key   [a] [b] [c] ...        as they were before the call
 *   changes           b -> 5, c -> gone, d -> 7 (at the end)
 *
 * What the call does is kept aside by entry; going over the entries reads the rows page by page and
 * looks each up among the changes, so nothing is copied however many there are. What is removed and
 * put again comes at the end, as in a `Map`.
 */
import { copyOf } from "../copy.ts"
import { cellsOf } from "../engine/cells.ts"
import type { Cells } from "../engine/cells.ts"
import { KeyedRows } from "../engine/keyed_rows.ts"
import type { Call } from "../engine/call.ts"
import type { Operator } from "../engine/operator.ts"
import { closed } from "./access.ts"
import { UserList, UserMap } from "./faces.ts"
import { keyText, numberText, ownKey } from "./entry_keys.ts"
import type { KeyValue } from "./key_bytes.ts"
import type { Descriptor } from "./kinds.ts"
import type { CallState, Change } from "./single.ts"

/** What a call has made of one entry. */
interface Changed {
  readonly key: KeyValue
  value: unknown
  /** It has come, or come again, in this call: it stands behind all others. */
  atEnd: boolean
  /** The row of before the call; 0: there is none. */
  readonly stood: number
  removed: boolean
}

const nothing = (): void => undefined

export class Many implements CallState {
  readonly face: object
  readonly #call: Call
  readonly #rows: KeyedRows
  readonly #cells: Cells
  /** By the text of their keys, in the order of coming where that counts. */
  #changes = new Map<string, Changed>()
  /** Entries that were read or written, the last one last; only where that is told to C. */
  #used = new Map<string, KeyValue>()
  /** All rows of before the call are gone. */
  #cleared = false
  /** Keys whose rows go, and are made again when the call takes effect. */
  #again: KeyValue[] = []
  /** The number of the next element of a list; undefined: not known yet. */
  #next: number | undefined
  /** Objects that are state and that the function has, or had. */
  #shared = new Set<unknown>()

  constructor(op: Operator, call: Call, { kind, record }: Descriptor<unknown>) {
    this.#call = call
    this.#rows = new KeyedRows(op, call)
    this.#cells = cellsOf(op, record)
    this.face = kind === "list" ? new UserList(this) : new UserMap(this)
  }

  // ---- what the function does ----

  get(key: unknown): unknown {
    const text = this.#textOf(key)
    const changed = this.#changes.get(text)
    if (changed !== undefined) {
      if (changed.removed) return undefined
      this.#use(text, changed.key)
      return changed.value
    }
    const row = this.#cleared ? 0 : this.#look(key)
    if (row === 0) return undefined
    this.#use(text, key as KeyValue)
    return this.#share(this.#cells.read(row), row)
  }

  #share(value: unknown, row = 0): unknown {
    if (typeof value === "object" && value !== null) this.#shared.add(value)
    if (row !== 0) this.#rows.lent(row, value)
    return value
  }

  has(key: unknown): boolean {
    const text = this.#textOf(key)
    const changed = this.#changes.get(text)
    if (changed !== undefined) return !changed.removed
    if (this.#cleared || this.#look(key) === 0) return false
    this.#use(text, key as KeyValue)
    return true
  }

  put(given: unknown, value: unknown): void {
    const text = this.#textOf(given)
    this.#cells.check(this.#share(value))
    const changed = this.#changes.get(text)
    if (changed === undefined) {
      const key = ownKey(given)
      const stood = this.#look(key)
      const atEnd = stood === 0 || this.#cleared
      this.#changes.set(text, { key, value, atEnd, stood, removed: false })
      this.#use(text, key)
      return
    }
    this.#use(text, changed.key)
    changed.value = value
    if (!changed.removed) return
    changed.removed = false
    changed.atEnd = true
    this.#changes.delete(text) // Behind all others.
    this.#changes.set(text, changed)
  }

  append(value: unknown): void {
    if (!this.#call.open) throw closed()
    this.#cells.check(this.#share(value))
    this.#next ??= this.#firstFree()
    const key = this.#next++
    const changed = { key, value, atEnd: true, stood: 0, removed: false }
    this.#changes.set(numberText(key), changed)
  }

  remove(key: unknown): void {
    const text = this.#textOf(key)
    const changed = this.#changes.get(text)
    if (changed !== undefined) {
      if (changed.stood !== 0) changed.removed = true
      else this.#changes.delete(text)
      return
    }
    const stood = this.#cleared ? 0 : this.#look(key)
    if (stood === 0) return
    const gone = { key: ownKey(key), value: undefined, atEnd: false, stood, removed: true }
    this.#changes.set(text, gone)
  }

  clear(): void {
    if (!this.#call.open) throw closed()
    this.#changes.clear()
    this.#used.clear()
    this.#cleared = true
  }

  /** The entries as they are when they are come to. */
  *entries(): Generator<[KeyValue, unknown], undefined> {
    if (!this.#call.open) throw closed()
    const { number } = this.#call
    const check = (): void => {
      if (!this.#call.open || this.#call.number !== number) throw closed()
    }
    if (!this.#cleared) {
      for (const page of this.#rows.pages()) {
        for (const row of page) {
          if (this.#cleared) break
          const entry = this.#entryOf(row)
          if (entry !== undefined) yield entry
          check()
        }
      }
    }
    for (const { key, value, atEnd, removed } of this.#changes.values()) {
      if (!atEnd || removed) continue
      yield [key, value]
      check()
    }
    return undefined
  }

  /** The entry of a row as the call has left it; undefined if it is gone, or stands at the end. */
  #entryOf(row: number): [KeyValue, unknown] | undefined {
    const key = this.#rows.entryKey(row)
    if (this.#changes.size > 0 || this.#rows.touchesReads) {
      const text = keyText(key)
      const changed = this.#changes.get(text)
      if (changed !== undefined) {
        return changed.removed || changed.atEnd ? undefined : [key, changed.value]
      }
      this.#use(text, key)
    }
    return [key, this.#share(this.#cells.read(row), row)]
  }

  #textOf(key: unknown): string {
    if (!this.#call.open) throw closed()
    return keyText(key)
  }

  #look(key: unknown): number {
    return this.#rows.look(this.#call.key.putEntry(key))
  }

  #use(text: string, key: KeyValue): void {
    if (!this.#rows.touchesReads) return
    this.#used.delete(text)
    this.#used.set(text, key)
  }

  #firstFree(): number {
    const row = this.#rows.last()
    return row === 0 ? 0 : (this.#rows.entryKey(row) as number) + 1
  }

  // ---- what becomes of it ----

  plain(value: unknown): unknown {
    return this.#shared.has(value) ? copyOf(value) : value
  }

  apply(log: Change[]): void {
    if (this.#cleared) this.#applyClear(log)
    if (this.#rows.evicts) this.#touchUsed() // First: what the call has used is used last.
    for (const changed of this.#changes.values()) this.#applyOne(changed, log)
    if (this.#rows.evicts || this.#used.size === 0) return
    log.push({ undo: nothing, settle: () => this.#touchUsed() })
  }

  reset(): void {
    if (this.#changes.size > 0) this.#changes = new Map()
    if (this.#used.size > 0) this.#used = new Map()
    if (this.#shared.size > 0) this.#shared = new Set()
    this.#again = []
    this.#cleared = false
    this.#next = undefined
  }

  /** All rows leave; those whose keys have come again stay for the time being. */
  #applyClear(log: Change[]): void {
    const leave = (leaves: boolean): void => {
      for (const page of this.#rows.pages(true)) {
        for (const row of page) this.#rows.leave(row, leaves)
      }
    }
    const drop = (): void => {
      for (const key of this.#again) this.#leave(key, true)
      this.#rows.dropLeaving()
    }
    leave(true)
    log.push({ undo: () => leave(false), settle: drop })
  }

  #applyOne(changed: Changed, log: Change[]): void {
    const { key, value, atEnd, removed, stood } = changed
    const rows = this.#rows
    const row = rows.stay ? stood : this.#look(key)
    if (removed) {
      if (row === 0) return
      rows.leave(row, true)
      log.push({ undo: () => this.#leave(key, false), settle: () => this.#drop(key) })
    } else if (row === 0) {
      this.#make(key, value)
      // Behind one that comes again at the end, it does so too.
      const settle = this.#again.length === 0 ? nothing : () => this.#makeAnew(key, value)
      log.push({ undo: () => this.#drop(key), settle })
    } else {
      if (atEnd && this.#cleared) rows.leave(row, false)
      const replaced = this.#cells.replace(row, value)
      const putBack = (): void => {
        const at = this.#look(key)
        if (at === 0) replaced.forget()
        else replaced.putBack(at)
      }
      log.push({ undo: putBack, settle: replaced.forget })
      if (atEnd) {
        // It goes and comes again, which needs no more room than it has by now.
        this.#again.push(key)
        log.push({ undo: nothing, settle: () => this.#makeAnew(key, value) })
      } else if (rows.touchesWrites) {
        log.push({ undo: nothing, settle: () => this.#touch(key, true) })
      }
    }
  }

  #make(key: KeyValue, value: unknown): void {
    this.#cells.make(this.#rows, value, this.#call.key.putEntry(key))
  }

  #makeAnew(key: KeyValue, value: unknown): void {
    this.#drop(key)
    this.#make(key, value)
  }

  #drop(key: KeyValue): void {
    const row = this.#look(key)
    if (row !== 0) this.#rows.drop(row)
  }

  #leave(key: KeyValue, leaves: boolean): void {
    const row = this.#look(key)
    if (row !== 0) this.#rows.leave(row, leaves)
  }

  #touchUsed(): void {
    for (const key of this.#used.values()) this.#touch(key, false)
  }

  #touch(key: KeyValue, written: boolean): void {
    const row = this.#look(key)
    if (row !== 0) this.#rows.use(row, written)
  }
}
