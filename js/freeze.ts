/**
 * Values that nobody can change in place any more.
 */

/**
 * Freeze a value and all that hangs off it; gives it back. What cannot be frozen, as the bytes of a
 * typed array, stays as it is.
 */
export function deepFreeze<T>(value: T): T {
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next !== "object" || next === null) continue
    if (Object.isFrozen(next) || ArrayBuffer.isView(next)) continue
    Object.freeze(next)
    waiting.push(...(Object.values(next) as unknown[]))
  }
  return value
}
