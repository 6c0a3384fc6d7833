/**
 * Files that survive a crash whole or not at all.
 *
 *     new file ~<owner>/<n> -> write all -> sync -> close -> rename -> sync folder
 *
 * A crash before the rename leaves a folder with a tilde, which is swept when the lock is next
 * taken; no storage key has a tilde. An owner whose folder was swept can rename nothing any more.
 * After a failed sync nothing is tried again on that file: what the disk holds is unknown from then
 * on, so it is abandoned.
 */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"

const temporary = /^~(lock-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-\d+)?$/

/** Whether a name is one that an interrupted owner of ours may have left behind. */
export function isTemporary(name: string): boolean {
  return temporary.test(name)
}

/** Whether an error says that a file, or a folder on the way to it, is not there. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EISDIR"].includes(errorCode(error) ?? "")
}

/** The code of a system error, such as `ENOSPC`. */
export function errorCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" ? code : undefined
}

/** Write a file under its final name; the folder still has to be synced. */
export async function writeWhole(path: string, temp: string, value: Uint8Array): Promise<void> {
  try {
    const file = await open(temp, "wx")
    try {
      await file.writeFile(value)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temp, path)
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined) // The first error is the one to tell.
    throw error
  }
}

/** Make the names in a folder durable. Windows cannot, and does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return
  const folder = await open(path, "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Make a folder and those above it, durably; `known` are those that are sure to be there. */
export async function makeFolder(path: string, known: Set<string>): Promise<void> {
  if (known.has(path)) return
  const above = dirname(path)
  try {
    await makeOne(path)
  } catch (error) {
    if (errorCode(error) !== "ENOENT" || above === path) throw error
    await makeFolder(above, known)
    await makeOne(path) // Once: below /proc a folder is missing for ever.
  }
  known.add(path)
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path)
    await syncFolder(dirname(path))
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error
  }
}

/** Every file below a folder, as its path from there with slashes; a missing folder has none. */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = []
  const left = [""]
  for (let below = left.pop(); below !== undefined; below = left.pop()) {
    for (const entry of await entriesOf(join(folder, below))) {
      if (entry.isDirectory()) left.push(`${below}${entry.name}/`)
      else found.push(`${below}${entry.name}`)
    }
  }
  return found
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
