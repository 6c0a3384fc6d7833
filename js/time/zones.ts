/**
 * Time zones: from what a wall clock shows to when that was.
 *
 * Where clocks go forward, some wall times never were: they are taken to be as long after midnight
 * as if the clock had not moved (02:30 becomes 03:30). Where they go back, some were twice: the
 * first is meant. Temporal calls this "compatible", and a JavaScript Date does the same.
 *
 * Offsets come from Intl and are remembered per hour. An hour in which the offset changes is not
 * remembered, so a change at half past is right too.
 */
import { timeMsMax } from "../duration.ts"
import { MillraceError } from "../errors.ts"

/** From a wall time, as if it were UTC, to the instant; both in milliseconds since 1970. */
export type Zone = (wallMs: number) => number

/** The zone of UTC. */
export const utc: Zone = (wallMs) => wallMs

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Hours remembered per zone; beyond that all are forgotten. */
const hoursMax = 20_000

/**
 * The zone of an IANA name such as `"America/New_York"`, or of an offset such as `"+02:00"`.
 *
 * @throws {MillraceError} `OPTION` naming the option and the zone when there is none of that name.
 */
export function zoneOf(zone: string, name: string): Zone {
  if (zone === "UTC" || zone === "Z") return utc
  const fixedMs = parseOffset(zone)
  if (fixedMs !== undefined) return (wallMs) => wallMs - fixedMs
  const offsetAt = offsets(zone, name)
  return (wallMs) => {
    const before = offsetAt(wallMs - dayMs)
    const after = offsetAt(wallMs + dayMs)
    if (before === after || offsetAt(wallMs - before) === before) return wallMs - before
    return offsetAt(wallMs - after) === after ? wallMs - after : wallMs - before
  }
}

/** `Z`, `+02`, `+0200` or `+02:00` in milliseconds; undefined for anything else. */
export function parseOffset(text: string): number | undefined {
  if (text === "Z" || text === "z") return 0
  const [, sign, hours = "", minutes = "0"] = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(text) ?? []
  if (sign === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  const ms = Number(hours) * hourMs + Number(minutes) * 60_000
  return sign === "-" ? -ms : ms
}

/** The offset of a zone at any instant, remembered per hour. */
function offsets(zone: string, name: string): Zone {
  const format = formatOf(zone, name)
  const atStart = new Map<number, number>()

  function atHour(hour: number): number {
    let offset = atStart.get(hour)
    if (offset === undefined) {
      offset = askIntl(format, hour * hourMs)
      if (atStart.size >= hoursMax) atStart.clear()
      atStart.set(hour, offset)
    }
    return offset
  }

  return (instantMs) => {
    const hour = Math.floor(instantMs / hourMs)
    const offset = atHour(hour)
    return atHour(hour + 1) === offset ? offset : askIntl(format, instantMs)
  }
}

function formatOf(zone: string, name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" })
  } catch (cause) {
    const shown = JSON.stringify(zone.slice(0, 60))
    const wanted = `a zone such as "Europe/Paris" or "+02:00"`
    throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${shown}`, { cause })
  }
}

/** Intl writes `GMT`, `GMT+02:00`, and seconds for times before there were zones. */
function askIntl(format: Intl.DateTimeFormat, instantMs: number): number {
  const within = Math.max(-timeMsMax, Math.min(timeMsMax, instantMs))
  const shown = format.formatToParts(within).find(({ type }) => type === "timeZoneName")?.value
  const [, sign, ...parts] = /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(shown ?? "") ?? []
  const [hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0))
  const ms = hours * hourMs + minutes * 60_000 + seconds * 1000
  return sign === "-" ? -ms : ms
}
