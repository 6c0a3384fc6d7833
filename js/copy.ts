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

/** Copies by their originals; made only when there is an object in an object. */
class Seen {
  #copies: Map<object, unknown> | undefined
  #root: readonly [object, unknown] | undefined
  depth = 0

  add(from: object, to: unknown): void {
    if (this.#root === undefined) this.#root = [from, to]
    else this.#copies?.set(from, to)
  }

  copyOf(value: unknown): unknown {
    if (typeof value !== "object" || value === null || this.depth >= depthMax) return value
    this.#copies ??= new Map(this.#root === undefined ? [] : [this.#root])
    if (this.#copies.has(value)) return this.#copies.get(value)
    this.depth++
    const copy = copyObject(value, this)
    this.depth--
    return copy
  }
}

function copyObject(value: object, seen: Seen): unknown {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return copyPlain(value as Plain, {}, seen)
  if (Array.isArray(value)) return copyArray(value, seen)
  if (prototype === null) return copyPlain(value as Plain, Object.create(null) as Plain, seen)
  if (prototype === Date.prototype) return new Date(value as Date)
  if (prototype === Map.prototype) return copyMap(value as Map<unknown, unknown>, seen)
  if (prototype === Set.prototype) return copySet(value as Set<unknown>, seen)
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return (value as Uint8Array).slice()
  }
  return value
}

function copyPlain(from: Plain, to: Plain, seen: Seen): Plain {
  seen.add(from, to)
  for (const name in from) {
    if (!Object.hasOwn(from, name)) continue
    const value = seen.copyOf(from[name])
    if (name === "__proto__") {
      const property = { value, writable: true, enumerable: true, configurable: true }
      Object.defineProperty(to, name, property)
    } else to[name] = value
  }
  return to
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
