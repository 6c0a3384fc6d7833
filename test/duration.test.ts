import { describe, expect, it } from "vitest"
import fc from "fast-check"
import { durationMs, durationMsMax } from "../js/duration.ts"
import { refusal } from "./refusal.ts"

describe("duration", () => {
  it("reads milliseconds and every unit", () => {
    const given = [0, -0, 1500, "500ms", "30s", "5m", "1h", "7d", "1.5s", "0s", "1e3ms", 2.4, 2.5]
    expect(given.map((value) => durationMs(value, "ttl"))).toEqual([
      0, 0, 1500, 500, 30_000, 300_000, 3_600_000, 604_800_000, 1500, 0, 1000, 2, 3,
    ])
  })

  it("gives back every whole number of milliseconds, as a number and as text", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: durationMsMax }), (ms) => {
        expect([durationMs(ms, "ttl"), durationMs(`${ms}ms`, "ttl")]).toEqual([ms, ms])
      }),
    )
  })

  it("refuses what is not a duration, naming the option", () => {
    const given = ["5 mins", "1w", "h", "", "-5m", "Infinityms", " 5m", "0x10ms"]
    expect(given.map((value) => refusal(() => durationMs(value, "deduplicate.ttl")))).toEqual(
      given.map((value) => ({
        code: "OPTION",
        message: `deduplicate.ttl must be milliseconds or text such as "30m", not "${value}"`,
      })),
    )
    expect(refusal(() => durationMs({}, "ttl")).message).toContain("not an object")
    expect(refusal(() => durationMs(5n, "ttl")).message).toContain("not a bigint")
    expect(refusal(() => durationMs(Number.NaN, "ttl")).message).toContain("not NaN")
  })

  it("refuses the negative, the endless and the vanishing", () => {
    const option = (message: string) => ({ code: "OPTION", message })
    expect([
      refusal(() => durationMs(-1, "ttl")),
      refusal(() => durationMs(Infinity, "ttl")),
      refusal(() => durationMs("100000001d", "ttl")),
      refusal(() => durationMs(0.4, "ttl")),
    ]).toEqual([
      option("ttl cannot be negative"),
      option("ttl cannot be longer than 8640000000000000 ms"),
      option("ttl cannot be longer than 8640000000000000 ms"),
      option("ttl cannot be shorter than a millisecond"),
    ])
  })

  it("refuses zero where it is told to", () => {
    expect(refusal(() => durationMs("0h", "per", { zero: false }))).toEqual({
      code: "OPTION",
      message: "per cannot be zero",
    })
  })
})
