import { describe, expect, it } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"
import { begin, counted, full, goOn, recover } from "./fault_script.ts"
import { contents, errorFrom, errorOf, guardRejections, pull } from "./probe.ts"

guardRejections()

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

type Call = (method: string) => unknown

/** A storage that asks `fault` before each call: undefined lets it through. */
function faulty(storage: StateStorage, fault: Call): StateStorage {
  const guarded =
    <Args extends unknown[], Result>(method: string, call: (...args: Args) => Result) =>
    (...args: Args) => {
      const answer = fault(method)
      return (answer === undefined ? call(...args) : answer) as Result
    }
  return {
    get: guarded("get", (key: string) => storage.get(key)),
    set: guarded("set", (key: string, value: Uint8Array) => storage.set(key, value)),
    delete: guarded("delete", (key: string) => storage.delete(key)),
    list: guarded("list", (prefix: string) => storage.list(prefix)),
    close: guarded("close", async () => undefined),
  }
}

/** A storage with two checkpoints of what a crash left half done beside them. */
async function begun(): Promise<StateStorage> {
  const storage = memoryStorage()
  await begin(storage)
  return storage
}

it("a storage that gives every value wrong once does no harm", async () => {
  const storage = memoryStorage()
  for (const count of [4, 9]) {
    const job = await run(counted(count), { storage })
    await job.finished().finally(() => job.close())
  }
  const asked = new Set<string>()
  const lying: StateStorage = {
    ...storage,
    async get(key) {
      const value = await storage.get(key)
      return asked.has(key) || !asked.add(key) ? value : value?.slice(1)
    },
  }
  const job = await run(counted(9), { storage: lying })
  expect(job.stats().restored).toMatchObject({ epoch: 2, position: 9, skipped: [] })
  expect(asked.size).toBe(2)
  await job.close()
})

describe("a storage that fails", () => {
  const cause = Object.assign(new Error("no space"), { code: "ENOSPC" })
  const kinds: [string, () => unknown][] = [
    ["rejects", () => Promise.reject(cause)],
    [
      "throws at once",
      () => {
        throw cause
      },
    ],
  ]
  const ways = kinds.flatMap(([kind, fail]) => [
    { kind, times: "once", fail },
    { kind, times: "for ever", fail },
  ])

  it.each(ways)(
    "$kind $times, at any call: a typed error, and the next run goes on",
    async (way) => {
      const calls: string[] = []
      const note = (method: string) => void calls.push(method)
      await goOn(faulty(await begun(), note))
      expect(calls.length).toBeGreaterThan(12)

      for (let n = 0; n < calls.length; n++) {
        const storage = await begun()
        let call = -1
        const strike = way.times === "once" ? () => ++call === n : () => ++call >= n
        const outcome = await goOn(faulty(storage, () => (strike() ? way.fail() : undefined))).then(
          () => "done",
          errorOf,
        )
        // What is removed after a durable checkpoint may stay; the next one removes it.
        const harmless = calls[n] === "delete" || calls.slice(0, n).includes("delete")
        if (outcome !== "done") expect(outcome).toMatchObject({ code: "STORAGE", cause })
        else expect([n, harmless || calls.slice(0, n).includes("set")]).toEqual([n, true])

        await recover(storage)
      }
    },
  )

  it("to remove what is old does not fail the checkpoint; the next one removes it", async () => {
    const storage = await begun()
    await goOn(
      faulty(storage, (method) => (method === "delete" ? Promise.reject(cause) : undefined)),
    )
    const kept = await contents(storage)
    expect(Object.keys(kept)).toHaveLength(9) // The first of them had nothing to save.
    const job = await run(counted(12), { storage })
    await job.finished()
    await job.close()
    expect(Object.keys(await contents(storage))).toEqual([
      "job/manifest/000000000004",
      "job/manifest/000000000004-000000000004",
      "job/manifest/000000000005",
      "job/segment/000000000004-3-0",
      "job/segment/000000000005-4-0",
    ])
  })
})

describe("a storage that lies", () => {
  it.each([
    ["lists nothing it was asked for", "list", ["other/manifest/1"], "STORAGE"],
    ["lists no list", "list", undefined, "STORAGE"],
    ["lists no texts", "list", [5], "STORAGE"],
    ["lists names that are none of ours", "list", ["job/manifest/1e3"], "none"],
    ["gives text", "get", "bytes", "CORRUPT"],
    ["gives nothing", "get", undefined, "CORRUPT"],
    ["gives bytes of another length", "get", Uint8Array.of(1), "CORRUPT"],
    ["gives another view of bytes", "get", new Uint16Array(40), "CORRUPT"],
  ])("%s", async (_, method, lie, code) => {
    const storage = await begun()
    const before = await contents(storage)
    const liar = faulty(storage, (called) => (called === method ? Promise.resolve(lie) : undefined))
    if (lie === undefined) Object.assign(liar, { [method]: async () => undefined })
    const outcome = await run(counted(9), { storage: liar }).then(async (job) => {
      await job.close()
      return "none"
    }, errorOf)
    expect(outcome === "none" ? outcome : (outcome as { code: string }).code).toBe(code)
    expect(await contents(storage)).toEqual(before)
  })

  it("gives bytes that it changes afterwards", async () => {
    const storage = await begun()
    const given: Uint8Array[] = []
    const changing: StateStorage = {
      ...storage,
      async get(key) {
        for (const bytes of given) bytes.fill(0)
        const bytes = await storage.get(key)
        if (bytes !== undefined) given.push(bytes)
        return bytes
      },
      async set(key, value) {
        await storage.set(key, value)
        value.fill(0)
      },
    }
    await goOn(changing)
    const job = await run(counted(9), { storage })
    expect(job.state("fold-1").entries()).toEqual(full)
    await job.close()
  })
})

describe("what is kept", () => {
  it("is the last two checkpoints, whatever a crash left; others are not touched", async () => {
    const storage = memoryStorage()
    await storage.set("job/segment/000000000099-0", Uint8Array.of(1))
    await storage.set("jobs/segment/000000000001-0", Uint8Array.of(2))
    await storage.set("own.txt", Uint8Array.of(3))
    const job = await run(counted(9), { storage, chunkSize: 1 })
    const results = job[Symbol.asyncIterator]()
    const kept: string[][] = []
    for (let n = 0; n < 4; n++) {
      const taken = job.checkpoint()
      const step = results.next()
      await taken
      kept.push((await storage.list("job/")).map((key) => key.slice(4).replaceAll(/0{3,}/g, "")))
      await step
    }
    const of = (epoch: number, segments: boolean) =>
      segments ? [`segment/${epoch}-1-0`] : [`manifest/${epoch}`]
    const claim = "manifest/-1" // Of the first owner, when there was nothing.
    const pair = (epoch: number) => [
      claim,
      ...[epoch - 1, epoch].flatMap((each) => of(each, false)),
      ...[epoch - 1, epoch].flatMap((each) => (each === 1 ? [] : of(each, true))),
    ]
    expect(kept).toEqual([[claim, "manifest/1"], pair(2), pair(3), pair(4)])
    await job.close()
    expect(await storage.list("jobs/")).toEqual(["jobs/segment/000000000001-0"])
    expect(await storage.get("own.txt")).toEqual(Uint8Array.of(3))
  })

  it("belongs to a job by its name: two in one storage do not meet", async () => {
    let closed = 0
    const storage = { ...memoryStorage(), close: async () => void closed++ }
    const results: unknown[] = []
    for (const length of [5, 10]) {
      const [a, b] = await Promise.all([
        run(from(numbers(length)), { storage, name: "a" }),
        run(from(numbers(length * 2)), { storage, name: "a-b" }),
      ])
      results.push(await pull(a), await pull(b))
      await a.close()
      expect(closed).toBe(length / 5 - 1) // The other one still uses it.
      await b.close()
      expect(closed).toBe(length / 5)
    }
    expect(results).toEqual([numbers(5), numbers(10), numbers(10).slice(5), numbers(20).slice(10)])
  })

  it("belongs to the newer of two jobs of one name: the older is LOCKED out", async () => {
    const storage = memoryStorage()
    const older = await run(counted(9), { storage })
    const newer = await run(counted(9), { storage })
    expect(await errorFrom(() => older.finished())).toMatchObject({
      code: "LOCKED",
      message: "another part of this process has taken over job job",
    })
    await newer.finished()
    await older.close()
    expect(newer.state("fold-1").entries()).toEqual(full)
    await newer.close()
  })
})
