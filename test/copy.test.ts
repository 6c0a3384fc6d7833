import { describe, expect, it } from "vitest"
import { copyOf } from "../js/copy.ts"

describe("a copy of state", () => {
  it("is equal and shares nothing that can be changed", () => {
    const value = {
      n: 1,
      list: [1, { deep: [2] }],
      map: new Map([[{ key: 1 }, { value: 2 }]]),
      set: new Set([[3]]),
      date: new Date(4),
      bytes: Uint8Array.of(5),
      bare: Object.assign(Object.create(null) as object, { n: { n: 6 } }),
    }
    const copy = copyOf(value)
    expect(copy).toEqual(value)
    value.list.push(0)
    value.bytes[0] = 0
    expect([copy.list.length, copy.bytes[0], copy.date === value.date]).toEqual([2, 5, false])
    expect(Object.getPrototypeOf(copy.bare)).toBe(null)
    expect([...copy.map.keys()][0]).not.toBe([...value.map.keys()][0])
  })

  it.each([2, 8, 9, 100])("has one object where there was one: %d of them, and itself", (count) => {
    const objects = Array.from({ length: count }, (_, n) => ({ n }))
    const value: { objects: unknown[]; self?: unknown } = { objects: [...objects, ...objects] }
    value.self = value
    const copy = copyOf(value)
    expect(copy.self).toBe(copy)
    expect(new Set(copy.objects).size).toBe(count)
    expect(copy.objects.slice(0, count)).toEqual(objects)
    expect(copy.objects.some((each) => objects.includes(each as never))).toBe(false)
  })

  it("has lists of its own, and one where there was one", () => {
    const list = [1, "two", null]
    const [one, two] = [copyOf({ n: 1, list }), copyOf({ list, again: list })]
    list.push(0)
    expect([one, two.list]).toEqual([{ n: 1, list: [1, "two", null] }, [1, "two", null]])
    expect(two.again).toBe(two.list)
  })

  it.each(['{ "a": [1] }', "[1]"])("has own names, none that were inherited: %s", (json) => {
    const inner = JSON.parse(json) as object
    const value = JSON.parse(`{ "__proto__": ${json}, "b": 2 }`) as object
    Object.assign(Object.prototype, { polluted: inner })
    try {
      const copy = copyOf(value)
      expect(Object.keys(copyOf({ c: 3 }))).toEqual(["c"])
      expect(Object.getOwnPropertyNames(copy)).toEqual(["__proto__", "b"])
      expect(Object.getOwnPropertyDescriptor(copy, "__proto__")?.value).toEqual(inner)
      expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    } finally {
      delete (Object.prototype as { polluted?: unknown }).polluted
    }
  })
})
