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

/** `1.4 MiB`, without the unit. */
export const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
