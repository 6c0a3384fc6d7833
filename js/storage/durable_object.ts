/**
 * State in the storage of a Durable Object, whether it keeps key-value pairs or SQLite.
 *
 *     millrace/key/<key>         how many bytes the value has
 *     millrace/chunk/<key>~<n>   the value, in chunks of 112 KiB: no object takes more
 *     millrace/owner/<folder>    who committed a manifest there last; fence.ts
 *
 * Calls take turns. A write is one `put` or `delete`, or a transaction where it takes more, as a
 * commit does. Nothing is written with `allowUnconfirmed`: writes get to the disk in order, and
 * what leaves the object waits for those before it. So only a commit is waited for (`sync`), and
 * with it all that came before. No call names more than 100 keys. Restore inside
 * `blockConcurrencyWhile`: while a job begins the object must not serve requests.
 */
import { MillraceError, typeName } from "../errors.ts"
import { checkCommit, checkFence, endOf, oneByOne } from "./fence.ts"
import type { Commit } from "./fence.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import type { StateStorage, StorageEntry } from "./storage.ts"
import type { TransactionalStorage } from "./transactional.ts"

const chunkBytes = 112 << 10
const keysMax = 100

const lengthKey = (key: string) => `millrace/key/${key}`
const chunkKey = (key: string, n: number) => `millrace/chunk/${key}~${n}`
const ownerKey = (folder: string) => `millrace/owner/${folder}`

/** What is used of `ctx.storage` inside a transaction. */
export interface DurableObjectValues {
  get(keys: string[]): Promise<Map<string, unknown>>
  put(entries: Record<string, unknown>): Promise<void>
  delete(keys: string[]): Promise<number>
  list(options: DurableObjectRange): Promise<Map<string, unknown>>
}

/** A range of keys. */
export interface DurableObjectRange {
  prefix?: string
  start?: string
  startAfter?: string
  end?: string
  limit?: number
}

/** What is used of `ctx.storage`. */
export interface DurableObjectState extends DurableObjectValues {
  transaction<Result>(run: (values: DurableObjectValues) => Promise<Result>): Promise<Result>
  sync(): Promise<void>
}

/** The driver for Durable Objects: the methods that it has. */
export type DurableObjectStorage = TransactionalStorage<DurableObjectValues> &
  Required<Pick<StateStorage, "setMany">>

/** The turns of calls, whichever driver of an object they come by. */
const turnsOf = new WeakMap<DurableObjectState, ReturnType<typeof oneByOne>>()

/**
 * Keep state in a Durable Object, under keys that begin with `millrace/`.
 *
 * A `transactionalSink` writes with the `get put delete list` that it is given, and may wait for
 * them, but for nothing else; in an object that keeps SQLite, `ctx.storage.sql.exec` writes in the
 * same transaction.
 *
 * @example
 * ```ts
 * class Orders {
 *   constructor(ctx) {
 *     const storage = durableObjectStorage(ctx.storage)
 *     ctx.blockConcurrencyWhile(async () => {
 *       this.job = await run(stream, { storage })
 *     })
 *   }
 * }
 * ```
 * @throws {MillraceError} `OPTION` when it is not given `ctx.storage`. Its methods: `STORAGE` with
 *   the platform's error as `cause`, `CORRUPT` when chunks are missing.
 */
export function durableObjectStorage(state: DurableObjectState): DurableObjectStorage {
  for (const name of ["get", "put", "delete", "list", "transaction", "sync"] as const) {
    if (typeof (state as Partial<DurableObjectState> | undefined)?.[name] === "function") continue
    throw new MillraceError("OPTION", `durableObjectStorage takes ctx.storage; no ${name}() there`)
  }

  const turns = turnsOf.get(state) ?? oneByOne()
  turnsOf.set(state, turns)
  const inTurn = <Result>(what: string, call: () => Promise<Result>) =>
    turns(() => failingAs(what, call))

  /** One call is whole or nothing, as a transaction is. */
  async function write(changes: Changes): Promise<void> {
    const calls = inGroups(changes.puts).length + inGroups(changes.gone).length
    if (calls > 1) await state.transaction((values) => change(values, changes))
    else await change(state, changes)
  }

  async function setAll(entries: readonly StorageEntry[]): Promise<void> {
    for (const [key] of entries) checkStorageKey(key)
    const copies = entries.map(([key, value]): StorageEntry => [key, value.slice()])
    await inTurn("write", async () => write(await changesOf(state, copies)))
  }

  return {
    transactional: true,
    async get(key) {
      checkStorageKey(key)
      return inTurn("read", () => getOne(state, key))
    },
    set: (key, value) => setAll([[key, value]]),
    async delete(key) {
      checkStorageKey(key)
      await inTurn("delete", async () => write({ gone: await namesOf(state, key), puts: [] }))
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      const { after = "", limit = Infinity } = options
      const range = {
        prefix: lengthKey(prefix),
        ...(after !== "" && { startAfter: lengthKey(after) }),
        ...(Number.isFinite(limit) && { limit }),
      }
      const found = await failingAs("list", () => state.list(range))
      return [...found.keys()].map((key) => key.slice(lengthKey("").length))
    },
    setMany: setAll,
    async commit(...given) {
      const commit = checkCommit(...given)
      await inTurn("commit", async () => {
        await state.transaction(async (values) => {
          await putCommit(values, commit)
          await commit.write?.(values)
        })
        await state.sync()
      })
    },
  }
}

async function getOne(values: DurableObjectValues, key: string): Promise<Uint8Array | undefined> {
  const length = await lengthOf(values, key)
  if (length === undefined) return undefined
  const value = new Uint8Array(length)
  const names = chunksOf(key, length)
  let at = 0
  for (const some of inGroups(names)) {
    const found = await values.get(some)
    for (const name of some) {
      const chunk = found.get(name)
      const bytes = Math.min(chunkBytes, length - at)
      if (!(chunk instanceof Uint8Array) || chunk.length !== bytes) {
        throw new MillraceError("CORRUPT", `${key}: a part of the value is missing`)
      }
      value.set(chunk, at)
      at += bytes
    }
  }
  return value
}

/** Names to be removed, and what to put under others. */
interface Changes {
  readonly gone: readonly string[]
  readonly puts: readonly (readonly [name: string, value: unknown])[]
}

/** What makes entries the values of their keys; of those with one key the last counts. */
async function changesOf(
  values: DurableObjectValues,
  entries: readonly StorageEntry[],
): Promise<Changes> {
  const latest = [...new Map(entries)]
  const puts = latest.flatMap(([key, value]) => [
    ...chunksOf(key, value.length).map((name, n) => {
      return [name, value.slice(n * chunkBytes, (n + 1) * chunkBytes)] as const
    }),
    [lengthKey(key), value.length] as const,
  ])
  const put = new Set(puts.map(([name]) => name))
  const before = await Promise.all(latest.map(([key]) => namesOf(values, key)))
  return { gone: before.flat().filter((name) => !put.has(name)), puts }
}

async function change(values: DurableObjectValues, { gone, puts }: Changes): Promise<void> {
  for (const some of inGroups(puts)) await values.put(Object.fromEntries(some))
  for (const some of inGroups(gone)) await values.delete(some)
}

async function putCommit(values: DurableObjectValues, commit: Commit): Promise<void> {
  const { segments, manifest, owner, folder } = commit
  const name = ownerKey(folder)
  const before = (await values.get([name])).get(name)
  const range = { start: lengthKey(manifest[0]), end: lengthKey(endOf(folder)), limit: 1 }
  const later = await values.list(range)
  checkFence(commit, { owner: before as number | undefined, passed: later.size > 0 })
  await change(values, await changesOf(values, [...segments, manifest]))
  await values.put({ [name]: owner })
}

/** Under which names a value is, if there is one. */
async function namesOf(values: DurableObjectValues, key: string): Promise<readonly string[]> {
  const length = await lengthOf(values, key)
  return length === undefined ? [] : [lengthKey(key), ...chunksOf(key, length)]
}

async function lengthOf(values: DurableObjectValues, key: string): Promise<number | undefined> {
  const name = lengthKey(key)
  const length = (await values.get([name])).get(name)
  if (length === undefined || Number.isSafeInteger(length)) return length as number | undefined
  throw new MillraceError("CORRUPT", `${key}: the length of the value is ${typeName(length)}`)
}

const chunksOf = (key: string, length: number) =>
  Array.from({ length: Math.ceil(length / chunkBytes) }, (_, n) => chunkKey(key, n))

/** As many at a time as one call may have. */
function inGroups<Item>(items: readonly Item[]): Item[][] {
  const groups = Array.from({ length: Math.ceil(items.length / keysMax) })
  return groups.map((_, n) => items.slice(n * keysMax, (n + 1) * keysMax))
}

async function failingAs<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const reason = cause instanceof Error ? cause.name : typeName(cause)
    throw new MillraceError("STORAGE", `durableObjectStorage cannot ${what}: ${reason}`, { cause })
  }
}
