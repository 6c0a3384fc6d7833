/**
 * The power is cut at every call of the disk, and what was not synced is lost in many ways: a job
 * goes on from the last checkpoint that was acknowledged, or from a later whole one.
 *
 * `MILLRACE_GATES=full` tries 32 ways for each call; else 3.
 */
import type * as fs from "node:fs/promises"
import { describe, expect, it, vi } from "vitest"
import { run } from "../js/index.ts"
import { fileStorage } from "../js/storage/file.ts"
import { random } from "../js/testing/storage/values.ts"
import { commits, counted, full } from "./fault_script.ts"
import { guardRejections } from "./probe.ts"
import { systemError } from "./sim_disk.ts"
import type { SimDisk } from "./sim_disk.ts"

const { disk } = (await vi.hoisted(async () => {
  const { SimDisk } = await import("./sim_disk.ts")
  return { disk: new SimDisk() }
})) as { readonly disk: SimDisk }

vi.mock("node:fs/promises", async (original) => {
  const real: typeof fs = await original()
  return { ...real, ...disk.over(real) }
})

guardRejections()

const losses = process.env["MILLRACE_GATES"] === "full" ? 32 : 3
const seed = Number(process.env["MILLRACE_SEED"] ?? 1)

/** From the n-th call on the disk does nothing more; gives a count of calls. */
function cutAt(n: number) {
  const count = { calls: 0 }
  disk.fault = () => {
    if (count.calls++ >= n) throw systemError("EIO")
  }
  return count
}

/** Run over ten events in three jobs with checkpoints; gives what was acknowledged. */
async function threeJobs(dir: string): Promise<number> {
  let acknowledged = 0
  try {
    for (const events of [3, 6, 9]) {
      const job = await run(counted(events), { storage: fileStorage(dir) })
      try {
        await job.checkpoint()
        acknowledged = Math.max(acknowledged, job.stats().position)
        await job.finished()
        acknowledged = events
      } finally {
        await job.close()
      }
    }
  } catch {
    // The power is gone.
  }
  return acknowledged
}

/** Begin again after the cut; gives the position that the job went on from. */
async function goOnFrom(dir: string): Promise<number> {
  const job = await run(counted(9), { storage: fileStorage(dir) })
  try {
    const { position, restored } = job.stats()
    expect(restored?.skipped ?? []).toEqual([])
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual(full)
    return position
  } finally {
    await job.close()
  }
}

describe("power cuts", () => {
  it(`at any call of three jobs lose nothing that was acknowledged (seed ${seed})`, async () => {
    const whole = cutAt(Infinity)
    await threeJobs("/sim/whole")
    expect(whole.calls).toBeGreaterThan(150)
    const positions = new Set<number>()
    for (let n = 0; n < whole.calls; n++) {
      for (let loss = 0; loss < losses; loss++) {
        const dir = `/sim/cut-${n}-${loss}`
        cutAt(n)
        const acknowledged = await threeJobs(dir)
        disk.fault = () => undefined
        disk.cut(random(seed * 100_003 + n * 101 + loss + 1))
        const position = await goOnFrom(dir)
        expect([n, loss, position >= acknowledged]).toEqual([n, loss, true])
        positions.add(position)
        disk.clear()
      }
    }
    expect([...positions].sort()).toEqual([0, 3, 6, 9])
  })

  it(`at any call of commits keep all of one, or nothing (seed ${seed})`, async () => {
    let calls = 1
    for (let n = -1; n < calls; n++) {
      for (let loss = 0; loss < losses; loss++) {
        const dir = "/sim/commits"
        disk.fault = () => undefined
        const first = fileStorage(dir)
        await commits.begin(first)
        await first.close()
        const count = cutAt(n < 0 ? Infinity : n)
        await commits.goOn(fileStorage(dir)).catch(() => undefined)
        if (n < 0) calls = count.calls
        disk.fault = () => undefined
        disk.cut(random(seed * 100_003 + n * 101 + loss + 102))
        const last = fileStorage(dir)
        await commits.recover(last)
        await last.close()
        disk.clear()
      }
    }
    expect(calls).toBeGreaterThan(40)
  })
})
