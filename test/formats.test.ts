import { describe, expect, it } from "vitest"
import fc from "fast-check"
import { isoParser, patternParser } from "../js/time/formats.ts"
import { utc } from "../js/time/zones.ts"
import { refusal } from "./refusal.ts"

const shown = (ms: number | undefined) => (ms === undefined ? ms : new Date(ms).toISOString())
const iso = (text: string) => shown(isoParser(utc)(text))
const by = (pattern: string, text: string) => shown(patternParser(pattern, utc, "timeFormat")(text))

describe("ISO 8601", () => {
  it("reads dates, times and offsets", () => {
    const given = [
      ...["2001-02-03", "2001-02-03T04:05", "2001-02-03 04:05:06", "2001-02-03T04:05:06.7"],
      ...["2001-02-03T04:05:06.789123456Z", "2001-02-03T04:05:06,789z", "2001-02-03T24:00:00Z"],
      ...["2001-02-03T04:05+02:00", "2001-02-03T04:05-0330", "2001-02-03t04:05:06+02"],
      ...["-000001-01-01T00:00:00Z", "+012001-01-01", "0000-02-29", "2000-02-29"],
    ]
    expect(given.map(iso)).toEqual([
      ...["2001-02-03T00:00:00.000Z", "2001-02-03T04:05:00.000Z", "2001-02-03T04:05:06.000Z"],
      ...["2001-02-03T04:05:06.700Z", "2001-02-03T04:05:06.789Z", "2001-02-03T04:05:06.789Z"],
      ...["2001-02-04T00:00:00.000Z", "2001-02-03T02:05:00.000Z", "2001-02-03T07:35:00.000Z"],
      ...["2001-02-03T02:05:06.000Z", "-000001-01-01T00:00:00.000Z", "+012001-01-01T00:00:00.000Z"],
      ...["0000-02-29T00:00:00.000Z", "2000-02-29T00:00:00.000Z"],
    ])
  })

  it("refuses other forms, and days and times that do not exist", () => {
    const given = [
      ...["", "now", "2001", "2001-02", "20010203", "1", "Sat Feb 03 2001", "2001-2-3"],
      ...["2001-02-03T", "2001-02-03T04", "2001-02-03Z", " 2001-02-03", "2001-02-03\n"],
      ...["2001-02-29", "1900-02-29", "2001-04-31", "2001-13-01", "2001-00-01", "2001-01-00"],
      ...["2001-01-01T25:00", "2001-01-01T24:01", "2001-01-01T00:60", "2001-01-01T00:00:60"],
      ...["2001-01-01T00:00+24:00", "2001-01-01T00:00+01:60"],
    ]
    expect(given.map(iso)).toEqual(given.map(() => undefined))
  })

  it("agrees with Date for every instant", () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (ms) => {
        expect(isoParser(utc)(new Date(ms).toISOString())).toBe(ms)
      }),
    )
  })
})

describe("patterns", () => {
  it("read the tokens", () => {
    expect([
      by("yyyy-MM-dd HH:mm:ss.SSS", "2001-02-03 04:05:06.789"),
      by("d/M/yy H:m:s", "3/2/01 4:5:6"),
      by("dd MMM yyyy hh:mm a", "03 feb 2001 12:05 AM"),
      by("EEEE, MMMM d, yyyy h:mm a", "Saturday, February 3, 2001 4:05 pm"),
      by("EEE MMM dd HH:mm:ss yyyy", "Sat Feb 03 04:05:06 2001"),
      by("dd/MMM/yyyy:HH:mm:ss Z", "03/Feb/2001:04:05:06 -0700"),
      by("yyyyMMdd'T'HHmmssSSSSSSXXX", "20010203T040506789123+02:00"),
      by("yyyy.MM.dd X", "2001.02.03 Z"),
      by("yyyy.MM.dd XX", "2001.02.03 +0130"),
      by("HH 'o''clock on' d.M.yyyy ''", "04 o'clock on 3.2.2001 '"),
      by("yyyy", "2001"),
    ]).toEqual([
      "2001-02-03T04:05:06.789Z",
      "2001-02-03T04:05:06.000Z",
      "2001-02-03T00:05:00.000Z",
      "2001-02-03T16:05:00.000Z",
      "2001-02-03T04:05:06.000Z",
      "2001-02-03T11:05:06.000Z",
      "2001-02-03T02:05:06.789Z",
      "2001-02-03T00:00:00.000Z",
      "2001-02-02T22:30:00.000Z",
      "2001-02-03T04:00:00.000Z",
      "2001-01-01T00:00:00.000Z",
    ])
  })

  it("take text as it stands, whatever it means to a regular expression", () => {
    expect(by("[yyyy]*(MM)+.dd?", "[2001]*(02)+.03?")).toBe("2001-02-03T00:00:00.000Z")
    expect(by("yyyy.MM", "2001-02")).toBe(undefined)
  })

  it("refuse text in another form, and days and times that do not exist", () => {
    expect([
      by("yyyy-MM-dd", "2001-2-3"),
      by("yyyy-MM-dd", "2001-02-03 "),
      by("yyyy-MM-dd", "2001-02-30"),
      by("dd MMM yyyy", "03 Fex 2001"),
      by("yyyy hh a", "2001 13 PM"),
      by("yyyy hh a", "2001 00 AM"),
      by("yyyy XXX", "2001 +25:00"),
      by("yyyy HH:mm", "2001 24:01"),
    ]).toEqual(Array(8).fill(undefined))
  })

  it("are refused themselves when they make no sense", () => {
    const patterns = ["", "MM/dd", "yyyy 'open", "yyyy-mm-dd T", "yyyy M MMM", "yyyy hh", "yyyy a"]
    const refused = [...patterns, "yyyy H h a", "yyyyy", "YYYY", "yyyy SSSSSSSSSS"]
    expect(
      refused.map((pattern) => refusal(() => patternParser(pattern, utc, "timeFormat"))),
    ).toEqual(
      [
        "timeFormat has no year",
        "timeFormat has no year",
        "timeFormat has a quote that is not closed",
        `timeFormat has "T", which is no token; quote it: 'T'`,
        "timeFormat has the month twice",
        "timeFormat has only one of h and a",
        "timeFormat has only one of h and a",
        "timeFormat has the hour twice",
        `timeFormat has "yyyyy", which is no token; quote it: 'yyyyy'`,
        `timeFormat has "YYYY", which is no token; quote it: 'YYYY'`,
        `timeFormat has "SSSSSSSSSS", which is no token; quote it: 'SSSSSSSSSS'`,
      ].map((message) => ({ code: "OPTION", message })),
    )
  })
})
