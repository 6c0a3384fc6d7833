/**
 * State in a folder, for Node.
 *
 *     <dir>/millrace.json         marks the folder as ours: {"format":1}
 *     <dir>/millrace.lock/        who uses it now; lock.ts
 *     <dir>/<key>                 a value, its key being the path
 *
 * The folder is opened at the first call: looked at, locked, swept of what a crash left, marked.
 * What is not ours is not touched, not even by the lock.
 */
import { readdir, readFile, rm, stat, unlink } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { MillraceError, typeName } from "../errors.ts"
import { errorCode, filesBelow, isMissing, isTemporary } from "./disk.ts"
import { makeFolder, syncFolder, writeWhole } from "./disk.ts"
import { lockName, takeLock } from "./lock.ts"
import type { Lock } from "./lock.ts"
import { openedByUse } from "./opened.ts"
import { checkListing, checkStorageKey, isStorageKey } from "./storage.ts"
import type { StateStorage, StorageEntry } from "./storage.ts"

const markerName = "millrace.json"
const format = 1

/** What is open between the first call and close(). */
interface Open {
  readonly lock: Lock
  readonly folders: Set<string>
  writes: number
}

/** The file driver: the methods of {@link StateStorage} that it has. */
export type FileStorage = StateStorage &
  Required<Pick<StateStorage, "exists" | "setMany" | "close">>

/**
 * Keep state in files under `dir`, which is made when it is not there.
 *
 * The first call locks the folder for this process until `close()`; a lock whose process is gone is
 * taken over. Two names at the top are not free for keys: `millrace.json` and `millrace.lock`.
 *
 * @example
 * ```ts
 * const job = await run(stream, { storage: fileStorage("./state") })
 * ```
 * @throws {MillraceError} `OPTION` when `dir` is not a path. Its methods: `LOCKED` when another
 *   process or storage uses the folder, `FOREIGN` when it holds something else, `UNSUPPORTED` when
 *   a newer version wrote it, `STORAGE` with the system's error as `cause`.
 */
export function fileStorage(dir: string): FileStorage {
  if (typeof dir !== "string" || dir === "") {
    throw new MillraceError("OPTION", "fileStorage takes the path of a folder")
  }
  const folder = lockedFolder(resolve(dir))

  return {
    async get(key) {
      const path = folder.pathOf(key)
      return folder.using("read", () => readValue(path))
    },
    async set(key, value) {
      const entry = [folder.pathOf(key), value.slice()] as const
      await folder.using("write", (open) => writeValues(open, [entry]))
    },
    async delete(key) {
      const path = folder.pathOf(key)
      await folder.using("delete", () => removeValue(path))
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      const { after = "", limit = Infinity } = options
      const keys = await folder.using("list", () => keysIn(folder.root, prefix))
      return keys.filter((key) => key > after).slice(0, limit)
    },
    async exists(key) {
      const path = folder.pathOf(key)
      return folder.using("look up", () => isFile(path))
    },
    async setMany(entries) {
      const copies = entries.map(([key, value]) => [folder.pathOf(key), value.slice()] as const)
      await folder.using("write", (open) => writeValues(open, copies))
    },
    close: () => folder.close(),
  }
}

// --- Open and closed ---

/** A folder that is opened by the first use and held until close(). */
function lockedFolder(root: string) {
  const opened = openedByUse(
    () => openFolder(root),
    ({ lock }) => failingAs(`unlock ${root}`, lock.release()),
  )

  function using<Result>(what: string, use: (open: Open) => Promise<Result>): Promise<Result> {
    return failingAs(`${what} in ${root}`, opened.using(use))
  }

  function pathOf(key: string): string {
    checkStorageKey(key)
    const [first = ""] = key.split("/")
    if (first !== markerName && first !== lockName) return join(root, key)
    throw new MillraceError("OPTION", `"${first}" is a name that fileStorage keeps for itself`)
  }

  return { root, using, close: () => opened.close(), pathOf }
}

async function openFolder(root: string): Promise<Open> {
  const folders = new Set<string>()
  await makeFolder(root, folders)
  await refuseForeign(root)
  const lock = await takeLock(root)
  try {
    await sweep(root)
    const marked = await refuseForeign(root) // Again: it may have changed before we had the lock.
    const open: Open = { lock, folders, writes: 0 }
    const marker = new TextEncoder().encode(`${JSON.stringify({ format })}\n`)
    if (!marked) await writeValues(open, [[join(root, markerName), marker]])
    return open
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** Whether the folder has our mark; a folder with other things and no mark is somebody else's. */
async function refuseForeign(root: string): Promise<boolean> {
  const names = (await readdir(root)).filter((name) => name !== lockName && !isTemporary(name))
  if (names.length === 0) return false
  if (!names.includes(markerName)) {
    throw new MillraceError("FOREIGN", `${root} holds files that are not Millrace's`)
  }
  const found = formatOf(await readFile(join(root, markerName), "utf8"))
  if (found === undefined) {
    throw new MillraceError("FOREIGN", `${root} has a ${markerName} that is not Millrace's`)
  }
  if (found > format) {
    const versions = `has format ${found}, and this version of Millrace reads up to ${format}`
    throw new MillraceError("UNSUPPORTED", `${root} ${versions}`)
  }
  return true
}

function formatOf(text: string): number | undefined {
  try {
    const marker = JSON.parse(text) as { readonly format?: unknown } | null
    const found = marker?.format
    return Number.isSafeInteger(found) && (found as number) > 0 ? (found as number) : undefined
  } catch {
    return undefined
  }
}

/** Remove what interrupted writes left. Only the holder of the lock does, so none is going on. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (isTemporary(name)) await rm(join(root, name), { recursive: true, force: true })
  }
  for (const path of await filesBelow(root)) {
    if (isTemporary(basename(path))) await rm(join(root, path), { force: true })
  }
}

// --- Values ---

async function readValue(path: string): Promise<Uint8Array | undefined> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path)
    return new Uint8Array(buffer, byteOffset, byteLength)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Every file first, then each folder once: a sync costs as much as a whole block. */
async function writeValues(open: Open, entries: readonly StorageEntry[]): Promise<void> {
  for (const [path, value] of entries) {
    const folder = dirname(path)
    await makeFolder(folder, open.folders)
    await writeWhole(path, join(folder, `~${open.lock.token}-${open.writes++}`), value)
  }
  for (const folder of new Set(entries.map(([path]) => dirname(path)))) await syncFolder(folder)
}

async function removeValue(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (isMissing(error) || !(await isFile(path))) return
    throw error
  }
  await syncFolder(dirname(path))
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

async function keysIn(root: string, prefix: string): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1)
  const keys = (await filesBelow(join(root, folder))).map((path) => folder + path)
  const reserved = [markerName, lockName]
  return keys
    .filter((key) => key.startsWith(prefix) && isStorageKey(key))
    .filter((key) => !reserved.includes(key.split("/")[0] ?? ""))
    .sort()
}

async function failingAs<Result>(what: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const code = errorCode(cause) ?? typeName(cause)
    throw new MillraceError("STORAGE", `fileStorage cannot ${what}: ${code}`, { cause })
  }
}
