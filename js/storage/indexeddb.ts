/**
 * State in IndexedDB, for browsers and their workers.
 *
 *     database millrace/<name>, version 1
 *       values        storage key -> the bytes
 *                     ~owner/<folder> -> who committed a manifest there last; fence.ts
 *     lock millrace/<name>, held from the first call to close()
 *
 * Or a database of the user's, whose object store `millrace` has the same: then sinks write into
 * other stores of it in the transaction of the manifest.
 *
 * A write is one transaction with strict durability, which is done when it is complete, not when a
 * request is. The browser may end a connection at any time, and WebKit does so to tabs behind
 * others: then another one is opened and the call is made anew, under the same lock.
 */
import { unwrap } from "idb"
import { MillraceError, typeName } from "../errors.ts"
import { checkCommit, checkFence, endOf, inParts, isMarked, loadOwner } from "./fence.ts"
import { newMark, ownerKey, saveOwner } from "./fence.ts"
import type { Commit } from "./fence.ts"
import { connector, storeOf } from "./indexeddb_open.ts"
import type { Connection } from "./indexeddb_open.ts"
import { openedByUse } from "./opened.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import type { ListOptions, StorageEntry } from "./storage.ts"
import { writeNow } from "./transactional.ts"
import type { TransactionalStorage } from "./transactional.ts"

type SinkCommit = Commit<IDBTransaction>

/** Waits before a call is made again on a new connection, ms. */
const againAfterMs = [20, 100, 500]

/** Options of {@link indexedDbStorage}. */
export interface IndexedDbOptions {
  /**
   * Refuse with `MISSING` to begin anew when there is no such database: a browser that was short of
   * space may have removed it. Default false.
   */
  readonly requireExisting?: boolean
  /**
   * Open a database of your own, each time a new connection, which is closed here. It has an object
   * store `millrace` without a key path; `name` is then that of the lock. Default: a database
   * `millrace/<name>`.
   */
  readonly open?: () => Promise<IDBDatabase>
  /** The object stores of that database that sinks write into. Default: none. */
  readonly stores?: readonly string[]
}

/** The IndexedDB driver: the methods that it has. */
export interface IndexedDbStorage extends TransactionalStorage<IDBTransaction> {
  close(): Promise<void>
  /**
   * Whether the browser promised to keep what this origin stores; the first call asked for it.
   * Undefined: it cannot be asked here.
   */
  persisted(): Promise<boolean | undefined>
}

/**
 * Keep state in the browser, in an IndexedDB database `millrace/<name>` of this origin.
 *
 * The first call takes a Web Lock until `close()`, so that of several tabs one works on the state;
 * it ends with its tab. Where a runtime has no Web Locks only `commit` keeps a second one out. A
 * browser short of space may remove whole databases, unless it grants what the first call asks for
 * (`navigator.storage.persist()`).
 *
 * @example
 * ```ts
 * const job = await run(stream, { storage: indexedDbStorage("orders") })
 * ```
 * @throws {MillraceError} `OPTION` when `name` is not a text, or options do not go together. Its
 *   methods: `LOCKED` when another tab or storage uses the database, `FOREIGN` when it holds
 *   something else, `UNSUPPORTED` when a newer version wrote it or there is no IndexedDB, `MISSING`
 *   with `requireExisting` or when a store is not there, `TIMEOUT` when others do not let it open,
 *   `STORAGE` with the browser's error as `cause`.
 */
export function indexedDbStorage(name: string, options: IndexedDbOptions = {}): IndexedDbStorage {
  if (typeof name !== "string" || name === "") {
    throw new MillraceError("OPTION", "indexedDbStorage takes the name of a database")
  }
  const { open, stores = [], requireExisting } = options
  if (open === undefined ? stores.length > 0 : typeof open !== "function" || requireExisting) {
    const message = "indexedDbStorage: stores needs open, a function, and no requireExisting"
    throw new MillraceError("OPTION", message)
  }
  const { using, persisted, close } = database(`millrace/${name}`, options)

  return {
    transactional: true,
    async get(key) {
      checkStorageKey(key)
      return using("read", (connection) => reading(connection).get(key))
    },
    async set(key, value) {
      checkStorageKey(key)
      const copy = value.slice()
      await using("write", (connection) => write(connection, (values) => values.put(copy, key)))
    },
    async delete(key) {
      checkStorageKey(key)
      await using("delete", (connection) => write(connection, (values) => values.delete(key)))
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      return using("list", (connection) => keysOf(connection, prefix, options))
    },
    async commit(...given) {
      const commit = checkCommit(...given)
      const mark = newMark()
      await using("commit", (connection) => writeCommit(connection, commit, { mark, stores }))
    },
    persisted,
    close,
  }
}

// --- Open and closed ---

/** A database that is opened by the first use and held until close(). */
function database(name: string, options: IndexedDbOptions) {
  const opened = openedByUse(
    () => connector(name, options),
    (held) => held.close(),
  )

  /** Make a call; on another connection, and yet another, if the browser took that away. */
  async function using<Result>(
    what: string,
    use: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    return opened.using(async (held) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await use(await held.connection())
        } catch (cause) {
          if (cause instanceof MillraceError) throw cause
          const reason = cause instanceof Error ? cause.name : typeName(cause)
          const lost = reason === "InvalidStateError" || reason === "UnknownError"
          if (lost) held.drop()
          const waitMs = againAfterMs[attempt]
          if (!lost || waitMs === undefined) {
            const message = `indexedDbStorage cannot ${what} in ${name}: ${reason}`
            throw new MillraceError("STORAGE", message, { cause })
          }
          await new Promise((resolve) => setTimeout(resolve, waitMs))
        }
      }
    })
  }

  const persisted = () => opened.using(async (held) => held.persisted)

  return { using, persisted, close: () => opened.close() }
}

// --- Values ---

function reading(connection: Connection) {
  const transaction = connection.transaction(storeOf(connection))
  void quiet(transaction.done)
  return transaction.store
}

type Writing = ReturnType<typeof writing>["store"]

/** More stores than that of the state are a sink's. */
function writing(connection: Connection, stores: readonly string[] = []) {
  const names = [storeOf(connection), ...stores] as ["values"]
  const transaction = connection.transaction(names, "readwrite", { durability: "strict" })
  return { transaction, store: transaction.objectStore(names[0]) }
}

/** All requests are made in one turn: a transaction in which nothing is asked for ends. */
async function write(
  connection: Connection,
  change: (values: Writing) => Promise<unknown>,
): Promise<void> {
  const { transaction, store } = writing(connection)
  const done = quiet(transaction.done)
  const changed = quiet(change(store))
  transaction.commit()
  await Promise.all([changed, done])
}

/** What is the same for all tries to make a commit. */
interface Try {
  /** Tells whether one went through. */
  readonly mark: string
  /** Where its sinks write. */
  readonly stores: readonly string[]
}

/** Segments first, if there is too much for one transaction, the manifest in the last one. */
async function writeCommit(connection: Connection, commit: SinkCommit, { mark, stores }: Try) {
  const { segments, manifest, owner, folder, write } = commit
  const parts = inParts(segments)
  const last = parts.pop() ?? []
  const first = { ...commit, write: undefined }
  for (const part of parts) await writeFenced(writing(connection), first, mark, part)
  const saved = saveOwner(owner, mark)
  const begun = writing(connection, write && stores)
  await writeFenced(begun, commit, mark, [...last, manifest, [ownerKey(folder), saved]])
}

/** One transaction that looks at the fence, then writes; nothing, if it did so before. */
async function writeFenced(
  { transaction, store }: ReturnType<typeof writing>,
  commit: SinkCommit,
  mark: string,
  entries: readonly StorageEntry[],
): Promise<void> {
  const { manifest, folder } = commit
  const end = transaction.done.catch((error: unknown) => error)
  const later = IDBKeyRange.bound(manifest[0], endOf(folder), false, true)
  try {
    const looked = [quiet(store.get(ownerKey(folder))), quiet(store.getKey(later))] as const
    const [saved, key] = await Promise.all(looked)
    if (saved !== undefined && isMarked(saved, mark)) return
    checkFence(commit, { owner: loadOwner(saved), passed: key !== undefined })
    const changed = entries.map(([key, value]) => quiet(store.put(value, key)))
    writeNow(commit.write, unwrap(transaction))
    transaction.commit()
    await Promise.all(changed)
  } catch (error) {
    abortIfOpen(transaction) // Or it would keep what was put before.
    throw error
  } finally {
    await end
  }
  await transaction.done
}

/** The same promise, whose rejection may go unseen: another one tells the same. */
function quiet<Result>(request: Promise<Result>): Promise<Result> {
  request.catch(() => undefined)
  return request
}

function abortIfOpen(transaction: { abort(): void }): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}

async function keysOf(
  connection: Connection,
  prefix: string,
  { after = "", limit = Infinity }: ListOptions,
): Promise<string[]> {
  const end = endOf(prefix)
  if (after >= end) return []
  const first = after > prefix ? after : prefix
  const range = IDBKeyRange.bound(first, end, after >= prefix, true)
  return reading(connection).getAllKeys(range, Math.min(limit, 0xffff_ffff))
}
