/**
 * State in IndexedDB, for browsers and their workers.
 *
 *     database millrace/<name>, version 1
 *       values        storage key -> the bytes
 *     lock millrace/<name>, held from the first call to close()
 *
 * A write is one transaction with strict durability, whose requests are all made in one turn; it is
 * done when the transaction is complete, not when a request is. The browser may close a connection
 * at any time: then the next call opens another one.
 */
import { openDB } from "idb"
import type { DBSchema, IDBPDatabase } from "idb"
import { MillraceError, typeName } from "../errors.ts"
import { openedByUse } from "./opened.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import type { ListOptions, StateStorage } from "./storage.ts"

const version = 1

/** How long another tab may take to let go, ms: the old one of a reload may end late. */
const lockWaitMs = 2000

interface Values extends DBSchema {
  readonly values: { readonly key: string; readonly value: Uint8Array }
}

type Connection = IDBPDatabase<Values>

/** What is open between the first call and close(). */
interface Open {
  readonly connection: Connection
  readonly unlock: () => void
}

/** The IndexedDB driver: the methods of {@link StateStorage} that it has. */
export type IndexedDbStorage = StateStorage & Required<Pick<StateStorage, "close">>

/**
 * Keep state in the browser, in an IndexedDB database `millrace/<name>` of this origin.
 *
 * The first call takes a Web Lock until `close()`, so that of several tabs one works on the state;
 * it ends with its tab. Where a runtime has no Web Locks nothing keeps a second one out. A browser
 * short of space may remove whole databases, unless `navigator.storage.persist()` was granted.
 *
 * @example
 * ```ts
 * const job = await run(stream, { storage: indexedDbStorage("orders") })
 * ```
 * @throws {MillraceError} `OPTION` when `name` is not a text. Its methods: `LOCKED` when another
 *   tab or storage uses the database, `FOREIGN` when it holds something else, `UNSUPPORTED` when a
 *   newer version wrote it or there is no IndexedDB, `STORAGE` with the browser's error as `cause`.
 */
export function indexedDbStorage(name: string): IndexedDbStorage {
  if (typeof name !== "string" || name === "") {
    throw new MillraceError("OPTION", "indexedDbStorage takes the name of a database")
  }
  const { using, close } = database(`millrace/${name}`)

  return {
    async get(key) {
      checkStorageKey(key)
      return using("read", (connection) => connection.get("values", key))
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
    close,
  }
}

// --- Open and closed ---

/** A database that is opened by the first use and held until close(), or until it is taken away. */
function database(name: string) {
  const drop = () => void opened.close().catch(() => undefined)
  const opened = openedByUse(
    () => openDatabase(name, drop),
    async ({ connection, unlock }) => {
      connection.close()
      unlock()
    },
  )

  async function using<Result>(
    what: string,
    use: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await opened.using(({ connection }) => use(connection))
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      const reason = nameOf(cause)
      if (reason === "InvalidStateError" || reason === "UnknownError") drop()
      const message = `indexedDbStorage cannot ${what} in ${name}: ${reason}`
      throw new MillraceError("STORAGE", message, { cause })
    }
  }

  return { using, close: () => opened.close() }
}

/** `drop` is called when somebody removes the database, or the browser ends the connection. */
async function openDatabase(name: string, drop: () => void): Promise<Open> {
  if (typeof indexedDB === "undefined") {
    throw new MillraceError("UNSUPPORTED", "indexedDbStorage needs a runtime with IndexedDB")
  }
  const unlock = await takeLock(name)
  try {
    return { connection: await connect(name, drop), unlock }
  } catch (error) {
    unlock()
    throw error
  }
}

async function connect(name: string, drop: () => void): Promise<Connection> {
  const opening = openDB<Values>(name, version, {
    upgrade: (fresh) => void fresh.createObjectStore("values"),
    blocking: drop,
    terminated: drop,
  })
  const connection = await opening.catch((cause: unknown) => {
    if (nameOf(cause) !== "VersionError") throw cause
    const versions = `this version of Millrace reads up to format ${version}`
    throw new MillraceError("UNSUPPORTED", `${name} is newer: ${versions}`, { cause })
  })
  if (connection.objectStoreNames.contains("values")) return connection
  connection.close()
  throw new MillraceError("FOREIGN", `the database ${name} is not Millrace's`)
}

/** Gives what lets the lock go. */
function takeLock(name: string): Promise<() => void> {
  const { navigator } = globalThis as { readonly navigator?: { readonly locks?: LockManager } }
  const locks = navigator?.locks
  if (locks === undefined) return Promise.resolve(() => undefined)
  return new Promise((resolve, reject) => {
    const hold = () => new Promise<void>((release) => resolve(release))
    locks.request(name, { signal: AbortSignal.timeout(lockWaitMs) }, hold).catch((cause) => {
      const late = nameOf(cause) === "TimeoutError"
      const message = `${name} is in use by another tab or storage`
      reject(late ? new MillraceError("LOCKED", message, { cause }) : (cause as Error))
    })
  })
}

const nameOf = (cause: unknown) => (cause instanceof Error ? cause.name : typeName(cause))

// --- Values ---

type Writing = ReturnType<typeof writing>["store"]

const writing = (connection: Connection) =>
  connection.transaction("values", "readwrite", { durability: "strict" })

async function write(
  connection: Connection,
  change: (values: Writing) => Promise<unknown>,
): Promise<void> {
  const transaction = writing(connection)
  const changed = change(transaction.store)
  transaction.commit()
  await Promise.all([changed, transaction.done])
}

async function keysOf(
  connection: Connection,
  prefix: string,
  { after = "", limit = Infinity }: ListOptions,
): Promise<string[]> {
  const last = `${prefix}\uffff` // Keys are ASCII.
  if (after >= last) return []
  const first = after > prefix ? after : prefix
  const range = IDBKeyRange.bound(first, last, after >= prefix)
  return connection.getAllKeys("values", range, Math.min(limit, 0xffff_ffff))
}
