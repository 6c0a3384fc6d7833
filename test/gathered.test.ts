import { describe, expect, it } from "vitest"
import { Gathered } from "../js/gathered.ts"

const gathered = (lists: readonly (readonly unknown[])[]) => {
  const all = new Gathered()
  for (const list of lists) all.add(list)
  return all.all()
}

describe("Gathered", () => {
  it.each([0, 1, 2, 1023, 1024, 1025, 5000])("has all elements of %d lists in order", (count) => {
    const lists = Array.from({ length: count }, (_, n) => [n, [n], undefined].slice(0, n % 4))
    expect(gathered(lists)).toEqual(lists.flat())
  })

  it("has them in order where lists were put together twice", () => {
    const lists = Array.from({ length: 1024 * 1024 + 3 }, (_, n) => [n])
    expect(gathered(lists).every((element, index) => element === index)).toBe(true)
  })

  it("gives an array of its own", () => {
    const list = [1, 2]
    expect(gathered([list])).not.toBe(list)
  })
})
