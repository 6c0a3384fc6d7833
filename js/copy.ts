/**
 * Copies of state that leaves an operator, so that a later event cannot change an earlier result.
 */

/**
 * A deep copy of plain data: plain objects, arrays, Map, Set, Date, typed arrays; what stands in it
 * twice, or in itself, does so in the copy too. Primitives and anything else, such as instances of
 * classes, are given as they are.
 */
export function copyOf<T>(value: T): T {
  if (!isObject(value)) return value
  const isPlain = Object.getPrototypeOf(value) === Object.prototype
  const flat = isPlain ? ({ ...value } as Plain) : undefined
  if (flat !== undefined && isDone(flat)) return flat as T // As most state is.
  const seen = spare ?? new Seen()
  spare = undefined
  const copy = flat === undefined ? copyObject(value, seen) : copyPlain(value, flat, seen)
  seen.clear()
  spare = seen
  return copy as T
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}

/** Is nothing left to copy in a copy by spread? The one list of primitives in it is copied here. */
function isDone(copy: Plain): boolean {
  let only: string | undefined
  for (const name in copy) {
    const value = copy[name]
    if (!isObject(value)) continue
    if (only !== undefined || !isFlatList(value)) return false
    only = name
  }
  if (only === undefined) return true
  if (only === "__proto__" || !Object.hasOwn(copy, only)) return false
  copy[only] = [...(copy[only] as unknown[])]
  return true
}

function isFlatList(value: object): boolean {
  if (!Array.isArray(value)) return false
  for (let i = 0; i < value.length; i++) if (isObject(value[i])) return false
  return true
}

/** Deeper than any saved value may be; what lies deeper stays shared. */
const depthMax = 500

type Plain = Record<string, unknown>

/** So many originals are looked through; a Map, for the few that there mostly are, costs more. */
const listMax = 8

/** Copies by their originals. */
class Seen {
  readonly #originals: (object | undefined)[] = new Array<undefined>(listMax).fill(undefined)
  readonly #copies: unknown[] = new Array<undefined>(listMax).fill(undefined)
  #size = 0
  /** Of all of them, once they are many. */
  #all: Map<object, unknown> | undefined
  #depth = 0

  add(from: object, to: unknown): void {
    if (this.#size < listMax) {
      this.#originals[this.#size] = from
      this.#copies[this.#size++] = to
      return
    }
    this.#all ??= new Map(this.#originals.map((each, at) => [each as object, this.#copies[at]]))
    this.#all.set(from, to)
  }

  copyOf(value: object): unknown {
    if (this.#depth >= depthMax) return value
    if (this.#all === undefined) {
      for (let at = 0; at < this.#size; at++) {
        if (this.#originals[at] === value) return this.#copies[at]
      }
    } else if (this.#all.has(value)) return this.#all.get(value)
    this.#depth++
    const copy = copyObject(value, this)
    this.#depth--
    return copy
  }

  /** Holds nothing any more. */
  clear(): void {
    for (let at = 0; at < this.#size; at++) {
      this.#originals[at] = undefined
      this.#copies[at] = undefined
    }
    this.#size = 0
    this.#all = undefined
  }
}

/** Of the last copy, for the next one: most copies are small, and made per event. */
let spare: Seen | undefined

/** What may stand in a value: primitives are their own copies. */
function copyIn(value: unknown, seen: Seen): unknown {
  return isObject(value) ? seen.copyOf(value) : value
}

function copyObject(value: object, seen: Seen): unknown {
  if (Array.isArray(value)) return copyArray(value, seen)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return copyPlain(value, { ...value }, seen)
  if (prototype === null) return copyBare(value as Plain, Object.create(null) as Plain, seen)
  if (prototype === Date.prototype) return new Date(value as Date)
  if (prototype === Map.prototype) return copyMap(value as Map<unknown, unknown>, seen)
  if (prototype === Set.prototype) return copySet(value as Set<unknown>, seen)
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return (value as Uint8Array).slice()
  }
  return value
}

/**
 * Copy what stands in `to`, a copy by spread: all at once keeps the shape of the original, and is
 * several times as quick as one by one.
 */
function copyPlain(from: object, to: Plain, seen: Seen): Plain {
  seen.add(from, to)
  for (const name in to) {
    const value = to[name]
    if (isObject(value) && Object.hasOwn(to, name)) setOwn(to, name, seen.copyOf(value))
  }
  return to
}

function copyBare(from: Plain, to: Plain, seen: Seen): Plain {
  seen.add(from, to)
  for (const name in from) {
    if (!Object.hasOwn(from, name)) continue
    setOwn(to, name, copyIn(from[name], seen))
  }
  return to
}

function setOwn(to: Plain, name: string, value: unknown): void {
  if (name === "__proto__") {
    const property = { value, writable: true, enumerable: true, configurable: true }
    Object.defineProperty(to, name, property)
  } else to[name] = value
}

function copyArray(from: readonly unknown[], seen: Seen): unknown[] {
  const to = [...from] as unknown[]
  seen.add(from, to)
  for (let i = 0; i < to.length; i++) {
    const value = to[i]
    if (isObject(value)) to[i] = seen.copyOf(value)
  }
  return to
}

function copyMap(from: Map<unknown, unknown>, seen: Seen): Map<unknown, unknown> {
  const to = new Map<unknown, unknown>()
  seen.add(from, to)
  for (const [key, value] of from) to.set(copyIn(key, seen), copyIn(value, seen))
  return to
}

function copySet(from: Set<unknown>, seen: Seen): Set<unknown> {
  const to = new Set<unknown>()
  seen.add(from, to)
  for (const element of from) to.add(copyIn(element, seen))
  return to
}
