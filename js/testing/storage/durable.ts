/** The contract of storages: what is there after a close or a crash, and when the host fails. */
import { bytes, refused, same } from "./check.ts"
import type { Check } from "./check.ts"

/** For drivers that keep values after close(). */
export const reopenChecks: readonly Check[] = [
  [
    "keeps everything over a close and a reopening",
    async ({ make, reopen }) => {
      const first = await make()
      await first.set("job/a", bytes(1))
      await first.set("job/b", bytes(2))
      await first.set("job/a", bytes(3))
      await first.delete("job/b")
      const second = await reopen(first)
      same(
        [await second.list(""), await second.get("job/a")],
        [["job/a"], bytes(3)],
        "what is left",
      )
      await second.set("job/c", bytes(4))
      const third = await reopen(second)
      same(await third.list(""), ["job/a", "job/c"], "keys after a second reopening")
    },
  ],
  [
    "keeps its fence over a close and a reopening, where it has commit",
    async ({ make, reopen }) => {
      const first = await make()
      await first.commit?.([["job/segment/1-0", bytes(1)]], ["job/manifest/1", bytes(2)], 7)
      const second = await reopen(first)
      const commit = second.commit?.bind(second)
      if (commit === undefined) return
      same(await second.get("job/segment/1-0"), bytes(1), "a segment")
      const stale = () => commit([], ["job/manifest/2", bytes(3)], 6)
      await refused(stale, "LOCKED", "a commit of the owner before")
      await commit([], ["job/manifest/2", bytes(4)], 7)
      const keys = ["job/manifest/1", "job/manifest/2", "job/segment/1-0"]
      same(await second.list(""), keys, "keys after a reopening")
    },
  ],
  [
    "opens again when it is used after close",
    async ({ make }) => {
      const storage = await make()
      await storage.set("a", bytes(1))
      await storage.close?.()
      await storage.close?.()
      same(await storage.get("a"), bytes(1), "the value after close")
    },
  ],
]

/** For drivers whose process may die. */
export const crashChecks: readonly Check[] = [
  [
    "keeps after a crash what was acknowledged before",
    async ({ make, crash }) => {
      const first = await make()
      await first.set("job/a", bytes(1))
      await first.set("job/b", bytes(2))
      await first.delete("job/b")
      await first.commit?.([], ["job/manifest/1", bytes(3)], 1)
      const second = await crash(first)
      const manifests = first.commit === undefined ? [] : ["job/manifest/1"]
      same(await second.list(""), ["job/a", ...manifests], "keys after a crash")
      same(await second.get("job/a"), bytes(1), "a value after a crash")
    },
  ],
]

/** For drivers whose host can be made to fail. */
export const failureChecks: readonly Check[] = [
  [
    "rejects with STORAGE and the host's error as cause when the host fails",
    async ({ failing }) => {
      const storage = await failing()
      const calls = {
        get: () => storage.get("a"),
        set: () => storage.set("a", bytes(1)),
        delete: () => storage.delete("a"),
        list: () => storage.list(""),
        commit: () => storage.commit?.([], ["job/manifest/1", bytes(1)], 1),
      }
      for (const [name, call] of Object.entries(calls)) {
        if (name === "commit" && storage.commit === undefined) continue
        const rejects = call as () => Promise<unknown>
        const { cause } = await refused(rejects, "STORAGE", `${name} when the host fails`)
        same(cause === undefined, false, `whether the error of ${name} has no cause`)
      }
    },
  ],
]
