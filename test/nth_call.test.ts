/**
 * Every call that a driver makes of its host fails, once or from there on, or never settles: the
 * job gives a typed error or none, and the next one goes on from a whole checkpoint.
 *
 * `MILLRACE_GATES=full` tries every error on every call; else each call has one of them.
 */
import "fake-indexeddb/auto"
import type * as fs from "node:fs/promises"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { MillraceError } from "../js/index.ts"
import { commits, jobs } from "./fault_script.ts"
import type { Script } from "./fault_script.ts"
import { hosts } from "./hosts.ts"
import type { Host } from "./hosts.ts"
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

const full = process.env["MILLRACE_GATES"] === "full"

guardRejections()

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-faults-"))
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true, force: true })
})

const domError = (name: string) => Object.assign(new Error(name), { name })

/** What goes wrong, thrown by a call or never told. */
const faults: Record<string, () => Error | undefined> = {
  ENOSPC: () => systemError("ENOSPC"),
  EIO: () => systemError("EIO"),
  EMFILE: () => systemError("EMFILE"),
  QuotaExceededError: () => domError("QuotaExceededError"),
  UnknownError: () => domError("UnknownError"),
  InvalidStateError: () => domError("InvalidStateError"),
  "nothing, ever": () => undefined,
}

const never = new Promise(() => undefined)

/** Make the n-th call fail, or that and all later ones. */
function strike(host: Host, at: number, once: boolean, fault: () => Error | undefined) {
  const struck = { calls: 0, waits: false }
  host.fault = () => {
    const n = struck.calls++
    if (once ? n !== at : n < at) return undefined
    const error = fault()
    struck.waits = error === undefined || host.patient === true
    if (error === undefined) return never
    throw error
  }
  return struck
}

/** The outcome of a script: a code, or "done". While it waits for a timer time goes fast. */
async function outcomeOf(run: () => Promise<void>, struck: { readonly waits: boolean }) {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  let over = false
  const running = run().finally(() => (over = true))
  running.catch(() => undefined)
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    if (struck.waits) vi.advanceTimersByTime(500)
  }
  vi.useRealTimers()
  return running.then(
    () => "done",
    (error: unknown) => {
      if (error instanceof MillraceError) return error.code
      throw error
    },
  )
}

/** Strike each call of a script, and see that the next one goes on; gives calls and outcomes. */
async function strikeAll(make: (typeof hosts)[string], script: Script, once: boolean) {
  const outcomes = new Set<string>()
  let calls = 1
  for (let n = -1; n < calls; n++) {
    const kinds = Object.values(faults).filter((_, i) => full || i === (n + 7) % 7)
    for (const fault of kinds) {
      const host = make({ disk, folder })
      const storage = host.open()
      await script.begin(storage)
      const struck = strike(host, n < 0 ? Infinity : n, once, fault)
      outcomes.add(await outcomeOf(() => script.goOn(storage), struck))
      if (n < 0) calls = struck.calls
      host.fault = () => undefined
      if (fault() === undefined) host.die()
      else await storage.close?.()
      await script.recover(host.open())
      await host.end()
    }
  }
  return { calls, outcomes: [...outcomes].sort() }
}

const ways = [
  ["once", true],
  ["from there on", false],
] as const

describe.each(Object.entries(hosts))("calls of a host: %s", (name, make) => {
  it.each(ways)("fail %s: a typed error, and the next job goes on", async (_, once) => {
    const { calls, outcomes } = await strikeAll(make, jobs, once)
    expect(calls).toBeGreaterThan(9)
    expect(["STORAGE TIMEOUT done", "STORAGE done"]).toContain(outcomes.join(" "))
  })

  const commit = !["four methods", "encrypted"].includes(name)
  it.runIf(commit).each(ways)("fail %s: a commit is done or not", async (_, once) => {
    const { calls, outcomes } = await strikeAll(make, commits, once)
    expect(calls).toBeGreaterThan(5)
    expect(["STORAGE TIMEOUT done", "STORAGE done"]).toContain(outcomes.join(" "))
  })
})
