/** The contract of storages on both kinds of Durable Objects in workerd; reopening restarts it. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Miniflare } from "miniflare"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { MillraceError } from "../../js/errors.ts"
import type { ErrorCode } from "../../js/errors.ts"
import type { StateStorage, StorageEntry } from "../../js/storage/storage.ts"
import { testStorage } from "../contract/storage.ts"
import { startWorker } from "./workerd.ts"

let folder: string
let worker: Miniflare

function start(): Miniflare {
  const durableObjects = {
    Pairs: "Pairs",
    Sqlite: { className: "Sqlite", useSQLite: true },
  }
  const compatibilityDate = "2026-04-01"
  return startWorker({ script: "storage.js", compatibilityDate, durableObjects, folder })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-edge-"))
  worker = start()
})
afterAll(async () => {
  await worker.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** What the worker answers if not with bytes. */
interface Answer {
  readonly value?: unknown
  readonly code?: ErrorCode
  readonly message?: string
}

async function call(path: string, given: readonly unknown[], body?: Uint8Array): Promise<unknown> {
  const response = await worker.dispatchFetch(`http://127.0.0.1/${path}`, {
    method: "POST",
    headers: { call: JSON.stringify(given) },
    body: body ?? new Uint8Array(),
  })
  if (response.headers.get("Content-Type") === null) {
    return new Uint8Array(await response.arrayBuffer())
  }
  const { value, code, message = "" } = (await response.json()) as Answer
  if (code !== undefined) throw new MillraceError(code, message)
  return value
}

const plain = ([key, value]: StorageEntry) => [key, [...value]]
const paths = new WeakMap<StateStorage, string>()

/** A storage in an object, called from here. */
function remote(path: string): StateStorage {
  const storage: StateStorage = {
    get: async (key) => (await call(path, ["get", key])) as Uint8Array | undefined,
    async set(key, value) {
      await call(path, ["set", key], value.slice())
    },
    async delete(key) {
      await call(path, ["delete", key])
    },
    list: async (prefix, options = {}) => (await call(path, ["list", prefix, options])) as string[],
    async commit(segments, manifest, owner) {
      await call(path, ["commit", segments.map(plain), plain(manifest), owner])
    },
  }
  paths.set(storage, path)
  return storage
}

async function restart(storage: StateStorage): Promise<StateStorage> {
  await worker.dispose()
  worker = start()
  return remote(paths.get(storage) ?? "")
}

let made = 0

describe.each(["Pairs", "Sqlite"])("a durable object of %s", (kind) => {
  const newPath = () => `${kind}/${++made}`
  testStorage("durable object", () => remote(newPath()), { reopen: restart, crash: restart })

  it("keeps values in chunks of 112 KiB, and leaves none behind", async () => {
    const path = newPath()
    const storage = remote(path)
    await storage.set("a", new Uint8Array(3 * 114_688 + 1))
    const before = await call(path, ["keys"])
    await storage.set("a", new Uint8Array(114_688))
    const after = await call(path, ["keys"])
    await storage.delete("a")
    const none = await call(path, ["keys"])
    const chunks = [0, 1, 2, 3].map((n) => `millrace/chunk/a~${n}`)
    expect([before, after, none]).toEqual([
      [...chunks, "millrace/key/a"],
      [chunks[0], "millrace/key/a"],
      [],
    ])
  })

  it("keeps a value of more chunks than one call may name", async () => {
    const storage = remote(newPath())
    const value = Uint8Array.from({ length: 250 * 114_688 }, (_, i) => (i * 7) >> 9)
    await storage.set("a", value)
    expect(Buffer.compare((await storage.get("a")) ?? new Uint8Array(), value)).toBe(0)
    await storage.delete("a")
    expect(await storage.list("")).toEqual([])
  })

  it("finds a value CORRUPT whose chunk is gone", async () => {
    const path = newPath()
    const storage = remote(path)
    await storage.set("a", new Uint8Array(200_000))
    await call(path, ["spoil", "millrace/chunk/a~1"])
    const failed: unknown = await storage.get("a").catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: "CORRUPT" })
  })

  it("reads whole values while others are written", async () => {
    expect(await call(newPath(), ["together", "a"])).toBe(true)
  })
})
