/**
 * The lock of an IndexedDB database, and its connection, which may be lost and made again.
 *
 * The lock is held until close(), whatever becomes of the connection: another tab that waits for
 * the lock must not get it because the browser took a connection away.
 */
import { openDB, wrap } from "idb"
import type { DBSchema, IDBPDatabase } from "idb"
import { MillraceError, typeName } from "../errors.ts"
import type { IndexedDbOptions } from "./indexeddb.ts"

const version = 1

/** How long another tab may take to let go, ms: the old one of a reload may end late. */
const lockWaitMs = 2000

/** How long a database may take to open, ms: others may be about to remove it. */
const openWaitMs = 10_000

interface Value {
  readonly key: string
  readonly value: Uint8Array
}

/** The object store that has the state: of a database of ours, and of one of the user's. */
interface Stores extends DBSchema {
  readonly values: Value
  readonly millrace: Value
}

/** An open database. */
export type Connection = IDBPDatabase<Stores>

/** Where the state is in a database. */
export const storeOf = ({ objectStoreNames }: Connection) =>
  objectStoreNames.contains("millrace") ? "millrace" : "values"

/** A lock that is held, and a connection. */
export interface Connector {
  /** Did the browser promise to keep the data? It may ask its user, and takes its time. */
  readonly persisted: Promise<boolean | undefined>
  /** The connection, or another one if it was lost. */
  connection(): Promise<Connection>
  /** Let the connection go, which is of no more use. */
  drop(): void
  /** Let go of the connection and of the lock. */
  close(): Promise<void>
}

/** Take the lock of a database and open it. */
export async function connector(name: string, options: IndexedDbOptions): Promise<Connector> {
  if (typeof indexedDB === "undefined") {
    throw new MillraceError("UNSUPPORTED", "indexedDbStorage needs a runtime with IndexedDB")
  }
  const unlock = await takeLock(name)
  let current: Promise<Connection> | undefined

  /** Also called when somebody removes the database, or the browser ends the connection. */
  function drop(): void {
    const dropped = current
    current = undefined
    dropped?.then((connection) => connection.close()).catch(() => undefined)
  }

  function connection(): Promise<Connection> {
    if (current !== undefined) return current
    const mine = connect(name, options, drop)
    mine.catch(() => {
      if (current === mine) current = undefined
    })
    return (current = mine)
  }

  async function close(): Promise<void> {
    const closing = current
    drop()
    await closing?.catch(() => undefined)
    unlock()
  }

  return { persisted: askToPersist(), connection, drop, close }
}

function connect(name: string, options: IndexedDbOptions, drop: () => void): Promise<Connection> {
  const { open } = options
  return open === undefined ? connectOurs(name, options, drop) : connectTheirs(name, options, drop)
}

/** A connection that the user's function makes, to a database with stores of the user's. */
async function connectTheirs(
  name: string,
  { open, stores = [] }: IndexedDbOptions,
  drop: () => void,
): Promise<Connection> {
  const opening = Promise.resolve(open?.()).then(
    (given) => wrap(given as IDBDatabase) as Connection,
  )
  const connection = await inTime(opening, name)
  const names = connection.objectStoreNames
  const missing = ["millrace", ...stores].find((store) => !names.contains(store as "millrace"))
  if (missing !== undefined) {
    connection.close()
    throw new MillraceError("MISSING", `the database of ${name} has no object store ${missing}`)
  }
  connection.addEventListener("versionchange", drop)
  connection.addEventListener("close", drop)
  return connection
}

async function connectOurs(
  name: string,
  { requireExisting = false }: IndexedDbOptions,
  drop: () => void,
): Promise<Connection> {
  let missing = false
  const opening = openDB<Stores>(name, version, {
    upgrade(fresh, _before, _now, transaction) {
      missing = requireExisting
      if (!missing) return void fresh.createObjectStore("values")
      transaction.done.catch(() => undefined) // Told by the promise of the opening.
      transaction.abort()
    },
    blocking: drop,
    terminated: drop,
  })
  const connection = await inTime(opening, name).catch((cause: unknown) => {
    if (missing) throw new MillraceError("MISSING", `there is no database ${name}`, { cause })
    if (nameOf(cause) !== "VersionError") throw cause
    const versions = `this version of Millrace reads up to format ${version}`
    throw new MillraceError("UNSUPPORTED", `${name} is newer: ${versions}`, { cause })
  })
  if (connection.objectStoreNames.contains("values")) return connection
  connection.close()
  throw new MillraceError("FOREIGN", `the database ${name} is not Millrace's`)
}

/** What opens too late is closed again. */
async function inTime(opening: Promise<Connection>, name: string): Promise<Connection> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let late = false
  const waiting = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true
      const message = `${name} did not open in ${openWaitMs} ms: something else keeps it`
      reject(new MillraceError("TIMEOUT", message))
    }, openWaitMs)
  })
  opening.then((connection) => late && connection.close()).catch(() => undefined)
  try {
    return await Promise.race([opening, waiting])
  } finally {
    clearTimeout(timer)
  }
}

/** What of `navigator` is used; none of it is sure to be there. */
interface Browser {
  readonly locks?: LockManager
  readonly storage?: Partial<StorageManager>
}

const browser = () => (globalThis as { readonly navigator?: Browser }).navigator

/** Gives what lets the lock go. */
function takeLock(name: string): Promise<() => void> {
  const locks = browser()?.locks
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

/** In a worker it cannot be asked for, only whether it was. A refusal is no error. */
async function askToPersist(): Promise<boolean | undefined> {
  const storage = browser()?.storage
  try {
    return (await storage?.persisted?.()) === true || (await storage?.persist?.())
  } catch {
    return undefined
  }
}

const nameOf = (cause: unknown) => (cause instanceof Error ? cause.name : typeName(cause))
