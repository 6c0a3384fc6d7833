/** The smallest driver, and the one to read first. */
import { checkListing, checkStorageKey } from "./storage.ts"
import type { StateStorage } from "./storage.ts"

/**
 * Keep state in this process. For tests and demos: nothing survives exit.
 *
 * @example
 * ```ts
 * const job = await run(stream, { storage: memoryStorage() })
 * ```
 */
export function memoryStorage(): StateStorage {
  const values = new Map<string, Uint8Array>()

  return {
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
  }
}
