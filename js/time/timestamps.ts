/**
 * When an event happened, read from the event, in whole milliseconds since 1970.
 *
 *     number, bigint   in `timeUnit`          Date   as it is
 *     string           by `timeFormat`, else ISO 8601; without an offset, in `timeZone`
 *
 * What is finer than a millisecond is cut off downwards, before 1970 too, so that order is kept.
 * Seconds with a fraction, and nanoseconds beyond 2^53, are first rounded to a microsecond, because
 * as numbers they are mostly a hair beside what was meant (1.001 * 1000 is less than 1001).
 */
import { timeMsMax } from "../duration.ts"
import { MillraceError, typeName } from "../errors.ts"
import { anyOf, callable, checkOptions, oneOf, text } from "../options.ts"
import { isObject } from "../state/field_readers.ts"
import { fieldReader, isName } from "../state/keys.ts"
import { isoParser, patternParser } from "./formats.ts"
import type { TimeParser } from "./formats.ts"
import { utc, zoneOf } from "./zones.ts"

/** What numbers and bigints count. */
export type TimeUnit = "s" | "ms" | "us" | "ns"

/** A value that can be a time. */
export type TimeValue = number | bigint | Date | string

/** Where the time of an event is, and how it is written. */
export interface TimestampOptions {
  /** The field, by its dotted path, or a function from an event to its time. */
  readonly time: string | ((event: never) => unknown)
  /** What numbers and bigints count. Default `"ms"`. */
  readonly timeUnit?: TimeUnit
  /** How strings are written, such as `"dd/MM/yyyy HH:mm"`; see formats.ts. Default: ISO 8601. */
  readonly timeFormat?: string
  /** Where strings without an offset were written: an IANA name or `"+02:00"`. Default UTC. */
  readonly timeZone?: string
}

/** Read the time of an event, in whole milliseconds since 1970. */
export type TimestampReader = (event: unknown) => number

/** The checks of {@link TimestampOptions}, for the table of an operator that has them. */
export const timestampOptions = {
  time: anyOf("a field or a function", text, callable<(event: never) => unknown>()),
  timeUnit: oneOf("s", "ms", "us", "ns"),
  timeFormat: text,
  timeZone: text,
}

/**
 * Make the function that reads the time of events. `where` is what messages call its owner.
 *
 * The reader throws `TIMESTAMP`, naming the field and not the value, for an event without a time
 * that it can read; what a time function throws passes through.
 *
 * @throws {MillraceError} `OPTION` for options that do not exist or make no sense.
 */
export function timestampReader(options: TimestampOptions, where = "from"): TimestampReader {
  const {
    time,
    timeUnit = "ms",
    timeFormat,
    timeZone,
  } = checkOptions(options, timestampOptions, where)
  if (time === undefined) throw new MillraceError("OPTION", `${where}.time is missing`)
  const zone = timeZone === undefined ? utc : zoneOf(timeZone, `${where}.timeZone`)
  const parse =
    timeFormat === undefined
      ? isoParser(zone)
      : patternParser(timeFormat, zone, `${where}.timeFormat`)
  const form = timeFormat === undefined ? "an ISO 8601 time" : "in the form of timeFormat"
  const read = typeof time === "string" ? fieldReader(time) : (time as (event: unknown) => unknown)
  const toMs = { number: fromNumber[timeUnit], bigint: fromBigint[timeUnit] }

  const readTime: TimestampReader = (event) => {
    const value = read(event)
    const ms = typeof value === "number" ? toMs.number(value) : otherMs(value, toMs.bigint, parse)
    if (ms >= -timeMsMax && ms <= timeMsMax) return ms
    throw unreadable(time, value, form)
  }
  const isField = typeof time === "string" && isName(time)
  return isField && timeUnit === "ms" ? readMs(time, readTime) : readTime
}

/** The common case in one closure: a field with milliseconds. */
function readMs(name: string, readTime: TimestampReader): TimestampReader {
  return (event) => {
    const value = isObject(event) ? event[name] : undefined
    const ms = typeof value === "number" ? Math.floor(value) + 0 : Number.NaN
    return ms >= -timeMsMax && ms <= timeMsMax ? ms : readTime(event)
  }
}

/** NaN for what is no time. */
function otherMs(value: unknown, fromBig: (value: bigint) => number, parse: TimeParser): number {
  if (typeof value === "string") return parse(value) ?? Number.NaN
  if (typeof value === "bigint") return fromBig(value)
  return value instanceof Date ? value.getTime() : Number.NaN
}

/** `+ 0` makes a -0 of the event 0. */
const fromNumber: Record<TimeUnit, (value: number) => number> = {
  s: (value) => (Number.isInteger(value) ? value * 1000 : fromMicros(value * 1e6)) + 0,
  ms: (value) => Math.floor(value) + 0,
  us: (value) => Math.floor(value / 1000) + 0,
  ns: (value) =>
    (Number.isSafeInteger(value) ? Math.floor(value / 1e6) : fromMicros(value / 1000)) + 0,
}

function fromMicros(value: number): number {
  return Math.floor(Math.round(value) / 1000)
}

const fromBigint: Record<TimeUnit, (value: bigint) => number> = {
  s: (value) => Number(value) * 1000,
  ms: (value) => Number(value),
  us: (value) => Number(floorDivided(value, 1000n)),
  ns: (value) => Number(floorDivided(value, 1_000_000n)),
}

function floorDivided(value: bigint, by: bigint): bigint {
  return value % by < 0n ? value / by - 1n : value / by
}

function unreadable(time: TimestampOptions["time"], value: unknown, form: string): MillraceError {
  const what = typeof time === "string" ? `the time field ${JSON.stringify(time)}` : "the time"
  return new MillraceError("TIMESTAMP", `${what} ${whyUnreadable(value, form)}`)
}

function whyUnreadable(value: unknown, form: string): string {
  if (value === undefined) return "is missing"
  if (value instanceof Date) return "is an invalid Date"
  if (typeof value === "string") return `is text that is not ${form}, or not a day that exists`
  return whyNoTime(value)
}

/** What is wrong with a value that is no time as a number; never the value itself. */
export function whyNoTime(value: unknown): string {
  const isNumber = typeof value === "number" || typeof value === "bigint"
  if (!isNumber || Number.isNaN(value)) return `is ${typeName(value)}, which is no time`
  return `is beyond the ${timeMsMax} ms around 1970 that a time can be`
}
