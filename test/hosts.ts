/**
 * What drivers stand on, as something whose every call can be made to fail: a disk, IndexedDB,
 * LevelDB, the storage of a Durable Object, SQLite.
 */
import { ClassicLevel } from "classic-level"
import { IDBFactory } from "fake-indexeddb"
import Database from "libsql"
import { vi } from "vitest"
import { memoryStorage } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"
import { durableObjectStorage } from "../js/storage/durable_object.ts"
import type { DurableObjectState, DurableObjectValues } from "../js/storage/durable_object.ts"
import { encrypted } from "../js/storage/encrypted.ts"
import { fileStorage } from "../js/storage/file.ts"
import { indexedDbStorage } from "../js/storage/indexeddb.ts"
import { levelStorage } from "../js/storage/level.ts"
import { sqliteStorage } from "../js/storage/sqlite.ts"
import type { SimDisk } from "./sim_disk.ts"

/** Asked before each call of a host: it may throw, or give a promise to wait for. */
export type Fault = (call: string) => unknown

/** One place where state is, and the way to it. */
export interface Host {
  /** What each call of the host is asked by from now on. */
  fault: Fault
  /** Does the driver wait before it makes a call again? */
  readonly patient?: boolean
  /** Open the place; again after the one before was closed, or after `die`. */
  open(): StateStorage
  /** End the process that had it open, which may still wait for an answer. */
  die(): void
  /** Free what the host took. */
  end(): Promise<void>
}

const asyncNames = (fault: () => Fault, object: object, names: readonly string[]) => {
  const methods = object as Record<string, (...args: unknown[]) => unknown>
  const guarded = names.map((name) => {
    const call = async (...args: unknown[]) => {
      await fault()(name)
      return methods[name]?.(...args)
    }
    return [name, call] as const
  })
  return Object.fromEntries(guarded)
}

const noFault: Fault = () => undefined
const noEnd = async () => undefined
const noDeath = () => undefined

/** The four methods themselves: what a driver of a user's may do. */
function methodsHost(): Host {
  const inner = memoryStorage()
  const host: Host = { fault: noFault, open, die: noDeath, end: noEnd }
  function open(): StateStorage {
    const names = ["get", "set", "delete", "list"]
    return asyncNames(() => host.fault, inner, names) as unknown as StateStorage
  }
  return host
}

function encryptedHost(): Host {
  const inner = methodsHost()
  const open = inner.open.bind(inner)
  return Object.assign(inner, { open: () => encrypted(open(), new Uint8Array(32)) })
}

let folders = 0

/** Files on a disk that stands in for the system's. */
function fileHost(disk: SimDisk): Host {
  const path = `/sim/state-${++folders}`
  return {
    set fault(fault: Fault) {
      disk.fault = fault
    },
    open: () => fileStorage(path),
    die: () => disk.restart(),
    end: noEnd,
  }
}

let databases = 0

/** IndexedDB calls throw, and what never settles is a request without an event. */
function indexedDbHost(): Host {
  const name = `host ${++databases}`
  const open = () => indexedDbStorage(name)
  const host: Host = { fault: noFault, patient: true, open, die: noDeath, end }
  const faulty = (call: string, prototype: object, method: string) => {
    const methods = prototype as Record<string, (...args: unknown[]) => unknown>
    const original = methods[method] as (...args: unknown[]) => unknown
    const spy = vi.spyOn(methods, method)
    spy.mockImplementation(function (this: unknown, ...args: unknown[]) {
      const answer = host.fault(call)
      if (!(answer instanceof Promise)) return Reflect.apply(original, this, args)
      // As in a browser, a transaction is not done while a request is open.
      if (this instanceof IDBObjectStore) this.transaction.abort()
      return Object.create(IDBRequest.prototype, {
        addEventListener: { value: () => undefined },
        removeEventListener: { value: () => undefined },
      }) as unknown
    })
    return spy
  }
  const spies = [
    faulty("open", IDBFactory.prototype, "open"),
    faulty("get", IDBObjectStore.prototype, "get"),
    faulty("put", IDBObjectStore.prototype, "put"),
    faulty("delete", IDBObjectStore.prototype, "delete"),
    faulty("getAllKeys", IDBObjectStore.prototype, "getAllKeys"),
  ]
  async function end(): Promise<void> {
    for (const spy of spies) spy.mockRestore()
  }
  return host
}

/** LevelDB in a folder of its own. */
function levelHost(folder: string): Host {
  const db = new ClassicLevel(`${folder}/${++databases}`)
  const host: Host = { fault: noFault, open, die: noDeath, end: () => db.close() }
  function open(): StateStorage {
    const names = ["get", "put", "del", "batch"]
    const guarded = asyncNames(() => host.fault, db, names)
    const keys = (options: never) => ({
      all: async () => {
        await host.fault("keys")
        return db.keys(options).all()
      },
    })
    return levelStorage({ ...guarded, keys } as unknown as Parameters<typeof levelStorage>[0])
  }
  return host
}

/** A Durable Object's storage, as far as it is documented: a transaction is done or not. */
function durableObjectHost(): Host {
  let kept = new Map<string, unknown>()
  const open = () => durableObjectStorage(state())
  const host: Host = { fault: noFault, open, die: noDeath, end: noEnd }
  const valuesOf = (map: Map<string, unknown>): DurableObjectValues => ({
    get: async (keys) =>
      new Map(keys.flatMap((key) => (map.has(key) ? [[key, map.get(key)]] : []))),
    async put(entries) {
      for (const [key, value] of Object.entries(entries)) map.set(key, structuredClone(value))
    },
    delete: async (keys) => keys.filter((key) => map.delete(key)).length,
    async list({ prefix = "", start = "", startAfter = "", end = "\uffff", limit = Infinity }) {
      const found = [...map].filter(
        ([key]) => key.startsWith(prefix) && key >= start && key > startAfter && key < end,
      )
      return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit))
    },
  })
  const faulty = <Values extends object>(values: Values): Values => {
    return asyncNames(() => host.fault, values, Object.keys(values)) as unknown as Values
  }
  const state = (): DurableObjectState =>
    faulty<DurableObjectState>({
      get: (keys) => valuesOf(kept).get(keys),
      put: (entries) => valuesOf(kept).put(entries),
      delete: (keys) => valuesOf(kept).delete(keys),
      list: (range) => valuesOf(kept).list(range),
      async transaction(run) {
        const changed = new Map(kept)
        const result = await run(faulty(valuesOf(changed)))
        kept = changed
        return result
      },
      sync: async () => undefined,
    })
  return host
}

/** SQLite in memory: its calls never wait, and what it began it can always undo. */
function sqliteHost(): Host {
  const db = new Database(":memory:")
  const host: Host = { fault: noFault, open, die: noDeath, end: async () => void db.close() }
  const faulty =
    <Given extends unknown[], Result>(name: string, call: (...given: Given) => Result) =>
    (...given: Given): Result => {
      void host.fault(name)
      return call(...given)
    }
  const exec = (sql: string) => db.exec(sql)
  const faultyExec = faulty("exec", exec)
  function open(): StateStorage {
    return sqliteStorage({
      exec: (sql) => (sql === "ROLLBACK" ? exec(sql) : faultyExec(sql)),
      prepare: faulty("prepare", (sql: string) => {
        const statement = db.prepare(sql)
        return {
          get: faulty("get", (...given: unknown[]) => statement.get(...given)),
          all: faulty("all", (...given: unknown[]) => statement.all(...given)),
          run: faulty("run", (...given: unknown[]) => statement.run(...given)),
        }
      }),
    })
  }
  return host
}

/** What hosts need of a test. */
export interface Needs {
  readonly disk: SimDisk
  /** A folder that is removed after the test. */
  readonly folder: string
}

export const hosts: Readonly<Record<string, (needs: Needs) => Host>> = {
  "four methods": methodsHost,
  encrypted: encryptedHost,
  file: ({ disk }) => fileHost(disk),
  indexeddb: indexedDbHost,
  level: ({ folder }) => levelHost(folder),
  "durable object": durableObjectHost,
  sqlite: sqliteHost,
}
