/**
 * Random changes, removals, evictions, timers and times to live, with checkpoints in between that
 * storage takes or not, and crashes, against plain code. A crash goes back to the last checkpoint
 * that was taken: what came out since comes out again, and must be the same.
 */
import fc from "fast-check"
import { expect, it } from "vitest"
import { ascending, from, mapState, memoryStorage, of, run } from "../js/index.ts"
import type { JobBase, Replayable, StateStorage, Stream } from "../js/index.ts"
import { guardRejections, turns } from "./probe.ts"
import { someRuns, someTime } from "./random.ts"

guardRejections()

/** Seconds on a quiet machine. */
const timeout = someTime

const ttl = 20
const maxSize = 4

interface Deed {
  readonly i: number
  readonly key: string
  readonly act: "read" | "add" | "set" | "delete" | "timer" | "untimer"
  readonly n: number
  readonly at: number
}

interface Tally {
  n: number
}

const kept = (events: Stream<Deed>) =>
  events.keyBy("key").map(
    ({ i, act, n }, state) => {
      const stands = state.exists()
      if (act === "set" || (act === "add" && !stands)) state.set({ n })
      else if (act === "add")
        state.get().n += n // In place: a read, for the ttl.
      else if (act === "delete") state.delete()
      return { i, stands }
    },
    { uid: "kept", state: { value: (): Tally => ({ n: 0 }), ttl, maxSize, onFull: "evict" } },
  )

const timed = (events: Stream<Deed>) =>
  events.keyBy("key").process({
    uid: "timed",
    emits: of<unknown>(),
    state: { entries: mapState(of<number>(), of<Tally>()) },
    process({ i, act, n, at }, { entries }, ctx, out) {
      const entry = entries.get(n % 3)
      if (act === "add" && entry !== undefined) entry.n += n
      else if (act === "add" || act === "set") entries.put(n % 3, { n })
      else if (act === "delete") entries.remove(n % 3)
      else if (act === "timer") ctx.timers.eventTime(at + n, "only")
      else if (act === "untimer") ctx.timers.delete("event", "only")
      out.collect({ i, entries: [...entries.entries()].map(([key, tally]) => [key, tally.n]) })
    },
    onTimer: (time, _, ctx, out) => out.collect({ time, key: ctx.key }),
  })

/** The same in plain code, an event at a time. */
class Oracle {
  readonly rows = new Map<string, { n: number; written: number }>()
  readonly results = { kept: [] as unknown[], timed: [] as unknown[] }
  readonly #used: string[] = []
  readonly #entries = new Map<string, Map<number, number>>()
  #timers: { key: string; time: number }[] = []
  at = -Infinity

  take(deed: Deed): void {
    this.#keep(deed)
    this.#time(deed)
    this.at = deed.at
  }

  #keep({ i, key, act, n, at }: Deed): void {
    const { rows } = this
    if ((rows.get(key)?.written ?? at) + ttl <= at) this.#drop(key)
    const row = rows.get(key)
    if (row !== undefined && act !== "delete") this.#use(key)
    if (act === "delete") this.#drop(key)
    else if (row === undefined && (act === "set" || act === "add")) {
      for (const [other, { written }] of rows) if (written + ttl <= this.at) this.#drop(other)
      if (rows.size === maxSize) this.#drop(this.#used[0] as string)
      rows.set(key, { n, written: at })
      this.#use(key)
    } else if (row !== undefined && act === "set") rows.set(key, { n, written: at })
    else if (row !== undefined && act === "add") row.n += n
    this.results.kept.push({ i, stands: row !== undefined })
  }

  #use(key: string): void {
    if (this.#used.includes(key)) this.#used.splice(this.#used.indexOf(key), 1)
    this.#used.push(key)
  }

  #drop(key: string): void {
    if (this.rows.delete(key)) this.#used.splice(this.#used.indexOf(key), 1)
  }

  #time({ i, key, act, n, at }: Deed): void {
    const entries = this.#entries.get(key) ?? new Map<number, number>()
    this.#entries.set(key, entries)
    const place = n % 3
    if (act === "add") entries.set(place, (entries.get(place) ?? 0) + n)
    if (act === "set") entries.set(place, n)
    if (act === "delete") entries.delete(place)
    if (act === "timer" || act === "untimer") {
      this.#timers = this.#timers.filter((timer) => timer.key !== key)
    }
    if (act === "timer") this.#timers.push({ key, time: at + n })
    this.results.timed.push({ i, entries: [...entries] })
    const due = this.#timers.filter(({ time }) => time < at).sort((a, b) => a.time - b.time)
    this.#timers = this.#timers.filter((timer) => !due.includes(timer))
    for (const { key, time } of due) this.results.timed.push({ time, key })
  }

  get visible(): unknown[] {
    const rows = [...this.rows].filter(([, { written }]) => written + ttl > this.at)
    return rows.map(([key, { n }]) => ({ key, n }))
  }
}

type Names = "kept" | "timed"

/** A job over deeds that are given by hand, in a storage that may be told to fail. */
class Played {
  readonly oracle = new Oracle()
  readonly results: Record<Names, unknown[]> = { kept: [], timed: [] }
  readonly #memory = memoryStorage()
  readonly #chunkSize: number
  readonly #deeds: Deed[] = []
  #given: () => void = () => undefined
  #job: JobBase | undefined
  #reading: Promise<unknown> | undefined
  /** How much had come out at the last checkpoint that was taken. */
  #durable = { kept: 0, timed: 0 }
  /** The call to write that fails next; -1: none. */
  #failing = -1

  constructor(chunkSize: number) {
    this.#chunkSize = chunkSize
  }

  async open(): Promise<void> {
    const deeds = this.#deeds
    const given = () => new Promise<void>((resolve) => (this.#given = resolve))
    const source: Replayable<Deed, number> = {
      async *read(position = 0) {
        for (let at = position; ; await given()) {
          if (at < deeds.length) yield { events: deeds.slice(at), position: deeds.length }
          at = deeds.length
        }
      },
    }
    const storage: StateStorage = {
      ...this.#memory,
      set: (key, value) =>
        this.#failing-- === 0 ? Promise.reject(new Error("full")) : this.#memory.set(key, value),
    }
    const events = from(source, { time: "at", watermark: ascending() })
    const options = { storage, chunkSize: this.#chunkSize, checkpoint: { tolerableFailures: 1e6 } }
    const job = await run({ kept: kept(events), timed: timed(events) }, options)
    const read = async (name: Names) => {
      for await (const result of job.output(name)) this.results[name].push(result)
    }
    this.#job = job
    this.#reading = Promise.all([read("kept"), read("timed")])
    await this.settle()
  }

  async give(deeds: readonly Deed[]): Promise<void> {
    for (const deed of deeds) this.oracle.take(deed)
    this.#deeds.push(...deeds)
    this.#given()
    await this.settle()
  }

  /** Everything that there is has come out. */
  async settle(): Promise<void> {
    const { results, oracle } = this
    const missing = () =>
      results.kept.length < oracle.results.kept.length ||
      results.timed.length < oracle.results.timed.length
    for (let turn = 0; turn < 500 && missing(); turn++) await turns(1)
    await turns(2)
    expect(results).toEqual(oracle.results)
  }

  async checkpoint(failing: number): Promise<void> {
    this.#failing = failing
    const taken = await this.#job?.checkpoint().then(
      () => true,
      () => false,
    )
    this.#failing = -1
    if (taken !== true) return
    this.#durable = { kept: this.results.kept.length, timed: this.results.timed.length }
  }

  async crash(): Promise<void> {
    await this.close()
    this.results.kept.length = this.#durable.kept
    this.results.timed.length = this.#durable.timed
    await this.open()
  }

  get entries(): unknown[] {
    return this.#job?.state("kept").entries() ?? []
  }

  async close(): Promise<void> {
    await this.#job?.close()
    await this.#reading
  }
}

const deed = fc.record({
  key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g"),
  act: fc.constantFrom<Deed["act"][]>(
    "read",
    "add",
    "add",
    "set",
    "set",
    "delete",
    "timer",
    "untimer",
  ),
  n: fc.integer({ min: 0, max: 9 }),
  ahead: fc.constantFrom(0, 0, 1, 2, 9),
})

const step = fc.oneof(
  { weight: 5, arbitrary: fc.array(deed, { minLength: 1, maxLength: 6 }) },
  { weight: 3, arbitrary: fc.constant(-1) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.constant("crash" as const) },
)

it("saves what changed, whatever fails in between", { timeout }, () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40, size: "max" }),
      fc.constantFrom(1, 7, 1024),
      async (steps, chunkSize) => {
        const played = new Played(chunkSize)
        let [i, at] = [0, 0]
        await played.open()
        try {
          for (const step of [...steps, "crash" as const]) {
            if (step === "crash") await played.crash()
            else if (typeof step === "number") await played.checkpoint(step)
            else {
              const deeds = step.map(({ ahead, ...rest }) => ({
                ...rest,
                i: i++,
                at: (at += ahead),
              }))
              await played.give(deeds)
            }
          }
          expect(played.entries).toEqual(played.oracle.visible)
        } finally {
          await played.close()
        }
      },
    ),
    { numRuns: someRuns(300) },
  ),
)
