/** scan, takeWhile, distinctUntilChanged, print, chunks, toReadableStream. */
import { afterEach, describe, expect, it, vi } from "vitest"
import { from, memoryStorage, record, run } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { refusal, refusalLater } from "./refusal.ts"

const given = (options: object) => options as never

afterEach(() => vi.restoreAllMocks())

/** What `make` gives of all events after a run over the first ones, on one storage. */
async function afterRestart<O>(
  make: (stream: Stream<number>) => Stream<O>,
  first: readonly number[],
  all: readonly number[],
): Promise<O[]> {
  const storage = memoryStorage()
  const results: O[] = []
  for (const events of [first, all]) {
    results.length = 0
    const job = await run(make(from(events)), { storage })
    for await (const result of job) results.push(result)
    await job.close()
  }
  return results
}

/** Numbers without an end; `left` tells whether their reader has left. */
function endlessNumbers() {
  let over = false
  function* count() {
    try {
      for (let n = 0; ; n++) yield n
    } finally {
      over = true
    }
  }
  return { numbers: count(), left: () => over }
}

describe("scan", () => {
  it("gives a copy of the value per event, from an initial one or the first event", async () => {
    const sums = from([1, 2, 3]).scan((a, n) => a + n)
    expect(await sums.toArray()).toEqual([1, 3, 6])
    const lists = from([1, 2]).scan(
      (list, n) => [...list, n],
      () => [] as number[],
    )
    expect(await lists.toArray()).toEqual([[1], [1, 2]])
    const totals = from([1, 2]).scan(
      (total, n) => {
        total.sum += n
        return total
      },
      record({ sum: "f64" }),
      { uid: "totals" },
    )
    expect(await totals.toArray()).toEqual([{ sum: 1 }, { sum: 3 }])
  })

  it("goes on where it was after a restart", async () => {
    const sum = (stream: Stream<number>) => stream.scan((a, n) => a + n)
    expect(await afterRestart(sum, [1, 2], [1, 2, 3, 4])).toEqual([6, 10])
  })

  it("refuses options that it has not", () => {
    expect(refusal(() => from([1]).scan((a) => a, given({ sum: 1 })))).toMatchObject({
      code: "OPTION",
      message: expect.stringContaining('scan has no option "sum"') as string,
    })
  })
})

describe("takeWhile", () => {
  it("gives what comes before the first that is not wanted, or that one as well", async () => {
    const below = (n: number) => n < 3
    expect(await from([1, 2, 3, 1]).takeWhile(below).toArray()).toEqual([1, 2])
    const inclusive = from([1, 2, 3, 1]).takeWhile(below, { inclusive: true })
    expect(await inclusive.toArray()).toEqual([1, 2, 3])
    expect(await from([9]).takeWhile(below).toArray()).toEqual([])
  })

  it("ends the job, also of a source that never ends", async () => {
    const { numbers, left } = endlessNumbers()
    expect(
      await from(numbers)
        .takeWhile((n) => n < 5000)
        .toArray(),
    ).toHaveLength(5000)
    expect(left()).toBe(true)
  })

  it("is over after a restart as well", async () => {
    const below = (stream: Stream<number>) => stream.takeWhile((n) => n < 3)
    expect(await afterRestart(below, [1, 5], [1, 5, 2])).toEqual([])
  })

  it("has no result of an event whose function throws, and waits for promises", async () => {
    const thrown = from([1, 2]).takeWhile((n) => {
      if (n === 2) throw new Error("no")
      return true
    })
    const results: number[] = []
    await expect(thrown.forEach((n) => results.push(n))).rejects.toMatchObject({
      code: "USER_FUNCTION",
    })
    expect(results).toEqual([1])
    const later = from([1, 2, 3, 1]).takeWhile(async (n) => n < 3)
    expect(await later.toArray()).toEqual([1, 2])
  })
})

describe("distinctUntilChanged", () => {
  it("compares as keys are compared", async () => {
    const values = [1, 1, "1", "1", 1n, null, null, false, -0, 0, "a"]
    expect(await from(values).distinctUntilChanged().toArray()).toEqual([
      1,
      "1",
      1n,
      null,
      false,
      -0,
      "a",
    ])
    const pairs = [
      { a: 1, b: 2 },
      { a: 1, b: 2, c: 3 },
      { a: 1, b: 3 },
    ]
    const [one, , three] = pairs
    expect(await from(pairs).distinctUntilChanged(["a", "b"]).toArray()).toEqual([one, three])
    expect(await from(pairs).distinctUntilChanged("a").toArray()).toEqual([one])
    const odd = from([1, 3, 4, 6, 5]).distinctUntilChanged((n) => n % 2)
    expect(await odd.toArray()).toEqual([1, 4, 5])
  })

  it("looks at each key by itself", async () => {
    const lights = ["a1", "b1", "a1", "b2", "a1", "a2", "b2"]
    const changes = from(lights)
      .keyBy((light) => light.charAt(0))
      .distinctUntilChanged((light) => light.charAt(1))
      .deduplicate()
    expect(await changes.toArray()).toEqual(["a1", "b1"])
  })

  it("remembers the last one over a restart", async () => {
    const changes = (stream: Stream<number>) => stream.distinctUntilChanged((n) => [n])
    expect(await afterRestart(changes, [1, 2], [1, 2, 2, 1, 1])).toEqual([1])
  })

  it("refuses what cannot be a key", async () => {
    for (const [value, code] of [
      [{}, "KEY_TYPE"],
      [Number.NaN, "KEY_TYPE"],
    ] as const) {
      const refused = from([value]).distinctUntilChanged()
      expect(await refusalLater(() => refused.toArray())).toMatchObject({ code })
    }
    const missing = from([{ a: 1 }, {} as { a: number }]).distinctUntilChanged("a")
    expect(await refusalLater(() => missing.toArray())).toMatchObject({ code: "KEY_MISSING" })
  })
})

describe("print", () => {
  it("writes events as they pass, behind a label; the key stays", async () => {
    const lines: unknown[][] = []
    vi.spyOn(console, "log").mockImplementation((...line: unknown[]) => void lines.push(line))
    const once = from([1, 2, 1])
      .print()
      .keyBy((n) => n)
      .print("n")
      .deduplicate()
    expect(await once.toArray()).toEqual([1, 2])
    expect(lines).toEqual([[1], [2], [1], ["n", 1], ["n", 2], ["n", 1]])
  })
})

describe("results of a stream", () => {
  const numbers = Array.from({ length: 3000 }, (_, n) => n)

  it("come in chunks", async () => {
    const sizes: number[] = []
    const all: number[] = []
    for await (const chunk of from(numbers).chunks()) {
      sizes.push(chunk.length)
      all.push(...chunk)
    }
    expect(all).toEqual(numbers)
    expect(sizes.every((size) => size > 0)).toBe(true)
    expect(sizes.length).toBeLessThan(10)
  })

  it("come as a web stream, which pulls, fails and cancels as the job does", async () => {
    const all: number[] = []
    for await (const n of from(numbers).toReadableStream()) all.push(n)
    expect(all).toEqual(numbers)

    const { numbers: endless, left } = endlessNumbers()
    const reader = from(endless).toReadableStream().getReader()
    expect(await reader.read()).toEqual({ done: false, value: 0 })
    await reader.cancel()
    expect(left()).toBe(true)

    const failing = from([1]).map(() => {
      throw new Error("no")
    })
    await expect(failing.toReadableStream().getReader().read()).rejects.toMatchObject({
      code: "USER_FUNCTION",
    })
  })

  it("leave the job when a loop over chunks is left", async () => {
    const { numbers: endless, left } = endlessNumbers()
    for await (const chunk of from(endless).chunks()) {
      expect(chunk[0]).toBe(0)
      break
    }
    expect(left()).toBe(true)
  })
})
