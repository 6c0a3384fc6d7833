/**
 * Copies of state that leaves an operator, so that a later event cannot change an earlier result.
 */

/**
 * A deep copy of plain data: plain objects, arrays, Map, Set, Date, typed arrays; what stands in it
 * twice, or in itself, does so in the copy too. Primitives and anything else, such as instances of
 * classes, are given as they are.
 */
export function copyOf<T>(value: T): T {
  return (typeof value === "object" && value !== null ? copyObject(value, new Seen()) : value) as T
}

/** Deeper than any saved value may be; what lies deeper stays shared. */
const depthMax = 500

type Plain = Record<string, unknown>

/** So many originals are looked through; a Map, for the few that there mostly are, costs more. */
const listMax = 8

/** Copies by their originals. */
class Seen {
  readonly #originals: object[] = []
  readonly #copies: unknown[] = []
  /** Of all of them, once they are many. */
  #indices: Map<object, number> | undefined
  depth = 0

  add(from: object, to: unknown): void {
    const index = this.#originals.push(from) - 1
    this.#copies.push(to)
    if (index === listMax) this.#indices = new Map(this.#originals.map((each, at) => [each, at]))
    else this.#indices?.set(from, index)
  }

  copyOf(value: unknown): unknown {
    if (typeof value !== "object" || value === null || this.depth >= depthMax) return value
    const index =
      this.#indices === undefined ? this.#originals.indexOf(value) : this.#indices.get(value)
    if (index !== undefined && index >= 0) return this.#copies[index]
    this.depth++
    const copy = copyObject(value, this)
    this.depth--
    return copy
  }
}

function copyObject(value: object, seen: Seen): unknown {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return copyPlain(value as Plain, seen)
  if (Array.isArray(value)) return copyArray(value, seen)
  if (prototype === null) return copyBare(value as Plain, Object.create(null) as Plain, seen)
  if (prototype === Date.prototype) return new Date(value as Date)
  if (prototype === Map.prototype) return copyMap(value as Map<unknown, unknown>, seen)
  if (prototype === Set.prototype) return copySet(value as Set<unknown>, seen)
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return (value as Uint8Array).slice()
  }
  return value
}

/** All at once keeps the shape of the original, and is several times as quick as one by one. */
function copyPlain(from: Plain, seen: Seen): Plain {
  const to = { ...from }
  seen.add(from, to)
  for (const name in to) {
    const value = to[name]
    if (typeof value !== "object" || value === null || !Object.hasOwn(to, name)) continue
    setOwn(to, name, seen.copyOf(value))
  }
  return to
}

function copyBare(from: Plain, to: Plain, seen: Seen): Plain {
  seen.add(from, to)
  for (const name in from) {
    if (!Object.hasOwn(from, name)) continue
    setOwn(to, name, seen.copyOf(from[name]))
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
  const to = new Array<unknown>(from.length)
  seen.add(from, to)
  for (let i = 0; i < from.length; i++) to[i] = seen.copyOf(from[i])
  return to
}

function copyMap(from: Map<unknown, unknown>, seen: Seen): Map<unknown, unknown> {
  const to = new Map<unknown, unknown>()
  seen.add(from, to)
  for (const [key, value] of from) to.set(seen.copyOf(key), seen.copyOf(value))
  return to
}

function copySet(from: Set<unknown>, seen: Seen): Set<unknown> {
  const to = new Set<unknown>()
  seen.add(from, to)
  for (const element of from) to.add(seen.copyOf(element))
  return to
}
