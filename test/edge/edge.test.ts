/** The package in workerd, the runtime of Cloudflare's workers, by way of miniflare. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type * as core from "../../js/index.ts"
import type { JobBase, Streams } from "../../js/index.ts"
import { expected, orders } from "../smoke.ts"
import { startWorker } from "./workerd.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-edge-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Start workerd, send the worker what was ordered so far, and end workerd. */
async function send(
  count: number,
  compatibilityDate: string,
  savepoint?: Uint8Array,
): Promise<unknown> {
  const durableObjects = { ORDERS: "Orders" }
  const miniflare = startWorker({ script: "worker.js", compatibilityDate, durableObjects, folder })
  try {
    const from = savepoint && { savepoint: [...savepoint] }
    const body = JSON.stringify({ orders: orders.slice(0, count), ...from })
    const response = await miniflare.dispatchFetch("http://127.0.0.1/", { method: "POST", body })
    const text = await response.text()
    expect(response.status, text).toBe(200)
    return JSON.parse(text)
  } finally {
    await miniflare.dispose()
  }
}

interface Smoke {
  streamsOf(this: void, millrace: object, events: readonly object[]): Streams
  rowsOf(this: void, job: JobBase): AsyncIterable<object>
}

/** A savepoint of the program in Node, from its middle. */
async function savepointInNode() {
  const [program, entry] = ["../fixtures/smoke.js", "../../dist/node.mjs"]
  const { rowsOf, streamsOf } = (await import(program)) as Smoke
  const millrace = (await import(entry)) as typeof core
  const job = await millrace.run(streamsOf(millrace, orders), { chunkSize: 100 })
  let taken: Promise<ReadableStream<Uint8Array>> | undefined
  let rows = 0
  for await (const _ of rowsOf(job)) if (++rows === 1234) taken = job.savepoint()
  const savepoint = new Uint8Array(await new Response(await taken).arrayBuffer())
  await job.close()
  return savepoint
}

describe("a worker", () => {
  it("goes on from a savepoint that was made in Node", async () => {
    const savepoint = await savepointInNode()
    const date = "2026-04-01"
    const came = (await send(orders.length, date, savepoint)) as { position: number }
    expect(came.position).toBeGreaterThanOrEqual(1234)
    expect(came.position).toBeLessThan(orders.length)
    expect(came).toEqual({ position: came.position, rows: expected.slice(came.position) })
    expect(await send(orders.length, date)).toEqual({ position: orders.length, rows: [] })
  })

  // Before May 2025 workers have no weak references.
  it.each(["2024-01-01", "2026-04-01"])("goes on after a restart, as of %s", async (date) => {
    const half = orders.length / 2
    expect(await send(half, date)).toEqual({ position: 0, rows: expected.slice(0, half) })
    expect(await send(orders.length, date)).toEqual({ position: half, rows: expected.slice(half) })
  })
})
