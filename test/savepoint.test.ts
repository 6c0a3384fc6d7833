import { describe, expect, it } from "vitest"
import xxhash from "xxhash-wasm"
import { from, memoryStorage, run } from "../js/index.ts"
import type { Job, RunOptions, SavepointSource } from "../js/index.ts"
import { errorFrom, guardRejections, pull, turns } from "./probe.ts"
import { bytesOf, contentsOf } from "./savepoints.ts"

guardRejections()

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

const counted = (source: readonly number[], uid = "counts") =>
  from(source)
    .keyBy((n) => n % 3)
    .fold(
      () => ({ count: 0, sum: 0 }),
      ({ count, sum }, n) => ({ count: count + 1, sum: sum + n }),
      { uid },
    )

/** A savepoint of a job after so many results; the job is closed. */
async function savedAfter(count: number, job: Job<unknown>): Promise<Uint8Array> {
  const results = job[Symbol.asyncIterator]()
  for (let i = 0; i < count; i++) await results.next()
  const taken = job.savepoint()
  void results.next()
  const stream = await taken
  await job.close()
  return bytesOf(stream)
}

const after = async (count: number, options: RunOptions = {}) =>
  savedAfter(count, await run(counted(numbers(11)), { chunkSize: 1, ...options }))

/** Start from a savepoint and give what comes out. */
async function rest(savepoint: SavepointSource, options: RunOptions = {}): Promise<unknown[]> {
  const job = await run(counted(numbers(11)), { ...options, from: savepoint })
  const results = await pull(job)
  await job.close()
  return results
}

describe("a job from a savepoint", () => {
  it("goes on where the other one was", async () => {
    const whole = await counted(numbers(11)).toArray()
    for (let at = 0; at < 11; at++) {
      const second = await run(counted(numbers(11)), { from: await after(at) })
      expect(second.stats().restored).toEqual({ epoch: undefined, position: at, skipped: [] })
      expect(await pull(second)).toEqual(whole.slice(at))
      await second.close()
    }
  })

  it("reads bytes in pieces of any size, from every kind of stream", async () => {
    const whole = await counted(numbers(11)).toArray()
    const bytes = await after(5)
    for (const size of [1, 7, 100, 1e6]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      const given = async function* () {
        yield* pieces
      }
      const body = new Blob(pieces as BlobPart[]).stream()
      for (const source of [pieces, given(), body]) {
        expect(await rest(source)).toEqual(whole.slice(5))
      }
    }
  })

  it("saves all of it with its first checkpoint", async () => {
    const storage = memoryStorage()
    const first = await run(counted(numbers(5)), { storage, from: await after(5) })
    await first.finished()
    await first.close()
    const second = await run(counted(numbers(11)), { storage })
    expect(second.stats().restored).toEqual({ epoch: 1, position: 5, skipped: [] })
    expect(await pull(second)).toEqual((await counted(numbers(11)).toArray()).slice(5))
    await second.close()
  })

  it("is refused where storage has checkpoints already, and leaves them as they are", async () => {
    const storage = memoryStorage()
    const bytes = await after(5, { storage })
    const first = await run(counted(numbers(3)), { storage })
    await first.checkpoint()
    await first.close()
    expect(await errorFrom(() => rest(bytes, { storage }))).toMatchObject({
      code: "OPTION",
      message:
        "storage has checkpoints of job job already, the last of epoch 1: leave run.from out to " +
        "go on from there, or give the savepoint another name or storage",
    })
    expect(await rest(bytes, { storage, name: "other" })).toHaveLength(6)
  })

  it("refuses what is no savepoint, and a stream that fails", async () => {
    expect(await errorFrom(() => rest("bytes" as never))).toMatchObject({
      code: "OPTION",
      message: "run.from must be a savepoint: bytes, or a stream of them, not a string",
    })
    expect(await errorFrom(() => rest(["bytes"] as never))).toMatchObject({ code: "OPTION" })
    const cause = new Error("gone")
    const failing = async function* () {
      yield (await after(5)).subarray(0, 20)
      throw cause
    }
    expect(await errorFrom(() => rest(failing()))).toMatchObject({ code: "STORAGE", cause })
    expect(await errorFrom(() => rest(new Uint8Array(100)))).toMatchObject({
      code: "CORRUPT",
      message: "these bytes are no savepoint",
    })
  })

  it("refuses state that has no home", async () => {
    const bytes = await after(5)
    const other = () => run(counted(numbers(11), "others"), { from: bytes })
    expect(await errorFrom(other)).toMatchObject({
      code: "STATE_CONFIG",
      message: "saved state of counts has no operator here; here are others",
    })
  })
})

describe("a savepoint", () => {
  it("has nothing of checkpoints or of the job's name in it", async () => {
    const plain = await after(5)
    expect(await after(5, { storage: memoryStorage(), name: "another", chunkSize: 1 })).toEqual(
      plain,
    )
    expect(Object.keys((await contentsOf(plain)).header)).toEqual([
      ...["sequence", "finished", "complete", "sources", "states"],
    ])
  })

  it("is the same once more from a job that started from it", async () => {
    const bytes = await after(5)
    const job = await run(counted(numbers(11)), { from: bytes })
    expect(await bytesOf(await job.savepoint())).toEqual(bytes)
    await job.close()
  })

  it("waits until consumers have what is before it", async () => {
    const job = await run(counted(numbers(11)), { chunkSize: 4 })
    const results = job[Symbol.asyncIterator]()
    for (let i = 0; i < 2; i++) await results.next() // The first chunk is one event.
    let taken = false
    const saved = job.savepoint().then((stream) => {
      taken = true
      return bytesOf(stream)
    })
    for (let i = 0; i < 3; i++) {
      await turns()
      expect(taken).toBe(false)
      await results.next()
    }
    void results.next()
    expect((await contentsOf(await saved)).header.sequence).toBe(5)
    await job.close()
  })

  it("is given up when consumers take too long, and the job goes on", async () => {
    const job = await run(counted(numbers(5)), { checkpoint: { timeout: 20 }, chunkSize: 4 })
    const results = job[Symbol.asyncIterator]()
    await results.next()
    expect(await errorFrom(() => job.savepoint())).toMatchObject({
      code: "LIMIT",
      message: "no savepoint: consumers took over 20 ms",
    })
    expect(await pull({ [Symbol.asyncIterator]: () => results })).toHaveLength(4)
    await job.close()
    expect(await errorFrom(() => job.savepoint())).toMatchObject({ code: "CLOSED" })
  })

  it("is refused where a source could not be read again", async () => {
    const job = await run(from(new Set([1, 2])))
    expect(await errorFrom(() => job.savepoint())).toMatchObject({ code: "SOURCE" })
    await job.close()
  })

  it("fails alone: what cannot be saved is told to who asked", async () => {
    const odd = from([1, 2]).keyBy((n) => n)
    const job = await run(
      odd.fold(
        () => [] as unknown[],
        (list) => [...list, () => 1],
      ),
    )
    const results = job[Symbol.asyncIterator]()
    await results.next()
    const refused = errorFrom(() => job.savepoint())
    await results.next()
    void results.next()
    expect(await refused).toMatchObject({ code: "SERIALIZATION" })
    await job.close()
  })
})

describe("a damaged savepoint", () => {
  it("is found whichever byte is wrong or missing", { timeout: 60_000 }, async () => {
    const bytes = await after(5)
    for (let at = 0; at < bytes.length; at++) {
      const wrong = bytes.slice()
      wrong[at] = (wrong[at] as number) ^ (1 << (at % 8))
      for (const damaged of [wrong, bytes.subarray(0, at)]) {
        const error = await errorFrom(() => rest(damaged))
        expect([at, error]).toMatchObject([at, { code: "CORRUPT" }])
      }
    }
    const longer = new Uint8Array([...bytes, 0])
    expect(await errorFrom(() => rest(longer))).toMatchObject({ code: "CORRUPT" })
  })

  it("is told from one of a newer version", async () => {
    const bytes = await after(5)
    const hash = await xxhash()
    const view = new DataView(bytes.buffer)
    view.setUint32(4, 2, true)
    const end = 16 + view.getUint32(12, true)
    view.setBigUint64(end, hash.h64Raw(bytes.subarray(0, end)), true)
    expect(await errorFrom(() => rest(bytes))).toMatchObject({
      code: "UNSUPPORTED",
      message: "savepoint of format 2; this version reads up to 1",
    })
  })
})
