/** A job that writes into a database of the user's; test/browser has it in a real browser. */
import "fake-indexeddb/auto"
import { openDB } from "idb"
import { afterEach, describe, expect, it, vi } from "vitest"
import { from, run, transactionalSink } from "../js/index.ts"
import { indexedDbStorage } from "../js/storage/indexeddb.ts"
import type { IndexedDbOptions } from "../js/storage/indexeddb.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { testStorage } from "./contract/storage.ts"
import { errorFrom, guardRejections, manifestsIn } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()
afterEach(() => void vi.restoreAllMocks())

let made = 0
const newName = () => `shop ${++made}`

/** A database of the user's, by the functions of the platform. */
function openShop(name: string, version = 1): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = () => {
      const names = request.result.objectStoreNames
      if (!names.contains("millrace")) request.result.createObjectStore("millrace")
      if (names.contains("totals")) return
      request.result.createObjectStore("totals", { keyPath: "id", autoIncrement: true })
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  })
}

const inShop = (name: string, options: IndexedDbOptions = {}) =>
  indexedDbStorage(name, { open: () => openShop(name), stores: ["totals"], ...options })

const names = new WeakMap<StateStorage, string>()

function openAnew(name = newName()) {
  const storage = inShop(name)
  names.set(storage, name)
  return storage
}

testStorage("indexeddb of the user's", () => openAnew(), {
  reopen: (storage) => openAnew(names.get(storage)),
})

type Row = { readonly sum: number }
type Storage = ReturnType<typeof inShop>

const sums = () =>
  from(Array.from({ length: 20 }, (_, n) => n))
    .keyBy((n) => n % 3)
    .fold(
      () => 0,
      (sum, n) => sum + n,
      { uid: "sums" },
    )
    .map((sum): Row => ({ sum }))
const expected = await sums().toArray()

const putAll = (rows: readonly Row[], transaction: IDBTransaction) => {
  const store = transaction.objectStore("totals")
  for (const row of rows) store.put(row)
}

async function writeSums(storage: Storage, write = putAll, interval?: number): Promise<void> {
  let ms = 0
  const clock = { now: () => ms++ } // Time goes on by being looked at.
  const checkpoint = interval === undefined ? {} : { interval }
  const options = { storage, chunkSize: 2, checkpoint, clock }
  const job = await run(sums().to(transactionalSink(storage, write)), options)
  await job.finished().finally(() => job.close())
}

async function rowsOf(name: string): Promise<Row[]> {
  const db = await openDB(name)
  const rows = (await db.getAll("totals")) as Row[]
  db.close()
  return rows.map(({ sum }) => ({ sum }))
}

describe("a job with a sink in the user's IndexedDB", () => {
  it("has each result once, by the user's own way of opening it", async () => {
    const upgrade = (db: { createObjectStore(name: string, options?: object): unknown }) => {
      db.createObjectStore("millrace")
      db.createObjectStore("totals", { autoIncrement: true })
    }
    const name = newName()
    const opens: (() => Promise<IDBDatabase>)[] = [
      () => openShop(name),
      () => openDB(`${name} by idb`, 1, { upgrade }) as unknown as Promise<IDBDatabase>,
    ]
    for (const [i, open] of opens.entries()) {
      await writeSums(inShop(name, { open }), putAll, 6)
      expect(await rowsOf(i === 0 ? name : `${name} by idb`)).toEqual(expected)
    }
  })

  it("has each result once when the browser ends connections within commits", async () => {
    const name = newName()
    let ends = 0
    const write = (rows: readonly Row[], transaction: IDBTransaction) => {
      putAll(rows, transaction)
      if (ends++ % 3 > 0) return
      const lost = Object.assign(new Error("the connection was lost"), { name: "UnknownError" })
      vi.spyOn(transaction, "commit").mockImplementation(() => {
        transaction.abort()
        throw lost
      })
    }
    await writeSums(inShop(name), write, 6)
    expect(ends).toBeGreaterThan(5)
    expect(await rowsOf(name)).toEqual(expected)
  })

  it("keeps nothing of a checkpoint whose rows the database refuses", async () => {
    const name = newName()
    const twice = (_: readonly Row[], transaction: IDBTransaction) => {
      const store = transaction.objectStore("totals")
      store.add({ id: 1 })
      store.add({ id: 1 })
    }
    expect((await errorFrom(() => writeSums(inShop(name), twice))).code).toBe("STORAGE")
    const storage = inShop(name)
    expect(await manifestsIn(storage)).toEqual([])
    await storage.close()
    await writeSums(inShop(name))
    expect(await rowsOf(name)).toEqual(expected)
  })

  it("may write into the stores that were named, and no other", async () => {
    const name = newName()
    const error = await errorFrom(() => writeSums(inShop(name, { stores: [] })))
    expect(error).toMatchObject({ code: "SINK", cause: { name: "NotFoundError" } })
    expect(await rowsOf(name)).toEqual([])
  })

  it("lets go of the database for an upgrade of another one, and opens it again", async () => {
    const name = newName()
    let version = 1
    const storage = inShop(name, { open: () => openShop(name, version) })
    await writeSums(storage)
    await storage.get("a")
    version = 2
    ;(await openShop(name, version)).close()
    await writeSums(storage)
    expect(await rowsOf(name)).toEqual(expected)
  })
})

describe("indexedDbStorage with a database of the user's", () => {
  it("tells a store that is not there, and a database that cannot be opened", async () => {
    const name = newName()
    const missing = await errorFrom(() => inShop(name, { stores: ["none"] }).get("a"))
    expect(missing.code).toBe("MISSING")
    expect(missing.message).toMatch(/no object store none/)
    const failing = inShop(name, { open: () => Promise.reject(new Error("no")) })
    expect(await errorFrom(() => failing.get("a"))).toMatchObject({ code: "STORAGE" })
    const empty = inShop(name, { open: async () => undefined as never })
    expect((await errorFrom(() => empty.get("a"))).code).toBe("STORAGE")
  })

  it("refuses options that do not go together", () => {
    const open = () => openShop("never")
    const wrong: IndexedDbOptions[] = [
      { stores: ["totals"] },
      { open, requireExisting: true },
      { open: "shop" as never },
    ]
    for (const options of wrong) {
      expect(refusal(() => indexedDbStorage("shop", options)).code).toBe("OPTION")
    }
  })
})
