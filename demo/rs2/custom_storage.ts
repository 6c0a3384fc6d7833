/**
 * Custom storage: a backend of one's own with an atomic update, and one over a simulated Redis.
 *
 * A job keeps its checkpoints in whatever has four asynchronous methods. Here two runs of one job
 * use the same backend: the second goes on where the first one ended.
 */
import { count, from, run, sum } from "millrace"
import type { ListOptions, StateStorage } from "millrace"

type Change = (current: Uint8Array | undefined) => Uint8Array
type Backend = StateStorage & Required<Pick<StateStorage, "update">>

/** The smallest backend: values are copied on the way in and on the way out. */
class MapStorage implements Backend {
  readonly #values = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#values.get(key)?.slice()
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    this.#values.set(key, value.slice())
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key)
  }

  async list(prefix: string, { after = "", limit }: ListOptions = {}): Promise<string[]> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix) && key > after)
    return keys.sort().slice(0, limit)
  }

  /** Atomic, because nothing is awaited between the reading and the writing. */
  async update(key: string, change: Change): Promise<Uint8Array> {
    const next = change(this.#values.get(key)?.slice())
    this.#values.set(key, next.slice())
    return next
  }
}

/** A Redis client without a network: each answer takes a turn, in which others come. */
class SimulatedRedis {
  readonly #values = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | null> {
    await this.#turn()
    return this.#values.get(key)?.slice() ?? null
  }

  async set(key: string, value: Uint8Array): Promise<"OK"> {
    await this.#turn()
    this.#values.set(key, value.slice())
    return "OK"
  }

  async del(key: string): Promise<number> {
    await this.#turn()
    return this.#values.delete(key) ? 1 : 0
  }

  /** In no order, as Redis gives them. */
  async keys(pattern: string): Promise<string[]> {
    await this.#turn()
    const prefix = pattern.replace(/\*$/, "")
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix)).reverse()
  }

  /** What a Lua script does in one step: write if the value is still the one that was read. */
  async compareAndSet(key: string, read: Uint8Array | null, next: Uint8Array): Promise<boolean> {
    await this.#turn()
    const current = this.#values.get(key) ?? null
    const isSame = read && current ? Buffer.compare(read, current) === 0 : read === current
    if (isSame) this.#values.set(key, next.slice())
    return isSame
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }
}

/** Four methods over a Redis client, and an update that tries until nobody came in between. */
function redisStorage(redis: SimulatedRedis, prefix = "millrace:"): Backend {
  return {
    async get(key) {
      return (await redis.get(prefix + key)) ?? undefined
    },
    async set(key, value) {
      await redis.set(prefix + key, value)
    },
    async delete(key) {
      await redis.del(prefix + key)
    },
    async list(wanted, { after = "", limit } = {}) {
      const found = await redis.keys(`${prefix}${wanted}*`)
      const keys = found.map((key) => key.slice(prefix.length)).filter((key) => key > after)
      return keys.sort().slice(0, limit)
    },
    async update(key, change) {
      for (;;) {
        const current = await redis.get(prefix + key)
        const next = change(current ?? undefined)
        if (await redis.compareAndSet(prefix + key, current, next)) return next
      }
    },
  }
}

const orders = [
  { user_id: "ada", amount: 30 },
  { user_id: "bob", amount: 5 },
  { user_id: "ada", amount: 12 },
  { user_id: "carol", amount: 8 },
  { user_id: "bob", amount: 20 },
  { user_id: "ada", amount: 1 },
]

/** What each user has spent; at the second run there are more orders. */
async function twoRuns(storage: StateStorage): Promise<void> {
  for (const length of [4, 6]) {
    const spent = from(orders.slice(0, length))
      .keyBy("user_id")
      .aggregate({ orders: count(), spent: sum("amount") }, { uid: "spent" })
    const job = await run(spent, { storage, name: "shop", checkpoint: { interval: "10s" } })
    console.log(`  a job begins at order ${job.stats().position}`)
    for await (const { key, orders, spent } of job) {
      console.log(`    ${key}: $${spent} in ${orders} orders`)
    }
    await job.close()
    console.log(`  the backend has ${(await storage.list("shop/")).join(", ")}`)
  }
}

/** A hundred at once, and each reads what the one before has written. */
async function visits(storage: Backend): Promise<void> {
  const add: Change = (current) => Uint8Array.of((current?.[0] ?? 0) + 1)
  await Promise.all(Array.from({ length: 100 }, () => storage.update("visits", add)))
  console.log(`  a hundred visits at once: ${(await storage.get("visits"))?.[0]}`)
}

console.log("1. A backend in memory")
const map = new MapStorage()
await twoRuns(map)
await visits(map)

console.log("2. A backend over Redis")
const redis = redisStorage(new SimulatedRedis())
await twoRuns(redis)
await visits(redis)
