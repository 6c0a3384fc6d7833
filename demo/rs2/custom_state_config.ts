/** Custom state configurations: how to make them, change them, and what they do. */
import { from, manualClock, memoryStorage, run } from "millrace"
import { StateConfigBuilder, StateConfigs, StateStorageType, withCustomStorage } from "millrace"
import type { StateConfig } from "millrace"

const minute = 60_000
const purchases = [
  { user_id: "user1", amount: 100, timestamp: 0 },
  { user_id: "user1", amount: 50, timestamp: 40 * minute },
  { user_id: "user2", amount: 75, timestamp: 41 * minute },
  { user_id: "user1", amount: 25, timestamp: 85 * minute },
]

console.log("1. The builder")
const built = new StateConfigBuilder()
  .storageType(StateStorageType.InMemory)
  .ttl("2h")
  .cleanupInterval("10m")
  .maxSize(5000)
  .build()
await totals(built)

console.log("2. A plain object")
await totals({ ttl: "45m", cleanupInterval: "2m", maxSize: 2000 })

console.log("3. A preset, changed")
await totals({ ...StateConfigs.session(), ttl: "45m", maxSize: 2000 })
await totals({ ...StateConfigs.longLived(), maxSize: 1 }) // Who was seen last stays.

console.log("4. Nothing at all: state stays for ever")
await totals({})

console.log("5. Presets")
for (const name of ["default", "highPerformance", "session", "shortLived", "longLived"] as const) {
  const { ttl, cleanupInterval, maxSize } = StateConfigs[name]()
  const minutes = (ms: unknown) => `${Number(ms) / minute} min`
  console.log(`  ${name}: ${minutes(ttl)}, cleaned every ${minutes(cleanupInterval)}, ${maxSize}`)
}

console.log("6. Validation is the same whatever makes the configuration")
refused(() => new StateConfigBuilder().ttl(0).build())
refused(() => new StateConfigBuilder().ttl("1h").cleanupInterval("2h").build())
refused(() =>
  from(purchases)
    .keyBy("user_id")
    .deduplicate({ state: { cleanupInterval: 0 } }),
)
refused(() =>
  from(purchases)
    .keyBy("user_id")
    .deduplicate({ state: { maxSize: 0 } }),
)
refused(() =>
  from(purchases)
    .keyBy("user_id")
    .deduplicate({ state: { tll: "1h" } as object }),
)

console.log("7. A storage of one's own sets the type")
const storage = memoryStorage()
const types = [built, withCustomStorage(built, storage)].map(({ storageType }) => storageType)
console.log(`  ${types.join(", ")}, ${builderWith(storage).storageType}`)

console.log("8. Monitoring: what has expired is freed, and what was evicted is counted")
await monitor()

/** What each user has spent while there was state of them. */
async function totals(state: StateConfig): Promise<void> {
  const spent = from(purchases, { time: "timestamp" })
    .keyBy("user_id")
    .map(({ user_id, amount }, total) => `${user_id} $${total.update((sum) => sum + amount)}`, {
      state: { ...state, value: () => 0 },
    })
  console.log(`  ${(await spent.toArray()).join(", ")}`)
}

function refused(make: () => unknown): void {
  try {
    make()
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    console.log(`  ${code}: ${message}`)
  }
}

function builderWith(storage: ReturnType<typeof memoryStorage>): StateConfig {
  return new StateConfigBuilder().customStorage(storage).build()
}

/** A job whose source falls silent: a clock that is moved by hand shows what the clean-up does. */
async function monitor(): Promise<void> {
  const clock = manualClock()
  async function* users() {
    yield* ["ada", "bob", "carol", "dora"]
    await new Promise(() => undefined)
  }
  const seen = from(users())
    .keyBy((user) => user)
    .deduplicate({ uid: "seen", state: { ...StateConfigs.shortLived(), maxSize: 3 } })
  const job = await run(seen, { clock })
  const results = job[Symbol.asyncIterator]()
  for (let i = 0; i < 4; i++) await results.next()

  for (const minutes of [0, 4, 2]) {
    clock.advance(minutes * minute)
    const { rows, expired, evicted } = job.stats().operators["seen"] ?? {}
    const at = clock.now() / minute
    console.log(`  minute ${at}: ${rows} rows, ${expired} expired, ${evicted} evicted`)
  }
  await job.close()
}
