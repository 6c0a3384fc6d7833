/**
 * What process functions get as their state: the methods of each kind, and nothing else.
 */
import type { AggregatingState, ListState, MapState, ValueState } from "./kinds.ts"
import type { Many } from "./many.ts"
import type { Single } from "./single.ts"

export class UserValue implements ValueState<unknown, unknown> {
  readonly #state: Single

  constructor(state: Single) {
    this.#state = state
  }

  value(): unknown {
    return this.#state.get()
  }

  update(value: unknown): void {
    this.#state.add(value)
  }

  clear(): void {
    this.#state.clear()
  }
}

/** Reducing and aggregating state. */
export class UserSum implements AggregatingState<unknown, unknown> {
  readonly #state: Single

  constructor(state: Single) {
    this.#state = state
  }

  add(value: unknown): void {
    this.#state.add(value)
  }

  get(): unknown {
    return this.#state.get()
  }

  clear(): void {
    this.#state.clear()
  }
}

export class UserList implements ListState<unknown> {
  readonly #state: Many

  constructor(state: Many) {
    this.#state = state
  }

  add(value: unknown): void {
    this.#state.append(value)
  }

  /** The values may be this very list's. */
  addAll(values: Iterable<unknown>): void {
    for (const value of [...values]) this.#state.append(value)
  }

  values(): Iterable<unknown> {
    return pick(this.#state, 1)
  }

  update(values: Iterable<unknown>): void {
    const all = [...values]
    this.#state.clear()
    for (const value of all) this.#state.append(value)
  }

  clear(): void {
    this.#state.clear()
  }
}

export class UserMap implements MapState<unknown, unknown> {
  readonly #state: Many

  constructor(state: Many) {
    this.#state = state
  }

  get(key: unknown): unknown {
    return this.#state.get(key)
  }

  put(key: unknown, value: unknown): void {
    this.#state.put(key, value)
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    for (const [key, value] of entries) this.#state.put(key, value)
  }

  has(key: unknown): boolean {
    return this.#state.has(key)
  }

  remove(key: unknown): void {
    this.#state.remove(key)
  }

  keys(): Iterable<unknown> {
    return pick(this.#state, 0)
  }

  values(): Iterable<unknown> {
    return pick(this.#state, 1)
  }

  entries(): Iterable<[unknown, unknown]> {
    return this.#state.entries()
  }

  isEmpty(): boolean {
    return this.#state.entries().next().done === true
  }

  clear(): void {
    this.#state.clear()
  }
}

/** The methods that only look; all others change state. */
const looks: readonly string[] = ["value", "values", "get", "has", "keys", "entries", "isEmpty"]

/** The same face, of which the methods that change state do `refuse`. */
export function readOnly(face: object, refuse: () => never): object {
  const methods = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(face)))
  const given = methods.map(([name, { value }]: [string, PropertyDescriptor]) => {
    return [name, looks.includes(name) ? (value as () => unknown).bind(face) : refuse] as const
  })
  return Object.freeze(Object.fromEntries(given))
}

/** Keys, or values, one by one. */
function* pick(state: Many, part: 0 | 1): Generator<unknown, undefined> {
  for (const entry of state.entries()) yield entry[part]
  return undefined
}
