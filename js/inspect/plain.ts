/**
 * Values as JSON can say them, and as one can print them: whatever bytes they came from.
 */

/** What JSON lacks is text: `12n`, `-Infinity`, a date in ISO 8601, bytes in hex. */
export function plain(value: unknown): unknown {
  if (value === undefined) return null
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : value.toISOString()
  if (value instanceof Map) return Array.from(value, (entry) => entry.map(plain))
  if (value instanceof Set) return Array.from(value, plain)
  if (value instanceof Uint8Array) return hex(value)
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain)
  if (Array.isArray(value)) return value.map(plain)
  const made: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, part] of Object.entries(value)) {
    if (part !== undefined) made[name] = plain(part)
  }
  return made
}

/** A value as JSON on one line, or with indents. */
export function jsonOf(value: unknown, indent?: number): string {
  const lines = JSON.stringify(plain(value), undefined, indent).split("\n")
  return lines.map(printable).join("\n")
}

/** Text of which no terminal makes anything but text. */
export function printable(text: string): string {
  const acts = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
  return text.replace(acts, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
