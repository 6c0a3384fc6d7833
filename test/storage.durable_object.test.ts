/** Which calls the driver for Durable Objects makes; what they come to is tested in workerd. */
import { describe, expect, it } from "vitest"
import { durableObjectStorage } from "../js/storage/durable_object.ts"
import type { DurableObjectState, DurableObjectValues } from "../js/storage/durable_object.ts"

/** An object's storage that notes what changes it, or waits for the disk. */
function noting(): { calls: string[]; state: DurableObjectState } {
  const calls: string[] = []
  const kept = new Map<string, unknown>()
  const values: DurableObjectValues = {
    get: async (keys) => new Map([...kept].filter(([key]) => keys.includes(key))),
    async put(entries) {
      calls.push("put")
      for (const [key, value] of Object.entries(entries)) kept.set(key, value)
    },
    async delete(keys) {
      calls.push("delete")
      return keys.filter((key) => kept.delete(key)).length
    },
    list: async ({ prefix = "" }) =>
      new Map([...kept].filter(([key]) => key.startsWith(prefix)).sort()),
  }
  const state: DurableObjectState = {
    ...values,
    async transaction(run) {
      calls.push("begin")
      const result = await run(values)
      calls.push("end")
      return result
    },
    async sync() {
      calls.push("sync")
    },
  }
  return { calls, state }
}

const bytes = (length: number) => new Uint8Array(length)

describe("durableObjectStorage", () => {
  it("writes and removes a value by one call, and waits for the disk at a commit", async () => {
    const { calls, state } = noting()
    const storage = durableObjectStorage(state)
    await storage.set("job/segment/1", bytes(200_000))
    await storage.set("job/segment/1", bytes(200_001))
    await storage.delete("job/segment/1")
    await storage.delete("job/segment/1")
    expect(calls.splice(0)).toEqual(["put", "put", "delete"])
    await storage.commit([], ["job/manifest/000000000001", bytes(9)], 1)
    expect(calls).toEqual(["begin", "put", "put", "end", "sync"])
  })

  it("makes a transaction of what takes more than one call", async () => {
    const { calls, state } = noting()
    const storage = durableObjectStorage(state)
    await storage.set("a", bytes(200_000))
    await storage.set("a", bytes(9)) // A chunk less.
    expect(calls.splice(0)).toEqual(["put", "begin", "put", "delete", "end"])
    await storage.set("b", bytes(100 * 114_688)) // And its length.
    await storage.delete("b")
    const two = (call: string) => ["begin", call, call, "end"]
    expect(calls).toEqual([...two("put"), ...two("delete")])
  })

  it("keeps the last of several values of one key", async () => {
    const { state } = noting()
    const storage = durableObjectStorage(state)
    await storage.setMany([
      ["a", bytes(300_000)],
      ["a", bytes(3)],
    ])
    expect(await storage.get("a")).toEqual(bytes(3))
    await storage.delete("a")
    expect([...(await state.list({})).keys()]).toEqual([])
  })

  it("takes calls in turn, by whichever driver of an object they come", async () => {
    const { calls, state } = noting()
    const [one, other] = [durableObjectStorage(state), durableObjectStorage(state)]
    const manifest = ["job/manifest/000000000001", bytes(9)] as const
    await Promise.all([one.commit([], manifest, 1), other.set("a", bytes(1))])
    expect(calls).toEqual(["begin", "put", "put", "end", "sync", "put"])
  })
})
