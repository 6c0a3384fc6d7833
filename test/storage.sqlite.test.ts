/** On SQLite, by way of libsql, which has the methods and the types of better-sqlite3. */
import { copyFileSync, existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Database from "libsql"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { from, run, transactionalSink } from "../js/index.ts"
import { sqliteStorage } from "../js/storage/sqlite.ts"
import type { SqliteDatabase, SqliteValue } from "../js/storage/sqlite.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { testStorage } from "./contract/storage.ts"
import { errorFrom, guardRejections } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const bytes = Uint8Array.of(1, 2, 3)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-sqlite-"))
})
const databases: Database.Database[] = []
const paths = new WeakMap<Database.Database, string>()
afterAll(async () => {
  for (const db of databases) db.close()
  await rm(folder, { recursive: true, force: true })
})

const newPath = () => join(folder, `${databases.length}.db`)

function newDatabase(path = newPath()): Database.Database {
  const db = new Database(path)
  db.exec("PRAGMA synchronous = OFF") // No power is lost here.
  databases.push(db)
  paths.set(db, path)
  return db
}

/** The database of each storage that the contract made, for opening another over it. */
const made = new WeakMap<StateStorage, Database.Database>()

function open(db: Database.Database) {
  const storage = sqliteStorage(db)
  made.set(storage, db)
  return storage
}

function openAgain(storage: StateStorage) {
  const before = made.get(storage)
  return open(newDatabase(before && paths.get(before)))
}

const refusing = (): never => {
  throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR" })
}

testStorage("libsql", () => open(newDatabase()), {
  reopen: openAgain,
  crash: openAgain, // The database is the caller's; a storage of it has nothing to close.
  failing: () => sqliteStorage({ exec: refusing, prepare: refusing }),
})

describe("sqlite storage", () => {
  it("is fenced between connections of one database", async () => {
    const path = newPath()
    const [first, second] = [open(newDatabase(path)), open(newDatabase(path))]
    await first.commit([], ["job/manifest/1", bytes], 1)
    await second.commit([], ["job/manifest/2", bytes], 2)
    const error = await errorFrom(() => first.commit([], ["job/manifest/3", bytes], 1))
    expect(error.code).toBe("LOCKED")
  })

  it("leaves a transaction of the caller alone, and writes nothing into it", async () => {
    const db = newDatabase()
    const storage = open(db)
    db.exec("CREATE TABLE mine (n INTEGER)")
    db.exec("BEGIN")
    db.exec("INSERT INTO mine VALUES (1)")
    const error = await errorFrom(() => storage.set("a", bytes))
    expect(error.code).toBe("STORAGE")
    expect(error.message).toMatch(/SQLITE_ERROR/)
    db.exec("COMMIT")
    expect(db.prepare("SELECT n FROM mine").all()).toMatchObject([{ n: 1 }])
    await storage.set("a", bytes)
    expect(await storage.get("a")).toEqual(bytes)
  })

  it("is busy while another connection writes, and goes on after it", async () => {
    const path = newPath()
    const [db, other] = [newDatabase(path), newDatabase(path)]
    const storage = open(db)
    await storage.set("a", bytes)
    db.exec("PRAGMA busy_timeout = 10")
    other.exec("BEGIN IMMEDIATE")
    expect((await errorFrom(() => storage.delete("a"))).message).toMatch(/SQLITE_BUSY/)
    other.exec("COMMIT")
    await storage.delete("a")
    expect(await storage.list("")).toEqual([])
  })

  it("tells a value that is no bytes, and takes null for no row, as some have it", async () => {
    const db = newDatabase()
    const storage = sqliteStorage({
      exec: (sql) => db.exec(sql),
      prepare(sql) {
        const statement = db.prepare(sql)
        return {
          get: (...given) => statement.get(...given) ?? null,
          all: (...given) => statement.all(...given),
          run: (...given) => statement.run(...given),
        }
      },
    })
    expect(await storage.get("a")).toBeUndefined()
    await storage.commit([], ["job/manifest/1", bytes], 1)
    db.exec("UPDATE millrace SET value = 'text' WHERE key = 'job/manifest/1'")
    expect((await errorFrom(() => storage.get("job/manifest/1"))).code).toBe("CORRUPT")
  })

  it("refuses what is no database", () => {
    for (const given of [undefined, {}, { exec: () => undefined }]) {
      expect(refusal(() => sqliteStorage(given as never)).code).toBe("OPTION")
    }
  })
})

const events = Array.from({ length: 20 }, (_, n) => ({ user: `u${n % 3}`, n }))

/** Totals of users, as rows of a table of the database that has the state. */
async function writeTotals(db: SqliteDatabase, interval?: number): Promise<void> {
  let ms = 0
  const storage = sqliteStorage(db)
  db.exec("CREATE TABLE IF NOT EXISTS totals (id INTEGER PRIMARY KEY, line TEXT)")
  const insert = db.prepare("INSERT INTO totals (line) VALUES (?)")
  const totals = from(events)
    .keyBy("user")
    .fold(
      () => 0,
      (sum, { n }) => sum + n,
      { uid: "totals" },
    )
  const sink = transactionalSink(storage, (sums: readonly number[]) => {
    for (const sum of sums) insert.run(String(sum))
  })
  const clock = { now: () => ms++ } // Time goes on by being looked at.
  const checkpoint = interval === undefined ? {} : { interval }
  const options = { storage, chunkSize: 2, checkpoint, clock }
  const job = await run(totals.to(sink), options)
  await job.finished().finally(() => job.close())
}

const linesOf = (db: SqliteDatabase) => {
  const rows = db.prepare("SELECT line FROM totals ORDER BY id").all() as { line: string }[]
  return rows.map(({ line }) => line)
}

/** The same database, which tells before each call that writes. */
function telling(db: SqliteDatabase, tell: () => void): SqliteDatabase {
  const told =
    <Given extends unknown[]>(call: (...given: Given) => unknown) =>
    (...given: Given) => {
      tell()
      return call(...given)
    }
  return {
    exec: told((sql: string) => db.exec(sql)),
    prepare(sql) {
      const statement = db.prepare(sql)
      return {
        get: (...given) => statement.get(...given),
        all: (...given) => statement.all(...given),
        run: told((...given: SqliteValue[]) => statement.run(...given)),
      }
    },
  }
}

describe("a job with a sink in the database of its state", () => {
  it("has each result once, wherever the process is killed", async () => {
    const path = newPath()
    const db = newDatabase(path)
    const copies: string[] = []
    // What a process that is killed leaves behind: the file, and its journal if there is one.
    const copy = () => {
      const place = `${path}-${copies.length}`
      copies.push(place)
      for (const end of ["", "-journal"]) {
        if (existsSync(path + end)) copyFileSync(path + end, place + end)
      }
    }
    await writeTotals(telling(db, copy), 6)
    copy()
    const expected = linesOf(db)
    expect(expected).toHaveLength(events.length)
    expect(copies.length).toBeGreaterThan(100)
    let partly = 0
    for (const [n, place] of copies.entries()) {
      const left = newDatabase(place)
      const before = n === 0 ? 0 : linesOf(left).length
      if (before > 0 && before < expected.length) partly++
      await writeTotals(left)
      expect(linesOf(left), `killed before call ${n}, with ${before} lines`).toEqual(expected)
    }
    expect(partly).toBeGreaterThan(20)
  })
})
