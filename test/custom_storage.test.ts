/** createStorage of a configuration with a storage of one's own: the same methods over that one. */
import { describe, expect, it } from "vitest"
import { createStorage, memoryStorage, StateConfigs, withCustomStorage } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"
import { testStorage } from "./contract/storage.ts"
import { closable } from "./probe.ts"
import { refusal, refusalLater } from "./refusal.ts"

const bytes = (...values: number[]) => Uint8Array.from(values)
const over = (storage: StateStorage) =>
  createStorage(withCustomStorage(StateConfigs.session(), storage))

testStorage("createStorage over a storage of one's own", async () => over(memoryStorage()))

/** A storage whose every answer takes a turn, so that calls could come in between. */
function slowStorage(): StateStorage {
  const inner = memoryStorage()
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    get: (key) => turn().then(() => inner.get(key)),
    set: (key, value) => turn().then(() => inner.set(key, value)),
    delete: (key) => turn().then(() => inner.delete(key)),
    list: (prefix, options) => turn().then(() => inner.list(prefix, options)),
  }
}

describe("a storage of one's own with four methods", () => {
  it("gets exists, clear and update", async () => {
    const storage = over(memoryStorage())
    for (const key of ["a/1", "a/2", "b"]) await storage.set(key, bytes(1))
    const updated = await storage.update("b", (current) => bytes(...(current ?? []), 2))
    const exists = [await storage.exists("a/1"), await storage.exists("a")]
    await storage.clear("a/")
    expect([updated, exists, await storage.list("")]).toEqual([bytes(1, 2), [true, false], ["b"]])
    await storage.clear()
    expect(await storage.list("")).toEqual([])
  })

  it("loses no update of many at once, nor a set or delete between them", async () => {
    const storage = over(slowStorage())
    const add = (current: Uint8Array | undefined) => bytes((current?.[0] ?? 0) + 1)
    const sums = Array.from({ length: 20 }, () => storage.update("n", add))
    const others = [storage.delete("n"), storage.set("n", bytes(5)), storage.update("n", add)]
    expect((await Promise.all(sums)).map(([n]) => n)).toEqual(sums.map((_, i) => i + 1))
    await Promise.all(others)
    expect(await storage.get("n")).toEqual(bytes(6))
  })

  it("passes its failures on, and goes on after them", async () => {
    const inner = memoryStorage()
    let fails = true
    const storage = over({
      ...inner,
      get: (key) => (fails ? Promise.reject(new Error("unreachable")) : inner.get(key)),
    })
    const failing = storage.update("a", () => bytes(1))
    await expect(failing).rejects.toThrow("unreachable")
    fails = false
    await storage.update("a", (current) => bytes(current === undefined ? 1 : 2))
    expect(await storage.get("a")).toEqual(bytes(1))
  })

  it("is closed with it, after what is still going on, and has no figures", async () => {
    const inner = closable(slowStorage())
    const storage = over(inner)
    const setting = storage.set("a", bytes(1))
    const closing = storage.close()
    const before = inner.closed
    await Promise.all([setting, closing])
    expect([before, inner.closed, await inner.get("a")]).toEqual([0, 1, bytes(1)])
    expect(refusal(() => storage.stats()).code).toBe("UNSUPPORTED")
  })
})

describe("a storage of one's own with more methods", () => {
  it("is asked by them", async () => {
    const asked: string[] = []
    const note = (name: string) => void asked.push(name)
    const storage = over({
      ...memoryStorage(),
      exists: async () => (note("exists"), true),
      clear: async (prefix) => note(`clear ${prefix}`),
      update: async (_, change) => (note("update"), change(bytes(8))),
      commit: async () => note("commit"),
    })
    const updated = await storage.update("a", (current) => bytes(...(current ?? []), 9))
    expect([await storage.exists("a"), updated]).toEqual([true, bytes(8, 9)])
    await storage.clear("a/")
    await storage.commit?.([], ["a", bytes()], 1)
    expect(asked).toEqual(["update", "exists", "clear a/", "commit"])
  })

  it("is refused when it lacks one of the four", async () => {
    const config = { storage: { ...memoryStorage(), list: undefined } } as never
    expect(refusal(() => createStorage(config))).toEqual({
      code: "OPTION",
      message: "createStorage.storage must be a storage: it has no list(); it is an object",
    })
    const refused = await refusalLater(() => over(memoryStorage()).get("A"))
    expect(refused.code).toBe("OPTION")
  })

  it.each(["clock", "memory"] as const)("is refused with a %s, which it would ignore", (name) => {
    const options = { clock: { now: () => 0 }, memory: { maxBytes: 1 << 20 } }
    const create = () => createStorage({ storage: memoryStorage() }, { [name]: options[name] })
    expect(refusal(create)).toEqual({
      code: "OPTION",
      message: `createStorage.${name} has no meaning: a storage of one's own keeps its own`,
    })
  })
})
