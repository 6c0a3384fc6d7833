/** The limits of a storage that createStorage made: bytes as they are, and refusals that undo. */
import { describe, expect, it } from "vitest"
import { createStorage, manualClock, memoryStorage } from "../js/index.ts"
import type { CreatedStorage, StateConfig } from "../js/index.ts"
import { refusal, refusalLater } from "./refusal.ts"

const bytes = (...values: number[]) => Uint8Array.from(values)
const keysOf = (storage: CreatedStorage) => storage.list("")

/** Much faster than toEqual for long ones. */
const isSame = (a: Uint8Array | undefined, b: Uint8Array) =>
  a !== undefined && Buffer.compare(a, b) === 0

/** A storage with some keys, each set in turn. */
async function filled(config: StateConfig, keys: string, size = 1) {
  const storage = createStorage(config)
  for (const key of keys) await storage.set(key, new Uint8Array(size))
  return storage
}

describe("a storage with maxBytes", () => {
  it("counts the bytes of its values, and evicts until they fit", async () => {
    const storage = await filled({ maxBytes: 10_000, onFull: "evict" }, "abcdef", 3000)
    expect(await keysOf(storage)).toEqual(["d", "e", "f"])
    await storage.set("f", new Uint8Array(6000))
    expect(await keysOf(storage)).toEqual(["e", "f"])
    const { rows, bytes, evicted } = storage.stats()
    expect([rows, bytes > 9000, bytes <= 10_000, evicted]).toEqual([2, true, true, 4])
  })

  it("does not count what is replaced, whether it evicts or refuses", async () => {
    for (const onFull of ["evict", "error"] as const) {
      const storage = await filled({ maxBytes: 10_000, onFull }, "ab", 4000)
      for (const key of "ababab") await storage.set(key, new Uint8Array(4000).fill(7))
      expect([onFull, await keysOf(storage)]).toEqual([onFull, ["a", "b"]])
      expect(await storage.get("a")).toEqual(new Uint8Array(4000).fill(7))
    }
  })

  it("refuses with LIMIT a value that has no room, and keeps all that was there", async () => {
    for (const onFull of ["evict", "error"] as const) {
      const storage = await filled({ maxBytes: 10_000, onFull }, "ab", 4000)
      const before = storage.stats()
      const messages: string[] = []
      for (const [key, size] of [
        ...[9990, 10_001, 2e6].flatMap((n) => [
          ["b", n],
          ["c", n],
        ]),
      ]) {
        const setting = () => storage.set(key as string, new Uint8Array(size as number))
        const { code, message } = await refusalLater(setting)
        messages.push(`${code} ${message.replace(/could not .*: /, "")}`)
      }
      const limit = "LIMIT createStorage: state.maxBytes of 10000 is reached"
      expect(messages).toEqual(Array.from({ length: 6 }, () => limit))
      expect([storage.stats(), await keysOf(storage)]).toEqual([before, ["a", "b"]])
      expect(await storage.get("b")).toEqual(new Uint8Array(4000))
    }
  })

  it("keeps values to the last byte, at the borders of what lies together", async () => {
    const storage = createStorage({ maxBytes: 40e6 })
    const mebi = 1 << 20
    for (const size of [0, 1, mebi - 1, mebi, mebi + 1, 3 * mebi, 16 * mebi]) {
      const value = new Uint8Array(size)
      for (let i = 0; i < size; i++) value[i] = (i * 31) >> 3
      await storage.set("v", value)
      expect([size, isSame(await storage.get("v"), value)]).toEqual([size, true])
    }
    expect(await refusalLater(() => storage.set("v", new Uint8Array(16 * mebi + 1)))).toEqual({
      code: "LIMIT",
      message: "createStorage: a value of 16777217 bytes cannot be kept; valueBytesMax is 16777216",
    })
    await storage.delete("v")
    expect(storage.stats()).toMatchObject({ rows: 0, bytes: 0 })
  })
})

describe("a storage that refuses", () => {
  it("gives LIMIT at maxSize and takes what needs no new key", async () => {
    const storage = await filled({ maxSize: 2 }, "ab")
    const refused = {
      code: "LIMIT",
      message: "createStorage: could not keep state for another key: state.maxSize of 2 is reached",
    }
    expect(await refusalLater(() => storage.set("c", bytes(1)))).toEqual(refused)
    expect(await refusalLater(() => storage.update("c", () => bytes(1)))).toEqual(refused)
    await storage.set("a", bytes(7))
    await storage.delete("b")
    await storage.set("c", bytes(8))
    expect([await keysOf(storage), await storage.get("a")]).toEqual([["a", "c"], bytes(7)])
  })

  it("gives MEMORY when the engine is full, and has every value still", async () => {
    const storage = createStorage({}, { memory: { maxBytes: 2 << 20 } })
    const value = (n: number) => new Uint8Array(50_000).fill(n)
    let kept = 0
    let refused = { code: "", message: "" }
    while (refused.code === "" && kept < 100) {
      const set = storage.set(`k${kept}`, value(kept))
      await set.then(
        () => void kept++,
        (error: typeof refused) => (refused = { code: error.code, message: error.message }),
      )
    }
    expect(refused).toEqual({
      code: "MEMORY",
      message: "createStorage: could not keep a value: memory.maxBytes of 2097152 is reached",
    })
    expect(kept).toBeGreaterThan(10)
    const larger = await refusalLater(() => storage.set("k0", new Uint8Array(900_000)))
    expect(larger.code).toBe("MEMORY")
    const same: boolean[] = []
    for (let n = 0; n < kept; n++) same.push(isSame(await storage.get(`k${n}`), value(n)))
    expect(same).toEqual(same.map(() => true))
  })
})

describe("the other options of a configuration", () => {
  it("onEvict is told what made room, and may not use the storage", async () => {
    const told: unknown[] = []
    const inside: Promise<unknown>[] = []
    const storage: CreatedStorage = createStorage({
      maxBytes: 10_000,
      onFull: "evict",
      onEvict(key, value) {
        told.push([key, (value as Uint8Array).length])
        if (key === "d") throw new Error("boom")
        inside.push(refusalLater(() => storage.get("a")).then(({ code }) => code))
      },
    })
    for (const key of "abc") await storage.set(key, new Uint8Array(3000))
    await storage.set("d", new Uint8Array(8000))
    expect([told, await Promise.all(inside)]).toEqual([
      [..."abc"].map((key) => [key, 3000]),
      [..."abc"].map(() => "UNSUPPORTED"),
    ])
    await expect(storage.set("e", new Uint8Array(8000))).rejects.toMatchObject({
      code: "USER_FUNCTION",
      cause: new Error("boom"),
    })
    expect([await keysOf(storage), storage.stats().evicted]).toEqual([["e"], 4])
    await storage.clear()
    expect(storage.stats().bytes).toBe(0)
  })

  it("reads restart the ttl if they are to, and values linger if they may", async () => {
    const clock = manualClock()
    const read = createStorage({ ttl: 10, update: "readWrite" }, { clock })
    const lingering = { ttl: 10, cleanupInterval: 7, visibility: "untilCleanedUp" } as const
    const lingers = createStorage(lingering, { clock })
    const seen: unknown[] = []
    for (const storage of [read, lingers]) await storage.set("a", bytes(1))
    for (const ms of [9, 3, 1, 1]) {
      clock.advance(ms)
      seen.push([clock.now(), await read.exists("a"), await lingers.exists("a")])
    }
    expect(seen).toEqual([
      [9, true, true],
      [12, true, true],
      [13, true, true],
      [14, true, false],
    ])
  })

  it.each([
    [{ ttl: 1, timeDomain: "event" }, "timeDomain has no meaning: a storage has no events"],
    [
      { onFull: "evict", onEvict: () => undefined, storage: memoryStorage() },
      "onEvict has no meaning: a storage of one's own evicts by itself",
    ],
  ] as const)("refuses what it could not do: %j", (config, message) => {
    expect(refusal(() => createStorage(config))).toEqual({
      code: "STATE_CONFIG",
      message: `createStorage.${message}`,
    })
  })
})
