/** On a stand-in for IndexedDB; test/browser has the contract on the real one. */
import "fake-indexeddb/auto"
import { afterEach, describe, expect, it, vi } from "vitest"
import { indexedDbStorage } from "../js/storage/indexeddb.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { testStorage } from "./contract/storage.ts"
import { errorFrom, guardRejections } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()
afterEach(() => void vi.restoreAllMocks())

let made = 0
const newName = () => `test ${++made}`

/** The name of each storage that the contract made, for opening another over it. */
const names = new WeakMap<StateStorage, string>()

function open(name: string): StateStorage {
  const storage = indexedDbStorage(name)
  names.set(storage, name)
  return storage
}

testStorage("indexeddb", async () => open(newName()), {
  reopen: async (storage) => {
    await storage.close?.()
    return open(names.get(storage) ?? "")
  },
})

const bytes = Uint8Array.of(1, 2, 3)

/** The database as another program sees it. */
function rawDatabase(name: string, version: number, upgrade: (database: IDBDatabase) => void) {
  return new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(`millrace/${name}`, version)
    request.onupgradeneeded = () => upgrade(request.result)
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  })
}

describe("indexeddb storage", () => {
  it("refuses a name that is none", () => {
    const wanted = { code: "OPTION", message: "indexedDbStorage takes the name of a database" }
    expect(refusal(() => indexedDbStorage(""))).toEqual(wanted)
    expect(refusal(() => indexedDbStorage(7 as never))).toEqual(wanted)
  })

  it("writes with strict durability", async () => {
    const storage = indexedDbStorage(newName())
    await storage.get("a")
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction")
    await storage.set("a", bytes)
    await storage.delete("a")
    const asked = transaction.mock.calls.map(([, ...how]) => how)
    expect(asked).toEqual([
      ["readwrite", { durability: "strict" }],
      ["readwrite", { durability: "strict" }],
    ])
  })

  it("fails when the transaction is aborted after its requests went well", async () => {
    const storage = indexedDbStorage(newName())
    const commit = vi.spyOn(IDBTransaction.prototype, "commit").mockReturnValue()
    const put = vi.spyOn(IDBObjectStore.prototype, "put")
    put.mockImplementation(function (this: IDBObjectStore, value, key) {
      const request = this.add(value, key)
      request.addEventListener("success", () => this.transaction.abort())
      return request
    })
    const { code, message } = await errorFrom(() => storage.set("a", bytes))
    const words = `indexedDbStorage cannot write in millrace/test ${made}: AbortError`
    expect([code, message, commit.mock.calls.length]).toEqual(["STORAGE", words, 1])
    vi.restoreAllMocks()
    expect(await storage.get("a")).toBeUndefined()
  })

  it("fails with the browser's error as cause", async () => {
    const storage = indexedDbStorage(newName())
    const full = Object.assign(new Error("full"), { name: "QuotaExceededError" })
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw full
    })
    const { code, message, cause } = await errorFrom(() => storage.set("a", bytes))
    const words = `indexedDbStorage cannot write in millrace/test ${made}: QuotaExceededError`
    expect([code, message, cause]).toEqual(["STORAGE", words, full])
  })

  it.each(["InvalidStateError", "UnknownError"])(
    "makes a call again, on another connection, when the browser ended the one: %s",
    async (name) => {
      const storage = indexedDbStorage(newName())
      await storage.set("a", bytes)
      const ended = () => {
        throw Object.assign(new Error("closing"), { name })
      }
      const transaction = vi.spyOn(IDBDatabase.prototype, "transaction")
      const open = vi.spyOn(indexedDB, "open")
      transaction.mockImplementationOnce(ended).mockImplementationOnce(ended)
      expect(await storage.get("a")).toEqual(bytes)
      expect(open).toHaveBeenCalledTimes(2)
      transaction.mockImplementation(ended)
      const { code, cause } = await errorFrom(() => storage.get("a"))
      expect([code, cause]).toMatchObject(["STORAGE", { name }])
      expect(open).toHaveBeenCalledTimes(5)
      vi.restoreAllMocks()
      expect(await storage.get("a")).toEqual(bytes)
    },
  )

  it("keeps nothing of a commit of which one request fails", async () => {
    const storage = indexedDbStorage(newName())
    await storage.commit([], ["job/manifest/1", bytes], 1)
    const put = vi.spyOn(IDBObjectStore.prototype, "put")
    put.mockImplementation(function (this: IDBObjectStore, value, key) {
      if (key === "job/manifest/2") throw new RangeError("no")
      return this.add(value, key)
    })
    const failing = () => storage.commit([["job/segment/2-0", bytes]], ["job/manifest/2", bytes], 1)
    expect((await errorFrom(failing)).code).toBe("STORAGE")
    vi.restoreAllMocks()
    expect(await storage.list("")).toEqual(["job/manifest/1"])
  })

  it("finds a commit done that the browser did not tell of", async () => {
    const storage = indexedDbStorage(newName())
    await storage.commit([], ["job/manifest/1", bytes], 1)
    const commit = vi.spyOn(IDBTransaction.prototype, "commit")
    commit.mockImplementationOnce(() => {
      throw Object.assign(new Error("lost"), { name: "UnknownError" })
    })
    vi.spyOn(IDBTransaction.prototype, "abort").mockReturnValueOnce() // It went through.
    await storage.commit([["job/segment/2-0", bytes]], ["job/manifest/2", bytes], 1)
    expect(commit).toHaveBeenCalledTimes(1)
    const stale = () => storage.commit([], ["job/manifest/2", bytes], 1)
    expect((await errorFrom(stale)).code).toBe("LOCKED")
  })

  it("writes a large commit in several transactions, the manifest in the last", async () => {
    const storage = indexedDbStorage(newName())
    const large = new Uint8Array(5 << 20)
    await storage.get("a")
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction")
    const put = vi.spyOn(IDBObjectStore.prototype, "put")
    const segments = [1, 2, 3].map((n) => [`job/segment/1-${n}`, large] as const)
    await storage.commit(segments, ["job/manifest/1", bytes], 1)
    expect(transaction).toHaveBeenCalledTimes(3)
    expect(put.mock.calls.map(([, key]) => key)).toEqual([
      ...["job/segment/1-1", "job/segment/1-2", "job/segment/1-3"],
      ...["job/manifest/1", "~owner/job/manifest/"],
    ])
    transaction.mockClear()
    put.mockClear()
    const stale = () => storage.commit(segments, ["job/manifest/2", bytes], 0)
    expect((await errorFrom(stale)).code).toBe("LOCKED")
    expect([transaction.mock.calls.length, put.mock.calls.length]).toEqual([1, 0])
  })

  it("is MISSING, not empty, where it must be there and is not", async () => {
    const name = newName()
    const required = indexedDbStorage(name, { requireExisting: true })
    expect(await errorFrom(() => required.list(""))).toMatchObject({
      code: "MISSING",
      message: `there is no database millrace/${name}`,
    })
    await indexedDbStorage(name).set("a", bytes)
    expect(await required.list("")).toEqual(["a"])
  })

  it("asks the browser to keep the data, and tells the answer", async () => {
    const answers: unknown[] = [await indexedDbStorage(newName()).persisted()]
    const worker = { persisted: async () => false }
    const refused = { ...worker, persist: () => Promise.reject(new Error("no")) }
    for (const storage of [{ ...worker, persist: async () => true }, worker, refused]) {
      vi.stubGlobal("navigator", { storage })
      answers.push(await indexedDbStorage(newName()).persisted())
      vi.unstubAllGlobals()
    }
    expect(answers).toEqual([undefined, true, undefined, undefined])
  })

  it("gives up when others do not let the database open", async () => {
    const name = newName()
    await indexedDbStorage(name).set("a", bytes)
    const open = await rawDatabase(name, 1, () => undefined)
    indexedDB.deleteDatabase(`millrace/${name}`) // Waits for the open one, and all wait for it.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const failing = errorFrom(() => indexedDbStorage(name).get("a"))
    await vi.advanceTimersByTimeAsync(10_000)
    vi.useRealTimers()
    expect(await failing).toMatchObject({
      code: "TIMEOUT",
      message: `millrace/${name} did not open in 10000 ms: something else keeps it`,
    })
    open.close()
  })

  it("makes way for who removes the database", async () => {
    const name = newName()
    const storage = indexedDbStorage(name)
    await storage.set("a", bytes)
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(`millrace/${name}`)
      request.onsuccess = resolve
      request.onerror = reject
    })
    expect(await storage.list("")).toEqual([])
  })

  it("leaves alone what another program or a newer version wrote", async () => {
    const [other, newer] = [newName(), newName()]
    ;(await rawDatabase(other, 1, (database) => database.createObjectStore("mine"))).close()
    ;(await rawDatabase(newer, 2, (database) => database.createObjectStore("values"))).close()
    expect(await errorFrom(() => indexedDbStorage(other).set("a", bytes))).toMatchObject({
      code: "FOREIGN",
      message: `the database millrace/${other} is not Millrace's`,
    })
    expect(await errorFrom(() => indexedDbStorage(newer).set("a", bytes))).toMatchObject({
      code: "UNSUPPORTED",
      message: `millrace/${newer} is newer: this version of Millrace reads up to format 1`,
    })
  })

  it("says so where there is no IndexedDB", async () => {
    vi.stubGlobal("indexedDB", undefined)
    const { code, message } = await errorFrom(() => indexedDbStorage(newName()).get("a"))
    vi.unstubAllGlobals()
    expect([code, message]).toEqual([
      "UNSUPPORTED",
      "indexedDbStorage needs a runtime with IndexedDB",
    ])
  })
})
