/**
 * What lies in a folder of the file driver, for it and for who only looks: its mark, keys, values.
 *
 *     <dir>/millrace.json         marks the folder as ours: {"format":1}
 *     <dir>/<key>                 a value, its key being the path
 *     <dir>/<folder>/~owner       who committed a manifest in this folder last; fence.ts
 */
import type { Stats } from "node:fs"
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { MillraceError } from "../errors.ts"
import { filesBelow, isMissing, isTemporary } from "./disk.ts"
import { loadOwner } from "./fence.ts"
import { lockHolder, lockName } from "./lock.ts"
import type { LockHolder } from "./lock.ts"
import { isStorageKey } from "./storage.ts"

export const markerName = "millrace.json"
export const ownerName = "~owner"
export const folderFormat = 1

/** Whether the folder has our mark; a folder with other things and no mark is somebody else's. */
export async function refuseForeign(root: string): Promise<boolean> {
  const names = (await readdir(root)).filter((name) => name !== lockName && !isTemporary(name))
  if (names.length === 0) return false
  if (!names.includes(markerName)) {
    throw new MillraceError("FOREIGN", `${root} holds files that are not Millrace's`)
  }
  const found = formatOf(await readFile(join(root, markerName), "utf8"))
  if (found === undefined) {
    throw new MillraceError("FOREIGN", `${root} has a ${markerName} that is not Millrace's`)
  }
  if (found > folderFormat) {
    const versions = `has format ${found}, and this version of Millrace reads up to ${folderFormat}`
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

export async function readValue(path: string): Promise<Uint8Array | undefined> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path)
    return new Uint8Array(buffer, byteOffset, byteLength)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** What the system knows of a path; undefined if there is nothing. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export async function keysIn(root: string, prefix: string): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1)
  const keys = (await filesBelow(join(root, folder))).map((path) => folder + path)
  const reserved = [markerName, lockName]
  return keys
    .filter((key) => key.startsWith(prefix) && isStorageKey(key))
    .filter((key) => !reserved.includes(key.split("/")[0] ?? ""))
    .sort()
}

/** A folder of state that is only looked at: nothing is locked, made or changed. */
export interface StateFolder {
  readonly root: string
  /** Who uses it now. */
  readonly holder: LockHolder | undefined
  /** The bytes of every key. */
  readonly keys: ReadonlyMap<string, number>
  /** Files that others have left half-written. */
  readonly unfinished: number
  get(key: string): Promise<Uint8Array | undefined>
  /** Who has committed last in a folder of keys, which ends with a slash. Throws `CORRUPT`. */
  owner(folder: string): Promise<number | undefined>
}

/**
 * Look at a folder.
 *
 * @throws {MillraceError} `FOREIGN` when it is somebody else's, `UNSUPPORTED` when a newer version
 *   wrote it. What the system refuses is thrown as it is.
 */
export async function lookAtFolder(root: string): Promise<StateFolder> {
  await refuseForeign(root)
  const keys = new Map<string, number>()
  for (const key of await keysIn(root, "")) {
    const size = (await statOf(join(root, key)))?.size
    if (size !== undefined) keys.set(key, size)
  }
  const temporary = (await readdir(root)).filter(isTemporary)
  const left = await Promise.all(temporary.map((name) => filesBelow(join(root, name))))
  return {
    ...{ root, keys, unfinished: left.flat().length },
    holder: await lockHolder(root),
    get: (key) => readValue(join(root, key)),
    owner: async (folder) => loadOwner(await readValue(join(root, folder, ownerName))),
  }
}
