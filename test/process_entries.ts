/**
 * State of process functions in plain code.
 *
 * State of a key is a list of entries, each with when it was written last; a call works on a copy
 * of those that it can see, which takes their place when it succeeds.
 */
import type { KeyValue } from "../js/index.ts"
import { idOf } from "./reference.ts"

interface Entry {
  readonly k: KeyValue
  readonly v: unknown
  readonly last: number
}

/** When a call is. */
export interface Moment {
  readonly time: number
  readonly passed: number
}

/** One state of all keys; a single value is an entry with the key null. */
export class Entries {
  readonly #ttl: number
  readonly #keys = new Map<string, readonly Entry[]>()
  #id = ""
  #moment: Moment = { time: 0, passed: 0 }
  #draft = new Map<string, { k: KeyValue; v: unknown; fresh: boolean; written: boolean }>()
  #cleared = false
  #next = 0

  /** With one value per key, a value that is cleared and written again stays. */
  readonly #single: boolean

  constructor(ttl: number, single: boolean) {
    this.#ttl = ttl
    this.#single = single
  }

  begin(key: KeyValue, moment: Moment): void {
    this.#id = idOf(key)
    this.#moment = moment
    this.#cleared = false
    this.#draft = new Map()
    for (const { k, v, last } of this.#keys.get(this.#id) ?? []) {
      const entry = { k, v, fresh: false, written: false }
      if (this.#sees(last)) this.#draft.set(idOf(k), entry)
    }
  }

  commit(): void {
    const { time } = this.#moment
    const stayed = (this.#keys.get(this.#id) ?? []).flatMap(({ k, v, last }): Entry[] => {
      const now = this.#draft.get(idOf(k))
      if (!this.#sees(last)) return now !== undefined || this.#cleared ? [] : [{ k, v, last }]
      if (now === undefined || now.fresh) return []
      return [{ k, v: now.v, last: now.written ? Math.max(last, time) : last }]
    })
    const came = [...this.#draft.values()].flatMap(({ k, v, fresh }): Entry[] => {
      return fresh ? [{ k, v, last: time }] : []
    })
    this.#keys.set(this.#id, [...stayed, ...came])
  }

  #sees(last: number): boolean {
    const clock = Math.max(this.#moment.time, this.#moment.passed)
    return this.#ttl === Infinity || clock - last < this.#ttl
  }

  all(): [KeyValue, unknown][] {
    return Array.from(this.#draft.values(), ({ k, v }) => [k, v])
  }

  get(k: KeyValue): unknown {
    return this.#draft.get(idOf(k))?.v
  }

  has(k: KeyValue): boolean {
    return this.#draft.has(idOf(k))
  }

  put(k: KeyValue, v: unknown): void {
    const fresh = this.#draft.get(idOf(k))?.fresh ?? true
    this.#draft.set(idOf(k), { k, v, fresh, written: true })
  }

  putOne(v: unknown): void {
    const stood = (this.#keys.get(this.#id) ?? []).some(({ last }) => this.#sees(last))
    this.#draft.set(idOf(null), { k: null, v, fresh: !stood, written: true })
  }

  append(v: unknown): void {
    this.put(["element", this.#next++], v)
  }

  remove(k: KeyValue): void {
    this.#draft.delete(idOf(k))
  }

  clear(): void {
    this.#draft.clear()
    this.#cleared = !this.#single
  }
}
