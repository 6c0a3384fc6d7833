/** The package in workerd, the runtime of Cloudflare's workers, by way of miniflare. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { expected, orders } from "../smoke.ts"
import { startWorker } from "./workerd.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-edge-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Start workerd, send the worker what was ordered so far, and end workerd. */
async function send(count: number, compatibilityDate: string): Promise<unknown> {
  const durableObjects = { ORDERS: "Orders" }
  const miniflare = startWorker({ script: "worker.js", compatibilityDate, durableObjects, folder })
  try {
    const body = JSON.stringify(orders.slice(0, count))
    const response = await miniflare.dispatchFetch("http://127.0.0.1/", { method: "POST", body })
    const text = await response.text()
    expect(response.status, text).toBe(200)
    return JSON.parse(text)
  } finally {
    await miniflare.dispose()
  }
}

describe("a worker", () => {
  // Before May 2025 workers have no weak references.
  it.each(["2024-01-01", "2026-04-01"])("goes on after a restart, as of %s", async (date) => {
    const half = orders.length / 2
    expect(await send(half, date)).toEqual({ position: 0, rows: expected.slice(0, half) })
    expect(await send(orders.length, date)).toEqual({ position: half, rows: expected.slice(half) })
  })
})
