import { describe, expect, it } from "vitest"
import { MillraceError, typeName } from "../js/errors.ts"

describe("errors", () => {
  it("carry a name, a code, a message and a cause", () => {
    const cause = new Error("disk full")
    const error = new MillraceError("STORAGE", "cannot write", { cause })
    const { name, code, message } = error
    expect({ name, code, message, cause: error.cause }).toEqual({
      name: "MillraceError",
      code: "STORAGE",
      message: "cannot write",
      cause,
    })
    expect(error).toBeInstanceOf(Error)
  })

  it("have no cause unless one was given", () => {
    expect(Object.hasOwn(new MillraceError("LIMIT", "too many"), "cause")).toBe(false)
  })
})

describe("typeName", () => {
  class Invoice {}
  const odd = Proxy.revocable({}, {})
  odd.revoke()
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [Number.NaN, "NaN"],
    [12, "a number"],
    ["secret", "a string"],
    [12n, "a bigint"],
    [Symbol("secret"), "a symbol"],
    [() => 1, "a function"],
    [[1, 2], "an array"],
    [{ secret: 1 }, "an object"],
    [Object.create(null), "an object"],
    [new Date(0), "a Date"],
    [new Invoice(), "an Invoice"],
    [{ constructor: { name: "not a name!" } }, "an object"],
    [{ constructor: null }, "an object"],
  ]

  it.each(cases)("names a type and never shows a value (case %#)", (value, name) => {
    expect(typeName(value)).toBe(name)
  })
})
