/** The smallest driver, and the one to read first. */
import { checkCommit, checkFence } from "./fence.ts"
import { checkListing, checkStorageKey } from "./storage.ts"
import { writeNow } from "./transactional.ts"
import type { TransactionalStorage } from "./transactional.ts"

/** The driver in memory. A sink that is to be kept with it keeps results in memory as well. */
export type MemoryStorage = TransactionalStorage<undefined>

/**
 * Keep state in this process. For tests and demos: nothing survives exit.
 *
 * @example
 * ```ts
 * const job = await run(stream, { storage: memoryStorage() })
 * ```
 * @throws {MillraceError} nothing; its methods `OPTION` for what is no key, `commit` `LOCKED`.
 */
export function memoryStorage(): MemoryStorage {
  const values = new Map<string, Uint8Array>()
  const owners = new Map<string, number>()

  return {
    transactional: true,
    async get(key) {
      checkStorageKey(key)
      return values.get(key)?.slice()
    },
    async set(key, value) {
      checkStorageKey(key)
      values.set(key, value.slice())
    },
    async delete(key) {
      checkStorageKey(key)
      values.delete(key)
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      const { after = "", limit = Infinity } = options
      const found = [...values.keys()].filter((key) => key.startsWith(prefix) && key > after)
      return found.sort().slice(0, limit)
    },
    async commit(...given) {
      const commit = checkCommit(...given)
      const { segments, manifest, owner, folder } = commit
      const passed = [...values.keys()].some((key) => key.startsWith(folder) && key >= manifest[0])
      checkFence(commit, { owner: owners.get(folder), passed })
      writeNow(commit.write, undefined)
      for (const [key, value] of [...segments, manifest]) values.set(key, value)
      owners.set(folder, owner)
    },
  }
}
