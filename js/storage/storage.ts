/**
 * Where checkpoints live: a few async functions that a driver, or a user, gives.
 *
 * A storage is trusted for durability and for nothing else: whoever reads verifies length and
 * checksum. Values are copied on the way in and on the way out, so neither side ever sees the other
 * change one.
 */
import { MillraceError } from "../errors.ts"

/** A key and its value. */
export type StorageEntry = readonly [key: string, value: Uint8Array]

/** Options of {@link StateStorage.list}. */
export interface ListOptions {
  /** Only keys that sort after this one; it need not exist. Default: from the first. */
  readonly after?: string
  /** The most keys to give, at least 1. Default: all. */
  readonly limit?: number
}

/**
 * What a driver must do. A driver is a function that takes options and returns such an object.
 *
 * Every method rejects with a {@link MillraceError}: `STORAGE`, with the host's error as `cause`,
 * when the host fails, and `OPTION` for a key that {@link checkStorageKey} refuses. No key may be
 * another one and a `/` cut short: `a` and `a/b` cannot both be there.
 */
export interface StateStorage {
  /** The value of a key, or undefined if there is none. A failed read rejects. */
  get(key: string): Promise<Uint8Array | undefined>

  /** Keep a value: durable once resolved; a reader, or a crash, sees all of it or none. */
  set(key: string, value: Uint8Array): Promise<void>

  /** Remove a key; to remove a missing one is no error. */
  delete(key: string): Promise<void>

  /** The keys that begin with `prefix`, in the order of their characters. */
  list(prefix: string, options?: ListOptions): Promise<string[]>

  /** Whether a key has a value. Used, when there, instead of reading it. */
  exists?(key: string): Promise<boolean>

  /** Remove all keys that begin with `prefix`. */
  clear?(prefix: string): Promise<void>

  /**
   * Keep what `change` makes of the value of a key, and give it back; no other call to this key
   * comes in between.
   */
  update?(key: string, change: (current: Uint8Array | undefined) => Uint8Array): Promise<Uint8Array>

  /** As many {@link get}, in the order of `keys`. */
  getMany?(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>

  /** As many {@link set}; each is atomic, all are durable once resolved. Keys differ. */
  setMany?(entries: readonly StorageEntry[]): Promise<void>

  /** Give back locks and connections, after what is still going on. A later call opens again. */
  close?(): Promise<void>

  /**
   * Keep segments, then the manifest that names them, all durable once resolved.
   *
   * Refuses with `LOCKED`, and keeps nothing of the manifest, when an owner newer than
   * `expectedOwner` has committed in the manifest's folder, or when the folder has this manifest or
   * one that sorts after it: the fence against a writer that woke up too late.
   */
  commit?(
    segments: readonly StorageEntry[],
    manifest: StorageEntry,
    expectedOwner: number,
  ): Promise<void>
}

/** The most characters in a storage key. */
export const storageKeyLengthMax = 200

/**
 * Refuse a key that not every storage could hold: 1 to 200 of `a-z 0-9 . _ - /`, with no part
 * between slashes that is empty, `.` or `..`.
 *
 * @throws {MillraceError} `OPTION` naming the key.
 */
export function checkStorageKey(key: string): void {
  if (isStorageKey(key)) return
  const shown = JSON.stringify(String(key).slice(0, storageKeyLengthMax))
  const rule = `1 to ${storageKeyLengthMax} of a-z 0-9 . _ - and single slashes between names`
  throw new MillraceError("OPTION", `${shown} is not a storage key: ${rule}`)
}

/** Whether {@link checkStorageKey} accepts a key. */
export function isStorageKey(key: unknown): key is string {
  if (typeof key !== "string" || !/^[a-z0-9._/-]{1,200}$/.test(key)) return false
  return key.split("/").every((name) => name !== "" && name !== "." && name !== "..")
}

/**
 * Refuse a prefix that no key can have, and list options that make no sense.
 *
 * @throws {MillraceError} `OPTION`.
 */
export function checkListing(prefix: string, { limit = 1 }: ListOptions = {}): void {
  const folders = prefix.slice(0, prefix.lastIndexOf("/") + 1)
  const begins = /^[a-z0-9._/-]{0,200}$/.test(prefix)
  if (!begins || (folders !== "" && !isStorageKey(folders.slice(0, -1)))) {
    const shown = JSON.stringify(prefix.slice(0, storageKeyLengthMax))
    throw new MillraceError("OPTION", `no storage key begins with ${shown}`)
  }
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new MillraceError("OPTION", "list.limit must be a whole number of at least 1")
  }
}
