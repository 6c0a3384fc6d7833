/**
 * A storage of one's own with the methods that it leaves out, made of those it has.
 *
 * Calls that change the same key go one after another, so that `update` is atomic among the calls
 * that are made here; a storage that others write to as well has an `update` of its own.
 */
import { MillraceError } from "../errors.ts"
import type { StateStorage } from "../storage/storage.ts"
import type { CreatedStorage } from "./create_storage.ts"

export function customStorage(storage: StateStorage): CreatedStorage {
  const last = new Map<string, Promise<unknown>>()

  /** Do something with a key after all that was to be done with it before. */
  function inTurn<Result>(key: string, run: () => Promise<Result>): Promise<Result> {
    const before = last.get(key) ?? Promise.resolve()
    const mine = before.then(run, run)
    last.set(key, mine)
    const done = () => {
      if (last.get(key) === mine) last.delete(key)
    }
    mine.then(done, done)
    return mine
  }

  return {
    get: (key) => storage.get(key),
    set(key, value) {
      const copy = value.slice()
      return inTurn(key, () => storage.set(key, copy))
    },
    delete: (key) => inTurn(key, () => storage.delete(key)),
    list: (prefix, options) => storage.list(prefix, options),
    async exists(key) {
      if (storage.exists !== undefined) return storage.exists(key)
      return (await storage.get(key)) !== undefined
    },
    async clear(prefix = "") {
      await Promise.allSettled(last.values())
      if (storage.clear !== undefined) return storage.clear(prefix)
      for (const key of await storage.list(prefix)) await inTurn(key, () => storage.delete(key))
    },
    update(key, change) {
      return inTurn(key, async () => {
        if (storage.update !== undefined) return storage.update(key, change)
        const next = change(await storage.get(key))
        await storage.set(key, next)
        return next
      })
    },
    async close() {
      await Promise.allSettled(last.values())
      await storage.close?.()
    },
    stats() {
      throw new MillraceError("UNSUPPORTED", "a storage of one's own has no figures")
    },
    ...(storage.commit === undefined ? {} : { commit: storage.commit.bind(storage) }),
  }
}
