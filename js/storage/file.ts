/**
 * State in a folder, for Node.
 *
 *     <dir>/millrace.json, <dir>/<key>, <dir>/<folder>/~owner     what it holds; folder.ts
 *     <dir>/millrace.lock/        who uses it now; lock.ts
 *     <dir>/~<token>/             files that are being written, of who has the lock
 *
 * The folder is opened at the first call: looked at, locked, swept of what a crash left, marked.
 * What is not ours is not touched, not even by the lock. Who takes over a lock sweeps the folder of
 * files being written away first: should the one before still live, it cannot write any more.
 */
import { mkdir, readdir, rename, rm, stat, unlink } from "node:fs/promises"
import { randomUUID } from "node:crypto"
import { dirname, join, resolve } from "node:path"
import { MillraceError, typeName } from "../errors.ts"
import { errorCode, isMissing, isTemporary } from "./disk.ts"
import { makeFolder, syncFolder, writeWhole } from "./disk.ts"
import { checkCommit, checkFence, loadOwner, oneByOne, saveOwner } from "./fence.ts"
import type { Commit } from "./fence.ts"
import { folderFormat, keysIn, markerName, ownerName } from "./folder.ts"
import { readValue, refuseForeign, statOf } from "./folder.ts"
import { lockName, takeLock } from "./lock.ts"
import type { Lock } from "./lock.ts"
import { openedByUse } from "./opened.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import type { StateStorage, StorageEntry } from "./storage.ts"

/** What is open between the first call and close(). */
interface Open {
  readonly lock: Lock
  readonly folders: Set<string>
  /** Where files are written before they get their names. */
  readonly scratch: string
  writes: number
}

/** The file driver: the methods of {@link StateStorage} that it has. */
export type FileStorage = StateStorage &
  Required<Pick<StateStorage, "exists" | "setMany" | "commit" | "close">>

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
  const inTurn = oneByOne()

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
      await folder.using("delete", (open) => removeValue(open, path))
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
    async commit(...given) {
      const commit = checkCommit(...given)
      for (const [key] of [...commit.segments, commit.manifest]) folder.pathOf(key)
      const write = (open: Open) => inTurn(() => commitValues(open, folder.root, commit))
      await folder.using("commit", write)
    },
    close: () => folder.close(),
  }
}

// --- Open and closed ---

/** A folder that is opened by the first use and held until close(). */
function lockedFolder(root: string) {
  const opened = openedByUse(
    () => openFolder(root),
    ({ lock, scratch }) => failingAs(`unlock ${root}`, letGo(scratch, lock)),
  )

  function using<Result>(what: string, use: (open: Open) => Promise<Result>): Promise<Result> {
    const result = opened.using((open) => use(open).catch((cause) => unlessLost(open, root, cause)))
    return failingAs(`${what} in ${root}`, result)
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
  const scratch = join(root, `~${lock.token}`)
  try {
    await sweep(root)
    const marked = await refuseForeign(root) // Again: it may have changed before we had the lock.
    await mkdir(scratch)
    const open: Open = { lock, folders, scratch, writes: 0 }
    const marker = new TextEncoder().encode(`${JSON.stringify({ format: folderFormat })}\n`)
    if (!marked) await writeValues(open, [[join(root, markerName), marker]])
    return open
  } catch (error) {
    await letGo(scratch, lock).catch(() => undefined) // The first error is the one to tell.
    throw error
  }
}

async function letGo(scratch: string, lock: Lock): Promise<void> {
  await rm(scratch, { recursive: true, force: true }).catch(() => undefined) // Swept later.
  await lock.release()
}

/** Throw an error as it is, unless it came of another process that took the lock from us. */
async function unlessLost({ scratch }: Open, root: string, cause: unknown): Promise<never> {
  if (!isMissing(cause) || (await statOf(scratch)) !== undefined) throw cause
  const message = `${root} was taken over by another process, or removed`
  throw new MillraceError("LOCKED", message, { cause })
}

/** Remove what owners before us left; none can write there from the rename on. */
async function sweep(root: string): Promise<void> {
  for (const name of (await readdir(root)).filter(isTemporary)) {
    const swept = join(root, `~${randomUUID()}`)
    const moved = rename(join(root, name), swept)
    await moved.catch((error: unknown) => {
      if (!isMissing(error)) throw error // Others remove what is theirs.
    })
    await rm(swept, { recursive: true, force: true })
  }
}

// --- Values ---

/** Every file first, then each folder once: a sync costs as much as a whole block. */
async function writeValues(open: Open, entries: readonly StorageEntry[]): Promise<void> {
  for (const [path, value] of entries) {
    const folder = dirname(path)
    await makeFolder(folder, open.folders)
    await writeWhole(path, join(open.scratch, String(open.writes++)), value)
  }
  for (const folder of new Set(entries.map(([path]) => dirname(path)))) await syncFolder(folder)
}

/** Keep segments, then the manifest; the owner first, so that no older one can come after us. */
async function commitValues(open: Open, root: string, commit: Commit): Promise<void> {
  const { segments, manifest, owner, folder } = commit
  const at = ([key, value]: StorageEntry): StorageEntry => [join(root, key), value]
  const ownerPath = join(root, folder, ownerName)
  const before = loadOwner(await readValue(ownerPath))
  const passed = (await keysIn(root, folder)).some((key) => key >= manifest[0])
  checkFence(commit, { owner: before, passed })
  if (before !== owner) await writeValues(open, [[ownerPath, saveOwner(owner)]])
  await writeValues(open, segments.map(at))
  await writeValues(open, [at(manifest)])
}

async function removeValue({ scratch }: Open, path: string): Promise<void> {
  await stat(scratch) // Or we were taken over.
  try {
    await unlink(path)
  } catch (error) {
    if (isMissing(error) || !(await isFile(path))) return
    throw error
  }
  await syncFolder(dirname(path))
}

const isFile = async (path: string) => (await statOf(path))?.isFile() ?? false

async function failingAs<Result>(what: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const code = errorCode(cause) ?? typeName(cause)
    throw new MillraceError("STORAGE", `fileStorage cannot ${what}: ${code}`, { cause })
  }
}
