import { describe, expect, expectTypeOf, it } from "vitest"
import { fieldReader, keyReader } from "../js/state/keys.ts"
import type { At, Path } from "../js/state/keys.ts"
import { refusal } from "./refusal.ts"

const order = { id: 7, user: { id: "u1", name: null }, items: [{ sku: "a" }, { sku: "b" }] }

describe("key reader", () => {
  it("reads a path, several paths, or what a function gives", () => {
    const read = (by: Parameters<typeof keyReader>[0]) => keyReader(by)(order)
    expect([
      read("id"),
      read("user.id"),
      read("items.1.sku"),
      read("user.name"),
      read(["id"]),
      read(["id", "user.id"]),
      read(["id", "user.id", "items.0.sku"]),
      read(["id", "id", "id", "id"]),
      read((event: typeof order) => [event.id, "x"]),
    ]).toEqual([7, "u1", "b", null, [7], [7, "u1"], [7, "u1", "a"], [7, 7, 7, 7], [7, "x"]])
  })

  it("reads two or three plain names as it reads any others", () => {
    const rows = [
      { a: 1, b: 2, c: 3 },
      Object.assign(Object.create(null), { a: 1, b: 2, c: 3 }),
      new (class Row {
        a = 1
        b = 2
        c = 3
      })(),
    ]
    expect(rows.map(keyReader(["a", "b"]))).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    expect(rows.map(keyReader(["a", "b", "c"]))).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(rows.map(keyReader("b"))).toEqual([2, 2, 2])
  })

  it("reads a step of an array by its index", () => {
    expect(keyReader("0")(["ATL", "ORD"])).toBe("ATL")
    expect(keyReader("0", { missing: "skip" })([])).toBeUndefined()
  })

  const skip = { missing: "skip" } as const
  const inherited = ["__proto__", "constructor", "toString", "constructor.name", "a.__proto__"]

  it.each(inherited)("takes the inherited %s for missing", (path) => {
    const events = [{}, { a: {} }, [], Object.create({ x: 1 })]
    expect(events.map(keyReader(path, skip))).toEqual(events.map(() => undefined))
    expect(events.map(keyReader(["a", path], skip))).toEqual(events.map(() => undefined))
  })

  it("takes what every object inherits for missing", () => {
    const events = [{}, { user: {} }, new Map()]
    for (const by of [
      "constructor",
      "__proto__",
      "toString",
      "user.constructor",
      "hasOwnProperty",
    ]) {
      expect(events.map(keyReader(by, skip))).toEqual([undefined, undefined, undefined])
    }
    expect(events.map(keyReader(["constructor", "valueOf"], skip))).toEqual(
      events.map(() => undefined),
    )
  })

  it("reads what a class of the user's has, getters too", () => {
    class Row {
      get id() {
        return 1
      }
    }
    const events = [new Row(), Object.create({ id: 1 }) as unknown, { user: new Row() }]
    expect(events.map(keyReader("id", skip))).toEqual([1, 1, undefined])
    expect(events.map(keyReader("user.id", skip))).toEqual([undefined, undefined, 1])
  })

  it("reads odd names when the event really has them", () => {
    const event: unknown = JSON.parse(`{ "__proto__": 1, "constructor": { "name": "x" } }`)
    expect(keyReader("__proto__")(event)).toBe(1)
    expect(keyReader("constructor.name")(event)).toBe("x")
    expect(keyReader(["__proto__", "constructor.name"])(event)).toEqual([1, "x"])
  })

  it("takes every step into something that is not an object for missing", () => {
    const events = [null, undefined, 1, "text", { user: null }, { user: "text" }, { user: 1 }]
    for (const by of ["user.id", "user.id.x", "length", ["user.id"], ["length", "user"]]) {
      expect(events.map(keyReader(by, skip))).toEqual(events.map(() => undefined))
    }
  })

  it("refuses an event without a key, naming the path and not the event", () => {
    const missing = (path: string) => ({
      code: "KEY_MISSING",
      message: `the event has no own field "${path}"`,
    })
    const event = { id: 7, user: { id: undefined } }
    expect(refusal(() => keyReader("user.id")(event))).toEqual(missing("user.id"))
    expect(refusal(() => keyReader(["id", "user.id"])(event))).toEqual(missing("user.id"))
    expect(refusal(() => keyReader(["id", "id", "nr"])(event))).toEqual(missing("nr"))
    expect(refusal(() => keyReader(() => undefined)(event))).toEqual({
      code: "KEY_MISSING",
      message: "the key function gave undefined",
    })
  })

  it("uses another key where it is told to", () => {
    const other = keyReader("id", { missing: { use: "nobody" } })
    expect([{ id: 1 }, {}, { id: null }].map(other)).toEqual([1, "nobody", null])
    expect(keyReader("id", { missing: { use: null } })({})).toBe(null)
    expect(keyReader(["id", "nr"], { missing: { use: ["-"] } })({ id: 1 })).toEqual(["-"])
  })

  it("lets through what a key function throws", () => {
    const read = keyReader(() => {
      throw new RangeError("mine")
    })
    expect(() => read({})).toThrow(RangeError)
  })

  it("refuses paths and options that make no sense", () => {
    const message = (by: unknown, options?: unknown) =>
      refusal(() => keyReader(by as string, options as { missing: "skip" })).message
    expect([
      message(""),
      message("a..b"),
      message(["a", ".b"]),
      message([]),
      message(["a", 1]),
      message(5),
      message(undefined),
      message("a", { mising: "skip" }),
      message("a", { missing: "drop" }),
      message("a", { missing: { use: new Date(0) } }),
    ]).toEqual([
      `"" is not a path: a path has names between its dots; for other names pass a function`,
      `"a..b" is not a path: a path has names between its dots; for other names pass a function`,
      `".b" is not a path: a path has names between its dots; for other names pass a function`,
      "keyBy takes a path, 1 to 255 paths, or a function, not an array",
      "a path must be a string, not a number",
      "keyBy takes a path, 1 to 255 paths, or a function, not a number",
      "keyBy takes a path, 1 to 255 paths, or a function, not undefined",
      `keyBy has no option "mising"; did you mean "missing"?`,
      `keyBy.missing must be "error", "skip" or { use: key }`,
      "a Date cannot be a key",
    ])
  })

  it("reads one field without judging it", () => {
    const at = new Date(0)
    expect(fieldReader("meta.at")({ meta: { at } })).toBe(at)
  })
})

describe("path types", () => {
  type Order = { id: number; at: Date; user: { id: string; nick?: string }; tags: string[] }

  it("know the paths at which a key can be, and the type there", () => {
    expectTypeOf<Path<Order>>().toEqualTypeOf<"id" | "user.id" | "user.nick" | `tags.${number}`>()
    expectTypeOf<At<Order, "user.id">>().toEqualTypeOf<string>()
    expectTypeOf<At<Order, "user.nick">>().toEqualTypeOf<string | undefined>()
    expectTypeOf<At<Order, "tags.0">>().toEqualTypeOf<string>()
  })
})
