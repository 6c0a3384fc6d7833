/**
 * The contract that every storage driver passes; `test/storage.memory.test.ts` is one call of it.
 *
 * A driver that keeps values after `close` also gives `reopen`, which returns a storage over what
 * the last one left.
 */
import { describe, expect, it } from "vitest"
import fc from "fast-check"
import type { StateStorage } from "../../js/storage/storage.ts"
import { refusalLater } from "../refusal.ts"

/** What a driver can do beyond the contract. */
export interface StorageContract {
  /** Close a storage and open another one over the same place; for drivers that keep values. */
  readonly reopen?: (storage: StateStorage) => Promise<StateStorage>
}

const bytes = (...values: number[]) => Uint8Array.from(values)

const longest = "k".repeat(200)

const badKeys = [
  ...["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "A", "é", "a b", "a\\b"],
  ...["a\n", "~a", "a*", "a:b", "\0", longest + "k"],
]

/** Run the contract against a driver. `make` returns an empty store. */
export function testStorage(
  name: string,
  make: () => Promise<StateStorage>,
  { reopen }: StorageContract = {},
): void {
  describe(`storage: ${name}`, () => {
    testValues(make)
    testCopies(make)
    testLists(make)
    testRefusals(make)
    testOptional(make)
    testModel(make)
    if (reopen !== undefined) testReopen(make, reopen)
  })
}

type Make = () => Promise<StateStorage>

function testValues(make: Make): void {
  it("gets undefined for a key never set, also below and above one that is", async () => {
    const storage = await make()
    await storage.set("a/b", bytes(1))
    const keys = ["none", "a", "a/b/c", "a/c"]
    const values = await Promise.all(keys.map((key) => storage.get(key)))
    expect(values).toEqual(keys.map(() => undefined))
  })

  it("gets what was set, and the last of several", async () => {
    const storage = await make()
    await storage.set("a", bytes(1, 2, 3))
    expect(await storage.get("a")).toStrictEqual(bytes(1, 2, 3))
    await storage.set("a", bytes(4))
    await storage.set("a", bytes(5, 6))
    expect(await storage.get("a")).toStrictEqual(bytes(5, 6))
  })

  it("keeps values of no bytes and of two million", async () => {
    const storage = await make()
    const large = Uint8Array.from({ length: 2 * 1024 * 1024 }, (_, i) => (i * 31) >> 3)
    await storage.set("none", bytes())
    await storage.set("large", large)
    expect(await storage.get("none")).toStrictEqual(bytes())
    expect(Buffer.compare((await storage.get("large")) ?? bytes(), large)).toBe(0)
  })

  it("deletes, and deletes a missing key without an error", async () => {
    const storage = await make()
    await storage.set("job/a", bytes(1))
    await storage.set("job/b", bytes(2))
    await storage.delete("job/a")
    await storage.delete("job/a")
    await storage.delete("never/there")
    await storage.delete("job")
    expect([await storage.get("job/a"), await storage.list("")]).toEqual([undefined, ["job/b"]])
  })

  it("takes every character and length that a key may have", async () => {
    const storage = await make()
    const keys = [longest, "a-b_c.d/0/9", "...a", "..a/b..", "-", "_", `${"x/".repeat(99)}xy`]
    for (const key of keys) await storage.set(key, bytes(key.length))
    const values = await Promise.all(keys.map((key) => storage.get(key)))
    expect(values).toStrictEqual(keys.map((key) => bytes(key.length)))
    expect(await storage.list("")).toEqual([...keys].sort())
  })
}

function testCopies(make: Make): void {
  it("keeps its own copy of what it was given, from the moment of the call", async () => {
    const storage = await make()
    const given = bytes(1, 2, 3)
    const setting = storage.set("a", given)
    given[0] = 9
    await setting
    given[1] = 9
    expect(await storage.get("a")).toStrictEqual(bytes(1, 2, 3))
  })

  it("gives out a copy", async () => {
    const storage = await make()
    await storage.set("a", bytes(1, 2, 3))
    const first = await storage.get("a")
    first?.fill(9)
    expect(await storage.get("a")).toStrictEqual(bytes(1, 2, 3))
  })

  it("keeps only the part of a buffer that a view shows", async () => {
    const storage = await make()
    await storage.set("a", bytes(1, 2, 3, 4).subarray(1, 3))
    expect(await storage.get("a")).toStrictEqual(bytes(2, 3))
  })
}

function testLists(make: Make): void {
  const keys = ["job/1", "job/10", "job/2", "job-b", "job/2x", "other", "jo"]

  async function filled(): Promise<StateStorage> {
    const storage = await make()
    for (const key of keys) await storage.set(key, bytes(0))
    return storage
  }

  it("lists nothing in an empty store", async () => {
    const storage = await make()
    expect([await storage.list(""), await storage.list("job/")]).toEqual([[], []])
  })

  it("lists keys by prefix, which may end inside a name, in the order of characters", async () => {
    const storage = await filled()
    const prefixes = ["", "job/", "job", "job/1", "j", "other", "other/", "x"]
    expect(await Promise.all(prefixes.map((prefix) => storage.list(prefix)))).toEqual([
      ["jo", "job-b", "job/1", "job/10", "job/2", "job/2x", "other"],
      ["job/1", "job/10", "job/2", "job/2x"],
      ["job-b", "job/1", "job/10", "job/2", "job/2x"],
      ["job/1", "job/10"],
      ["jo", "job-b", "job/1", "job/10", "job/2", "job/2x"],
      ["other"],
      [],
      [],
    ])
  })

  it("lists after a key, there or not, and no more than asked for", async () => {
    const storage = await filled()
    expect([
      await storage.list("job/", { after: "job/1" }),
      await storage.list("job/", { after: "job/11" }),
      await storage.list("job/", { limit: 2 }),
      await storage.list("job/", { after: "job/10", limit: 1 }),
      await storage.list("", { after: "other" }),
      await storage.list("job/", { limit: 100 }),
    ]).toEqual([
      ["job/10", "job/2", "job/2x"],
      ["job/2", "job/2x"],
      ["job/1", "job/10"],
      ["job/2"],
      [],
      ["job/1", "job/10", "job/2", "job/2x"],
    ])
  })

  it("lists many keys, page by page as all at once", async () => {
    const storage = await make()
    const many = Array.from({ length: 250 }, (_, i) => `job/segment/${i}-0`)
    await Promise.all(many.map((key, i) => storage.set(key, bytes(i & 255))))
    const paged: string[] = []
    for (let page = await storage.list("job/", { limit: 40 }); page.length > 0;) {
      paged.push(...page)
      page = await storage.list("job/", { limit: 40, after: page.at(-1) ?? "" })
    }
    const sorted = [...many].sort()
    expect([paged, await storage.list("job/segment/")]).toEqual([sorted, sorted])
  })
}

function testRefusals(make: Make): void {
  it("refuses keys that not every store can hold", async () => {
    const storage = await make()
    for (const key of badKeys) {
      const refusals = [
        await refusalLater(() => storage.get(key)),
        await refusalLater(() => storage.set(key, bytes(1))),
        await refusalLater(() => storage.delete(key)),
      ]
      expect(refusals.map(({ code }) => code)).toEqual(["OPTION", "OPTION", "OPTION"])
    }
    expect(await storage.list("")).toEqual([])
  })

  it("refuses prefixes that no key begins with, and limits that make no sense", async () => {
    const storage = await make()
    for (const prefix of ["/", "../", "a/../", "a//", "./", "A", "a b", longest + "k"]) {
      expect((await refusalLater(() => storage.list(prefix))).code).toBe("OPTION")
    }
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      expect((await refusalLater(() => storage.list("", { limit }))).code).toBe("OPTION")
    }
  })
}

function testOptional(make: Make): void {
  it("answers with its optional methods as with the others", async () => {
    const storage = await make()
    await storage.setMany?.([
      ["many/a", bytes(1)],
      ["many/b", bytes(2)],
    ])
    await storage.set("many/a", bytes(1))
    await storage.set("many/b", bytes(2))
    const keys = ["many/b", "none", "many/a", "many"]
    if (storage.exists !== undefined) {
      const exists: boolean[] = []
      for (const key of keys) exists.push(await storage.exists(key))
      expect(exists).toEqual([true, false, true, false])
    }
    if (storage.getMany !== undefined) {
      expect(await storage.getMany(keys)).toEqual([bytes(2), undefined, bytes(1), undefined])
    }
    const update = storage.update?.bind(storage)
    if (update !== undefined) {
      const add = (current: Uint8Array | undefined) => bytes((current?.[0] ?? 0) + 1)
      const sums = [1, 2, 3].map(() => update("sum", add))
      expect(await Promise.all(sums)).toEqual([bytes(1), bytes(2), bytes(3)])
      expect(await storage.get("sum")).toStrictEqual(bytes(3))
      await storage.delete("sum")
    }
    if (storage.clear !== undefined) {
      await storage.clear("many/a")
      expect(await storage.list("")).toEqual(["many/b"])
    }
  })
}

/** Any script of calls ends as it does on a Map. */
function testModel(make: Make): void {
  const key = fc.constantFrom("a", "b/c", "b/d", "b-", "b/e/f")
  const step = fc.oneof(
    fc.tuple(fc.constant("set" as const), key, fc.uint8Array({ maxLength: 8 })),
    fc.tuple(fc.constant("delete" as const), key),
  )

  it("ends every script of calls as a Map does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (script) => {
        const storage = await make()
        const model = new Map<string, Uint8Array>()
        for (const [call, at, value] of script) {
          if (call === "set") await storage.set(at, value)
          else await storage.delete(at)
          if (call === "set") model.set(at, value)
          else model.delete(at)
        }
        const keys = await storage.list("")
        const values = await Promise.all(keys.map((at) => storage.get(at)))
        expect(keys).toEqual([...model.keys()].sort())
        expect(values).toStrictEqual(keys.map((at) => model.get(at)))
        await storage.close?.()
      }),
      { numRuns: 20 },
    )
  })
}

function testReopen(make: Make, reopen: (storage: StateStorage) => Promise<StateStorage>): void {
  it("keeps everything over a close and a reopening", async () => {
    const first = await make()
    await first.set("job/a", bytes(1))
    await first.set("job/b", bytes(2))
    await first.set("job/a", bytes(3))
    await first.delete("job/b")
    const second = await reopen(first)
    expect([await second.list(""), await second.get("job/a")]).toEqual([["job/a"], bytes(3)])
    await second.set("job/c", bytes(4))
    const third = await reopen(second)
    expect(await third.list("")).toEqual(["job/a", "job/c"])
  })

  it("opens again when it is used after close", async () => {
    const storage = await make()
    await storage.set("a", bytes(1))
    await storage.close?.()
    await storage.close?.()
    expect(await storage.get("a")).toStrictEqual(bytes(1))
  })
}
