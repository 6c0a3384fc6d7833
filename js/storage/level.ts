/**
 * State in a database of the `abstract-level` family: `classic-level` in Node, `browser-level`, and
 * what else has its methods. The database is the caller's, who opens and closes it.
 *
 *     <key>             the value; writes are synced
 *     ~owner/<folder>   who committed a manifest there last; fence.ts
 *
 * LevelDB lets one process at a time open a database: `await db.open()` says so to the second.
 */
import { MillraceError, typeName } from "../errors.ts"
import { checkCommit, checkFence, endOf, inParts, loadOwner, oneByOne } from "./fence.ts"
import { ownerKey, saveOwner } from "./fence.ts"
import type { Commit } from "./fence.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import type { ListOptions, StateStorage, StorageEntry } from "./storage.ts"

const encodings = { keyEncoding: "utf8", valueEncoding: "view" } as const
const durably = { ...encodings, sync: true } as const

/** What is used of a database: any of `abstract-level` 1 to 3 has it. */
export interface LevelDatabase {
  get(key: string, options: typeof encodings): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array, options: typeof durably): Promise<void>
  del(key: string, options: { keyEncoding: "utf8"; sync: true }): Promise<void>
  batch(
    operations: { type: "put"; key: string; value: Uint8Array }[],
    options: typeof durably,
  ): Promise<void>
  keys(options: LevelRange): { all(): Promise<string[]> }
}

/** A range of keys. */
export interface LevelRange {
  keyEncoding: "utf8"
  gt?: string
  gte?: string
  lt: string
  limit: number
}

/** The driver for databases of abstract-level: the methods of {@link StateStorage} it has. */
export type LevelStorage = StateStorage & Required<Pick<StateStorage, "setMany" | "commit">>

/** Commits of one database go one after another, whichever storage they come from. */
const turns = new WeakMap<LevelDatabase, ReturnType<typeof oneByOne>>()

/**
 * Keep state in a database of abstract-level, which is opened and closed by the caller.
 *
 * All keys of the database are the storage's: give it a database of its own, or a sublevel.
 *
 * @example
 * ```ts
 * const db = new ClassicLevel("./state-level")
 * await db.open() // Fails when another process has it open.
 * const job = await run(stream, { storage: levelStorage(db) })
 * ```
 * @throws {MillraceError} `OPTION` when `db` is no such database. Its methods: `STORAGE` with the
 *   database's error as `cause`, also when it is not open; `LOCKED` from `commit`.
 */
export function levelStorage(db: LevelDatabase): LevelStorage {
  for (const name of ["get", "put", "del", "batch", "keys"] as const) {
    if (typeof (db as Partial<LevelDatabase> | undefined)?.[name] === "function") continue
    throw new MillraceError("OPTION", `levelStorage takes a database; it has no ${name}()`)
  }
  const inTurn = turns.get(db) ?? oneByOne()
  turns.set(db, inTurn)

  return {
    async get(key) {
      checkStorageKey(key)
      return failingAs("read", () => valueOf(db, key))
    },
    async set(key, value) {
      checkStorageKey(key)
      const copy = value.slice()
      await failingAs("write", () => db.put(key, copy, durably))
    },
    async delete(key) {
      checkStorageKey(key)
      await failingAs("delete", () => db.del(key, { keyEncoding: "utf8", sync: true }))
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      return failingAs("list", () => keysOf(db, prefix, options))
    },
    async setMany(entries) {
      for (const [key] of entries) checkStorageKey(key)
      const copies = entries.map(([key, value]) => [key, value.slice()] as const)
      await failingAs("write", () => putAll(db, copies))
    },
    async commit(...given) {
      const commit = checkCommit(...given)
      await inTurn(() => failingAs("commit", () => putCommit(db, commit)))
    },
  }
}

async function valueOf(db: LevelDatabase, key: string): Promise<Uint8Array | undefined> {
  try {
    const value = await db.get(key, encodings)
    return value && new Uint8Array(value) // Some give a Buffer.
  } catch (error) {
    if (codeOf(error) === "LEVEL_NOT_FOUND") return undefined // Before version 2.
    throw error
  }
}

async function keysOf(
  db: LevelDatabase,
  prefix: string,
  { after = "", limit = Infinity }: ListOptions,
): Promise<string[]> {
  const lt = endOf(prefix)
  if (after >= lt) return []
  const from = after >= prefix ? { gt: after } : { gte: prefix }
  const atMost = Number.isFinite(limit) ? limit : -1 // No limit, there.
  return db.keys({ keyEncoding: "utf8", ...from, lt, limit: atMost }).all()
}

/** Each batch is atomic; the manifest is in the last, with its owner. */
async function putCommit(db: LevelDatabase, commit: Commit): Promise<void> {
  const { segments, manifest, owner, folder } = commit
  const [later] = await db
    .keys({ keyEncoding: "utf8", gte: manifest[0], lt: endOf(folder), limit: 1 })
    .all()
  const before = loadOwner(await valueOf(db, ownerKey(folder)))
  checkFence(commit, { owner: before, passed: later !== undefined })
  const parts = inParts(segments)
  const last = parts.pop() ?? []
  for (const part of parts) await putAll(db, part)
  await putAll(db, [...last, manifest, [ownerKey(folder), saveOwner(owner)]])
}

function putAll(db: LevelDatabase, entries: readonly StorageEntry[]): Promise<void> {
  const operations = entries.map(([key, value]) => ({ type: "put" as const, key, value }))
  return db.batch(operations, durably)
}

async function failingAs<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const code = codeOf(cause) ?? typeName(cause)
    throw new MillraceError("STORAGE", `levelStorage cannot ${what}: ${code}`, { cause })
  }
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" ? code : undefined
}
