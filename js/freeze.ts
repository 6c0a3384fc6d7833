/**
 * Values that nobody can change in place any more.
 */

/**
 * Freeze a value and all that hangs off it; gives it back. What cannot be frozen, as the bytes of a
 * typed array, stays as it is.
 */
export function deepFreeze<T>(value: T): T {
  const waiting: unknown[] = [value]
  const seen = new Set<object>() // What is frozen itself may hold what is not.
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next !== "object" || next === null) continue
    if (seen.has(next) || ArrayBuffer.isView(next)) continue
    seen.add(next)
    Object.freeze(next)
    for (const each of Object.values(next) as unknown[]) waiting.push(each)
  }
  return value
}
