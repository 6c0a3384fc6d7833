/**
 * Who may still commit: the fence against a writer that woke up too late.
 *
 * The manifests of a job are in one folder of a storage, and so is their fence: the number of the
 * newest owner that has committed there. A commit passes if no newer owner has, and if its manifest
 * sorts after all that are there. A driver looks and writes in one step that nothing comes between.
 *
 *     reads manifest 7 of owner 3 -> commits its claim as owner 4 -> owner 4 goes on
 *                                                                    owner 3 is refused
 *
 * Of several that have read the same manifest the first to commit a claim gets through.
 */
import { MillraceError } from "../errors.ts"
import { checkStorageKey } from "./storage.ts"
import type { StorageEntry } from "./storage.ts"
import type { WriteIn } from "./transactional.ts"

/** A commit whose arguments make sense, with copies of the values. */
export interface Commit<in Transaction = never> {
  readonly segments: readonly StorageEntry[]
  readonly manifest: StorageEntry
  readonly owner: number
  /** Of the manifest: the part of its key up to the last slash. */
  readonly folder: string
  /** What else is to be written in its transaction. */
  readonly write: WriteIn<Transaction> | undefined
}

/** What a driver found in the folder of a manifest. */
export interface Found {
  /** The newest owner that has committed; undefined: none has. */
  readonly owner: number | undefined
  /** Is there a manifest with this key, or one that sorts after it? */
  readonly passed: boolean
}

/** Where drivers that have nothing but keys keep the owner of a folder. No key has a tilde. */
export const ownerKey = (folder: string) => `~owner/${folder}`

/** Sorts after all keys that begin with a prefix, and before all others that sort after it. */
export const endOf = (prefix: string) => `${prefix}~`

/**
 * Check what `commit` of a storage was given, and copy the values.
 *
 * @throws {MillraceError} `OPTION` when a key or the owner is none.
 */
export function checkCommit<Transaction = never>(
  segments: readonly StorageEntry[],
  manifest: StorageEntry,
  owner: number,
  write?: WriteIn<Transaction>,
): Commit<Transaction> {
  for (const [key] of [...segments, manifest]) checkStorageKey(key)
  if (!Number.isSafeInteger(owner) || owner < 0) {
    throw new MillraceError("OPTION", "expectedOwner must be a whole number of at least 0")
  }
  const copy = ([key, value]: StorageEntry): StorageEntry => [key, value.slice()]
  const folder = manifest[0].slice(0, manifest[0].lastIndexOf("/") + 1)
  return { segments: segments.map(copy), manifest: copy(manifest), owner, folder, write }
}

/** @throws {MillraceError} `LOCKED` when the commit comes from a stale owner. */
export function checkFence({ manifest, owner, folder }: Commit, found: Found): void {
  const newer = found.owner !== undefined && found.owner > owner
  if (!newer && !found.passed) return
  const why = newer ? "a newer owner has committed" : `there is ${manifest[0]}, or a later one`
  throw new MillraceError("LOCKED", `${folder || "the storage"} was taken over: ${why}`)
}

/**
 * An owner as drivers keep it: a decimal number, so that one can read it. A mark behind it tells a
 * driver that makes a commit again whether it went through the first time.
 */
export function saveOwner(owner: number, mark = ""): Uint8Array {
  return new TextEncoder().encode(mark === "" ? `${owner}` : `${owner} ${mark}`)
}

/** @throws {MillraceError} `CORRUPT` when the bytes are no owner. */
export function loadOwner(bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined) return undefined
  const [, owner] = /^(\d{1,16})( [0-9a-f]+)?$/.exec(new TextDecoder().decode(bytes)) ?? []
  if (owner !== undefined) return Number(owner)
  throw new MillraceError("CORRUPT", "the saved number of an owner is damaged")
}

/** A mark that never comes again. */
export function newMark(): string {
  const random = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

/** Was an owner saved with this mark? */
export function isMarked(bytes: Uint8Array, mark: string): boolean {
  return new TextDecoder().decode(bytes).endsWith(` ${mark}`)
}

/** The most bytes that drivers write in one transaction of a commit, unless one value has more. */
const partBytesMax = 8 << 20

/** Segments in parts, of which each is one transaction; at least one part, which may be empty. */
export function inParts(segments: readonly StorageEntry[]): StorageEntry[][] {
  const parts: StorageEntry[][] = [[]]
  let bytes = 0
  for (const entry of segments) {
    bytes += entry[1].length
    if (bytes > partBytesMax) {
      parts.push([])
      bytes = entry[1].length
    }
    parts.at(-1)?.push(entry)
  }
  return parts
}

/** Gives what runs one function after another, each when the one before has ended. */
export function oneByOne(): <Result>(run: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return (run) => {
    const mine = last.then(run, run)
    last = mine.catch(() => undefined)
    return mine
  }
}
