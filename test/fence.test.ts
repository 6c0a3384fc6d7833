/** Two jobs on one store that do not know of each other, as of two processes. */
import { describe, expect, it } from "vitest"
import { from, memoryStorage, run } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"
import { contents, errorFrom, fourMethods, numbered } from "./probe.ts"

const counted = () =>
  from(numbered(9, 2))
    .keyBy((n) => n % 3)
    .fold(
      () => 0,
      (n) => n + 1,
    )

/** A job that was woken after another has gone on from its checkpoint. */
async function stale(storage: StateStorage, others: StateStorage) {
  const first = await run(counted(), { storage })
  await first.checkpoint()
  const second = await run(counted(), { storage: others })
  await second.finished()
  const saved = await contents(storage)
  await second.close()
  return { first, saved }
}

describe("a job whose store another process has taken over", () => {
  it("is LOCKED, and changes nothing that the other one needs", async () => {
    const storage = memoryStorage()
    const { first, saved } = await stale(storage, { ...storage })
    expect((await errorFrom(() => first.finished())).code).toBe("LOCKED")
    await first.close()
    const now = await contents(storage)
    for (const [key, value] of Object.entries(saved)) expect(now[key], key).toEqual(value)
    const third = await run(counted(), { storage })
    expect(third.stats().restored).toMatchObject({ epoch: 2, position: 9, skipped: [] })
    await third.close()
  })

  it("overwrites no segment of the other, if the storage has no fence", async () => {
    const storage = fourMethods(memoryStorage())
    const written: string[] = []
    const noting = (): StateStorage => ({
      ...storage,
      set(key, value) {
        if (key.includes("/segment/")) written.push(key)
        return storage.set(key, value)
      },
    })
    const { first } = await stale(noting(), noting())
    await first.finished()
    await first.close()
    expect(written.length).toBeGreaterThan(1)
    expect(new Set(written).size).toBe(written.length)
  })
})
