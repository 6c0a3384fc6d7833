/** The contract of storages: values, the copies that are made of them, and scripts of calls. */
import type { StateStorage } from "../../storage/storage.ts"
import { bytes, filled, same } from "./check.ts"
import type { Check } from "./check.ts"

/** The longest key and whatever else a key may have. */
const goodKeys = [
  "k".repeat(200),
  ...["a-b_c.d/0/9", "...a", "..a/b..", "-", "_"],
  `${"x/".repeat(99)}xy`,
]

const getAll = (storage: StateStorage, keys: readonly string[]) =>
  Promise.all(keys.map((key) => storage.get(key)))

export const valueChecks: readonly Check[] = [
  [
    "gets undefined for a key never set, also below and above one that is",
    async ({ make }) => {
      const storage = await make()
      await storage.set("a/b", bytes(1))
      const keys = ["none", "a", "a/b/c", "a/c"]
      const nothing = keys.map(() => undefined)
      same(await getAll(storage, keys), nothing, "values of keys never set")
    },
  ],
  [
    "gets what was set, and the last of several",
    async ({ make }) => {
      const storage = await make()
      await storage.set("a", bytes(1, 2, 3))
      same(await storage.get("a"), bytes(1, 2, 3), "the value")
      await storage.set("a", bytes(4))
      await storage.set("a", bytes(5, 6))
      same(await storage.get("a"), bytes(5, 6), "the last value")
    },
  ],
  [
    "keeps values of no bytes and of two million, longer and shorter ones in turn",
    async ({ make }) => {
      const storage = await make()
      const sizes = [2 * 1024 * 1024, 0, 114_688, 114_689, 1, 300_000]
      for (const size of sizes) {
        await storage.set("value", filled(size))
        const found = (await storage.get("value")) ?? bytes()
        const equal = found.every((byte, i) => byte === ((i * 31) >> 3) % 256)
        same([found.length, equal], [size, true], `length, and whether ${size} bytes are right`)
      }
      await storage.set("none", bytes())
      same(await storage.get("none"), bytes(), "a value of no bytes")
    },
  ],
  [
    "deletes, and deletes a missing key without an error",
    async ({ make }) => {
      const storage = await make()
      await storage.set("job/a", bytes(1))
      await storage.set("job/b", bytes(2))
      for (const key of ["job/a", "job/a", "never/there", "job"]) await storage.delete(key)
      same(await storage.get("job/a"), undefined, "the value of a deleted key")
      same(await storage.list(""), ["job/b"], "the keys that are left")
    },
  ],
  [
    "takes every character and length that a key may have",
    async ({ make }) => {
      const storage = await make()
      for (const key of goodKeys) await storage.set(key, bytes(key.length))
      const lengths = goodKeys.map((key) => bytes(key.length))
      same(await getAll(storage, goodKeys), lengths, "values of all kinds of keys")
      same(await storage.list(""), [...goodKeys].sort(), "all kinds of keys")
    },
  ],
  [
    "keeps its own copy of what it was given, from the moment of the call",
    async ({ make }) => {
      const storage = await make()
      const given = bytes(1, 2, 3)
      const setting = storage.set("a", given)
      given[0] = 9
      await setting
      given[1] = 9
      same(await storage.get("a"), bytes(1, 2, 3), "the value, after the given bytes changed")
    },
  ],
  [
    "gives out a copy",
    async ({ make }) => {
      const storage = await make()
      await storage.set("a", bytes(1, 2, 3))
      const first = await storage.get("a")
      first?.fill(9)
      same(await storage.get("a"), bytes(1, 2, 3), "the value, after what was got changed")
    },
  ],
  [
    "keeps only the part of a buffer that a view shows",
    async ({ make }) => {
      const storage = await make()
      await storage.set("a", bytes(1, 2, 3, 4).subarray(1, 3))
      same(await storage.get("a"), bytes(2, 3), "the value of a part")
    },
  ],
  [
    "takes many calls at once",
    async ({ make }) => {
      const storage = await make()
      const keys = Array.from({ length: 40 }, (_, i) => `at/once/${i}`)
      await Promise.all(keys.map((key, i) => storage.set(key, bytes(i))))
      const odd = keys.filter((_, i) => i % 2 === 1)
      const [values] = await Promise.all([
        getAll(storage, keys),
        ...odd.map((key) => storage.get(key)),
      ])
      const set = keys.map((_, i) => bytes(i))
      same(values, set, "values that were set at once")
      await Promise.all(odd.map((key) => storage.delete(key)))
      const left = keys.filter((_, i) => i % 2 === 0).sort()
      same(await storage.list("at/once/"), left, "keys that are left")
    },
  ],
  [
    "gives all of one value or all of the other while it is being set",
    async ({ make }) => {
      const storage = await make()
      const values = [new Uint8Array(250_000).fill(1), new Uint8Array(120_000).fill(2)]
      await storage.set("a", values[0] ?? bytes())
      for (let i = 1; i < 7; i++) {
        const setting = storage.set("a", values[i % 2] ?? bytes())
        const found = (await storage.get("a")) ?? bytes()
        const whole = values.some(
          (value) => value.length === found.length && found.every((byte) => byte === value[0]),
        )
        same(whole, true, "whether a value that is being replaced is whole")
        await setting
      }
    },
  ],
]

/** Any script of calls ends as it does on a Map. */
export function modelChecks(seed: number): readonly Check[] {
  const keys = ["a", "b/c", "b/d", "b-", "b/e/f"]
  return [
    [
      `ends every script of calls as a Map does (seed ${seed})`,
      async ({ make }) => {
        const next = random(seed)
        for (let run = 0; run < 20; run++) {
          const storage = await make()
          const model = new Map<string, Uint8Array>()
          const script: string[] = []
          for (let step = next(13); step > 0; step--) {
            const key = keys[next(keys.length)] as string
            const value = next(3) === 0 ? undefined : new Uint8Array(next(9)).fill(next(256))
            script.push(value === undefined ? `delete ${key}` : `set ${key}`)
            if (value === undefined) await storage.delete(key)
            else await storage.set(key, value)
            if (value === undefined) model.delete(key)
            else model.set(key, value)
          }
          const found = await storage.list("")
          const all = [found, ...(await getAll(storage, found))]
          const sorted = [...model.keys()].sort()
          const expected = [sorted, ...sorted.map((key) => model.get(key))]
          same(all, expected, `keys and values after ${script.join(", ")}`)
        }
      },
    ],
  ]
}

/** Whole numbers below a bound, the same for the same seed: a xorshift of 32 bits. */
export function random(seed: number): (below: number) => number {
  let state = seed | 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
