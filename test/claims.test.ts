/**
 * Jobs that go on from one state at one moment, past the lock: as processes whose every call of a
 * storage waits for its turn, some failing, some frozen until all others are through.
 *
 * What must hold: from the moment a job has made its claim, none that had the state before commits
 * again; each has another number; and what is durable in the end is what one job alone would have.
 * `MILLRACE_GATES=full` tries 1,000 interleavings, else 100.
 */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import type { MemoryStorage, StateStorage } from "../js/index.ts"
import { contents, errorOf, fourMethods, guardRejections, numbered } from "./probe.ts"
import { full, randoms, seedOf } from "./random.ts"
import type { Random } from "./random.ts"

guardRejections()

const events = 40
const counted = (upto = events) =>
  from(numbered(upto, 3))
    .keyBy((n) => n % 5)
    .fold(
      () => 0,
      (count) => count + 1,
    )

const stateAt = (position: number) =>
  Array.from({ length: Math.min(5, position) }, (_, key) => {
    return { key, value: Math.floor((position - 1 - key) / 5) + 1 }
  })

/** A commit that went through: whose, and of what. */
interface Committed {
  readonly who: number
  readonly key: string
  readonly owner: number
}

class World {
  readonly storage: MemoryStorage = memoryStorage()
  readonly commits: Committed[] = []
  /** Epochs that somebody was told are durable. */
  readonly told: number[] = []
  readonly frozen = new Set<number>()
  readonly #random: Random
  #waiting: { readonly who: number; readonly go: () => void }[] = []

  constructor(random: Random) {
    this.#random = random
  }

  /** The storage as one process has it. */
  of(who: number): StateStorage {
    const act = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
      await new Promise<void>((go) => this.#waiting.push({ who, go }))
      const fails = /set|commit/.test(name) && this.#random() < 0.12
      if (fails && this.#random() < 0.5) throw new Error("it was not done")
      const result = await call()
      if (fails) throw new Error("it was done, but nobody heard of it")
      return result
    }
    const { storage } = this
    return {
      get: (key) => act("get", () => storage.get(key)),
      set: (key, value) => act("set", () => storage.set(key, value)),
      delete: (key) => act("delete", () => storage.delete(key)),
      list: (prefix, options) => act("list", () => storage.list(prefix, options)),
      commit: (segments, manifest, owner) =>
        act("commit", async () => {
          await storage.commit(segments, manifest, owner)
          this.commits.push({ who, key: manifest[0], owner })
        }),
    }
  }

  /** Let one call after another through, until `all` are over; the frozen ones come last. */
  async play(all: Promise<unknown>): Promise<void> {
    const over = all.then(() => true)
    const turn = () => new Promise<false>((resolve) => setImmediate(() => resolve(false)))
    while (!(await Promise.race([over, turn()]))) {
      const awake = this.#waiting.filter(({ who }) => !this.frozen.has(who))
      const some = awake.length > 0 ? awake : this.#waiting
      const next = some[Math.floor(this.#random() * some.length)]
      this.#waiting = this.#waiting.filter((each) => each !== next)
      next?.go()
    }
  }

  /** A process from its start to its end; how that came. */
  async process(who: number): Promise<string> {
    let ms = 0
    const clock = { now: () => ms++ } // Time goes on by being looked at.
    try {
      const job = await run(counted(), {
        storage: this.of(who),
        clock,
        chunkSize: 2,
        checkpoint: { interval: 12 + Math.floor(this.#random() * 20), tolerableFailures: 50 },
        on: { checkpoint: ({ epoch }) => void this.told.push(epoch) },
      })
      await job.finished().finally(() => job.close())
      return "done"
    } catch (error) {
      return errorOf(error).code
    }
  }
}

/** What must hold of the commits: those of a process are together, and its number is its own. */
function expectTakenOver(commits: readonly Committed[]): void {
  const turns = commits.filter(({ who }, i) => who !== commits[i - 1]?.who)
  expect(new Set(turns.map(({ who }) => who)).size).toBe(turns.length)
  const owners = commits.map(({ owner }) => owner)
  expect(owners).toEqual([...owners].sort((a, b) => a - b))
  const numbers = new Set(commits.map(({ who, owner }) => `${owner} ${who}`))
  expect(new Set(owners).size).toBe(numbers.size)
}

async function interleave(random: Random): Promise<readonly string[]> {
  const world = new World(random)
  if (random() < 0.7) {
    const before = await run(counted(7), { storage: world.storage })
    await before.checkpoint()
    await before.close()
  }
  const starters = 2 + Math.floor(random() * 3)
  const outcomes: Promise<string>[] = []
  for (let who = 0; who < starters; who++) {
    if (random() < 0.3) world.frozen.add(who)
    outcomes.push(world.process(who))
    // Some come when others are far, or through.
    if (random() < 0.5) await world.play(pause(Math.floor(random() * 60)))
    if (random() < 0.3) world.frozen.add(Math.floor(random() * starters))
  }
  await world.play(Promise.all(outcomes))
  const ended = await Promise.all(outcomes)

  expectTakenOver(world.commits)
  const job = await run(counted(), { storage: world.storage })
  const { restored, position } = job.stats()
  expect(restored?.skipped ?? []).toEqual([])
  expect(restored?.epoch ?? 0).toBeGreaterThanOrEqual(Math.max(0, ...world.told))
  expect(job.state("fold-1").entries()).toEqual(stateAt(position))
  await job.close()
  return ended
}

async function pause(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe("jobs that start from one state at one moment", () => {
  it("take over from one another: who is stale is refused, whatever the order", async () => {
    const seed = seedOf("claims")
    const counts: Record<string, number> = {}
    for (let i = 0; i < (full ? 1000 : 100); i++) {
      const ended = await interleave(randoms(seed + i)).catch((error: unknown) => {
        throw new Error(`interleaving ${i}: MILLRACE_SEED=${seed + i}`, { cause: error })
      })
      for (const how of ended) counts[how] = (counts[how] ?? 0) + 1
    }
    console.log(`claims: ${JSON.stringify(counts)}`)
    expect(Object.keys(counts).sort()).toEqual(["LOCKED", "STORAGE", "done"])
  })
})

describe("a claim", () => {
  it("is there as soon as a job is, so that of two that found the same one is LOCKED", async () => {
    const storage = memoryStorage()
    const both = [run(counted(), { storage: { ...storage } }), run(counted(), { storage })]
    const ended = await Promise.allSettled(both)
    expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "rejected"])
    expect(await storage.list("")).toEqual(["job/manifest/000000000000-000000000001"])
    for (const job of ended) if (job.status === "fulfilled") await job.value.close()
  })

  it("ends the job before at its next checkpoint, even if this one never had any", async () => {
    const storage = memoryStorage()
    const first = await run(counted(), { storage: { ...storage } })
    await first.checkpoint()
    const second = await run(counted(), { storage })
    const error = await first.finished().catch(errorOf)
    expect(error).toMatchObject({ code: "LOCKED" })
    await first.close()
    await second.finished()
    await second.close()
  })

  it("is not made by a finished job that is only asked for what it has", async () => {
    const storage = memoryStorage()
    for (let round = 0; round < 2; round++) {
      const job = await run(counted(), { storage })
      const before = await contents(storage)
      await job.finished()
      if (round === 1) expect(await contents(storage)).toEqual(before)
      await job.close()
    }
    const longer = await run(counted(events + 1), { storage })
    await longer.finished()
    await longer.close()
    expect(await storage.list("job/manifest/")).toEqual([
      "job/manifest/000000000001",
      "job/manifest/000000000001-000000000002",
      "job/manifest/000000000002",
    ])
  })

  it("is not made in a storage without a fence", async () => {
    const storage = fourMethods(memoryStorage())
    const job = await run(counted(), { storage })
    await job.close()
    expect(await storage.list("")).toEqual([])
  })

  it("is not made by a job that is refused", async () => {
    const storage = memoryStorage()
    const job = await run(counted(), { storage })
    await job.checkpoint()
    await job.close()
    const before = await contents(storage)
    const other = from(numbered(3, 1))
    expect(await run(other, { storage }).catch(errorOf)).toMatchObject({ code: "STATE_CONFIG" })
    expect(await contents(storage)).toEqual(before)
  })
})
