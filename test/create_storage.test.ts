/** createStorage: the driver contract, then what a configuration asks for, judged by the engine. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createStorage, from, manualClock, of, run, StateConfigs } from "../js/index.ts"
import type { CreatedStorage, StateConfig } from "../js/index.ts"
import { testStorage } from "./contract/storage.ts"
import { refusal, refusalLater } from "./refusal.ts"

testStorage("createStorage", async () => createStorage())

const bytes = (...values: number[]) => Uint8Array.from(values)
const minute = 60_000

/** The keys that have a value, without using any. */
const keysOf = (storage: CreatedStorage) => storage.list("")

/** A storage with some keys, each set in turn. */
async function filled(config: StateConfig, keys: string, size = 1) {
  const storage = createStorage(config)
  for (const key of keys) await storage.set(key, new Uint8Array(size))
  return storage
}

describe("a storage with maxSize that evicts", () => {
  const config = { maxSize: 3, onFull: "evict" } as const

  it("drops the key that was used longest ago, reads and exists counting as use", async () => {
    const storage = await filled(config, "abc")
    await storage.get("a")
    await storage.set("d", bytes(1))
    const first = await keysOf(storage)
    await storage.exists("c")
    await storage.set("e", bytes(1))
    await storage.update("c", () => bytes(2))
    await storage.set("f", bytes(1))
    expect([first, await keysOf(storage)]).toEqual([
      ["a", "c", "d"],
      ["c", "e", "f"],
    ])
    expect(storage.stats()).toMatchObject({ rows: 3, evicted: 3 })
  })

  it("does not count a look at a missing key, a list or a stat as use", async () => {
    const storage = await filled(config, "abc")
    expect([await storage.get("x"), await storage.exists("y")]).toEqual([undefined, false])
    await storage.list("a")
    storage.stats()
    await storage.set("d", bytes(1))
    expect(await keysOf(storage)).toEqual(["b", "c", "d"])
  })

  const key = fc.constantFrom(..."abcdef")
  const call = fc.tuple(fc.constantFrom("get", "exists", "set", "update", "delete"), key)

  it("is after any script what a Map that is kept in order is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (script) => {
        const storage = createStorage(config)
        const model = new Map<string, number>() // The key used longest ago is first.
        for (const [i, [verb, at]] of script.entries()) {
          const found = model.get(at)
          if (verb !== "delete" && (verb === "set" || verb === "update" || found !== undefined)) {
            model.delete(at)
            model.set(at, verb === "set" || verb === "update" ? i : (found as number))
            const [oldest = ""] = model.keys()
            if (model.size > 3) model.delete(oldest)
          } else if (verb === "delete") model.delete(at)
          if (verb === "set") await storage.set(at, bytes(i))
          else if (verb === "update") await storage.update(at, () => bytes(i))
          else if (verb === "delete") await storage.delete(at)
          else if (verb === "get") expect((await storage.get(at))?.[0]).toBe(found)
          else expect(await storage.exists(at)).toBe(found !== undefined)
        }
        expect(await keysOf(storage)).toEqual([...model.keys()].sort())
        await storage.close()
      }),
      { numRuns: 200 },
    )
  })
})

describe("a storage with a ttl", () => {
  const config = { ttl: "1m", cleanupInterval: "20s" } as const

  it("shows nothing of age exactly ttl since the last write, reads or none", async () => {
    const clock = manualClock()
    const storage = createStorage(config, { clock })
    await storage.set("a", bytes(1))
    clock.advance(minute - 1)
    expect([await storage.get("a"), await storage.exists("a")]).toEqual([bytes(1), true])
    clock.advance(1)
    expect([await storage.get("a"), await storage.exists("a"), await keysOf(storage)]).toEqual([
      undefined,
      false,
      [],
    ])
    await storage.set("a", bytes(2))
    clock.advance(minute - 1)
    await storage.update("a", (current) => bytes(...(current ?? []), 3))
    clock.advance(minute - 1)
    expect(await storage.get("a")).toEqual(bytes(2, 3))
  })

  it("frees within a cleanup interval what nobody touches", async () => {
    const clock = manualClock()
    const storage = createStorage(config, { clock })
    for (const key of "abc") await storage.set(key, new Uint8Array(1000))
    clock.advance(minute - 1)
    expect(storage.stats()).toMatchObject({ rows: 3, expired: 0 })
    clock.advance(20_001)
    expect(storage.stats()).toEqual({ rows: 0, bytes: 0, expired: 3, evicted: 0 })
  })

  it("counts nothing that has expired toward a limit", async () => {
    for (const limit of [{ maxSize: 2 }, { maxBytes: 9000 }]) {
      const clock = manualClock()
      const storage = createStorage({ ttl: 10, ...limit }, { clock: { now: clock.now } })
      for (const key of ["a", "b", "c", "d", "e"]) {
        await storage.set(key, new Uint8Array(4000))
        clock.advance(5)
      }
      expect(await keysOf(storage)).toEqual(["e"])
    }
  })
})

describe("update", () => {
  const add = (current: Uint8Array | undefined) => bytes((current?.[0] ?? 0) + 1)

  it("loses none of a hundred that are made at once, and sees every set before it", async () => {
    const storage = createStorage()
    const all = Array.from({ length: 100 }, () => storage.update("n", add))
    expect((await Promise.all(all)).map(([n]) => n)).toEqual(all.map((_, i) => i + 1))
    const mixed = [storage.set("n", bytes(7)), storage.update("n", add), storage.delete("n")]
    await Promise.all([...mixed, storage.update("n", add), storage.update("n", add)])
    expect(await storage.get("n")).toEqual(bytes(2))
  })

  it("gives copies to the function and to the caller", async () => {
    const storage = createStorage()
    await storage.set("a", bytes(1))
    const mine = bytes(2)
    const result = await storage.update("a", (current) => {
      current?.fill(9)
      return mine
    })
    mine.fill(9)
    result.fill(9)
    expect(await storage.get("a")).toEqual(bytes(2))
  })

  it("changes nothing when its function throws or gives no bytes", async () => {
    const storage = await filled({ maxSize: 2, onFull: "evict" }, "ab")
    const boom = new Error("boom")
    const thrown = storage.update("a", () => {
      throw boom
    })
    await expect(thrown).rejects.toMatchObject({ code: "USER_FUNCTION", cause: boom })
    const wrong = [
      [() => "text", "a string"],
      [() => undefined, "undefined"],
      [async () => Promise.reject(boom), "a Promise"],
    ] as const
    for (const [change, name] of wrong) {
      expect(await refusalLater(() => storage.update("a", change as never))).toEqual({
        code: "SERIALIZATION",
        message: `createStorage: a value must be a Uint8Array, not ${name}`,
      })
    }
    await storage.set("c", bytes(1)) // And "a" was not used.
    expect(await keysOf(storage)).toEqual(["b", "c"])
  })

  it("does not let its function use the storage", async () => {
    const storage = await filled({}, "a")
    const inner: Promise<unknown>[] = []
    await storage.update("a", () => {
      inner.push(storage.set("a", bytes(5)), storage.get("a"), storage.close())
      return bytes(6)
    })
    const ends = await Promise.allSettled(inner)
    const code = "UNSUPPORTED"
    expect(ends).toMatchObject(inner.map(() => ({ status: "rejected", reason: { code } })))
    expect(await storage.get("a")).toEqual(bytes(6))
  })
})

describe("keys, options and the end of a storage", () => {
  it("has no key but those that were set", async () => {
    const storage = createStorage()
    const keys = ["__proto__", "constructor", "hasownproperty", "tostring"]
    const before = await Promise.all(keys.map((key) => storage.get(key)))
    await storage.set("__proto__", bytes(1))
    expect(before).toEqual(keys.map(() => undefined))
    expect([await keysOf(storage), await storage.get("__proto__")]).toEqual([
      ["__proto__"],
      bytes(1),
    ])
    expect(Object.prototype).not.toHaveProperty("0")
  })

  it("clears what begins with a prefix, or everything", async () => {
    const storage = createStorage()
    for (const key of ["a/1", "a/2", "b"]) await storage.set(key, bytes(1))
    await storage.clear("a/")
    const left = await keysOf(storage)
    await storage.clear()
    expect([left, await keysOf(storage)]).toEqual([["b"], []])
  })

  it("refuses with CLOSED after close, and ends what was asked before", async () => {
    const storage = createStorage(StateConfigs.session())
    const setting = storage.set("a", bytes(1))
    const getting = storage.get("a")
    await Promise.all([storage.close(), storage.close()])
    await setting
    expect(await getting).toEqual(bytes(1))
    const closed = { code: "CLOSED", message: "the storage is closed" }
    const calls = [
      () => storage.get("a"),
      () => storage.set("a", bytes(1)),
      () => storage.delete("a"),
      () => storage.list(""),
      () => storage.exists("a"),
      () => storage.clear(),
      () => storage.update("a", () => bytes(1)),
      async () => storage.stats(),
    ]
    for (const call of calls) expect(await refusalLater(call)).toEqual(closed)
    await storage.close()
    await createStorage().close() // Never used.
  })

  it("serves a job, which closes it as it does any storage", async () => {
    const storage = createStorage()
    const doubled = from([1, 2]).map((n) => n * 2)
    const first = await run(doubled, { storage })
    await first.finished()
    const second = await run(doubled, { storage }) // The newer one has the storage from now on.
    expect(second.stats()).toMatchObject({ position: 2, restored: { epoch: 1 } })
    await first.close()
    expect((await keysOf(storage)).length).toBeGreaterThan(0)
    await second.close()
    expect((await refusalLater(() => keysOf(storage))).code).toBe("CLOSED")
  })

  it.each([
    [{ ttl: 0 }, {}, "STATE_CONFIG", "TTL cannot be zero"],
    [{ maxSize: 0 }, {}, "STATE_CONFIG", "Max size cannot be zero"],
    [
      { ttl: "1h", cleanupInterval: "2h" },
      {},
      "STATE_CONFIG",
      "Cleanup interval should be less than or equal to TTL",
    ],
    [
      { storageType: "Custom" },
      {},
      "STATE_CONFIG",
      "createStorage.storageType Custom needs a storage",
    ],
    [{ tll: 1 }, {}, "OPTION", 'createStorage has no option "tll"; did you mean "ttl"?'],
    [
      { value: () => 0 },
      {},
      "STATE_CONFIG",
      "createStorage.value has no meaning: a storage holds bytes",
    ],
    [
      { type: of<string>() },
      {},
      "STATE_CONFIG",
      "createStorage.type has no meaning: a storage holds bytes",
    ],
    [{}, { clok: 1 }, "OPTION", 'createStorage has no option "clok"; did you mean "clock"?'],
    [
      {},
      { clock: {} },
      "OPTION",
      "createStorage.clock must be a clock: it has no now(); it is an object",
    ],
  ])("refuses %j, %j", (config, options, code, message) => {
    const create = () => createStorage(config as never, options as never)
    expect(refusal(create)).toEqual({ code, message })
  })

  it("takes only bytes and functions", async () => {
    const storage = createStorage()
    expect(await refusalLater(() => storage.set("a", "text" as never))).toEqual({
      code: "SERIALIZATION",
      message: "createStorage: a value must be a Uint8Array, not a string",
    })
    expect(await refusalLater(() => storage.update("a", 1 as never))).toEqual({
      code: "OPTION",
      message: "createStorage: update takes a function, not a number",
    })
  })
})
