/** Configurations of state: presets, the builder, what is refused, and freeing without events. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import { Cleanup } from "../js/cleanup.ts"
import { from, manualClock, memoryStorage, run } from "../js/index.ts"
import {
  StateConfigBuilder,
  StateConfigs,
  StateStorageType,
  withCustomStorage,
} from "../js/index.ts"
import type { Clock, StateConfig } from "../js/index.ts"
import { steady } from "../js/time/clock.ts"
import { refusal } from "./refusal.ts"

const minute = 60_000
const hour = 60 * minute
const keyed = () => from(["a", "b", "a"]).keyBy((letter) => letter)

describe("presets", () => {
  it.each([
    ["default", 24 * hour, 5 * minute, Infinity],
    ["highPerformance", hour, minute, 10_000],
    ["session", 30 * minute, 5 * minute, 1000],
    ["shortLived", 5 * minute, 30_000, 100],
    ["longLived", 7 * 24 * hour, hour, 100_000],
  ] as const)("%s", (name, ttl, cleanupInterval, maxSize) => {
    const config = StateConfigs[name]()
    const storageType = "InMemory"
    expect(config).toEqual({ storageType, ttl, cleanupInterval, maxSize, onFull: "evict" })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.getPrototypeOf(config)).toBe(Object.prototype)
  })

  it("are taken by operators as they are, or spread", async () => {
    const state = { ...StateConfigs.session(), value: () => 0 }
    const counts = keyed().map((letter, n) => letter + n.update((before) => before + 1), { state })
    expect(await counts.toArray()).toEqual(["a1", "b1", "a2"])
    expect(await keyed().deduplicate({ state: StateConfigs.longLived() }).toArray()).toEqual([
      "a",
      "b",
    ])
  })

  it("evict the key that was used longest ago, and count it", async () => {
    const numbers = Array.from({ length: 105 }, (_, n) => n)
    const job = await run(
      from(numbers)
        .keyBy((n) => n)
        .fold(
          () => 0,
          (total) => total + 1,
          { uid: "counts", state: StateConfigs.shortLived() },
        ),
    )
    await job.finished()
    expect(job.stats().operators["counts"]).toMatchObject({ rows: 100, evicted: 5 })
    await job.close()
  })
})

const wrong: readonly (readonly [string, StateConfig, (b: StateConfigBuilder) => unknown])[] = [
  ["TTL cannot be zero", { ttl: 0 }, (b) => b.ttl(0)],
  ["Cleanup interval cannot be zero", { cleanupInterval: 0 }, (b) => b.cleanupInterval(0)],
  [
    "Cleanup interval should be less than or equal to TTL",
    { ttl: "1h", cleanupInterval: "2h" },
    (b) => b.ttl("1h").cleanupInterval("2h"),
  ],
  ["Max size cannot be zero", { maxSize: 0 }, (b) => b.maxSize(0)],
  [
    "state.storageType Custom needs a storage",
    { storageType: "Custom" },
    (b) => b.storageType("Custom"),
  ],
]

describe("a configuration that means nothing", () => {
  it.each(wrong)("%s, from the builder as from options", (message, options, build) => {
    const refused = { code: "STATE_CONFIG", message }
    const builder = new StateConfigBuilder()
    build(builder)
    expect(refusal(() => builder.build())).toEqual(refused)
    const named = message.replace("state.", "map.state.")
    expect(refusal(() => keyed().map(() => 0, { state: options }))).toEqual({
      ...refused,
      message: named,
    })
  })
})

describe("the builder", () => {
  it("begins with a day and five minutes", () => {
    expect(new StateConfigBuilder().build()).toEqual(StateConfigs.default())
  })

  it("takes every value, and gives a frozen object", () => {
    const config = new StateConfigBuilder()
      .storageType(StateStorageType.InMemory)
      .ttl("1h")
      .cleanupInterval("5m")
      .maxSize(50_000)
      .build()
    expect(config).toEqual({
      storageType: "InMemory",
      ttl: "1h",
      cleanupInterval: "5m",
      maxSize: 50_000,
      onFull: "evict",
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it("shrinks a cleanup interval that was not given to a shorter ttl", () => {
    expect(new StateConfigBuilder().ttl("1m").build().cleanupInterval).toBe(minute)
    expect(new StateConfigBuilder().ttl("1h").build().cleanupInterval).toBe(5 * minute)
    expect(new StateConfigBuilder().ttl("never").build().cleanupInterval).toBe(5 * minute)
  })

  it("sets the type with a storage", () => {
    const storage = memoryStorage()
    const built = new StateConfigBuilder().customStorage(storage).build()
    expect(built).toMatchObject({ storage, storageType: "Custom" })
    const config = withCustomStorage(StateConfigs.session(), storage)
    expect(config).toEqual({ ...StateConfigs.session(), storage, storageType: "Custom" })
    expect(refusal(() => withCustomStorage({}, {} as never))).toMatchObject({ code: "OPTION" })
  })
})

/** Three keys, and then a source that is silent until it is told to end. */
async function silentJob(
  state: StateConfig,
  clock: Clock,
  storage = memoryStorage(),
  letters = ["a", "b", "c"],
) {
  let end = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  async function* source() {
    yield* letters
    await ended
  }
  const seen = from(source(), { replay: "none" })
    .keyBy((letter) => letter)
    .deduplicate({ uid: "seen", state })
  const job = await run(seen, { clock, storage })
  const results = job[Symbol.asyncIterator]()
  for (const _ of letters) await results.next()
  const figures = () => {
    const { rows, expired } = job.stats().operators["seen"] ?? {}
    return { rows, expired }
  }
  const close = async () => {
    end()
    await job.close()
  }
  return { job, figures, close, next: () => results.next() }
}

describe("state that nobody touches", () => {
  it("is freed within a cleanup interval after its ttl, though nothing comes in", async () => {
    const clock = manualClock()
    const { figures, close } = await silentJob({ ttl: "1m", cleanupInterval: "20s" }, clock)
    clock.advance(minute - 1)
    expect(figures()).toEqual({ rows: 3, expired: 0 })
    clock.advance(20_001)
    expect(figures()).toEqual({ rows: 0, expired: 3 })
    await close()
  })

  it("is freed on the host's clock as well", async () => {
    const { figures, close } = await silentJob({ ttl: 20, cleanupInterval: 10 }, { now: Date.now })
    await expect.poll(figures, { timeout: 10_000 }).toEqual({ rows: 0, expired: 3 })
    await close()
  })

  it("is freed after a ttl of the operator itself", async () => {
    const clock = manualClock()
    const job = await run(
      from(
        (async function* () {
          yield { k: 1 }
          await new Promise(() => {})
        })(),
      )
        .keyBy("k")
        .throttle({ uid: "calm", limit: 1, per: "10s" }),
      { clock },
    )
    await job[Symbol.asyncIterator]().next()
    expect(job.stats().operators["calm"]?.rows).toBe(1)
    clock.advance(20_000)
    expect(job.stats().operators["calm"]?.rows).toBe(0)
    await job.close()
  })

  it("is freed while a checkpoint is being written, too, which saves what there was", async () => {
    const clock = manualClock()
    const storage = memoryStorage()
    let go = () => {}
    const held = new Promise<void>((resolve) => (go = resolve))
    const slow = {
      ...storage,
      set: (key: string, value: Uint8Array) => held.then(() => storage.set(key, value)),
    }
    const { job, figures, close, next } = await silentJob({ ttl: "1m" }, clock, slow)
    void next()
    const written = job.checkpoint()
    await new Promise((resolve) => setTimeout(resolve, 20))
    clock.advance(2 * minute)
    expect(figures()).toEqual({ rows: 0, expired: 3 })
    go()
    await written
    await close()
    const again = await silentJob({ ttl: "1h" }, clock, storage, [])
    expect(again.figures()).toEqual({ rows: 3, expired: 0 })
    await again.close()
  })

  it("is freed by many slices, in later turns", async () => {
    const clock = manualClock()
    async function* numbers() {
      for (let n = 0; n < 20_000; n++) yield n
      await new Promise(() => {})
    }
    const job = await run(
      from(numbers())
        .keyBy((n) => n)
        .deduplicate({ uid: "seen", ttl: "1s" }),
      { clock },
    )
    const results = job[Symbol.asyncIterator]()
    for (let n = 0; n < 20_000; n++) await results.next()
    clock.advance(2000)
    const rows = () => job.stats().operators["seen"]?.rows
    expect(rows()).toBeGreaterThan(0)
    await expect.poll(rows, { timeout: 10_000 }).toBe(0)
    await job.close()
  })
})

describe("the timers of clean-up", () => {
  it("keep no state alive that nobody has any more", async () => {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as () => void
    const expire = () => false
    const begin = (operator: object) => {
      new Cleanup([operator as never], steady({ now: Date.now }))
      return new WeakRef(operator)
    }
    const operator = begin({ spec: { limits: { cleanupMs: hour } }, expire })
    await expect
      .poll(() => {
        collect()
        return operator.deref() === undefined
      })
      .toBe(true)
  })
})

describe("a manual clock", () => {
  it("wakes who waits at the very time, in order, and not who has left", () => {
    const clock = manualClock(100)
    const woken: unknown[] = []
    const note = (name: string) => () => void woken.push([name, clock.now()])
    clock.after(30, note("late"))
    clock.after(10, () => {
      note("early")()
      clock.after(5, note("early again"))
    })
    const leave = clock.after(20, note("gone"))
    leave()
    clock.advance(40)
    expect(woken).toEqual([
      ["early", 110],
      ["early again", 115],
      ["late", 130],
    ])
    expect(clock.now()).toBe(140)
  })
})
