import { describe, expect, it } from "vitest"
import fc from "fast-check"
import { parseOffset, utc, zoneOf } from "../js/time/zones.ts"
import { refusal } from "./refusal.ts"

const wall = (text: string) => Date.parse(`${text}Z`)
const instants = (zone: string, texts: readonly string[]) => {
  const toInstant = zoneOf(zone, "from.timeZone")
  return texts.map((text) => new Date(toInstant(wall(text))).toISOString())
}

describe("zones", () => {
  it("reads an offset in any of its forms", () => {
    const given = ["Z", "+00:00", "+02", "-0330", "+05:45", "-12:00", "+24:00", "+01:60", "2", ""]
    expect(given.map(parseOffset)).toEqual([
      ...[0, 0, 7_200_000, -12_600_000, 20_700_000, -43_200_000],
      ...[undefined, undefined, undefined, undefined],
    ])
  })

  it("knows UTC and fixed offsets without asking", () => {
    expect([zoneOf("UTC", "zone"), zoneOf("Z", "zone")]).toEqual([utc, utc])
    expect(instants("+05:30", ["2001-01-01T00:00:00"])).toEqual(["2000-12-31T18:30:00.000Z"])
  })

  it("moves a wall time that never was forward, and takes the first of two", () => {
    const texts = [
      ...["2001-04-01T01:59:59", "2001-04-01T02:30:00", "2001-04-01T03:00:00"],
      ...["2001-10-28T00:59:59", "2001-10-28T01:30:00", "2001-10-28T02:00:00"],
    ]
    expect(instants("America/New_York", texts)).toEqual([
      ...["2001-04-01T06:59:59.000Z", "2001-04-01T07:30:00.000Z", "2001-04-01T07:00:00.000Z"],
      ...["2001-10-28T04:59:59.000Z", "2001-10-28T05:30:00.000Z", "2001-10-28T07:00:00.000Z"],
    ])
  })

  it("is right where the clock changes by half an hour, or before there were zones", () => {
    const changes = ["2024-04-07T01:29:00", "2024-04-07T01:45:00", "2024-04-07T02:00:00"]
    expect(instants("Australia/Lord_Howe", [...changes, "2024-10-06T02:15:00"])).toEqual([
      ...["2024-04-06T14:29:00.000Z", "2024-04-06T14:45:00.000Z", "2024-04-06T15:30:00.000Z"],
      "2024-10-05T15:45:00.000Z",
    ])
    expect(instants("America/New_York", ["1850-01-01T00:00:00"])).toEqual([
      "1850-01-01T04:56:02.000Z",
    ])
  })

  it("gives the wall time back when Intl shows the instant, unless it never was", () => {
    for (const zone of ["Europe/Paris", "Asia/Kathmandu", "America/St_Johns"]) {
      const toInstant = zoneOf(zone, "zone")
      const shown = new Intl.DateTimeFormat("sv-SE", {
        ...{ timeZone: zone, dateStyle: "short", timeStyle: "medium" },
      })
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seconds) => {
          const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")
          const back = shown.format(toInstant(seconds * 1000))
          const forward = shown.format(toInstant(seconds * 1000) - 3_600_000)
          if (back !== text) expect(forward < text && text < back).toBe(true)
        }),
        { numRuns: 300 },
      )
    }
  })

  it("takes the ends of time without failing", () => {
    const toInstant = zoneOf("Europe/Paris", "zone")
    expect(toInstant(8.64e15)).toBe(8.64e15 - 7_200_000) // Summer, in the year 275760.
  })

  it("refuses a zone that does not exist", () => {
    expect(refusal(() => zoneOf("Mars/Base", "from.timeZone"))).toEqual({
      code: "OPTION",
      message: `from.timeZone must be a zone such as "Europe/Paris" or "+02:00", not "Mars/Base"`,
    })
  })
})
