import { describe, expect, it } from "vitest"
import { encode } from "../js/codec.ts"
import { from, memoryStorage, run } from "../js/index.ts"
import type { StateStorage, StreamOf } from "../js/index.ts"
import { contents, errorFrom, errorOf, guardRejections, numbered, turns } from "./probe.ts"

guardRejections()

const counted = (events = 9, keys = 3) =>
  from(numbered(events, 2))
    .keyBy((n) => `key ${n % keys}`)
    .fold(
      () => 0,
      (n) => n + 1,
    )

/** A storage with two checkpoints of a small job: after 4 events, and at the end, after 9. */
async function twoCheckpoints(): Promise<StateStorage> {
  const storage = memoryStorage()
  for (const events of [4, 9]) {
    const job = await run(counted(events), { storage })
    await job.finished()
    await job.close()
  }
  return storage
}

const manifest = (epoch: number) => `job/manifest/00000000000${epoch}`
const segment = (epoch: number) => `job/segment/00000000000${epoch}-${epoch}-0`

/** What the job finds: the checkpoint that it takes, those that it passes over, and its state. */
async function found(storage: StateStorage, stream: StreamOf<unknown> = counted()) {
  const job = await run(stream, { storage })
  const { restored } = job.stats()
  const entries = job.state("fold-1").entries()
  await job.close()
  return { restored, entries: entries.map(({ key, value }) => `${String(key)}: ${String(value)}`) }
}

async function valueOf(storage: StateStorage, key: string): Promise<Uint8Array> {
  const value = await storage.get(key)
  if (value === undefined) throw new Error(`${key} is missing`)
  return value
}

/** The storage with one value made another, or taken away. */
function withValue(storage: StateStorage, key: string, value: unknown): StateStorage {
  return {
    ...storage,
    get: async (asked) => (asked === key ? (value as Uint8Array) : storage.get(asked)),
  }
}

const older = ["key 0: 2", "key 1: 1", "key 2: 1"]
const newer = ["key 0: 3", "key 1: 3", "key 2: 3"]

describe("a damaged checkpoint", () => {
  it("is not there in what follows", async () => {
    expect(await found(await twoCheckpoints())).toEqual({
      restored: { epoch: 2, position: 9, skipped: [] },
      entries: newer,
    })
  })

  it.each(["manifest", "segment"] as const)(
    "gives way to the one before, whichever byte of its %s is another",
    async (what) => {
      const storage = await twoCheckpoints()
      const key = what === "manifest" ? manifest(2) : segment(2)
      const value = await valueOf(storage, key)
      const fallback = {
        restored: {
          epoch: 1,
          position: 4,
          skipped: [{ epoch: 2, reason: `the ${what} of checkpoint 2 is damaged` }],
        },
        entries: older,
      }
      for (let at = 0; at < value.length; at++) {
        const flipped = value.slice()
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
        expect(await found(withValue(storage, key, flipped))).toEqual(fallback)
        expect(await found(withValue(storage, key, value.slice(0, at)))).toEqual(fallback)
      }
      expect(await found(withValue(storage, key, Uint8Array.of(...value, 0)))).toEqual(fallback)
    },
  )

  it.each([
    ["a manifest that is missing", manifest(2), undefined, `${manifest(2)} is missing`],
    ["a segment that is missing", segment(2), undefined, `${segment(2)} is missing`],
    ["a text", segment(2), "bytes", `${segment(2)} is not bytes but a string`],
    ["a list", manifest(2), [1, 2], `${manifest(2)} is not bytes but an array`],
    ["null", manifest(2), null, `${manifest(2)} is not bytes but null`],
  ])("may be %s", async (_, key, value, reason) => {
    const { restored } = await found(withValue(await twoCheckpoints(), key, value))
    expect(restored).toEqual({ epoch: 1, position: 4, skipped: [{ epoch: 2, reason }] })
  })

  it.each([
    ["another epoch's manifest", manifest(2), manifest(1)],
    ["another epoch's segment", segment(2), segment(1)],
    ["a segment for a manifest", manifest(2), segment(2)],
  ])("may be %s", async (_, key, other) => {
    const storage = await twoCheckpoints()
    const swapped = withValue(storage, key, await valueOf(storage, other))
    expect((await found(swapped)).restored).toMatchObject({ epoch: 1, skipped: [{ epoch: 2 }] })
  })

  it("may be one of another job", async () => {
    const storage = await twoCheckpoints()
    const job = await run(counted(), { storage, name: "other" })
    await job.finished()
    await job.checkpoint().catch(() => undefined)
    await job.close()
    const theirs = await valueOf(storage, manifest(1).replace("job", "other"))
    const foreign = withValue(withValue(storage, manifest(2), theirs), manifest(1), theirs)
    expect((await errorFrom(() => run(counted(), { storage: foreign }))).code).toBe("CORRUPT")
  })

  it("is removed when the next one is there", async () => {
    const storage = await twoCheckpoints()
    const value = await valueOf(storage, segment(2))
    await storage.set(segment(2), value.slice(1))
    const job = await run(counted(), { storage })
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual([
      { key: "key 0", value: 3 },
      { key: "key 1", value: 3 },
      { key: "key 2", value: 3 },
    ])
    await job.close()
    expect(Object.keys(await contents(storage))).toEqual([
      manifest(1),
      `${manifest(2)}-000000000003`, // Who went on from there, whatever that was.
      manifest(3),
      segment(1),
      segment(3),
    ])
  })

  it("that has no other beside it is CORRUPT, and storage stays as it is", async () => {
    const storage = await twoCheckpoints()
    for (const epoch of [1, 2]) {
      await storage.set(segment(epoch), (await valueOf(storage, segment(epoch))).slice(0, -1))
    }
    const before = await contents(storage)
    expect(await errorFrom(() => run(counted(), { storage }))).toEqual({
      code: "CORRUPT",
      message:
        "no checkpoint of job job is whole: the segment of checkpoint 2 is damaged; " +
        "the segment of checkpoint 1 is damaged",
      cause: undefined,
    })
    await turns()
    expect(await contents(storage)).toEqual(before)
  })
})

describe("a chain of checkpoints", () => {
  /** Checkpoints that each change one key of many, so that the last ones name older segments. */
  async function chained(): Promise<StateStorage> {
    const storage = memoryStorage()
    for (let events = 12; events < 18; events++) {
      const job = await run(counted(events, 12), { storage })
      await job.finished()
      await job.close()
    }
    return storage
  }

  const entries = (events: number) =>
    Array.from({ length: 12 }, (_, key) => `key ${key}: ${key < events - 12 ? 2 : 1}`)
  const values = (storage: StateStorage) => found(storage, counted(17, 12))

  it("names segments of checkpoints that are gone, and keeps them", async () => {
    const storage = await chained()
    const keys = Object.keys(await contents(storage))
    const epochOf = (key: string) => Number(/0{9}(\d+)/.exec(key)?.[1])
    expect(keys.filter((key) => /manifest.\d+$/.test(key)).map(epochOf)).toEqual([5, 6])
    const segments = keys.filter((key) => key.includes("segment")).map(epochOf)
    expect(segments.length).toBeGreaterThan(3)
    expect(segments).toEqual(segments.map((_, i) => 7 - segments.length + i))
    expect(await values(storage)).toEqual({
      restored: { epoch: 6, position: 17, skipped: [] },
      entries: entries(17),
    })
  })

  it("is damaged where any byte of any segment is another, and never restored wrong", async () => {
    const storage = await chained()
    const keys = Object.keys(await contents(storage)).filter((key) => key.includes("segment"))
    const last = keys.at(-1) as string
    for (const key of keys) {
      const value = await valueOf(storage, key)
      for (let at = 0; at < value.length; at++) {
        const flipped = value.slice()
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
        const reason = (epoch: number) => `the segment of checkpoint ${epoch} is damaged`
        const damagedStorage = withValue(storage, key, flipped)
        if (key === last) {
          expect(await values(damagedStorage)).toEqual({
            restored: { epoch: 5, position: 16, skipped: [{ epoch: 6, reason: reason(6) }] },
            entries: entries(16),
          })
          continue
        }
        const outcome = await values(damagedStorage).catch(errorOf)
        if ("entries" in outcome) expect(outcome.restored?.epoch).toBe(6) // Only 5 names it.
        if ("entries" in outcome) expect(outcome.entries).toEqual(entries(17))
        else expect(outcome.code).toBe("CORRUPT")
      }
    }
  })
})

describe("a manifest with the right checksum", () => {
  /** A manifest as a hostile or newer program would write it. */
  async function forged(value: unknown): Promise<StateStorage> {
    const { default: xxhash } = await import("xxhash-wasm")
    const body = encode(value)
    const bytes = new Uint8Array(body.length + 8)
    bytes.set(body)
    const sum = (await xxhash()).h64Raw(body)
    new DataView(bytes.buffer).setBigUint64(body.length, sum, true)
    const storage = memoryStorage()
    await storage.set(manifest(1), bytes)
    return storage
  }

  const whole = {
    format: 2,
    job: "job",
    epoch: 1,
    owner: 1,
    sequence: 3,
    finished: false,
    complete: false,
    sources: [{ uid: "source-1", position: { offset: 0, position: 3 }, timeMax: -Infinity }],
    operators: [],
  }

  it("is taken if it is whole", async () => {
    expect((await found(await forged(whole))).restored).toMatchObject({ epoch: 1, position: 3 })
  })

  it.each([1, 3])("and format %i is UNSUPPORTED, naming both", async (format) => {
    const storage = await forged({ ...whole, format, operators: "in another form" })
    expect(await errorFrom(() => run(counted(), { storage }))).toMatchObject({
      code: "UNSUPPORTED",
      message: `state of format ${format}; this version reads 2`,
    })
  })

  const source = whole.sources[0]
  const schema = { kind: "fold", fields: ["ref"], ttl: false }
  const operator = { uid: "fold-1", state: "", schema }
  const saved = { key: segment(1), bytes: 1, checksum: 1n, entries: 1, number: 1 }
  it.each([
    null,
    5,
    [whole],
    {},
    { ...whole, format: 0 },
    { ...whole, format: "1" },
    { ...whole, job: "other" },
    { ...whole, epoch: 2 },
    { ...whole, sequence: -1 },
    { ...whole, finished: 1 },
    { ...whole, sources: {} },
    { ...whole, sources: [null] },
    { ...whole, sources: [{ ...source, position: { offset: -1 } }] },
    { ...whole, sources: [{ ...source, timeMax: "late" }] },
    { ...whole, sources: [{ ...source, timeMax: NaN }] },
    { ...whole, sources: [source, source] },
    { ...whole, operators: [0, 1].map(() => ({ ...operator, segments: [] })) },
    { ...whole, sources: [{ ...source, watermark: 8.64e15 + 1 }] },
    { ...whole, operators: [operator] },
    { ...whole, operators: [{ ...operator, segments: [{ ...saved, key: "../secret" }] }] },
    { ...whole, operators: [{ ...operator, segments: [{ ...saved, checksum: 1 }] }] },
    { ...whole, operators: [{ ...operator, segments: [saved] }] },
    { ...whole, operators: [{ ...operator, segments: [{ ...saved, number: 2 ** 32 }] }] },
    { ...whole, operators: [{ ...operator, segments: [{ ...saved, number: 1 }, saved] }] },
    { ...whole, operators: [{ ...operator, state: 1, segments: [] }] },
    { ...whole, operators: [{ ...operator, schema: { kind: "fold" }, segments: [] }] },
  ])("but parts of other types is CORRUPT: case %#", async (value) => {
    const storage = await forged(value)
    const before = await contents(storage)
    expect((await errorFrom(() => run(counted(), { storage }))).code).toBe("CORRUPT")
    expect(await contents(storage)).toEqual(before)
  })
})
