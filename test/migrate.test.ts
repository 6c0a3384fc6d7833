/** State of an older version of a program, carried forward by `state.migrate`. */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, record, run } from "../js/index.ts"
import type { RunOptions, StateConfig, StateStorage, StreamOf } from "../js/index.ts"
import { contents, errorFrom, guardRejections } from "./probe.ts"
import { bytesOf, contentsOf } from "./savepoints.ts"
import { visits } from "./visits.ts"
import type { Visit } from "./visits.ts"

guardRejections()

const byUser = (upto: number) => from(visits.slice(0, upto)).keyBy("user")

/** Run to the end of what there is, and give the results. */
async function all(stream: StreamOf<unknown>, options: RunOptions): Promise<unknown[]> {
  const job = await run(stream, options)
  const results: unknown[] = []
  for await (const result of job) results.push(result)
  await job.close()
  return results
}

describe("state.migrate", () => {
  const counts = (upto: number) =>
    byUser(upto).fold(record({ count: "f64" }), (acc) => {
      acc.count += 1
      return acc
    })

  const totals = (upto: number, told: unknown[] = []) =>
    byUser(upto).fold(
      record({ visits: "i64", last: "string" }),
      (acc, { n }) => {
        acc.visits += 1n
        acc.last = `visit ${n}`
        return acc
      },
      {
        state: {
          version: 3,
          migrate(old: { count: number }, version) {
            told.push([old, version])
            return { visits: BigInt(old.count), last: "before" }
          },
        },
      },
    )

  it("gives a record other fields, once", async () => {
    const storage = memoryStorage()
    await all(counts(8), { storage })
    const before = visits.slice(0, 8)
    const told: unknown[] = []
    const job = await run(totals(8, told), { storage })
    const standing = [...new Set(before.map(({ user }) => user))].map((user) => {
      const count = before.filter((visit) => visit.user === user).length
      return { user, count }
    })
    expect(told).toEqual(standing.map(({ count }) => [{ count }, 1]))
    expect(job.state("fold-1").entries()).toEqual(
      standing.map(({ user, count }) => ({ key: user, visits: BigInt(count), last: "before" })),
    )
    await job.checkpoint()
    await job.close()
    told.length = 0
    const whole = (await all(totals(24), {})).slice(8)
    expect(await all(totals(24, told), { storage })).toEqual(whole)
    expect(told).toEqual([])
  })

  it("goes on to the checkpoint before when the first one after it is damaged", async () => {
    const storage = memoryStorage()
    await all(counts(8), { storage })
    await all(totals(10), { storage })
    const [key = ""] = (await storage.list("job/segment/")).slice(-1)
    await storage.set(key, new Uint8Array(3))
    const job = await run(totals(24), { storage })
    expect(job.stats().restored).toMatchObject({ epoch: 1, position: 8, skipped: [{ epoch: 2 }] })
    expect(job.state("fold-1").get("ada")).toMatchObject({ last: "before" })
    await job.close()
  })

  it("makes values of records, and the other way round, from a savepoint, too", async () => {
    const ofValues = () => byUser(8).reduce((a, b) => ({ ...b, n: a.n + b.n }), { uid: "sum" })
    const ofRecords = (migrate: (old: never, version: number) => unknown) =>
      byUser(8).reduce((acc) => acc, record({ sum: "f64" }), {
        uid: "sum",
        state: { version: 2, migrate },
      })
    const storage = memoryStorage()
    await all(ofValues(), { storage })
    const job = await run(
      ofRecords(({ n }: Visit) => ({ sum: n })),
      { storage },
    )
    const sums = job.state("sum").entries()
    const savepoint = await bytesOf(await job.savepoint())
    await job.close()
    const standing = (await all(ofValues(), {})) as Visit[]
    const last = new Map(standing.map(({ user, n }) => [user, n]))
    expect(sums).toEqual(Array.from(last, ([key, sum]) => ({ key, sum })))
    const { header } = await contentsOf(savepoint)
    expect(header.states[0]?.schema).toMatchObject({ fields: ["sum:f64"], version: 2 })
    const values = byUser(8).reduce((a) => a, {
      uid: "sum",
      state: { version: 3, migrate: (old, version) => ({ old, version }) },
    })
    const back = await run(values, { from: savepoint })
    expect(back.state("sum").get("ada")).toEqual({ old: { sum: sums[0]?.["sum"] }, version: 2 })
    await back.close()
  })

  it("leaves out rows that it gives nothing for", async () => {
    const storage = memoryStorage()
    await all(counts(8), { storage })
    const state = {
      version: 2,
      migrate: ({ count }: { count: number }) => (count > 2 ? { count } : undefined),
    }
    const kept = byUser(8).fold(record({ count: "f64" }), (acc) => acc, {
      state: state,
    })
    const job = await run(kept, { storage })
    const rows = job.state("fold-1").entries()
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.length).toBeLessThan(4)
    expect(rows.every(({ count }) => (count as number) > 2)).toBe(true)
    await job.close()
  })

  it("tells what it throws, and storage is as it was", async () => {
    const storage = memoryStorage()
    await all(counts(8), { storage })
    const before = await contents(storage)
    const cause = new Error("no")
    const failing = (migrate: () => unknown) =>
      byUser(8).fold(record({ count: "f64" }), (acc) => acc, { state: { version: 2, migrate } })
    const thrown = await errorFrom(() =>
      run(
        failing(() => {
          throw cause
        }),
        { storage },
      ),
    )
    expect(thrown).toMatchObject({ code: "USER_FUNCTION", cause })
    expect(thrown.message).toBe("fold-1: state.migrate failed at state of version 1")
    for (const wrong of [() => Promise.resolve(1), () => ({ count: "one" }), () => 7]) {
      const { code } = await errorFrom(() => run(failing(wrong), { storage }))
      expect(["USER_FUNCTION", "SERIALIZATION"]).toContain(code)
    }
    expect(await contents(storage)).toEqual(before)
  })
})

describe("state of another version", () => {
  const storageOf = async (stream: StreamOf<unknown>): Promise<StateStorage> => {
    const storage = memoryStorage()
    await all(stream, { storage })
    return storage
  }
  const fold = (fields: Parameters<typeof record>[0], state?: StateConfig) =>
    byUser(8).fold(record(fields), (acc) => acc, { ...(state && { state }) })

  it.each([
    [
      fold({ n: "f64" }),
      fold({ total: "f64" }),
      "saved state is fold(n:f64), the operator has fold(total:f64); " +
        "a higher state.version, with state.migrate, can carry it forward",
    ],
    [
      fold({ n: "f64" }),
      fold({ n: "f64" }, { version: 2 }),
      "saved state is fold(n:f64) of version 1, the operator has fold(n:f64) of version 2; " +
        "state.migrate can carry it forward",
    ],
    [
      fold({ n: "f64" }, { version: 3 }),
      fold({ n: "f64" }, { version: 2, migrate: (old) => old }),
      "saved state is fold(n:f64) of version 3, the operator has fold(n:f64) of version 2",
    ],
    [
      fold({ n: "f64" }),
      byUser(8).deduplicate({ uid: "fold-1" }),
      "saved state is fold(n:f64), the operator has deduplicate()",
    ],
  ])("is refused, saying what differs", async (before, after, message) => {
    const storage = await storageOf(before)
    const refused = await errorFrom(() => run(after as StreamOf<unknown>, { storage }))
    expect(refused).toMatchObject({ code: "STATE_CONFIG", message: `fold-1: ${message}` })
  })

  it("is none without a value, and no migrate without a version", () => {
    const migrate = (old: unknown) => old
    const refused = [
      () => fold({ n: "f64" }, { migrate }),
      () => fold({ n: "f64" }, { migrate: 7 as never, version: 2 }),
      () => fold({ n: "f64" }, { version: 0 }),
      () => byUser(8).deduplicate({ state: { version: 2 } }),
      () => byUser(8).session({ gap: 5, state: { version: 2 } }, () => 1),
    ]
    const codes = refused.map((make) => {
      try {
        make()
        return "none"
      } catch (error) {
        return (error as { code: string }).code
      }
    })
    const config = "STATE_CONFIG"
    expect(codes).toEqual([config, config, config, config, "UNSUPPORTED"])
  })
})

describe("allowNonRestoredState", () => {
  it("starts without state and positions that have no home, and lets go of them", async () => {
    const storage = memoryStorage()
    const counted = (uid: string) =>
      byUser(8).fold(
        () => 0,
        (n) => n + 1,
        { uid },
      )
    const both = await run({ a: counted("a"), b: counted("b") }, { storage })
    await both.finished()
    await both.close()
    const refused = errorFrom(() => run(counted("a"), { storage }))
    expect(await refused).toMatchObject({ code: "STATE_CONFIG" })
    for (const options of [{ allowNonRestoredState: true }, {}]) {
      const job = await run(counted("a"), { storage, ...options })
      expect(job.stats().restored).toMatchObject({ skipped: [] })
      expect(job.state("a").size).toBe(4)
      await job.checkpoint()
      await job.checkpoint()
      await job.close()
    }
  })
})
