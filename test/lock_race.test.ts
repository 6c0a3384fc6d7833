/** A lock that is there before its owner has heard of it. */
import type * as fs from "node:fs/promises"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { takeLock } from "../js/storage/lock.ts"

vi.mock("node:fs/promises", async (original) => {
  const real: typeof fs = await original()
  const rename: typeof fs.rename = async (from, to) => {
    await real.rename(from, to)
    await setTimeout(60) // The host is slow to say so.
  }
  return { ...real, rename }
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-lock-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it("is nobody's to take over, also in the same thread", async () => {
  const first = takeLock(folder)
  await setTimeout(30)
  await expect(takeLock(folder)).rejects.toMatchObject({ code: "LOCKED" })
  await (await first).release()
  await (await takeLock(folder)).release()
})
