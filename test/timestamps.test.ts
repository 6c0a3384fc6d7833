import { describe, expect, it } from "vitest"
import { timestampReader } from "../js/time/timestamps.ts"
import type { TimestampOptions } from "../js/time/timestamps.ts"
import { refusal } from "./refusal.ts"

const read = (value: unknown, options: Omit<TimestampOptions, "time"> = {}) =>
  timestampReader({ time: "at", ...options })({ at: value })
const refused = (value: unknown, options: Omit<TimestampOptions, "time"> = {}) =>
  refusal(() => read(value, options))

describe("timestamps", () => {
  it("are read from a field, from a field of a field, or by a function", () => {
    const event = { at: 5, meta: { at: new Date(6) } }
    expect([
      timestampReader({ time: "at" })(event),
      timestampReader({ time: "meta.at" })(event),
      timestampReader({ time: (given: typeof event) => given.at + 2 })(event),
    ]).toEqual([5, 6, 7])
  })

  it("are milliseconds, bigints, dates or ISO 8601 text", () => {
    const given = [981_173_106_789, 981_173_106_789n, new Date(981_173_106_789)]
    const texts = ["2001-02-03T04:05:06.789Z", "2001-02-03T05:05:06.789999+01:00"]
    expect([...given, ...texts].map((value) => read(value))).toEqual(Array(5).fill(981_173_106_789))
    expect([read("2001-02-03"), read("2001-02-03 01:00")]).toEqual([
      Date.UTC(2001, 1, 3),
      Date.UTC(2001, 1, 3, 1),
    ])
  })

  it("cut off what is finer than a millisecond, downwards on both sides of 1970", () => {
    expect([1.9, -1.1, -0, 0.5].map((value) => read(value))).toEqual([1, -2, 0, 0])
    expect([1999, -1, 1999n, -1n].map((value) => read(value, { timeUnit: "us" }))).toEqual([
      ...[1, -1, 1, -1],
    ])
  })

  it("count in the unit that was named", () => {
    const seconds = [981_173_106.789, 1.001, -1.5, 2n, 3]
    expect(seconds.map((value) => read(value, { timeUnit: "s" }))).toEqual([
      ...[981_173_106_789, 1001, -1500, 2000, 3000],
    ])
    const micros = [981_173_106_789_123, 981_173_106_789_123n]
    expect(micros.map((value) => read(value, { timeUnit: "us" }))).toEqual([
      ...[981_173_106_789, 981_173_106_789],
    ])
    const nanos = [1_690_000_000_123_000_000, 1_690_000_000_123_456_789n, 1_999_999, -1n]
    expect(nanos.map((value) => read(value, { timeUnit: "ns" }))).toEqual([
      ...[1_690_000_000_123, 1_690_000_000_123, 1, -1],
    ])
  })

  it("leave dates and text alone whatever the unit", () => {
    expect(read(new Date(5), { timeUnit: "ns" })).toBe(5)
    expect(read("1970-01-01T00:00:00.005Z", { timeUnit: "s" })).toBe(5)
  })

  it("take text without an offset as written in the zone", () => {
    const options = { timeZone: "America/New_York" }
    expect([
      read("2001-07-01", options),
      read("2001-07-01T00:00:00Z", options),
      read("07/01/2001 00:00", { timeFormat: "MM/dd/yyyy HH:mm", ...options }),
      read("2001-07-01", { timeZone: "-04:00" }),
    ]).toEqual([
      Date.UTC(2001, 6, 1, 4),
      Date.UTC(2001, 6, 1),
      Date.UTC(2001, 6, 1, 4),
      Date.UTC(2001, 6, 1, 4),
    ])
  })

  it("reach as far as a Date does, and no further", () => {
    expect([8.64e15, -8.64e15, 8_640_000_000_000_000n].map((value) => read(value))).toEqual([
      ...[8.64e15, -8.64e15, 8.64e15],
    ])
    const beyond = [8.64e15 + 1, -8.64e15 - 1, Infinity, -Infinity, 10n ** 400n]
    expect(beyond.map((value) => refused(value))).toEqual(
      beyond.map(() => ({
        code: "TIMESTAMP",
        message: `the time field "at" is beyond the ${8.64e15} ms around 1970 that a time can be`,
      })),
    )
    expect(refused(8.64e13, { timeUnit: "s" }).code).toBe("TIMESTAMP")
    expect(refused("+275760-09-13T00:00:00.001Z").code).toBe("TIMESTAMP")
  })

  it("refuse what is no time, naming the field and never the value", () => {
    const values = [undefined, null, true, {}, [], Number.NaN, new Date(Number.NaN), "secret", ""]
    const text = "is text that is not an ISO 8601 time, or not a day that exists"
    expect(values.map((value) => refused(value).message)).toEqual(
      [
        "is missing",
        "is null, which is no time",
        "is a boolean, which is no time",
        "is an object, which is no time",
        "is an array, which is no time",
        "is NaN, which is no time",
        "is an invalid Date",
        text,
        text,
      ].map((why) => `the time field "at" ${why}`),
    )
    expect(refused("2001-02-30").code).toBe("TIMESTAMP")
    expect(refused("2001-02-03", { timeFormat: "dd/MM/yyyy" }).message).toBe(
      `the time field "at" is text that is not in the form of timeFormat, or not a day that exists`,
    )
    expect(refusal(() => timestampReader({ time: () => "x" })({})).message).toContain("the time is")
    expect(refusal(() => timestampReader({ time: "constructor" })({})).message).toBe(
      `the time field "constructor" is missing`,
    )
  })

  it("let through what a time function throws", () => {
    const reader = timestampReader({
      time: () => {
        throw new RangeError("mine")
      },
    })
    expect(() => reader({})).toThrow(RangeError)
  })

  it("refuse options that make no sense", () => {
    const message = (options: unknown) =>
      refusal(() => timestampReader(options as TimestampOptions)).message
    expect([
      message({}),
      message({ time: 5 }),
      message({ time: "a..b" }),
      message({ time: "at", timeUnit: "min" }),
      message({ time: "at", timeZone: "Mars" }),
      message({ time: "at", timeFormat: "MM" }),
      message({ time: "at", timezone: "UTC" }),
    ]).toEqual([
      "from.time is missing",
      "from.time must be a field or a function, not a number",
      `"a..b" is not a path: a path has names between its dots; for other names pass a function`,
      `from.timeUnit must be one of "s", "ms", "us", "ns"`,
      `from.timeZone must be a zone such as "Europe/Paris" or "+02:00", not "Mars"`,
      "from.timeFormat has no year",
      `from has no option "timezone"; did you mean "timeZone"?`,
    ])
  })
})
