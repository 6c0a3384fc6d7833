/** Faults that a hostile reader found, each with the program that showed it. */
import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { Engine } from "../js/engine/engine.ts"
import { Operator } from "../js/engine/operator.ts"
import { RefAccess } from "../js/engine/ref_access.ts"
import { Rows } from "../js/engine/rows.ts"
import { loadModule } from "../js/module.ts"
import { noLimits } from "../js/state/config.ts"
import { keyBytes } from "../js/state/key_bytes.ts"
import { count, from, manualClock, memoryStorage, record, run } from "../js/index.ts"
import { copyOf } from "../js/copy.ts"
import { fileStorage } from "../js/storage/file.ts"
import type { StateView } from "../js/index.ts"

const chunkSizes = [1, 2, 1024]

describe("a copy", () => {
  it("has the cycles of its original, and takes no time for them", () => {
    const root: { kids: unknown[] } = { kids: [] }
    for (let i = 0; i < 10; i++) root.kids.push({ parent: root })
    const copy = copyOf(root)
    expect(copy === root).toBe(false)
    expect(copy.kids.map((kid) => (kid as { parent: unknown }).parent === copy)).toEqual(
      root.kids.map(() => true),
    )
  })

  it("has once what stands in its original twice", () => {
    let shared: object = {}
    for (let i = 0; i < 60; i++) shared = { left: shared, right: shared }
    const copy = copyOf(shared) as { left: unknown; right: unknown }
    expect(copy.left === copy.right).toBe(true)
    expect(copy.left === (shared as typeof copy).left).toBe(false)
  })
})

describe("a keyed map that gives its state back", () => {
  it.each(chunkSizes)("emits copies, at chunk size %i", async (chunkSize) => {
    const lists = from([1, 2, 3])
      .keyBy(() => "all")
      .map(
        (n, state) =>
          state.update((list) => {
            list.push(n)
            return list
          }),
        { state: { value: () => [] as number[] } },
      )
    const job = await run(lists, { chunkSize })
    const results: number[][] = []
    for await (const list of job) results.push(list)
    expect(results).toEqual([[1], [1, 2], [1, 2, 3]])
  })
})

describe("an aggregate that emits per event", () => {
  it("calls the key function once per event", async () => {
    let calls = 0
    const rows = await from([1, 1, 1, 1])
      .keyBy(() => calls++ % 3)
      .aggregate({ n: count() })
      .toArray()
    expect(rows).toEqual([
      { key: 0, n: 1 },
      { key: 1, n: 1 },
      { key: 2, n: 1 },
      { key: 0, n: 2 },
    ])
  })
})

describe("state seen from outside", () => {
  it("cannot be scanned on inside a function, and that changes nothing", async () => {
    const events: [string, number][] = [
      ["a", 1],
      ["b", 2],
      ["a", 10],
      ["b", 20],
    ]
    let scan: ReturnType<StateView["scan"]> | undefined
    const stream = from(events)
      .keyBy(([key]) => key)
      .map(
        ([, n], state) => {
          let refused: unknown
          try {
            scan?.next()
          } catch (error) {
            refused = (error as { code: string }).code
          }
          state.set(n)
          return refused
        },
        { uid: "last" },
      )
    const job = await run(stream, { chunkSize: 1 })
    const results: unknown[] = []
    for await (const result of job) {
      results.push(result)
      if (results.length === 2) {
        scan = job.state("last").scan()
        scan.next()
      }
      if (results.length === 4)
        expect([...job.state("last").scan()]).toEqual([
          ["a", 10],
          ["b", 20],
        ])
    }
    expect(results.slice(0, 3)).toEqual([undefined, undefined, "UNSUPPORTED"])
    await job.close()
  })

  it("names the limit of a key that is too long to look for", async () => {
    const job = await run(from([1]).keyBy(String).deduplicate({ uid: "seen" }))
    const long = ["a".repeat(40_000), "b".repeat(40_000)]
    expect(() => job.state("seen").get(long)).toThrow(/keyBytesMax/)
    await job.close()
  })
})

describe("a finished job", () => {
  it("stays finished when a checkpoint is asked for before anything is read", async () => {
    const storage = memoryStorage()
    const rows: number[] = []
    for (let round = 0; round < 3; round++) {
      const stream = from(["a", "b"])
        .keyBy((key) => key)
        .aggregate({ n: count() }, { emit: "final" })
      const job = await run(stream, { storage })
      if (round === 1) await job.checkpoint()
      let seen = 0
      for await (const _ of job) seen++
      rows.push(seen)
      await job.close()
    }
    expect(rows).toEqual([2, 0, 0])
  })
})

describe("a limit in bytes", () => {
  it("holds as many objects after a restart as before", async () => {
    const storage = memoryStorage()
    const texts = (events: number[]) =>
      from(events)
        .keyBy((n) => n)
        .map((n, state) => state.set({ text: "x".repeat(8000) + String(n) }), {
          uid: "texts",
          state: { maxBytes: 2 << 20, onFull: "evict" },
        })
    const events = Array.from({ length: 1000 }, (_, n) => n)
    const first = await run(texts(events), { storage })
    await first.finished()
    await first.close()
    const second = await run(texts([...events, 1000]), { storage })
    await second.finished()
    const { rows, evicted } = second.stats().operators["texts"] ?? {}
    expect({ rows, evicted }).toEqual({ rows: 1001, evicted: 0 })
    await second.close()
  })

  it("leaves room to save a small state within a small memory", async () => {
    const storage = memoryStorage()
    const stream = from(["a", "b"])
      .keyBy((key) => key)
      .deduplicate()
    const job = await run(stream, { storage, memory: { maxBytes: 1 << 20 } })
    await job.finished()
    expect(job.stats().checkpoints.completed).toBe(1)
    await job.close()
  })
})

describe("a clock", () => {
  it.each([NaN, Infinity, 1e17])("that gives %d is refused", async (now) => {
    const clock = { ...manualClock(), now: () => now }
    await expect(run(from([1]), { clock }).then((job) => job.finished())).rejects.toMatchObject({
      code: "OPTION",
    })
  })
})

describe("file storage", () => {
  it.runIf(existsSync("/proc/self"))("is refused where no folder can be made", async () => {
    const stream = from([1]).map((n) => n)
    await expect(run(stream, { storage: fileStorage("/proc/none/state") })).rejects.toMatchObject({
      code: "STORAGE",
    })
  })
})

describe("a string of a record that is replaced in a full state", () => {
  it("does not count twice, so no other key has to go", async () => {
    const texts = [400, 400, 400, 400, 300].map((size, i) => ({ k: i % 2, text: "x".repeat(size) }))
    const last = from(texts)
      .keyBy("k")
      .fold(
        record({ text: "string" }),
        (row, { text }) => {
          row.text = text
          return row
        },
        { uid: "last", state: { maxBytes: 1300, onFull: "evict" } },
      )
    const job = await run(last)
    await job.finished()
    const { rows, evicted } = job.stats().operators["last"] ?? {}
    expect({ rows, evicted }).toEqual({ rows: 2, evicted: 0 })
    await job.close()
  })
})

describe("memory that grew in a call that only removes", () => {
  it("is looked at anew before values that were let go are freed", async () => {
    const engine = new Engine(await loadModule(), { memoryBytesMax: 1 << 24 })
    const operator = new Operator(engine, "op", {
      kind: "custom",
      limits: noLimits,
      fields: ["ref"],
    })
    const rows = new Rows(operator)
    const access = new RefAccess(rows, undefined)
    rows.findKey(keyBytes("a"), 0)
    access.begin(0)
    access.set({ kept: true })
    access.commit()
    engine.wasm.mr_row_remove(operator.handle, 0)
    engine.wasm.memory.grow(1) // Now all views are of memory that is no more.
    engine.refs.collect() // This went on for ever.
    expect(engine.refs.size).toBe(0)
    engine.close()
  })
})
