/** The contract of storages finds what is wrong with one: each of these has a single fault. */
import { describe, expect, it } from "vitest"
import { MillraceError } from "../js/errors.ts"
import { memoryStorage } from "../js/storage/memory.ts"
import type { MemoryStorage } from "../js/storage/memory.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { storageContract } from "../js/testing/index.ts"
import { refusal } from "./refusal.ts"

/** The names of the checks that a storage does not pass. */
async function failed(make: () => StateStorage): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of storageContract(make, {
    failing: brokenHost,
    reopen: () => make(),
  })) {
    await run().catch((error: unknown) => {
      expect(error).toBeInstanceOf(Error)
      names.push(name.replace(/ \(.*/, ""))
    })
  }
  return names
}

function brokenHost(): StateStorage {
  const refuse = async () => {
    throw new MillraceError("STORAGE", "the host is gone", { cause: new Error("gone") })
  }
  return { get: refuse, set: refuse, delete: refuse, list: refuse }
}

const faults: Record<string, (good: MemoryStorage) => Partial<MemoryStorage>> = {
  "gives its own bytes": (good) => {
    const own = new Map<string, Uint8Array>()
    return {
      async set(key, value) {
        await good.set(key, value)
        own.set(key, value.slice())
      },
      get: async (key) => ((await good.get(key)) === undefined ? undefined : own.get(key)),
    }
  },
  "keeps the bytes it was given": (good) => ({
    async set(key, value) {
      await Promise.resolve()
      await good.set(key, value)
    },
  }),
  "gives a Buffer": (good) => ({
    async get(key) {
      const value = await good.get(key)
      return value && Buffer.from(value)
    },
  }),
  "lists in no order": (good) => ({
    list: async (prefix, options) => (await good.list(prefix, options)).reverse(),
  }),
  "lists from the key itself": (good) => ({
    async list(prefix, { after, ...options } = {}) {
      const found = await good.list(prefix, options)
      return found.filter((key) => after === undefined || key >= after).slice(0, options.limit)
    },
  }),
  "takes any key": (good) => ({
    get: async (key) => (key === "A" ? undefined : good.get(key)),
  }),
  "throws at once": (good) => ({
    delete(key) {
      if (key === "a b") throw new MillraceError("OPTION", "no")
      return good.delete(key)
    },
  }),
  "fails for a missing key": (good) => ({
    async delete(key) {
      if ((await good.get(key)) === undefined) throw new MillraceError("STORAGE", "not there")
      await good.delete(key)
    },
  }),
  "cuts large values": (good) => ({
    set: (key, value) => good.set(key, value.slice(0, 200_000)),
  }),
  "commits whatever comes": (good) => ({
    async commit(segments, manifest) {
      for (const [key, value] of [...segments, manifest]) await good.set(key, value)
    },
  }),
  "keeps a manifest before a sink has written": (good) => ({
    async commit(segments, manifest, owner, write) {
      await good.commit(segments, manifest, owner)
      await write?.(undefined)
    },
  }),
  "lets the sink of a stale owner write": (good) => ({
    async commit(segments, manifest, owner, write) {
      await write?.(undefined)
      await good.commit(segments, manifest, owner)
    },
  }),
  "knows owners, but no order of manifests": (good) => {
    const owners = new Map<string, number>()
    return {
      async commit(segments, manifest, owner) {
        const [job = ""] = manifest[0].split("/")
        if (owner < (owners.get(job) ?? 0)) throw new MillraceError("LOCKED", "stale")
        owners.set(job, owner)
        for (const [key, value] of [...segments, manifest]) await good.set(key, value)
      },
    }
  },
}

describe("the contract of storages", () => {
  it("is passed by one that keeps it, and the one check that it cannot pass says why", async () => {
    expect(await failed(memoryStorage)).toEqual([
      "keeps everything over a close and a reopening",
      "keeps its fence over a close and a reopening, where it has commit",
    ])
  })

  it.each(Object.entries(faults))("is not passed by one that %s", async (_, fault) => {
    const names = await failed(() => {
      const good = memoryStorage()
      return { ...good, ...fault(good) }
    })
    expect(names.filter((name) => !name.includes("reopening"))).not.toEqual([])
  })

  it("says what was expected and what came", async () => {
    const [first] = storageContract(() => ({ ...memoryStorage(), get: async () => undefined }))
    await first?.run()
    const [, second] = storageContract(() => ({ ...memoryStorage(), get: async () => undefined }))
    const error: unknown = await second?.run().catch((given: unknown) => given)
    expect(error).toMatchObject({
      code: "MISMATCH",
      message: "the value: expected bytes(1 2 3), and got undefined",
      cause: { actual: undefined, expected: Uint8Array.of(1, 2, 3) },
    })
  })

  it("refuses options that it has not", () => {
    const given = { crashes: true } as never
    expect(refusal(() => storageContract(memoryStorage, given)).code).toBe("OPTION")
  })

  it("closes what it made, whether a check passes or not", async () => {
    let open = 0
    const make = (broken: boolean) => () => {
      open++
      const lies = broken ? { get: async () => undefined } : {}
      return { ...memoryStorage(), ...lies, close: async () => void open-- }
    }
    for (const broken of [false, true]) {
      for (const { run } of storageContract(make(broken))) {
        await run().catch(() => undefined)
      }
    }
    expect(open).toBe(0)
  })
})
