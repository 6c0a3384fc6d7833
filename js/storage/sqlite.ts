/**
 * State in a SQLite database, beside the tables of its owner: by `node:sqlite`, or by whatever else
 * has its methods, such as better-sqlite3. The database is the caller's, who opens and closes it.
 *
 *     table millrace
 *       key               value         the bytes
 *       ~owner/<folder>   value         who committed a manifest there last; fence.ts
 *
 * Every write is a transaction that begins and ends within one turn, and keeps other connections
 * out from its beginning: so what the fence sees is so until the end.
 */
import { MillraceError, typeName } from "../errors.ts"
import { checkCommit, checkFence, endOf, loadOwner, ownerKey, saveOwner } from "./fence.ts"
import type { Commit } from "./fence.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import { writeNow } from "./transactional.ts"
import type { TransactionalStorage } from "./transactional.ts"

/** What statements are given. */
export type SqliteValue = string | number | Uint8Array

/** What is used of a statement. */
export interface SqliteStatement {
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
  run(...values: SqliteValue[]): unknown
}

/** What is used of a database. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

/** The driver for SQLite: its transactions are the database, within one. */
export type SqliteStorage<Database> = TransactionalStorage<Database>

/**
 * Keep state in a table `millrace` of a SQLite database, which is opened and closed by the caller.
 *
 * A `transactionalSink` over it writes into other tables of the database in the transaction of the
 * checkpoint. It must not begin or end one, and nobody may leave one open while a job runs. State
 * is as durable as `PRAGMA synchronous` says: at a loss of power as well by its default, `FULL`.
 *
 * @example
 * ```ts
 * const db = new DatabaseSync("totals.db") // of node:sqlite
 * const job = await run(stream, { storage: sqliteStorage(db) })
 * ```
 * @throws {MillraceError} `OPTION` when `db` is no such database. Its methods: `STORAGE` with the
 *   database's error as `cause`, also when it is closed or busy; `LOCKED` from `commit`.
 */
export function sqliteStorage<Database extends SqliteDatabase>(
  db: Database,
): SqliteStorage<Database> {
  for (const name of ["exec", "prepare"] as const) {
    if (typeof (db as Partial<SqliteDatabase> | undefined)?.[name] === "function") continue
    throw new MillraceError("OPTION", `sqliteStorage takes a database; it has no ${name}()`)
  }
  let prepared: Statements | undefined
  const table = () => (prepared ??= prepare(db))

  return {
    transactional: true,
    async get(key) {
      checkStorageKey(key)
      return failingAs("read", () => valueOf(table(), key))
    },
    async set(key, value) {
      checkStorageKey(key)
      failingAs("write", () => {
        const { put } = table()
        inTransaction(db, () => put.run(key, value))
      })
    },
    async delete(key) {
      checkStorageKey(key)
      failingAs("delete", () => {
        const { remove } = table()
        inTransaction(db, () => remove.run(key))
      })
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      const { after = "", limit = Infinity } = options
      const atMost = Number.isFinite(limit) ? limit : -1 // No limit, there.
      const found = failingAs("list", () => table().list.all(prefix, after, endOf(prefix), atMost))
      return found.map((row) => (row as { key: string }).key)
    },
    async commit(...given) {
      const commit = checkCommit(...given)
      failingAs("commit", () => {
        const statements = table()
        inTransaction(db, () => {
          putCommit(statements, commit)
          writeNow(commit.write, db)
        })
      })
    },
  }
}

interface Statements {
  readonly get: SqliteStatement
  readonly put: SqliteStatement
  readonly remove: SqliteStatement
  readonly list: SqliteStatement
}

function prepare(db: SqliteDatabase): Statements {
  const columns = "key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL"
  inTransaction(db, () => db.exec(`CREATE TABLE IF NOT EXISTS millrace (${columns})`))
  const range = "key >= ? AND key > ? AND key < ?"
  return {
    get: db.prepare("SELECT value FROM millrace WHERE key = ?"),
    put: db.prepare("INSERT OR REPLACE INTO millrace (key, value) VALUES (?, ?)"),
    remove: db.prepare("DELETE FROM millrace WHERE key = ?"),
    list: db.prepare(`SELECT key FROM millrace WHERE ${range} ORDER BY key LIMIT ?`),
  }
}

/** Nothing of what `change` did is there if it throws. */
function inTransaction(db: SqliteDatabase, change: () => void): void {
  db.exec("BEGIN IMMEDIATE") // Fails when the caller has one open, which is the caller's to end.
  try {
    change()
    db.exec("COMMIT")
  } catch (error) {
    rollBack(db)
    throw error
  }
}

/** Some errors have ended the transaction already. */
function rollBack(db: SqliteDatabase): void {
  try {
    db.exec("ROLLBACK")
  } catch {
    // The first error is the one to tell.
  }
}

function valueOf({ get }: Statements, key: string): Uint8Array | undefined {
  const row = (get.get(key) ?? undefined) as { readonly value: unknown } | undefined
  if (row === undefined) return undefined
  if (row.value instanceof Uint8Array) return new Uint8Array(row.value) // Some give a Buffer.
  throw new MillraceError("CORRUPT", `${key}: the value is ${typeName(row.value)}`)
}

function putCommit(statements: Statements, commit: Commit): void {
  const { segments, manifest, owner, folder } = commit
  const later = statements.list.all(manifest[0], "", endOf(folder), 1)
  const before = loadOwner(valueOf(statements, ownerKey(folder)))
  checkFence(commit, { owner: before, passed: later.length > 0 })
  const entries = [...segments, manifest, [ownerKey(folder), saveOwner(owner)] as const]
  for (const [key, value] of entries) statements.put.run(key, value)
}

function failingAs<Result>(what: string, call: () => Result): Result {
  try {
    return call()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined
    const reason = typeof code === "string" ? code : typeName(cause)
    throw new MillraceError("STORAGE", `sqliteStorage cannot ${what}: ${reason}`, { cause })
  }
}
