/** A sink in the storage of a Durable Object in workerd, by SQL and by keys; objects that end. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Miniflare } from "miniflare"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startWorker } from "./workerd.ts"

let folder: string
let worker: Miniflare
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-edge-"))
  const durableObjects = { Pairs: "Pairs", Sqlite: { className: "Sqlite", useSQLite: true } }
  const compatibilityDate = "2026-04-01"
  worker = startWorker({ script: "sink.js", compatibilityDate, durableObjects, folder })
})
afterAll(async () => {
  await worker.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** What the job of an object came to, which writes sums of so many numbers. */
async function ask(path: string, given: { abortIn?: number; failIn?: number } = {}) {
  const response = await worker.dispatchFetch(`http://127.0.0.1/${path}`, {
    method: "POST",
    body: JSON.stringify({ count, ...given }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text) as { writes: number; sums: number[]; code?: string; manifests?: number }
}

const count = 40
const totals = [0, 0, 0]
const expected = Array.from({ length: count }, (_, n) => (totals[n % 3] = (totals[n % 3] ?? 0) + n))

describe.each(["Sqlite", "Pairs"])("a durable object of %s", (kind) => {
  it("has each result of its job once, wherever the object ends within a transaction", async () => {
    const whole = await ask(`${kind}/whole`)
    expect(whole.sums).toEqual(expected)
    expect(whole.writes).toBeGreaterThan(4)
    for (let abortIn = 1; abortIn <= whole.writes; abortIn++) {
      const path = `${kind}/ends-in-${abortIn}`
      await expect(ask(path, { abortIn })).rejects.toThrow(/killed/)
      expect((await ask(path)).sums, path).toEqual(expected)
    }
  })

  it("keeps nothing of a checkpoint whose sink fails", async () => {
    const failed = await ask(`${kind}/fails`, { failIn: 1 })
    expect(failed).toMatchObject({ code: "SINK", cause: "Error: failed", manifests: 0, sums: [] })
    const { sums, manifests } = await ask(`${kind}/fails`, { failIn: 3 })
    expect(manifests).toBe(2)
    expect(sums).toEqual(expected.slice(0, sums.length))
    expect((await ask(`${kind}/fails`)).sums).toEqual(expected)
  })
})
