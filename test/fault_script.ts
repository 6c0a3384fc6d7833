/** What jobs do in tests of storages that fail: one script, and what must be there after it. */
import { expect } from "vitest"
import { from, MillraceError, run } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"
import { timed } from "../js/storage/timed.ts"
import { numbered } from "./probe.ts"

/** How often each of three keys came among the first events. */
export const counted = (events: number) =>
  from(numbered(events, 2))
    .keyBy((n) => `key ${n % 3}`)
    .fold(
      () => 0,
      (n) => n + 1,
    )

/** The state of {@link counted} after nine events. */
export const full = [
  { key: "key 0", value: 3 },
  { key: "key 1", value: 3 },
  { key: "key 2", value: 3 },
]

/** Leave two checkpoints in a storage, of two and four events, and half of another. */
export async function begin(storage: StateStorage): Promise<void> {
  for (const events of [2, 4]) {
    const job = await run(counted(events), { storage })
    await job.finished()
    await job.close()
  }
  await storage.set("job/segment/000000000003-7", Uint8Array.of(1, 2, 3))
}

/** Go on with nine events, a checkpoint before and one at the end, then close. */
export async function goOn(storage: StateStorage): Promise<void> {
  const job = await run(counted(9), { storage })
  try {
    await job.checkpoint()
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual(full)
  } finally {
    await job.close()
  }
}

/**
 * A job that begins now is whole, at the checkpoint before or after, and gets to the end. A call
 * that the one before gave up may still come through: then it is LOCKED, and the next one is whole.
 */
export async function recover(storage: StateStorage): Promise<void> {
  await beginAgain(storage).catch((error: unknown) => {
    if (!(error instanceof MillraceError) || error.code !== "LOCKED") throw error
    return beginAgain(storage)
  })
}

async function beginAgain(storage: StateStorage): Promise<void> {
  const job = await run(counted(9), { storage })
  try {
    expect([4, 9]).toContain(job.stats().position)
    expect(job.stats().restored?.skipped).toEqual([])
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual(full)
  } finally {
    await job.close()
  }
}

/** What is done to a storage: before anything fails, while calls do, and by the next one. */
export interface Script {
  begin(storage: StateStorage): Promise<void>
  goOn(storage: StateStorage): Promise<void>
  recover(storage: StateStorage): Promise<void>
}

export const jobs: Script = { begin, goOn, recover }

const manifest = (epoch: number) => `job/manifest/${epoch}`
const segmentsOf = (epoch: number) => [0, 1].map((n) => `job/segment/${epoch}-${n}`)

async function commit(storage: StateStorage, epoch: number, owner: number): Promise<void> {
  const value = new Uint8Array(5).fill(epoch)
  const segments = segmentsOf(epoch).map((key) => [key, value] as const)
  await timed(storage).commit?.(segments, [manifest(epoch), value], owner)
}

/** Commits by two owners, the second of which takes over and is struck. */
export const commits: Script = {
  begin: (storage) => commit(storage, 1, 1),
  async goOn(storage) {
    await commit(storage, 2, 2)
    await commit(storage, 3, 2)
    await timed(storage).close?.()
  },
  async recover(storage) {
    const found = (await storage.list("job/manifest/")).map((key) => Number(key.slice(-1)))
    expect([[1], [1, 2], [1, 2, 3]]).toContainEqual(found)
    for (const epoch of found) {
      for (const key of [manifest(epoch), ...segmentsOf(epoch)]) {
        expect(await storage.get(key)).toEqual(new Uint8Array(5).fill(epoch))
      }
    }
    await commit(storage, found.length + 1, 3)
    const stale = commit(storage, 9, 2)
    await expect(stale).rejects.toMatchObject({ code: "LOCKED" })
  },
}
