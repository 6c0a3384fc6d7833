/**
 * A job's calls of its storages: what they throw becomes `STORAGE`, what they give is looked at.
 */
import { MillraceError, typeName } from "./errors.ts"
import type { Owner } from "./storage/owner.ts"
import type { StateStorage, StorageEntry } from "./storage/storage.ts"
import type { TransactionalStorage, WriteIn } from "./storage/transactional.ts"
import { timerMsMax } from "./time/clock.ts"

export class StorageCalls {
  readonly #job: string
  readonly #owner: Owner
  /** Rejects when the checkpoint that is being written has taken too long. */
  #late: Promise<never> | undefined
  /** Bytes that were written for it. */
  written = 0

  constructor(job: string, owner: Owner) {
    this.#job = job
    this.#owner = owner
  }

  /** All calls of `work` must settle in time. Throws what it throws: `STORAGE` if they do not. */
  async within<Result>(timeoutMs: number, work: () => Promise<Result>): Promise<Result> {
    let timer: ReturnType<typeof setTimeout> | undefined
    this.#late = new Promise((_, reject) => {
      const error = new MillraceError("STORAGE", "the storage took longer than checkpoint.timeout")
      timer = setTimeout(() => reject(error), Math.min(timeoutMs, timerMsMax))
    })
    this.#late.catch(() => undefined) // It may come when nothing is called.
    this.written = 0
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      this.#late = undefined
    }
  }

  async set(storage: StateStorage, key: string, bytes: Uint8Array): Promise<void> {
    await this.#ask("write", () => storage.set(key, bytes))
    this.written += bytes.length
  }

  /** Keep a manifest, behind the fence of a storage that has one. Throws `LOCKED`, `SINK`, too. */
  async commit(
    storage: StateStorage,
    manifest: StorageEntry,
    owner: number,
    write?: WriteIn<unknown>,
  ): Promise<void> {
    const [key, bytes] = manifest
    if (storage.commit === undefined) return this.set(storage, key, bytes)
    const transactional = storage as TransactionalStorage<unknown> // Or it takes no notice.
    await this.#ask("commit", async () => transactional.commit([], manifest, owner, write))
    this.written += bytes.length
  }

  delete(storage: StateStorage, key: string): Promise<void> {
    return this.#ask("delete", () => storage.delete(key))
  }

  async list(storage: StateStorage, prefix: string): Promise<string[]> {
    const keys: unknown = await this.#ask("list", () => storage.list(prefix))
    const isKey = (key: unknown) => typeof key === "string" && key.startsWith(prefix)
    if (Array.isArray(keys) && keys.every(isKey)) return keys as string[]
    throw new MillraceError("STORAGE", `the storage did not list keys that begin with ${prefix}`)
  }

  /** Throws `CORRUPT` for what is missing or no bytes, too. */
  async read(storage: StateStorage, key: string): Promise<Uint8Array> {
    const bytes: unknown = await this.#ask("read", () => storage.get(key))
    if (bytes instanceof Uint8Array) return bytes
    const what = bytes === undefined ? "is missing" : `is not bytes but ${typeName(bytes)}`
    throw new MillraceError("CORRUPT", `${key} ${what}`)
  }

  /**
   * Read what `open` finds whole, or throws `CORRUPT` for. It is read once more before that counts:
   * it may have been read wrong, and what goes on from an older checkpoint does so for good.
   */
  async readWhole<Whole>(
    storage: StateStorage,
    key: string,
    open: (bytes: Uint8Array) => Whole,
  ): Promise<Whole> {
    try {
      return open(await this.read(storage, key))
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== "CORRUPT") throw error
      return open(await this.read(storage, key))
    }
  }

  release(owner: Owner): Promise<void> {
    return this.#ask("close", () => owner.release())
  }

  /** Call the storage; what it throws becomes `STORAGE`, unless it is ours already. */
  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (what !== "close" && !this.#owner.current) {
      const message = `another part of this process has taken over job ${this.#job}`
      throw new MillraceError("LOCKED", message)
    }
    try {
      return await (this.#late === undefined ? call() : Promise.race([call(), this.#late]))
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      throw new MillraceError("STORAGE", `the storage failed to ${what}; see cause`, { cause })
    }
  }
}
