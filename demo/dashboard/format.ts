/** Numbers and times as the page writes them. */

const grouped = new Intl.NumberFormat("en-GB", {
  maximumFractionDigits: 0,
  signDisplay: "negative", // No -0.
})
const minus = (text: string) => text.replace("-", "−")
const dayFormat = new Intl.DateTimeFormat("en-GB", {
  ...({ weekday: "short", day: "numeric", month: "short", year: "numeric" } as const),
  timeZone: "UTC",
})
const shortFormat = new Intl.DateTimeFormat("en-GB", {
  ...({ day: "numeric", month: "short" } as const),
  timeZone: "UTC",
})
const hourFormat = new Intl.DateTimeFormat("en-GB", {
  ...({ hour: "2-digit", minute: "2-digit" } as const),
  timeZone: "UTC",
})

/** `1,234,567`, `−5`. */
export const digits = (value: number) => minus(grouped.format(value))

/** `12 min`. */
export const minutes = (value: number) => `${digits(value)} min`

/** `Tue, 2 Jan 2001`. */
export const day = (timeMs: number) => dayFormat.format(timeMs)

/** `2 Jan`. */
export const shortDay = (timeMs: number) => shortFormat.format(timeMs)

/** `14:05`. */
export const hour = (timeMs: number) => hourFormat.format(timeMs)

/** Numbers from here on are times: in 1998, which no count comes to. */
const timesFrom = 9e11

/** A number of a table: whole, or with two digits; or a time. */
export function inTable(value: number): string {
  if (value >= timesFrom) return `${shortDay(value)}, ${hour(value)}`
  return Number.isInteger(value) ? digits(value) : minus(value.toFixed(2))
}

/** What is longer is cut, characters. */
const briefMax = 80

/** Any value of a state in a few words: `flights 91, mean 3.78`. */
export function brief(value: unknown): string {
  const text = wordsOf(value)
  return text.length > briefMax ? `${text.slice(0, briefMax)} …` : text
}

function wordsOf(value: unknown): string {
  if (value === undefined) return ""
  if (value === null) return "all" // The one key of what has none.
  if (typeof value === "number") return inTable(value)
  if (typeof value !== "object") return `${value as string | boolean}`
  if (Array.isArray(value)) return value.map(wordsOf).join("; ")
  const fields = Object.entries(value)
  return fields.map(([name, each]) => `${name} ${wordsOf(each)}`.trim()).join(", ")
}

/** `1.4 MiB`, without the unit. */
export const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
