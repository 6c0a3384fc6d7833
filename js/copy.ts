/**
 * Copies of state that leaves an operator, so that a later event cannot change an earlier result.
 */

/**
 * A deep copy of plain data: plain objects, arrays, Map, Set, Date, typed arrays. Primitives and
 * anything else, such as instances of classes, are given as they are.
 */
export function copyOf<T>(value: T): T {
  return (typeof value === "object" && value !== null ? copyObject(value, 0) : value) as T
}

/** Deeper than any saved value may be; a cycle ends here and stays shared. */
const depthMax = 500

function copyAny(value: unknown, depth: number): unknown {
  return typeof value === "object" && value !== null ? copyObject(value, depth) : value
}

function copyObject(value: object, depth: number): unknown {
  if (depth > depthMax) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return copyPlain(value as Plain, {}, depth)
  if (Array.isArray(value)) return value.map((element) => copyAny(element, depth + 1))
  if (prototype === null) return copyPlain(value as Plain, Object.create(null) as Plain, depth)
  if (prototype === Date.prototype) return new Date(value as Date)
  if (prototype === Map.prototype) return copyMap(value as Map<unknown, unknown>, depth)
  if (prototype === Set.prototype) {
    return new Set([...(value as Set<unknown>)].map((element) => copyAny(element, depth + 1)))
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return (value as Uint8Array).slice()
  return value
}

type Plain = Record<string, unknown>

function copyPlain(from: Plain, to: Plain, depth: number): Plain {
  for (const name in from) {
    if (!Object.hasOwn(from, name)) continue
    if (name === "__proto__") {
      Object.defineProperty(to, name, {
        value: copyAny(from[name], depth + 1),
        writable: true,
        enumerable: true,
        configurable: true,
      })
    } else to[name] = copyAny(from[name], depth + 1)
  }
  return to
}

function copyMap(from: Map<unknown, unknown>, depth: number): Map<unknown, unknown> {
  const to = new Map<unknown, unknown>()
  for (const [key, value] of from) to.set(copyAny(key, depth + 1), copyAny(value, depth + 1))
  return to
}
