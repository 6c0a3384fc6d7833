/** On LevelDB, by way of classic-level. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ClassicLevel } from "classic-level"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { from, run } from "../js/index.ts"
import { levelStorage } from "../js/storage/level.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { testStorage } from "./contract/storage.ts"
import { errorFrom, guardRejections } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const bytes = Uint8Array.of(1, 2, 3)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-level-"))
})
const databases: ClassicLevel[] = []
afterAll(async () => {
  for (const db of databases) await db.close()
  await rm(folder, { recursive: true, force: true })
})

function newDatabase(location = join(folder, String(databases.length))): ClassicLevel {
  const db = new ClassicLevel(location)
  databases.push(db)
  return db
}

/** The database of each storage that the contract made, for opening another over it. */
const made = new WeakMap<StateStorage, ClassicLevel>()

function open(db: ClassicLevel): StateStorage {
  const storage = levelStorage(db)
  made.set(storage, db)
  return storage
}

async function openAgain(storage: StateStorage): Promise<StateStorage> {
  const before = made.get(storage)
  await before?.close()
  return open(newDatabase(before?.location))
}

testStorage("classic-level", () => open(newDatabase()), {
  reopen: openAgain,
  crash: openAgain, // The database is the caller's; a storage of it has nothing to close.
  failing: async () => {
    const db = newDatabase()
    await db.open()
    await db.close()
    return open(db)
  },
})
testStorage("a sublevel", () => levelStorage(newDatabase().sublevel("millrace")))

describe("level storage", () => {
  it("syncs every write", async () => {
    const db = newDatabase()
    const storage = levelStorage(db)
    const spies = [vi.spyOn(db, "put"), vi.spyOn(db, "del"), vi.spyOn(db, "batch")]
    await storage.set("a", bytes)
    await storage.setMany([["b", bytes]])
    await storage.commit([], ["job/manifest/1", bytes], 1)
    await storage.delete("a")
    const options = spies.flatMap(({ mock }) => mock.calls.map((call: unknown[]) => call.at(-1)))
    expect(options.length).toBeGreaterThanOrEqual(4)
    for (const each of options) expect(each).toMatchObject({ sync: true })
  })

  it("is fenced between storages of one database", async () => {
    const db = newDatabase()
    const [first, second] = [levelStorage(db), levelStorage(db)]
    const claims = [first, second].map((each) => each.commit([], ["job/manifest/1", bytes], 1))
    const ends = await Promise.allSettled(claims)
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected"])
  })

  it("writes a large commit in several batches, the manifest in the last", async () => {
    const db = newDatabase()
    const batch = vi.spyOn(db, "batch")
    const large = new Uint8Array(5 << 20)
    const segments = [1, 2].map((n) => [`job/segment/1-${n}`, large] as const)
    await levelStorage(db).commit(segments, ["job/manifest/1", bytes], 1)
    const calls = batch.mock.calls as unknown as { key: string }[][][]
    const keys = calls.map(([operations = []]) => operations.map(({ key }) => key))
    expect(keys).toEqual([
      ["job/segment/1-1"],
      ["job/segment/1-2", "job/manifest/1", "~owner/job/manifest/"],
    ])
  })

  it("takes what version 1 says of a missing key for nothing", async () => {
    const missing = Object.assign(new Error("none"), { code: "LEVEL_NOT_FOUND" })
    const db = newDatabase()
    const old = Object.assign(Object.create(db) as ClassicLevel, {
      get: () => Promise.reject(missing),
    })
    expect(await levelStorage(old).get("a")).toBeUndefined()
  })

  it("refuses what is no database", () => {
    const { code, message } = refusal(() => levelStorage(new Map() as never))
    expect([code, message]).toEqual(["OPTION", "levelStorage takes a database; it has no put()"])
  })

  it("keeps a job over a restart", async () => {
    const db = newDatabase()
    const positions: number[] = []
    for (const length of [3, 5]) {
      const job = await run(from([1, 2, 3, 4, 5].slice(0, length)), { storage: levelStorage(db) })
      positions.push(job.stats().position)
      await job.finished()
      await job.close()
    }
    expect(positions).toEqual([0, 3])
    await db.close()
    const late = () => levelStorage(db).get("a")
    expect(await errorFrom(late)).toMatchObject({
      code: "STORAGE",
      message: "levelStorage cannot read: LEVEL_DATABASE_NOT_OPEN",
    })
  })
})
