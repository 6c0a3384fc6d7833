import { readFileSync } from "node:fs"
import { afterEach, describe, expect, it } from "vitest"
import { Engine } from "../js/engine/engine.ts"
import { count, from, memoryStorage, record, run } from "../js/index.ts"
import type { KeyValue, Replayable, StreamOf } from "../js/index.ts"
import { loadModule, loadWith } from "../js/module.ts"
import { closable, errorFrom, errorOf, guardRejections, pull, pullToError } from "./probe.ts"

guardRejections()

const many: Replayable<number, number> = {
  async *read(position = 0) {
    for (let at = position; ; at += 1000) {
      yield { events: Array.from({ length: 1000 }, (_, i) => at + i), position: at + 1000 }
    }
  },
}

const keyed = () => from(many).keyBy((n) => `key ${n}`)

const states: [string, () => StreamOf<unknown>][] = [
  [
    "live values",
    () =>
      keyed().fold(
        () => [0],
        (_, n) => [n],
      ),
  ],
  [
    "records",
    () =>
      keyed().fold(record({ n: "f64", text: "string" }), (row, n) => {
        row.n = n
        row.text = `text ${n}`
        return row
      }),
  ],
  ["aggregates", () => keyed().aggregate({ count: count() })],
  ["deduplicate", () => keyed().deduplicate()],
]

describe("memory.maxBytes", () => {
  const memory = { maxBytes: 4 << 20 }

  it.each(states)("is MEMORY at the event that is too much: %s", async (_, make) => {
    const job = await run(make(), { memory })
    const { pulled, code, message } = await pullToError(job)
    const { position, operators } = job.stats()
    const [{ rows } = { rows: 0 }] = Object.values(operators)
    expect(code).toBe("MEMORY")
    expect(message).toMatch(
      new RegExp(
        `^[a-z]+-1: event ${pulled.length}: could not .*memory.maxBytes of 4194304 is reached$`,
      ),
    )
    expect([pulled.length > 1000, rows, position >= rows]).toEqual([true, pulled.length, true])
    expect(job.stats().memory.reserved).toBeLessThanOrEqual(memory.maxBytes)
    await job.close()
    expect((await errorFrom(async () => job.stats())).code).toBe("CLOSED")
  })

  it.each(states)("leaves the last checkpoint, for a job with more: %s", async (_, make) => {
    const storage = closable(memoryStorage())
    const first = await run(make(), { storage, memory, chunkSize: 500 })
    const results = first[Symbol.asyncIterator]()
    const taken = first.checkpoint()
    await results.next()
    await taken
    const second = first.checkpoint()
    let saved = false
    void second.then(() => (saved = true))
    while (!saved) await results.next()
    expect((await errorFrom(() => pull({ [Symbol.asyncIterator]: () => results }))).code).toBe(
      "MEMORY",
    )
    await first.close()

    const job = await run(make(), { storage })
    expect(job.stats()).toMatchObject({ restored: { epoch: 2, skipped: [] } })
    // Where functions may give promises, the first chunk is one event.
    expect([1, 500]).toContain(job.stats().position)
    expect(await pull(job, 10_000)).toHaveLength(10_000)
    expect(Object.values(job.stats().operators)[0]?.rows).toBeGreaterThan(10_000)
    await job.close()
  })

  it("is told at once when not even the job fits, and the storage is closed", async () => {
    const storage = closable(memoryStorage())
    const branches = Object.fromEntries(
      Array.from({ length: 400 }, (_, n) => [`b${n}`, keyed().deduplicate()]),
    )
    const refused = await errorFrom(() => run(branches, { storage, memory: { maxBytes: 1 << 20 } }))
    expect([refused.code, storage.closed]).toEqual(["MEMORY", 1])
  })
})

describe("a host that gives no more memory", () => {
  const usual = loadModule()
  afterEach(() => loadWith(() => usual))

  /** The module with a limit to its memory: so many pages more than it begins with. */
  function limited(pages: number): Uint8Array<ArrayBuffer> {
    const file = process.env["MILLRACE_WASM"] ?? "dist/millrace.wasm"
    const bytes = Uint8Array.from(readFileSync(file))
    let at = 8
    const leb = () => {
      let value = 0
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] ?? 0
        value |= (byte & 127) << shift
        if (byte < 128) return value
      }
    }
    const toLeb = (value: number): number[] =>
      value < 128 ? [value] : [(value & 127) | 128, ...toLeb(value >>> 7)]
    for (;;) {
      const start = at
      const [id, size] = [bytes[at++], leb()]
      const body = at
      if (id !== 5) {
        at = body + size
        continue
      }
      at += 2 // One memory, and whether it has a limit.
      const least = leb()
      const section = [1, 1, ...toLeb(least), ...toLeb(least + pages)]
      const memory = Uint8Array.of(5, section.length, ...section)
      const parts = [bytes.subarray(0, start), memory, bytes.subarray(body + size)]
      return new Uint8Array(Buffer.concat(parts))
    }
  }

  it("makes a call MEMORY, and the engine goes on", async () => {
    const module = await WebAssembly.compile(limited(20))
    const engine = new Engine(module, { memoryBytesMax: 2 ** 30 })
    const size = 100_000
    const addresses: number[] = []
    const code = await errorFrom(async () => {
      for (;;) addresses.push(engine.alloc(size))
    })
    expect([code.code, addresses.length > 5, addresses.length < 500]).toEqual([
      "MEMORY",
      true,
      true,
    ])
    for (const address of addresses) engine.free(address, size)
    expect(addresses.map(() => engine.alloc(size))).toHaveLength(addresses.length)
    engine.close()
  })

  it.each(states)("fails a job as the job's own limit does: %s", async (_, make) => {
    loadWith(() => WebAssembly.compile(limited(60)))
    const job = await run(make())
    const { pulled, code } = await pullToError(job)
    expect([code, pulled.length > 1000]).toEqual(["MEMORY", true])
    expect(Object.values(job.stats().operators)[0]?.rows).toBe(pulled.length)
    await job.close()
  })
})

describe("a key", () => {
  const counted = (keys: readonly unknown[]) =>
    from(keys.map((key) => ({ key })))
      .keyBy(({ key }) => key as KeyValue)
      .fold(
        () => 0,
        (n) => n + 1,
      )

  it("of 65,535 bytes is the longest", async () => {
    const longest = "k".repeat(65_534) // And a tag byte.
    const job = await run(counted([longest, "a", longest]))
    expect(await pull(job)).toEqual([1, 1, 2])
    expect(job.state("fold-1").get(longest)).toBe(2)
    await job.close()
    expect(await pullToError(counted(["a", `${longest}k`, "b"]))).toMatchObject({
      pulled: [1],
      code: "LIMIT",
      message: expect.stringMatching(/^fold-1: event 1: .*65,?535/) as string,
    })
  })

  const unusual: KeyValue[] = [
    ...["", " ", "0", "1", "null", "__proto__", "constructor", "toString", "\0", "\0\0", "a\0b"],
    ...["é", "e\u0301", "\u{1F600}", "\ufeff", "\uffff", "k".repeat(65_534)],
    ...[0, 1, -1, 0.1, 2 ** 53, 1e308, 5e-324, Infinity, -Infinity],
    ...[0n, 1n, -1n, 128n, -128n, 2n ** 64n, -(10n ** 40n)],
    ...[true, false, null],
    ...[[], [[]], ["a"], ["a", 1], ["a", "1"], [null, [true, [1n]]], ["", ""]],
  ]

  it("may be unusual, and is the same after a restart", async () => {
    const storage = memoryStorage()
    const expected = (value: number) => unusual.map((key) => ({ key, value }))
    const first = await run(counted(unusual), { storage })
    await first.finished()
    expect(first.state("fold-1").entries()).toEqual(expected(1))
    await first.close()
    const second = await run(counted([...unusual, ...unusual, -0]), { storage })
    expect(second.state("fold-1").entries()).toEqual(expected(1))
    await second.finished()
    expect(second.state("fold-1").entries()).toEqual(
      expected(2).map(({ key, value }) => ({ key, value: key === 0 ? 3 : value })),
    )
    expect(unusual.map((key) => second.state("fold-1").get(key))).toEqual(
      unusual.map((key) => (key === 0 ? 3 : 2)),
    )
    await second.close()
    expect(Object.prototype).not.toHaveProperty("value")
  })

  it.each([
    ["undefined", undefined, "KEY_MISSING"],
    ["NaN", Number.NaN, "KEY_TYPE"],
    ["a symbol", Symbol("key"), "KEY_TYPE"],
    ["a Date", new Date(0), "KEY_TYPE"],
    ["an object", {}, "KEY_TYPE"],
    ["half a character", "\ud800", "KEY_TYPE"],
    ["a tuple with NaN in it", ["a", Number.NaN], "KEY_TYPE"],
  ])("that is %s is refused with the event's position", async (_, key, code) => {
    const refused = await pullToError(counted(["a", key, "b"]))
    expect([refused.pulled, refused.code, refused.message.slice(0, 16)]).toEqual([
      [1],
      code,
      "fold-1: event 1:",
    ])
    const job = await run(counted(["a"]))
    await job.finished()
    if (code === "KEY_TYPE") {
      const asked = tell(() => job.state("fold-1").get(key as unknown as KeyValue))
      expect(asked).toBe("KEY_TYPE")
    }
    await job.close()
  })
})

function tell(use: () => unknown): string {
  try {
    return String(use())
  } catch (error) {
    return errorOf(error).code
  }
}
