/**
 * Every byte of a folder of state, damaged: a clear error, or a checkpoint that is whole.
 *
 * `MILLRACE_GATES=full` tries every byte; else one in 17.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { from, MillraceError, run, sum, tumbling } from "../js/index.ts"
import type { Replayable } from "../js/index.ts"
import { fileStorage } from "../js/storage/file.ts"
import { guardRejections, turns } from "./probe.ts"

guardRejections()

const stride = process.env["MILLRACE_GATES"] === "full" ? 1 : 17

const events = Array.from({ length: 12 }, (_, n) => ({ id: n % 2 ? "a" : "b", n, at: n * 4 }))

/** Events up to one of them, and then nothing, for ever. */
const eventsTo = (upto: number): Replayable<(typeof events)[number], number> => ({
  async *read(position = 0) {
    yield { events: events.slice(position, upto), position: upto }
    await new Promise(() => undefined)
  },
})

const streams = (upto: number) => {
  const byId = from(eventsTo(upto), { time: "at" }).keyBy("id")
  return {
    totals: byId.fold(
      () => 0,
      (total, { n }) => total + n,
      { uid: "totals" },
    ),
    windows: byId.window(tumbling(20)).aggregate({ n: sum("n") }, { uid: "windows" }),
  }
}

type Files = ReadonlyMap<string, Uint8Array>

let folder: string
/** What is in the folder after a crash, behind two checkpoints: with the lock of who is gone. */
let files: Files
/** The state at each position that was saved. */
const figures = new Map<number, unknown>()

const lock = "millrace.lock/00000000-0000-4000-8000-000000000000"
const gone = JSON.stringify({ pid: 7, startTicks: 7, startMs: 7, boot: "of another day" })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-damaged-"))
  for (const position of [4, 9]) {
    const job = await run(streams(position), { storage: fileStorage(folder) })
    void job.finished().catch(() => undefined)
    while (job.stats().position < position) await turns()
    await job.checkpoint()
    figures.set(position, stateOf(job))
    await job.close()
  }
  await put(lock, new TextEncoder().encode(gone))
  files = await contents()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function stateOf(job: { state(path: string): { entries(): unknown[] } }): unknown {
  return [job.state("totals").entries(), job.state("windows").entries()]
}

async function contents(): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
  names.sort()
  const read = async (name: string) => {
    return [name, new Uint8Array(await readFile(join(folder, name)))] as const
  }
  return new Map(await Promise.all(names.map(read)))
}

async function put(name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), bytes)
}

/** Start a job over the folder: what it finds, or how it is refused. Commits if `commits`. */
async function start(commits: boolean): Promise<string> {
  const storage = fileStorage(folder)
  try {
    const job = await run(streams(9), { storage })
    try {
      const { position = 0 } = job.stats().restored ?? {}
      expect([position, stateOf(job)]).toEqual([position, figures.get(position)])
      if (commits) await job.checkpoint()
      return `${position}`
    } finally {
      await job.close()
    }
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    await storage.close()
    return error.code
  }
}

/** Start over a folder in which some files are others, or gone, and put it in order again. */
async function startOver(others: Readonly<Record<string, Uint8Array | undefined>>) {
  for (const [name, bytes] of Object.entries(others)) {
    if (bytes === undefined) await rm(join(folder, name))
    else await put(name, bytes)
  }
  const outcome = await start(Object.keys(others).some((name) => name.endsWith("~owner")))
  for (const name of (await contents()).keys()) {
    if (!files.has(name)) await rm(join(folder, name))
  }
  for (const [name, bytes] of files) await put(name, bytes)
  return outcome
}

const valueOf = (name: string) => files.get(name) as Uint8Array
const ofJob = () => [...files.keys()].filter((name) => name.startsWith("job/"))

/** What may come of damage: the newest checkpoint, the one before, or an error that says why. */
const fine = ["9", "4", "CORRUPT", "FOREIGN", "LOCKED", "UNSUPPORTED"]

describe("a folder of state", () => {
  it("is taken over from who is gone", async () => {
    expect([...figures.keys()]).toEqual([4, 9])
    expect(ofJob().filter((name) => name.includes("manifest")).length).toBe(4)
    expect(await startOver({})).toBe("9")
  })

  it("never gives a wrong figure, whichever byte is another, or the last", async () => {
    const seen = new Map<string, Set<string>>()
    for (const [name, bytes] of files) {
      const outcomes = new Set<string>()
      for (let at = 0; at < bytes.length; at += name.startsWith("job/manifest/~") ? 1 : stride) {
        const flipped = bytes.slice()
        flipped[at] = (flipped[at] as number) ^ (1 << ((at * 5) % 8))
        outcomes.add(await startOver({ [name]: flipped }))
        outcomes.add(await startOver({ [name]: bytes.slice(0, at) }))
      }
      const what = /manifest\/~owner|manifest|segment|json|lock/.exec(name)?.[0] ?? name
      seen.set(what, new Set([...(seen.get(what) ?? []), ...outcomes]))
    }
    const shown = Array.from(seen, ([what, all]) => [what, [...all].sort()])
    expect(Object.fromEntries(shown)).toEqual({
      manifest: ["4", "9"],
      "manifest/~owner": expect.any(Array) as string[],
      segment: ["4", "9"],
      json: expect.any(Array) as string[],
      lock: expect.any(Array) as string[],
    })
    for (const [, all] of seen) for (const each of all) expect(fine).toContain(each)
  })

  it("never gives a wrong figure when files are swapped, stale or gone", async () => {
    const names = ofJob()
    for (const one of names) {
      expect(fine).toContain(await startOver({ [one]: undefined }))
      for (const other of names) {
        if (one === other) continue
        expect(fine).toContain(await startOver({ [one]: valueOf(other) }))
        expect(fine).toContain(await startOver({ [one]: valueOf(other), [other]: valueOf(one) }))
      }
    }
  })
})
