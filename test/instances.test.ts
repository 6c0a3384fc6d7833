/**
 * Jobs one after the other share an instance of the module, and nothing else.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Engine } from "../js/engine/engine.ts"
import { count, from, run, sum } from "../js/index.ts"
import { loadModule } from "../js/module.ts"
import { errorFrom, guardRejections, pull, turns } from "./probe.ts"

guardRejections()

const options = { memoryBytesMax: 1 << 28 }

/** Engines of a module that no other test has. */
async function engines() {
  const { module } = await copyOfModule()
  const open = () => new Engine(module, options)
  return { open, reopened: (engine: Engine) => open().wasm === engine.wasm }
}

/** The same module again; instances wait for a module, not for its bytes. */
async function copyOfModule() {
  const copy = structuredClone(await loadModule())
  return { module: copy }
}

const events = (size: number) =>
  Array.from({ length: size }, (_, n) => ({ key: `k${n % 7}`, value: n }))

const totals = (size: number) =>
  from(events(size))
    .keyBy("key")
    .aggregate({ n: count(), sum: sum("value") }, { uid: "totals", emit: "final" })

describe("an instance of the module", () => {
  it("is had by the next engine, with other handles and no memory in use", async () => {
    const { open } = await engines()
    const first = open()
    first.alloc(1000)
    const handle = first.handle
    const { live } = first.memory()
    first.close(true)
    const second = open()
    expect(second.wasm).toBe(first.wasm)
    expect(second.handle).not.toBe(handle)
    expect(second.memory().live).toBeLessThan(live)
    expect(first.wasm.mr_alloc(handle, 8, first.scratch)).toBeLessThan(0)
    expect((await errorFrom(async () => first.alloc(8))).code).toBe("CLOSED")
  })

  it("is not had by another while it is in use", async () => {
    const { open } = await engines()
    expect(open().wasm).not.toBe(open().wasm)
  })

  it("is let go when a call into it may have trapped", async () => {
    const { open, reopened } = await engines()
    const engine = open()
    engine.close()
    expect(reopened(engine)).toBe(false)
  })

  it("is let go when its memory has grown too large to wait", async () => {
    const { open, reopened } = await engines()
    const [small, large] = [open(), open()]
    small.alloc(1 << 20)
    large.alloc(20 << 20)
    large.close(true)
    expect(reopened(large)).toBe(false)
    small.close(true)
    expect(reopened(small)).toBe(true)
  })

  it("is given back once, however often its engine is closed", async () => {
    const { open } = await engines()
    const engine = open()
    engine.close(true)
    engine.close(true)
    expect(open().wasm).not.toBe(open().wasm)
  })

  it("waits with three others at most", async () => {
    const { open } = await engines()
    const all = Array.from({ length: 6 }, open)
    for (const engine of all) engine.close(true)
    const again = new Set(Array.from({ length: 6 }, () => open().wasm))
    expect(all.filter(({ wasm }) => again.has(wasm))).toHaveLength(4)
  })

  it("waits for its own module only", async () => {
    const [one, other] = [await engines(), await engines()]
    const engine = one.open()
    engine.close(true)
    expect(other.reopened(engine)).toBe(false)
    expect(one.reopened(engine)).toBe(true)
  })
})

describe("jobs one after the other", () => {
  const made: WebAssembly.Instance[] = []
  const { Instance } = WebAssembly

  beforeEach(() => {
    made.length = 0
    const Counted = new Proxy(Instance, {
      construct(target, given, newTarget) {
        const instance = Reflect.construct(target, given, newTarget) as WebAssembly.Instance
        made.push(instance)
        return instance
      },
    })
    WebAssembly.Instance = Counted
  })

  afterEach(() => {
    WebAssembly.Instance = Instance
  })

  it("need one instance, however many they are, and its memory does not grow", async () => {
    const expected = await totals(1000).toArray()
    const memory = () => made.map(({ exports }) => (exports["memory"] as WebAssembly.Memory).buffer)
    for (let n = 0; n < 200; n++) expect(await totals(1000).toArray()).toEqual(expected)
    expect(made.length).toBeLessThanOrEqual(1)
    expect(memory().every(({ byteLength }) => byteLength <= 20 << 20)).toBe(true)
  })

  it("do not take over the instance of one that failed", async () => {
    await totals(10).toArray()
    const before = made.length
    const failing = from([1]).map(() => {
      throw new Error("no")
    })
    expect((await errorFrom(() => failing.toArray())).code).toBe("USER_FUNCTION")
    await totals(10).toArray()
    expect(made.length).toBe(before + 1)
  })

  it.each([0, 2, 5, 10, 20, 40])(
    "have no part in functions of one that is left %d microtasks after they settled",
    async (ticks) => {
      let settle: (n: number) => void = () => undefined
      const waiting = new Promise<number>((resolve) => (settle = resolve))
      const evicted: unknown[] = []
      const limits = { maxSize: 2, onFull: "evict", onEvict: (key: unknown) => evicted.push(key) }
      const stream = from(events(20))
        .keyBy("key")
        .map(
          async ({ value }, access) => {
            access.set(await waiting)
            return value
          },
          { state: { ...limits, value: () => 0 } as never, concurrency: 7 },
        )
      const left = stream[Symbol.asyncIterator]()
      const first = left.next()
      await turns(5)
      const expected = await totals(100).toArray()
      settle(1)
      for (let n = 0; n < ticks; n++) await Promise.resolve()
      void left.return?.()
      const next = await run(totals(100))
      expect(await pull(next)).toEqual(expected)
      expect([undefined, 0]).toContain((await first).value)
      expect(evicted.filter((key) => !/^k\d$/.test(String(key)))).toEqual([])
      await next.close()
    },
  )

  it("do not show their state to who looks at one that is closed", async () => {
    const first = await run(totals(50))
    await first.finished()
    const view = first.state("totals")
    const scan = view.scan()
    expect(scan.next().value).toEqual(["k0", { n: 8, sum: 196 }])
    await first.close()
    const second = await run(totals(100))
    await second.finished()
    expect((await errorFrom(async () => view.get("k0"))).code).toBe("CLOSED")
    expect((await errorFrom(async () => scan.next())).code).toBe("CLOSED")
    await second.close()
  })
})
