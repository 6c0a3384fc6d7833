/** The contract of storages: methods that a driver may have, passed over where it has not. */
import { MillraceError } from "../../errors.ts"
import type { StateStorage } from "../../storage/storage.ts"
import type { TransactionalStorage } from "../../storage/transactional.ts"
import { bytes, refused, same } from "./check.ts"
import type { Check } from "./check.ts"
import { random } from "./values.ts"

const manifest = (epoch: number) => `job/manifest/${epoch}`

export const optionalChecks: readonly Check[] = [
  [
    "answers with its optional methods as with the others",
    async ({ make }) => {
      const storage = await make()
      const entries = [["many/a", bytes(1)] as const, ["many/b", bytes(2)] as const]
      if (storage.setMany === undefined)
        for (const [key, value] of entries) await storage.set(key, value)
      else await storage.setMany(entries)
      const keys = ["many/b", "none", "many/a", "many"]
      for (const key of storage.exists === undefined ? [] : keys) {
        const there = key.startsWith("many/")
        same(await storage.exists?.(key), there, `whether ${key} exists`)
      }
      const values = [bytes(2), undefined, bytes(1), undefined]
      const found = (await storage.getMany?.(keys)) ?? values
      same(found, values, "values of getMany")
      if (storage.clear !== undefined) await storage.clear("many/a")
      else await storage.delete("many/a")
      same(await storage.list(""), ["many/b"], "keys after clear")
    },
  ],
  [
    "updates a value with nothing in between, where it has update",
    async ({ make }) => {
      const storage = await make()
      const update = storage.update?.bind(storage)
      if (update === undefined) return
      const add = (current: Uint8Array | undefined) => bytes((current?.[0] ?? 0) + 1)
      const sums = await Promise.all([1, 2, 3].map(() => update("sum", add)))
      same(sums, [bytes(1), bytes(2), bytes(3)], "values of updates made at once")
      same(await storage.get("sum"), bytes(3), "the value after updates")
    },
  ],
  [
    "keeps what is committed, where it has commit",
    async ({ make }) => {
      const storage = await make()
      const commit = storage.commit?.bind(storage)
      if (commit === undefined) return
      const given = bytes(1, 2)
      const segments = [["job/segment/1-0", given] as const, ["job/segment/1-1", bytes()] as const]
      const committing = commit(segments, [manifest(1), bytes(3)], 0)
      given.fill(9)
      await committing
      await commit([], [manifest(2), bytes(4)], 0)
      const keys = [manifest(1), manifest(2), "job/segment/1-0", "job/segment/1-1"]
      same(await storage.list(""), keys, "keys that were committed")
      const values = await Promise.all(keys.map((key) => storage.get(key)))
      same(values, [bytes(3), bytes(4), bytes(1, 2), bytes()], "values that were committed")
      for (const owner of [-1, 1.5, Number.NaN]) {
        const call = () => commit([], [manifest(3), bytes()], owner)
        await refused(call, "OPTION", `a commit of owner ${owner}`)
      }
      await refused(() => commit([], ["A", bytes()], 0), "OPTION", "a manifest that is no key")
      await refused(() => commit([["~", bytes()]], ["a", bytes()], 0), "OPTION", "a segment")
      same(await storage.list(""), keys, "keys after commits that were refused")
    },
  ],
  [
    "refuses commits of a stale owner, and of a manifest that does not follow all others",
    async ({ make }) => {
      const storage = await make()
      const commit = storage.commit?.bind(storage)
      if (commit === undefined) return
      const stale = (epoch: number, owner: number, what: string) => {
        const segments = [["job/segment/1-0", bytes(9)] as const]
        return refused(() => commit(segments, [manifest(epoch), bytes(9)], owner), "LOCKED", what)
      }
      await commit([["job/segment/1-0", bytes(1)]], [manifest(1), bytes(1)], 3)
      await commit([], [manifest(3), bytes(3)], 4)
      await stale(4, 3, "a commit of the owner before")
      await stale(3, 4, "a second commit of a manifest")
      await stale(2, 5, "a commit of a manifest before the last")
      await commit([], ["other/manifest/1", bytes(1)], 0)
      await commit([], [manifest(4), bytes(4)], 4)
      const keys = [manifest(1), manifest(3), manifest(4), "job/segment/1-0", "other/manifest/1"]
      same(await storage.list(""), keys, "keys after stale commits")
      const values = [await storage.get("job/segment/1-0"), await storage.get(manifest(3))]
      same(values, [bytes(1), bytes(3)], "values after stale commits")
    },
  ],
  [
    "lets others write in the transaction of a commit, where it is transactional",
    async ({ make }) => {
      const storage = (await make()) as Partial<TransactionalStorage<unknown>> & StateStorage
      const commit = storage.commit?.bind(storage)
      if (storage.transactional !== true || commit === undefined) return
      let written = 0
      const write = () => void written++
      const segments = [["job/segment/1-0", bytes(1)] as const]
      await commit(segments, [manifest(1), bytes(1)], 1, write)
      same(written, 1, "how often was written")
      await refused(() => commit([], [manifest(2), bytes(2)], 0, write), "LOCKED", "a stale commit")
      same(written, 1, "how often was written when a stale commit was refused")
      const fail = () => {
        throw new MillraceError("SINK", "no")
      }
      const more = [["job/segment/2-0", bytes(2)] as const]
      await refused(() => commit(more, [manifest(2), bytes(2)], 1, fail), "SINK", "a failed write")
      const keys = [manifest(1), "job/segment/1-0"]
      same(await storage.list(""), keys, "keys after commits that came to nothing")
      await commit([], [manifest(2), bytes(2)], 1, write)
      same(written, 2, "how often was written at last")
    },
  ],
]

/** One of two that take a store from each other. */
interface Contender {
  /** The newest manifest when it looked, and whose it was. */
  seen: Claim
  /** What it committed last, or tried to since a claim of its own passed. */
  last: Claim
}

interface Claim {
  readonly owner: number
  readonly epoch: number
}

/**
 * Two owners take a store from each other, their calls in any order and at once. Each looks at the
 * newest manifest, claims the store by committing the next one, and once that passed goes on, also
 * when it is refused, as one that does not know yet.
 */
export function fenceChecks(seed: number, interleavings: number): readonly Check[] {
  const next = random(seed)

  async function interleave(commit: (claim: Claim) => Promise<void>): Promise<void> {
    let newest: Claim = { owner: 0, epoch: 0 }
    let holder = -1
    const contenders = [0, 1].map((): Contender => ({ seen: newest, last: newest }))
    const claimOf = ({ seen }: Contender) => ({ owner: seen.owner + 1, epoch: seen.epoch + 1 })

    for (let step = 0; step < 12; step++) {
      const which = next(2)
      const self = contenders[which] as Contender
      const deed = next(4)
      if (deed === 0) self.seen = newest
      if (deed === 1) {
        const claim = claimOf(self)
        const fresh = self.seen === newest
        if (fresh) await commit(claim)
        else await refused(() => commit(claim), "LOCKED", "a claim after another commit")
        if (fresh) [newest, holder, self.last] = [claim, which, claim]
      }
      if (deed === 2 && self.last.owner > 0) {
        self.last = { owner: self.last.owner, epoch: self.last.epoch + 1 + next(2) }
        if (holder === which) await commit(self.last)
        else await refused(() => commit(self.last), "LOCKED", "a commit after another's claim")
        if (holder === which) newest = self.last
      }
      if (deed === 3) {
        const both = contenders.map((each) => claimOf({ ...each, seen: newest }))
        const ends = await Promise.allSettled(both.map((claim) => commit(claim)))
        const won = ends.map(({ status }) => status === "fulfilled")
        same([...won].sort(), [false, true], "who of two got the store by a claim at once")
        holder = won.indexOf(true)
        newest = (contenders[holder] as Contender).last = both[holder] as Claim
      }
    }
  }

  return [
    [
      `refuses the stale one of two owners, ${interleavings} times (seed ${seed}), with commit`,
      async ({ make }) => {
        const storage = await make()
        const commit = storage.commit?.bind(storage)
        if (commit === undefined) return
        for (let run = 0; run < interleavings; run++) {
          const key = (epoch: number) => `run-${run}/manifest/${1000 + epoch}`
          await interleave(({ owner, epoch }) => commit([], [key(epoch), bytes(owner)], owner))
        }
      },
    ],
  ]
}
