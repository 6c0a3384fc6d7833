import { describe, expect, it } from "vitest"
import {
  anyOf,
  anything,
  callable,
  checkOptions,
  duration,
  flag,
  integer,
  nearestName,
  nested,
  object,
  oneOf,
  text,
} from "../js/options.ts"
import { refusal } from "./refusal.ts"

const table = {
  ttl: anyOf(`a duration or "never"`, oneOf("never"), duration({ zero: false })),
  limit: integer(),
  burst: integer({ min: 0, max: 10 }),
  keep: oneOf("first", "last"),
  refresh: flag,
  uid: text,
  add: callable<(a: number) => number>(),
  state: nested({ maxSize: integer() }),
  clock: object<{ now(): number }>(),
  seed: anything,
}

const message = (given: unknown) => refusal(() => checkOptions(given, table, "fold")).message

describe("options", () => {
  it("gives back what was given, as the checks read it", () => {
    const add = (a: number) => a
    const clock = { now: () => 0 }
    const given = { ttl: "1h", limit: 5, burst: -0, keep: "last", refresh: true, uid: "u", add }
    const more = { state: { maxSize: 3 }, clock, seed: null }
    expect(checkOptions({ ...given, ...more }, table, "fold")).toEqual({
      ...{ ttl: 3_600_000, limit: 5, burst: 0, keep: "last", refresh: true, uid: "u", add },
      ...{ state: { maxSize: 3 }, clock, seed: null },
    })
  })

  it("infers what it gives back from the table", () => {
    const { ttl = "never", keep = "first" } = checkOptions({}, table, "fold")
    const typed: { ttl: number | "never"; keep: "first" | "last" } = { ttl, keep }
    expect(typed).toEqual({ ttl: "never", keep: "first" })
  })

  it("takes undefined for not given, for the whole and for each option", () => {
    expect(checkOptions(undefined, table, "fold")).toEqual({})
    expect(checkOptions({ ttl: undefined }, table, "fold")).toEqual({})
    expect(checkOptions(Object.create(null), table, "fold")).toEqual({})
  })

  it("ignores what is inherited", () => {
    expect(checkOptions(Object.create({ limit: -1, wrong: 1 }), table, "fold")).toEqual({})
  })

  it("refuses an unknown option and names the nearest one it knows", () => {
    expect(message({ tll: "1h" })).toBe(`fold has no option "tll"; did you mean "ttl"?`)
    expect(message({ Keep: "last" })).toBe(`fold has no option "Keep"; did you mean "keep"?`)
    expect(message({ state: { maxsize: 1 } })).toBe(
      `fold.state has no option "maxsize"; did you mean "maxSize"?`,
    )
    expect(message({ colour: 1 })).toBe(
      `fold has no option "colour"; it has ${Object.keys(table).sort().join(", ")}`,
    )
    expect(refusal(() => checkOptions({ a: 1 }, {}, "tap")).message).toBe(
      `tap has no option "a"; it has none`,
    )
  })

  it("refuses names that every object inherits", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      const given = JSON.parse(`{ "${name}": 1 }`) as unknown
      expect(message(given)).toContain(`fold has no option "${name}"; `)
    }
  })

  it("refuses options that are not an object", () => {
    expect([message(null), message([]), message("1h"), message(() => 1)]).toEqual([
      "fold: options must be an object, not null",
      "fold: options must be an object, not an array",
      "fold: options must be an object, not a string",
      "fold: options must be an object, not a function",
    ])
  })

  it("refuses values, naming the option and what it takes", () => {
    const given = [
      { ttl: "soon" },
      { limit: 0 },
      { limit: 1.5 },
      { limit: "5" },
      { burst: 11 },
      { keep: "middle" },
      { refresh: 1 },
      { uid: "" },
      { add: 1 },
      { state: 1 },
      { state: { maxSize: -1 } },
      { clock: [] },
    ]
    expect(given.map(message)).toEqual([
      `fold.ttl must be a duration or "never", not a string`,
      "fold.limit must be a whole number of at least 1, not 0",
      "fold.limit must be a whole number of at least 1, not 1.5",
      "fold.limit must be a whole number of at least 1, not a string",
      "fold.burst must be a whole number from 0 to 10, not 11",
      `fold.keep must be one of "first", "last"`,
      "fold.refresh must be true or false, not a number",
      "fold.uid must be a text that is not empty",
      "fold.add must be a function, not a number",
      "fold.state: options must be an object, not a number",
      "fold.state.maxSize must be a whole number of at least 1, not -1",
      "fold.clock must be an object, not an array",
    ])
    expect(refusal(() => checkOptions({ limit: 0 }, table, "fold")).code).toBe("OPTION")
  })

  it("finds the nearest name by insertions, deletions, replacements and swaps", () => {
    const known = ["concurrency", "ordered", "onError", "errorsTo"]
    const given = ["concurency", "orderd", "onErorr", "errorTo", "x", "y".repeat(1000)]
    expect(given.map((name) => nearestName(name, known))).toEqual([
      ...["concurrency", "ordered", "onError", "errorsTo"],
      ...[undefined, undefined],
    ])
  })
})
