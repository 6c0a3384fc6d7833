/**
 * Times written as text: ISO 8601, or a pattern of Unicode tokens as in Java and date-fns.
 *
 *     yyyy yy      year; two digits are 2000 to 2099       H HH    hour 0-23
 *     M MM         month                                   h hh a  hour 1-12 with AM or PM
 *     MMM MMMM     Jan, January (English, any case)        m mm    minute
 *     d dd         day of the month                        s ss    second
 *     EEE EEEE     Mon, Monday: read and not used          S...    fraction of a second
 *     X XX XXX     offset +02, +0200, +02:00, or Z         Z       offset +0200
 *     'text' ''    text as it is, a quote                  others  as they are; letters are kept
 *
 * A parser gives milliseconds since 1970, or undefined for text that is not in its form or names a
 * day or time that does not exist. What is finer than a millisecond is cut off.
 */
import { MillraceError } from "../errors.ts"
import { parseOffset } from "./zones.ts"
import type { Zone } from "./zones.ts"

/** Read a time; undefined when the text is not one. */
export type TimeParser = (text: string) => number | undefined

/** The parts of a time as they were written; an offset of undefined leaves it to the zone. */
interface Parts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  milli: number
  offsetMs: number | undefined
}

const isoDate = "(\\d{4}|[+-]\\d{6})-(\\d\\d)-(\\d\\d)"
const isoTime = "(\\d\\d):(\\d\\d)(?::(\\d\\d)(?:[.,](\\d+))?)?"
const isoOffset = "(Z|[+-]\\d\\d(?::?\\d\\d)?)"
const iso = new RegExp(`^${isoDate}(?:[T ]${isoTime}${isoOffset}?)?$`, "i")

/** The parser of ISO 8601: a date, or a date and time with or without an offset. */
export function isoParser(zone: Zone): TimeParser {
  return (text) => {
    const found = iso.exec(text)
    if (found === null) return undefined
    const [, year = "", month = "", day = "", hour, minute, second, fraction, offset] = found
    return instant(
      {
        year: Number(year),
        month: Number(month),
        day: Number(day),
        hour: Number(hour ?? 0),
        minute: Number(minute ?? 0),
        second: Number(second ?? 0),
        milli: milliOf(fraction ?? ""),
        offsetMs: offset === undefined ? undefined : (parseOffset(offset) ?? Number.NaN),
      },
      zone,
    )
  }
}

/**
 * The parser of a pattern.
 *
 * @throws {MillraceError} `OPTION` for a pattern with a token that does not exist, one twice, no
 *   year, an hour of 12 without AM or PM, or a quote that is not closed.
 */
export function patternParser(pattern: string, zone: Zone, name: string): TimeParser {
  const { source, fields } = compile(pattern, name)
  const matcher = new RegExp(`^${source}$`, "i")
  return (text) => {
    const found = matcher.exec(text)
    if (found === null) return undefined
    const parts: Draft = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, milli: 0 }
    fields.forEach((read, i) => read(parts, found[i + 1] ?? ""))
    if (parts.afternoon !== undefined) {
      if (parts.hour < 1 || parts.hour > 12) return undefined
      parts.hour = (parts.hour % 12) + (parts.afternoon ? 12 : 0)
    }
    return instant({ ...parts, offsetMs: parts.offsetMs }, zone)
  }
}

// --- Patterns ---

type Draft = Omit<Parts, "offsetMs"> & { offsetMs?: number; afternoon?: boolean }
type Read = (parts: Draft, text: string) => void

const months = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
]
const weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
const short = (names: readonly string[]) => names.map((name) => name.slice(0, 3))

function monthOf(parts: Draft, text: string): void {
  const begins = text.slice(0, 3).toLowerCase()
  parts.month = short(months).findIndex((name) => name.toLowerCase() === begins) + 1
}

function offsetOf(parts: Draft, text: string): void {
  parts.offsetMs = parseOffset(text) ?? Number.NaN
}

const number = (field: Exclude<keyof Parts, "offsetMs">): Read => {
  return (parts, text) => {
    parts[field] = Number(text)
  }
}

/** Token to the field it fills (none twice), what it looks like, and how it is read. */
const tokens = new Map<string, readonly [field: string, source: string, read: Read]>([
  ["yyyy", ["year", "\\d{4}", number("year")]],
  ["yy", ["year", "\\d{2}", (parts, text) => void (parts.year = 2000 + Number(text))]],
  ["MMMM", ["month", months.join("|"), monthOf]],
  ["MMM", ["month", short(months).join("|"), monthOf]],
  ["MM", ["month", "\\d{2}", number("month")]],
  ["M", ["month", "\\d{1,2}", number("month")]],
  ["dd", ["day", "\\d{2}", number("day")]],
  ["d", ["day", "\\d{1,2}", number("day")]],
  ["EEEE", ["weekday", weekdays.join("|"), () => undefined]],
  ["EEE", ["weekday", short(weekdays).join("|"), () => undefined]],
  ["HH", ["hour", "\\d{2}", number("hour")]],
  ["H", ["hour", "\\d{1,2}", number("hour")]],
  ["hh", ["hour of 12", "\\d{2}", number("hour")]],
  ["h", ["hour of 12", "\\d{1,2}", number("hour")]],
  ["a", ["AM or PM", "am|pm", (parts, text) => void (parts.afternoon = /p/i.test(text))]],
  ["mm", ["minute", "\\d{2}", number("minute")]],
  ["m", ["minute", "\\d{1,2}", number("minute")]],
  ["ss", ["second", "\\d{2}", number("second")]],
  ["s", ["second", "\\d{1,2}", number("second")]],
  ["XXX", ["offset", "Z|[+-]\\d\\d:\\d\\d", offsetOf]],
  ["XX", ["offset", "Z|[+-]\\d{4}", offsetOf]],
  ["X", ["offset", "Z|[+-]\\d\\d(?:\\d\\d)?", offsetOf]],
  ["Z", ["offset", "[+-]\\d{4}", offsetOf]],
])

function tokenOf(letters: string) {
  if (!/^S{1,9}$/.test(letters)) return tokens.get(letters)
  const read: Read = (parts, text) => void (parts.milli = milliOf(text))
  return ["fraction", `\\d{${letters.length}}`, read] as const
}

function compile(pattern: string, name: string): { source: string; fields: Read[] } {
  const refuse = (why: string) => new MillraceError("OPTION", `${name} ${why}`)
  const seen = new Set<string>()
  const fields: Read[] = []
  let source = ""
  for (const [piece, quoted, letters] of pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^]/g)) {
    if (piece === "'") throw refuse("has a quote that is not closed")
    if (letters === undefined) {
      source += escaped(piece === "''" ? "'" : (quoted?.replaceAll("''", "'") ?? piece))
      continue
    }
    const token = tokenOf(piece)
    if (token === undefined) throw refuse(`has "${piece}", which is no token; quote it: '${piece}'`)
    const [field, looks, read] = token
    if (seen.has(field)) throw refuse(`has the ${field} twice`)
    seen.add(field)
    fields.push(read)
    source += `(${looks})`
  }
  if (!seen.has("year")) throw refuse("has no year")
  if (seen.has("hour of 12") !== seen.has("AM or PM")) throw refuse("has only one of h and a")
  if (seen.has("hour of 12") && seen.has("hour")) throw refuse("has the hour twice")
  return { source, fields }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")
}

// --- Calendar ---

/** The first three digits of a fraction, as milliseconds. */
function milliOf(digits: string): number {
  return Number(digits.slice(0, 3).padEnd(3, "0"))
}

function instant(parts: Parts, zone: Zone): number | undefined {
  const { year, month, day, hour, minute, second, milli, offsetMs } = parts
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (minute > 59 || second > 59) return undefined
  if (hour > 23 && !(hour === 24 && minute + second + milli === 0)) return undefined // 24:00 is.

  const dayMs = hour * 3_600_000 + minute * 60_000 + second * 1000 + milli
  const wallMs = daysSince1970(year, month, day) * 86_400_000 + dayMs
  const ms = offsetMs === undefined ? zone(wallMs) : wallMs - offsetMs
  return Number.isNaN(ms) ? undefined : ms
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const leaps = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * 146_097 + yearOfEra * 365 + leaps + dayOfYear - 719_468
}
