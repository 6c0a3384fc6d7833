import { describe, expect, it, vi } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import { encrypted } from "../js/storage/encrypted.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { testStorage } from "./contract/storage.ts"
import { contents, errorFrom, guardRejections } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const key = Uint8Array.from({ length: 32 }, (_, i) => i)
const other = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
const text = (value: string) => new TextEncoder().encode(value)

testStorage("encrypted memory", () => encrypted(memoryStorage(), key))

/** A storage of the four methods and the optional ones that only pass bytes on. */
function withMore(): StateStorage {
  const inner = memoryStorage()
  return {
    ...inner,
    exists: async (name) => (await inner.get(name)) !== undefined,
    clear: async (prefix) => {
      for (const name of await inner.list(prefix)) await inner.delete(name)
    },
    getMany: (names) => Promise.all(names.map((name) => inner.get(name))),
    setMany: async (entries) => {
      for (const [name, value] of entries) await inner.set(name, value)
    },
    update: async (_, change) => change(undefined),
    close: async () => undefined,
  }
}

testStorage("encrypted, with optional methods", () => encrypted(withMore(), key))

describe("an encrypted storage", () => {
  it("keeps nothing that one could read, and another text each time", async () => {
    const inner = memoryStorage()
    const storage = encrypted(inner, key)
    const secret = text("a secret that is long enough to be found")
    await storage.set("a", secret)
    await storage.set("b", secret)
    const kept = await Promise.all([inner.get("a"), inner.get("b")])
    const texts = kept.map((bytes) => Buffer.from(bytes ?? []).toString("latin1"))
    expect(texts.some((each) => each.includes("secret"))).toBe(false)
    expect(kept.map((bytes) => [bytes?.[0], bytes?.length])).toEqual([
      [1, 1 + 32 + secret.length + 16],
      [1, 1 + 32 + secret.length + 16],
    ])
    expect(texts[0]?.slice(1, 33)).not.toBe(texts[1]?.slice(1, 33))
    expect(texts[0]?.slice(33)).not.toBe(texts[1]?.slice(33))
  })

  it("is HKDF and AES-GCM as anybody has them: Node's own decrypt it", async () => {
    const { createDecipheriv, hkdfSync } = await import("node:crypto")
    const inner = memoryStorage()
    await encrypted(inner, key).set("job/a", text("plain"))
    const kept = Buffer.from((await inner.get("job/a")) ?? [])
    const dataKey = hkdfSync("sha256", key, kept.subarray(1, 33), "millrace storage 1", 32)
    const decipher = createDecipheriv("aes-256-gcm", Buffer.from(dataKey), Buffer.alloc(12))
    decipher.setAAD(Buffer.from("job/a")).setAuthTag(kept.subarray(-16))
    const plain = Buffer.concat([decipher.update(kept.subarray(33, -16)), decipher.final()])
    expect(plain.toString()).toBe("plain")
  })

  it("finds every flipped bit, every cut and every other name CORRUPT", async () => {
    const inner = memoryStorage()
    const storage = encrypted(inner, key)
    await storage.set("a", text("plain"))
    const good = (await inner.get("a")) ?? new Uint8Array()
    const damaged = [...good.keys()].flatMap((at) => [
      good.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)),
      good.slice(0, at),
    ])
    for (const bytes of [...damaged, Uint8Array.of(...good, 0)]) {
      await inner.set("a", bytes)
      expect((await errorFrom(() => storage.get("a"))).code).toBe("CORRUPT")
    }
    await inner.set("b", good)
    const why = "it was damaged, is of another name, or was encrypted with another key"
    expect(await errorFrom(() => storage.get("b"))).toMatchObject({
      code: "CORRUPT",
      message: `b cannot be decrypted: ${why}`,
    })
    await inner.set("a", good)
    expect(await storage.get("a")).toEqual(text("plain"))
  })

  it("takes another key for damage, and begins no job anew under it", async () => {
    const inner = memoryStorage()
    const numbers = (count: number) => from(Array.from({ length: count }, (_, n) => n))
    const first = await run(numbers(3), { storage: encrypted(inner, key) })
    await first.finished()
    await first.close()
    const before = await contents(inner)
    const wrong = run(numbers(5), { storage: encrypted(inner, other) })
    expect((await errorFrom(() => wrong)).code).toBe("CORRUPT")
    expect(await contents(inner)).toEqual(before)
    const again = await run(numbers(5), { storage: encrypted(inner, key) })
    expect(again.stats().position).toBe(3)
    await again.close()
  })

  it("takes a CryptoKey that derives keys, as the bytes that it was made of", async () => {
    const inner = memoryStorage()
    const made = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveKey"])
    await encrypted(inner, made).set("a", text("plain"))
    expect(await encrypted(inner, key).get("a")).toEqual(text("plain"))
  })

  it("refuses what is no key, without showing it", async () => {
    const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"])
    const message =
      "encrypted takes as its key 32 bytes, or a CryptoKey for HKDF with the usage deriveKey"
    for (const wrong of [new Uint8Array(16), "password", undefined, null, aes]) {
      const refused = refusal(() => encrypted(memoryStorage(), wrong as never))
      expect(refused).toEqual({ code: "OPTION", message })
    }
  })

  it("has no method that the storage has not, and no update", () => {
    const names = (storage: StateStorage) => Object.keys(storage).sort()
    const four = { ...memoryStorage(), commit: undefined } as unknown as StateStorage
    expect(names(encrypted(four, key))).toEqual(["delete", "get", "list", "set"])
    const more = names(withMore()).filter((name) => name !== "update")
    expect(names(encrypted(withMore(), key))).toEqual(more)
  })

  it("says so where there is no WebCrypto", () => {
    vi.stubGlobal("crypto", {})
    const { code } = refusal(() => encrypted(memoryStorage(), key))
    vi.unstubAllGlobals()
    expect(code).toBe("UNSUPPORTED")
  })

  it("takes what is no bytes, from a storage that lies, for damage", async () => {
    const liar = { ...memoryStorage(), get: async () => "text" as never }
    const { code, message } = await errorFrom(() => encrypted(liar, key).get("a"))
    expect([code, message]).toEqual(["CORRUPT", "a cannot be decrypted: it is a string"])
  })
})
