/** Configurations, storages and jobs as types; and flink-clj's examples that need no timer. */
import {
  createStorage,
  from,
  memoryStorage,
  of,
  run,
  StateConfigBuilder,
  StateConfigs,
  StateStorageType,
  withCustomStorage,
} from "../js/index.ts"
import type { CreatedStorage, StateConfig, StateStorage, Stream } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface Event {
  readonly id: string
  readonly user_id: string
  readonly action: string
  readonly metric: string
  readonly value: number
}
declare const events: readonly Event[]
const byUser = from(events).keyBy("user_id")
const eventsOf = <T>(of: Stream<T>) => of.event

// ---- RS2: configurations ----

exactly<StateConfig>()(StateConfigs.highPerformance(), true)
const config = new StateConfigBuilder()
  .storageType(StateStorageType.InMemory)
  .ttl("1h")
  .cleanupInterval("5m")
  .maxSize(50_000)
  .build()
exactly<StateConfig>()(config, true)
export const configs: StateConfig[] = [
  config,
  { ...StateConfigs.session(), ttl: "45m", maxSize: Infinity },
  { ttl: "never", maxBytes: 1e6, onFull: "evict" },
  { ttl: 300_000, cleanupInterval: "30s", storageType: "InMemory" },
  new StateConfigBuilder().customStorage(memoryStorage()).build(),
  withCustomStorage(config, memoryStorage()),
]
// @ts-expect-error a configuration does not change
config.ttl = "2h"
// @ts-expect-error there is no such preset
export const preset: keyof typeof StateConfigs = "fast"
// @ts-expect-error no unit
new StateConfigBuilder().cleanupInterval("30")
// @ts-expect-error a size is a number
new StateConfigBuilder().maxSize("many")
// @ts-expect-error the builder has no such value
export const method: keyof StateConfigBuilder = "maxEntries"
const half = { get: async () => undefined }
// @ts-expect-error a storage has four methods
withCustomStorage(config, half)
// @ts-expect-error a misspelt option
byUser.deduplicate({ state: { tll: "1h" } })
// @ts-expect-error full means "evict" or "error"
byUser.deduplicate({ state: { onFull: "drop" } })
// @ts-expect-error a type of storage that does not exist
byUser.deduplicate({ state: { storageType: "Redis" } })
// @ts-expect-error half a storage
byUser.deduplicate({ state: { storage: half } })
// @ts-expect-error a uid is a text
byUser.deduplicate({ uid: 3 })

// ---- RS2: create_storage, and a backend of one's own ----

export async function created(): Promise<void> {
  const storage = createStorage(StateConfigs.session())
  exactly<CreatedStorage>()(storage, true)
  exactly<Uint8Array | undefined>()(await storage.get("user/ada"), true)
  exactly<boolean>()(await storage.exists("user/ada"), true)
  const next = await storage.update("user/ada", (current) => {
    exactly<Uint8Array | undefined>()(current, true)
    return current ?? new Uint8Array(1)
  })
  exactly<Uint8Array>()(next, true)
  exactly<number>()(storage.stats().evicted, true)
  const asOfJobs: StateStorage = storage
  await asOfJobs.delete("user/ada")
  // @ts-expect-error values are bytes
  await storage.set("user/ada", "here")
  // @ts-expect-error an update gives bytes
  await storage.update("user/ada", () => undefined)
  // @ts-expect-error an update is made at once
  await storage.update("user/ada", async () => new Uint8Array(1))
  // @ts-expect-error a storage has no default
  createStorage({ value: () => 0 })
  // @ts-expect-error a clock has now()
  createStorage({}, { clock: { time: () => 0 } })
}

export class Backend implements StateStorage {
  readonly #values = new Map<string, Uint8Array>()
  get = async (key: string) => this.#values.get(key)
  set = async (key: string, value: Uint8Array) => void this.#values.set(key, value)
  delete = async (key: string) => void this.#values.delete(key)
  list = async (prefix: string) => [...this.#values.keys()].filter((key) => key.startsWith(prefix))
}
// @ts-expect-error a storage lists its keys
export const unlisted: StateStorage = { ...memoryStorage(), list: undefined }
// @ts-expect-error what is not there is undefined, not null
export const nulls: StateStorage = { ...memoryStorage(), get: async () => null }

// ---- flink-clj: value, list and map state of one key; deduplication; backends ----

const counter = byUser.map(
  ({ user_id }, state) => ({ key: user_id, count: state.update((n) => n + 1) }),
  { state: { value: () => 0 } },
)
exactly<{ key: string; count: number }>()(eventsOf(counter), true)

const history = byUser.map(
  ({ user_id, action }, state) => ({
    key: user_id,
    history: state.update((actions) => [...(actions ?? []), action]),
  }),
  { state: { type: of<string[]>() } },
)
exactly<{ key: string; history: string[] }>()(eventsOf(history), true)

const metrics = byUser.fold(
  () => new Map<string, number>(),
  (all, { metric, value }) => all.set(metric, (all.get(metric) ?? 0) + value),
)
exactly<Map<string, number>>()(eventsOf(metrics), true)

exactly<Event>()(eventsOf(from(events).keyBy("id").deduplicate({ ttl: "1h" })), true)

export async function backends(): Promise<void> {
  const job = await run(counter, {
    name: "counter",
    storage: createStorage(),
    checkpoint: { interval: 60_000, timeout: "10m" },
  })
  for await (const row of job) exactly<{ key: string; count: number }>()(row, true)
  exactly<ReadableStream<Uint8Array>>()(await job.savepoint(), true)
  for (const from of [await job.savepoint(), new Uint8Array(0), [new Uint8Array(0)]]) {
    await run(counter, { from })
  }
  // @ts-expect-error a savepoint is bytes
  await run(counter, { from: "savepoint" })
  // @ts-expect-error an interval is a duration
  await run(counter, { checkpoint: { interval: "every minute" } })
  // @ts-expect-error a backend is a storage
  await run(counter, { storage: "rocksdb" })
  // @ts-expect-error a misspelt option
  await run(counter, { storge: memoryStorage() })
}
