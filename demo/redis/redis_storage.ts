/**
 * A storage of one's own: state in Redis, or what speaks its language.
 *
 *     <name>          hash: storage key -> value
 *     <name>:owner    hash: folder of manifests -> who committed there last
 *
 * `send` sends one command and gives its answer, texts as bytes: `callBuffer` of ioredis, or
 * `sendCommand` of node-redis with its type mapping. Values are as durable as Redis makes them:
 * `appendonly yes` and `appendfsync always`. test/redis.test.ts runs the contract on it.
 */
import { checkCommit, checkListing, checkStorageKey, MillraceError } from "millrace"
import type { StateStorage } from "millrace"

export type Send = (...command: (string | Uint8Array)[]) => Promise<unknown>

/** Atomic, as all scripts of Redis: refused by a newer owner, and by a manifest that is as new. */
const commitScript = `
  local folder, owner, manifest = ARGV[1], ARGV[2], ARGV[3]
  if tonumber(redis.call('HGET', KEYS[2], folder) or 0) > tonumber(owner) then return 0 end
  for _, key in ipairs(redis.call('HKEYS', KEYS[1])) do
    if key:sub(1, #folder) == folder and key >= manifest then return 0 end
  end
  for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  redis.call('HSET', KEYS[2], folder, owner)
  return 1`

/** Keep state in a hash of Redis. */
export function redisStorage(send: Send, name = "{millrace}"): StateStorage {
  const ask: Send = (...command) =>
    send(...command).catch((cause: unknown) => {
      throw new MillraceError("STORAGE", `redisStorage: ${command[0] as string} failed`, { cause })
    })

  return {
    async get(key) {
      checkStorageKey(key)
      const value = (await ask("HGET", name, key)) as Uint8Array | null
      return value === null ? undefined : new Uint8Array(value) // No Buffer.
    },
    async set(key, value) {
      checkStorageKey(key)
      await ask("HSET", name, key, value.slice())
    },
    async delete(key) {
      checkStorageKey(key)
      await ask("HDEL", name, key)
    },
    async list(prefix, { after = "", limit } = {}) {
      checkListing(prefix, limit === undefined ? {} : { limit })
      const keys = ((await ask("HKEYS", name)) as Uint8Array[]).map(String)
      return keys
        .filter((key) => key.startsWith(prefix) && key > after)
        .sort()
        .slice(0, limit)
    },
    async commit(...given) {
      const { segments, manifest, owner, folder } = checkCommit(...given)
      const entries = [manifest, ...segments].flat()
      const keys = [name, `${name}:owner`]
      const done = await ask("EVAL", commitScript, "2", ...keys, folder, `${owner}`, ...entries)
      if (done !== 1) throw new MillraceError("LOCKED", `${folder} was taken over`)
    },
  }
}
