/**
 * The traps of SEMANTICS section 8 about what makes state and what keeps it, by their numbers, over
 * every verb with state.
 */
import { describe, expect, it } from "vitest"
import { count, createStorage, from, manualClock } from "../js/index.ts"
import { memoryStorage, record, run, sum } from "../js/index.ts"
import type { JobBase, KeyedStream, StateConfig, StateStorage, StreamOf } from "../js/index.ts"
import { clock, event, playAll } from "./play.ts"
import { errorFrom } from "./probe.ts"

interface Hit {
  readonly k: string
  readonly n: number
}
type Verb = (keyed: KeyedStream<string, Hit>, state: StateConfig, uid: string) => StreamOf<unknown>

const hit = (k: string, n = 0) => event<Hit>({ k, n })
const uid = "op"

/** Every verb that keeps state of a key. */
const verbs: Readonly<Record<string, Verb>> = {
  "map with a value": (keyed, state, uid) =>
    keyed.map(({ n }, sums) => sums.update((sum) => sum + n), {
      uid,
      state: { ...state, value: () => 0 },
    }),
  "map with a record": (keyed, state, uid) =>
    keyed.map(
      ({ n }, sums) => {
        const row = sums.get()
        row.n += n
        row.text = `${row.n}`
        return row
      },
      { uid, state: { ...state, value: record({ n: "f64", text: "string" }) } },
    ),
  filter: (keyed, state, uid) =>
    keyed.filter(({ n }, sums) => sums.update((sum) => sum + n) % 2 === 0, {
      uid,
      state: { ...state, value: () => 0 },
    }),
  fold: (keyed, state, uid) =>
    keyed.fold(
      () => [] as number[],
      (all, { n }) => [...all, n],
      { uid, state },
    ),
  reduce: (keyed, state, uid) => keyed.reduce((a, b) => ({ k: a.k, n: a.n + b.n }), { uid, state }),
  aggregate: (keyed, state, uid) => keyed.aggregate({ hits: count(), n: sum("n") }, { uid, state }),
  deduplicate: (keyed, state, uid) => keyed.deduplicate({ uid, state }),
  throttle: (keyed, state, uid) => keyed.throttle({ uid, limit: 2, per: 10, state }),
  distinctUntilChanged: (keyed, state, uid) => keyed.distinctUntilChanged("n", { uid, state }),
}

/** Those that keep one state for all events. */
const unkeyed: Readonly<Record<string, Verb>> = {
  scan: (keyed, state, uid) => keyed.scan((a, b) => ({ k: b.k, n: a.n + b.n }), { uid, state }),
  take: (keyed, _, uid) => keyed.take(25, { uid }),
  skip: (keyed, _, uid) => keyed.skip(20, { uid }),
  takeWhile: (keyed, _, uid) => keyed.takeWhile(({ n }) => n < 3, { uid }),
}
const all = { ...verbs, ...unkeyed }
const verb = (name: string) => all[name] as Verb

describe("trap 4: what makes state, and what uses it", () => {
  const looks = {
    exists: (state: { exists(): unknown }) => state.exists(),
    get: (state: { get(): unknown }) => state.get(),
    "set, then delete": (state: { set(value: never): void; delete(): void }) => {
      state.set({ n: 1, text: "" } as never)
      state.delete()
    },
  }
  const values = { "a value": () => ({ n: 0, text: "" }), "a record": record({ n: "f64" }) }
  const cases = Object.entries(values).flatMap(([kind, value]) =>
    Object.entries(looks).map(([name, look]) => ({ kind, name, value, look })),
  )

  it.each(cases)("is not made by $name of $kind", async ({ value, look }) => {
    const keyed = from(["a", "b", "c"]).keyBy((k) => k)
    const state = { value: value as () => { n: number }, maxSize: 1 } // One row more is refused.
    const job = await run({
      map: keyed.map((_, access) => void look(access), { uid: "map", state }),
      filter: keyed.filter((_, access) => (look(access), true), { uid: "filter", state }),
    })
    await job.finished()
    expect([job.stats().operators["map"], job.stats().operators["filter"]]).toMatchObject([
      { out: 3, rows: 0, bytes: 0 },
      { out: 3, rows: 0, bytes: 0 },
    ])
    await job.close()
  })

  const reads = cases.filter(({ name }) => name === "exists" || name === "get")

  it.each(reads)("is used by $name of $kind", async ({ value, look }) => {
    const state = { value: value as () => { n: number }, maxSize: 2, onFull: "evict" } as const
    const script = ["+a", "+b", "?a", "+c"].map((text) => ({ text }))
    const job = await run(
      from(script)
        .keyBy(({ text }) => text.slice(1))
        .map(
          ({ text }, access) => {
            if (text.startsWith("?")) look(access)
            else access.set({ n: 1 })
          },
          { uid, state },
        ),
    )
    await job.finished()
    expect([...job.state(uid).scan()].map(([key]) => key)).toEqual(["a", "c"])
    await job.close()
  })
})

describe("trap 6: what has expired and still counts, for every verb", () => {
  it.each(Object.keys(verbs))(
    "%s frees what nobody touches, and its limit has room again",
    async (name) => {
      const figures: unknown[] = []
      const keys = Array.from({ length: 50 }, (_, i) => hit(`k${i}`, 1))
      const { error } = await playAll<Hit>(
        (hits) => verb(name)(hits.keyBy("k"), { ttl: 10, maxSize: 50 }, uid),
        [...keys, clock(10), hit("z", 1)],
        {
          look: (job) => {
            const { rows, expired } = job.stats().operators[uid] ?? {}
            figures.push({ rows, expired, visible: [...job.state(uid).scan()].length })
          },
        },
      )
      expect([error, figures]).toEqual([undefined, [{ rows: 1, expired: 50, visible: 1 }]])
    },
  )
})

describe("trap 7: two that overwrite each other", () => {
  const keyed = from([1, 2, 1].map((n) => ({ k: "a", n }))).keyBy("k")
  const options = { clock: manualClock() }

  it("are not any two verbs over the same keys", async () => {
    const names = Object.keys(verbs)
    const uids = names.map((_, i) => `op-${i}`)
    const make = (name: string, i: number) => verb(name)(keyed, {}, uids[i] ?? "")
    const job = await run(
      Object.fromEntries(names.map((name, i) => [name, make(name, i)])),
      options,
    )
    await job.finished()
    const together = uids.map((uid) => job.state(uid).entries())
    await job.close()

    const alone: unknown[] = []
    for (const [i, name] of names.entries()) {
      const single = await run(make(name, i), options)
      await single.finished()
      alone.push(single.state(uids[i] ?? "").entries())
      await single.close()
    }
    expect(together).toEqual(alone)
  })

  it("are refused under one uid", async () => {
    const pair = { one: verb("fold")(keyed, {}, uid), two: verb("reduce")(keyed, {}, uid) }
    expect((await errorFrom(() => run(pair))).code).toBe("OPTION")
  })

  it("are not two storages of one configuration", async () => {
    const config = { maxSize: 5 }
    const [one, two] = [createStorage(config), createStorage(config)]
    await one.set("a", Uint8Array.of(1))
    expect([await two.get("a"), await two.list("")]).toEqual([undefined, []])
  })
})

/** What a user writes: four methods over something else, whose every answer takes a turn. */
function backend(): StateStorage & { fails: boolean; readonly size: number } {
  const kept = new Map<string, Uint8Array>()
  const storage = {
    fails: false,
    get size() {
      return kept.size
    },
    async answer<Answer>(make: () => Answer): Promise<Answer> {
      await new Promise((resolve) => setImmediate(resolve))
      if (storage.fails) throw new Error("unreachable")
      return make()
    },
    get: (key: string) => storage.answer(() => kept.get(key)?.slice()),
    set: (key: string, value: Uint8Array) => {
      const copy = value.slice()
      return storage.answer(() => void kept.set(key, copy))
    },
    delete: (key: string) => storage.answer(() => void kept.delete(key)),
    list: (prefix: string, { after = "" } = {}) =>
      storage.answer(() =>
        [...kept.keys()].filter((key) => key.startsWith(prefix) && key > after).sort(),
      ),
  }
  return storage
}

const many = Array.from({ length: 40 }, (_, i) => ({ k: `k${(i * 7) % 5}`, n: (i >> 1) % 4 }))

/** Run a verb over the first so many events, and give results and state. */
async function runTo(length: number, name: string, storage: StateStorage) {
  const clock = manualClock()
  const stream = verb(name)(from(many.slice(0, length)).keyBy("k"), { ttl: "1h" }, uid)
  const job = await run({ out: stream }, { storage, clock })
  const results: unknown[] = []
  try {
    for await (const result of job.output("out")) results.push(result)
    return { results, state: job.state(uid).entries(), position: restoredAt(job) }
  } finally {
    await job.close()
  }
}

const restoredAt = (job: JobBase) => job.stats().restored?.position

describe("trap 8: state that a custom backend does not keep", () => {
  it.each(Object.keys(all))("%s goes on from it as if it had never stopped", async (name) => {
    const whole = await runTo(40, name, memoryStorage())
    const storage = backend()
    const first = await runTo(17, name, storage)
    const second = await runTo(40, name, storage)
    expect(second.position).toBe(17)
    expect([...first.results, ...second.results]).toEqual(whole.results)
    expect(second.state).toEqual(whole.state)
  })
})

describe("trap 13: a failed read that looks like no state", () => {
  it.each(Object.keys(all))(
    "is STORAGE for %s, and what was there is there still",
    async (name) => {
      const storage = backend()
      await runTo(17, name, storage)
      const { size } = storage
      storage.fails = true
      const refused = await errorFrom(() => runTo(40, name, storage))
      expect([refused.code, refused.cause]).toEqual(["STORAGE", new Error("unreachable")])
      storage.fails = false
      expect(storage.size).toBe(size)
      expect((await runTo(40, name, storage)).position).toBe(17)
    },
  )

  it("is an error for whoever asks a storage, and update writes nothing", async () => {
    const storage = backend()
    const over = createStorage({ storage })
    await over.set("a", Uint8Array.of(1))
    storage.fails = true
    const calls = [
      () => over.get("a"),
      () => over.exists("a"),
      () => over.update("a", () => Uint8Array.of(9)),
    ]
    for (const call of calls) await expect(call()).rejects.toThrow("unreachable")
    storage.fails = false
    expect(await over.get("a")).toEqual(Uint8Array.of(1))
  })
})
