/** The contract of storages: lists of keys, and what is refused. */
import type { StateStorage } from "../../storage/storage.ts"
import { bytes, refused, same } from "./check.ts"
import type { Check, Stores } from "./check.ts"

const tooLong = "k".repeat(201)

const badKeys = [
  ...["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "A", "é", "a b", "a\\b"],
  ...["a\n", "~a", "a*", "a:b", "\0", tooLong],
]

const badPrefixes = ["/", "../", "a/../", "a//", "./", "A", "a b", "a*", tooLong]

const listed = ["job/1", "job/10", "job/2", "job-b", "job/2x", "other", "jo"]

async function withListed({ make }: Stores): Promise<StateStorage> {
  const storage = await make()
  for (const key of listed) await storage.set(key, bytes(0))
  return storage
}

export const keyChecks: readonly Check[] = [
  [
    "lists nothing in an empty store",
    async ({ make }) => {
      const storage = await make()
      same([await storage.list(""), await storage.list("job/")], [[], []], "keys of an empty store")
    },
  ],
  [
    "lists keys by prefix, which may end inside a name, in the order of characters",
    async (stores) => {
      const storage = await withListed(stores)
      const expected = {
        "": ["jo", "job-b", "job/1", "job/10", "job/2", "job/2x", "other"],
        "job/": ["job/1", "job/10", "job/2", "job/2x"],
        job: ["job-b", "job/1", "job/10", "job/2", "job/2x"],
        "job/1": ["job/1", "job/10"],
        j: ["jo", "job-b", "job/1", "job/10", "job/2", "job/2x"],
        other: ["other"],
        "other/": [],
        x: [],
      }
      for (const [prefix, keys] of Object.entries(expected)) {
        same(await storage.list(prefix), keys, `keys that begin with "${prefix}"`)
      }
    },
  ],
  [
    "lists after a key, there or not, and no more than asked for",
    async (stores) => {
      const storage = await withListed(stores)
      const found = [
        await storage.list("job/", { after: "job/1" }),
        await storage.list("job/", { after: "job/11" }),
        await storage.list("job/", { limit: 2 }),
        await storage.list("job/", { after: "job/10", limit: 1 }),
        await storage.list("job/", { after: "a" }),
        await storage.list("", { after: "other" }),
        await storage.list("job/", { limit: 100 }),
      ]
      const expected = [
        ["job/10", "job/2", "job/2x"],
        ["job/2", "job/2x"],
        ["job/1", "job/10"],
        ["job/2"],
        ["job/1", "job/10", "job/2", "job/2x"],
        [],
        ["job/1", "job/10", "job/2", "job/2x"],
      ]
      same(found, expected, "keys after others, up to a limit")
    },
  ],
  [
    "lists many keys, page by page as all at once",
    async ({ make }) => {
      const storage = await make()
      const many = Array.from({ length: 250 }, (_, i) => `job/segment/${i}-0`)
      await Promise.all(many.map((key, i) => storage.set(key, bytes(i & 255))))
      const paged: string[] = []
      for (let at = 0; at < many.length; at += 40) {
        paged.push(...(await storage.list("job/", { limit: 40, after: paged.at(-1) ?? "" })))
      }
      many.sort()
      same(paged, many, "keys, page by page")
      same(await storage.list("job/segment/"), many, "keys, all at once")
    },
  ],
  [
    "refuses keys that not every store can hold",
    async ({ make }) => {
      const storage = await make()
      for (const key of badKeys) {
        const shown = JSON.stringify(key)
        await refused(() => storage.get(key), "OPTION", `get of ${shown}`)
        await refused(() => storage.set(key, bytes(1)), "OPTION", `set of ${shown}`)
        await refused(() => storage.delete(key), "OPTION", `delete of ${shown}`)
      }
      same(await storage.list(""), [], "keys after all were refused")
    },
  ],
  [
    "refuses prefixes that no key begins with, and limits that make no sense",
    async ({ make }) => {
      const storage = await make()
      for (const prefix of badPrefixes) {
        await refused(() => storage.list(prefix), "OPTION", `list of ${JSON.stringify(prefix)}`)
      }
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        await refused(() => storage.list("", { limit }), "OPTION", `list of at most ${limit}`)
      }
    },
  ],
]
