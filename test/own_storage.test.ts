/** Operators whose state has a storage of its own. */
import { describe, expect, it } from "vitest"
import { StateConfigs, from, memoryStorage, run, withCustomStorage } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"
import { closable, errorFrom, guardRejections, pull } from "./probe.ts"

guardRejections()

const events = ["a", "b", "a", "c"]

/** Two operators with one storage, and one without. */
function branches(own: StateStorage | undefined, source: readonly string[] = events) {
  const keyed = from(source).keyBy((letter) => letter)
  const state = own === undefined ? {} : withCustomStorage(StateConfigs.session(), own)
  const count = (n: number) => n + 1
  return {
    counts: keyed.fold(() => 0, count, { uid: "My_Counts", state }),
    once: keyed.deduplicate({ uid: "once", state }),
    others: keyed.fold(() => 0, count, { uid: "others" }),
  }
}

const all = (storage: StateStorage) => storage.list("")

describe("state.storage", () => {
  it("has the operator's segments under its uid, and the manifest stays with the job", async () => {
    const [storage, own] = [memoryStorage(), memoryStorage()]
    const job = await run(branches(own), { storage, name: "work" })
    await job.finished()
    await job.close()
    expect(await all(storage)).toEqual([
      "work/manifest/000000000000-000000000001",
      "work/manifest/000000000001",
      "work/segment/000000000001-1-1",
    ])
    expect(await all(own)).toEqual([
      "_my___counts/work/segment/000000000001-1-0",
      "once/work/segment/000000000001-1-2",
    ])
  })

  it("is gone on from, and swept as the job's own", async () => {
    const [storage, own] = [memoryStorage(), memoryStorage()]
    await own.set("once/job/segment/000000000000-0-9", new Uint8Array(1)) // Left by a crash.
    await own.set("once/other/segment/000000000001-9", new Uint8Array(1)) // Another job's.
    for (let epoch = 1; epoch <= 3; epoch++) {
      const source = Array.from({ length: epoch }, () => events).flat()
      const job = await run(branches(own, source), { storage })
      await job.finished()
      const counts = [...job.state("My_Counts").scan()]
      expect(counts).toEqual([
        ["a", 2 * epoch],
        ["b", epoch],
        ["c", epoch],
      ])
      await job.close()
    }
    expect(await all(storage)).toEqual([
      "job/manifest/000000000002",
      "job/manifest/000000000002-000000000003",
      "job/manifest/000000000003",
      "job/segment/000000000002-2-1",
      "job/segment/000000000003-3-1",
    ])
    expect(await all(own)).toEqual([
      "_my___counts/job/segment/000000000002-2-0",
      "_my___counts/job/segment/000000000003-3-0",
      "once/job/segment/000000000002-2-2",
      "once/job/segment/000000000003-3-2",
      "once/other/segment/000000000001-9",
    ])
  })

  it("is closed with the job, when no other job uses it", async () => {
    const [storage, own] = [closable(memoryStorage()), closable(memoryStorage())]
    const one = await run(branches(own), { storage, name: "one" })
    const two = await run(branches(own), { storage, name: "two" })
    await one.close()
    expect([storage.closed, own.closed]).toEqual([0, 0])
    await two.close()
    expect([storage.closed, own.closed]).toEqual([1, 1])
  })

  it("that has lost a segment is damaged, and one that was left out is missed", async () => {
    const [storage, own] = [memoryStorage(), memoryStorage()]
    const job = await run(branches(own), { storage })
    await job.finished()
    await job.close()
    expect(await errorFrom(() => run(branches(undefined), { storage }))).toMatchObject({
      code: "STATE_CONFIG",
      message: "My_Counts: saved state is not in state.storage, but in the storage it had",
    })
    await own.delete("once/job/segment/000000000001-1-2")
    expect(await errorFrom(() => run(branches(own), { storage }))).toMatchObject({
      code: "CORRUPT",
    })
  })

  it("needs a job with a storage, which has the manifest", async () => {
    const { counts } = branches(memoryStorage())
    const told = {
      code: "OPTION",
      message: "state.storage of My_Counts needs run({ storage }) for the job's manifest",
    }
    expect(await errorFrom(() => run(counts))).toMatchObject(told)
    expect(await errorFrom(() => pull(counts))).toMatchObject(told)
  })
})
