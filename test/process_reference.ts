/**
 * Process functions in plain code, one event at a time: what Millrace must agree with.
 */
import type { KeyValue, MapState } from "../js/index.ts"
import { join, process, steps } from "./process_acts.ts"
import type { Deed, Domain, Faces, OnTimer, RuledFaces, Run } from "./process_acts.ts"
import { Entries } from "./process_entries.ts"
import type { Moment } from "./process_entries.ts"
import { idOf } from "./reference.ts"

const kinds = ["value", "record", "list", "map", "total", "mean"] as const

interface Timer {
  readonly key: KeyValue
  readonly id: number | string
  readonly time: number
  readonly set: number
}

type Change = { readonly domain: Domain; readonly id: number | string; readonly time?: number }

/** All that a job keeps, in plain code. */
export class Reference {
  readonly results: unknown[] = []
  readonly #timed: boolean
  readonly #onTimer: OnTimer<RuledFaces>
  readonly #states: Record<(typeof kinds)[number], Entries>
  /** One for all keys; of use where events are broadcast. */
  readonly #rules: Entries
  readonly #faces: RuledFaces
  readonly #runs: readonly Run[]
  readonly #timers: Record<Domain, Timer[]> = { event: [], processing: [] }
  #sets = 0
  #now = -Infinity
  #watermark = -Infinity
  #ending = false

  /** `runs` are the functions for the events of each side. */
  constructor(
    timed: boolean,
    ttl: number,
    onTimer: OnTimer<RuledFaces>,
    runs: readonly Run[] = [process, process],
  ) {
    this.#timed = timed
    this.#runs = runs
    this.#rules = new Entries(ttl, false)
    this.#onTimer = onTimer
    const entries = kinds.map((kind) => {
      return [kind, new Entries(ttl, kind !== "list" && kind !== "map")] as const
    })
    this.#states = Object.fromEntries(entries) as Record<(typeof kinds)[number], Entries>
    this.#faces = { ...facesOf(this.#states), rules: mapOf(this.#rules) }
  }

  /** The clock stands at `now`, and timers that are due by then fire. */
  tick(now: number): void {
    for (;;) {
      const due = this.#first("processing", now)
      if (due === undefined) break
      this.#now = Math.max(this.#now, due.time)
      this.#fire("processing", due, this.#ownMoment(), this.#shown())
      this.advance(this.#watermark)
    }
    this.#now = Math.max(this.#now, now)
  }

  event(deed: Deed & { readonly side?: number }, watermarkAfter: number): void {
    const run = this.#runs[deed.side ?? 0] as Run
    const time = this.#timed ? deed.at : this.#now
    const passed = this.#timed ? this.#watermark : this.#now
    const moment = { time, passed }
    this.#call(deed.key, moment, time, this.#shown(), [], (ctx, out) => {
      run(deed, this.#faces, ctx, out)
    })
    this.#overdue(moment, this.#shown())
    if (this.#timed) this.advance(watermarkAfter)
  }

  /** Event time goes on, and timers that it has passed fire. */
  advance(watermark: number): void {
    const before = this.#watermark
    this.#watermark = Math.max(before, watermark)
    for (;;) {
      const due = this.#first("event", Math.ceil(this.#watermark) - 1)
      if (due === undefined) return
      const moment = { time: due.time, passed: Math.max(before, due.time) }
      this.#fire("event", due, moment, this.#watermark)
      this.#overdue(moment, this.#watermark)
    }
  }

  end(now: number): void {
    this.#ending = true
    this.#now = Math.max(this.#now, now)
    for (;;) {
      const event = this.#first("event", Infinity)
      const due = event ?? this.#first("processing", Infinity)
      if (due === undefined) return
      const passed = Math.max(this.#watermark, due.time)
      const moment = event === undefined ? this.#ownMoment() : { time: due.time, passed }
      const domain = event === undefined ? "processing" : "event"
      this.#fire(domain, due, moment, this.#timed ? Infinity : -Infinity)
    }
  }

  #shown(): number {
    return this.#timed ? this.#watermark : -Infinity
  }

  /** Before a source has named a time it is the first that there is. */
  #ownMoment(): Moment {
    const time = this.#timed ? Math.max(this.#watermark, -8.64e15) : this.#now
    return { time, passed: time }
  }

  #overdue(moment: Moment, watermark: number): void {
    for (;;) {
      const due = this.#first("processing", this.#now)
      if (due === undefined) return
      this.#fire("processing", due, moment, watermark)
    }
  }

  #first(domain: Domain, upto: number): Timer | undefined {
    const due = this.#timers[domain].filter(({ time }) => time <= upto)
    return due.sort((a, b) => a.time - b.time || a.set - b.set)[0]
  }

  #fire(domain: Domain, { key, id, time }: Timer, moment: Moment, watermark: number): void {
    const off: Change[] = [{ domain, id }]
    const done = this.#call(key, moment, time, watermark, off, (ctx, out) => {
      this.#onTimer(time, this.#faces, ctx, out)
    })
    if (!done) this.#apply(key, off)
  }

  /** False if the function failed, and nothing has happened. */
  #call(
    key: KeyValue,
    moment: Moment,
    timestamp: number,
    watermark: number,
    given: readonly Change[],
    run: (ctx: Parameters<typeof process>[2], out: Parameters<typeof process>[3]) => void,
  ): boolean {
    const made: unknown[] = []
    const changes = [...given]
    const isSet = (domain: Domain, time: number) => {
      const last = changes.filter((each) => each.domain === domain && each.id === time).at(-1)
      if (last !== undefined) return last.time !== undefined
      return this.#timers[domain].some((each) => idOf(each.key) === idOf(key) && each.id === time)
    }
    const set = (domain: Domain, time: number, name?: string) => {
      if (domain === "event" && !this.#timed) throw new Error("no event time")
      if (name === undefined && isSet(domain, time)) return
      if (domain === "processing" && this.#ending) return
      changes.push({ domain, id: name ?? time, time })
    }
    const timers = {
      eventTime: (time: number, name?: string) => set("event", time, name),
      processingTime: (time: number, name?: string) => set("processing", time, name),
      delete: (domain: Domain, id: number | string) => {
        if (domain === "event" && !this.#timed) throw new Error("no event time")
        changes.push({ domain, id })
      },
    }
    const now = this.#now
    for (const kind of kinds) this.#states[kind].begin(key, moment)
    this.#rules.begin(null, moment)
    try {
      run({ key, now, watermark, timestamp, timers }, { collect: (value) => made.push(value) })
    } catch {
      return false
    }
    for (const kind of kinds) this.#states[kind].commit()
    this.#rules.commit()
    this.#apply(key, changes)
    this.results.push(...structuredClone(made))
    return true
  }

  #apply(key: KeyValue, changes: readonly Change[]): void {
    for (const { domain, id, time } of changes) {
      const others = this.#timers[domain].filter((each) => {
        return idOf(each.key) !== idOf(key) || each.id !== id
      })
      const own = time === undefined ? [] : [{ key, id, time, set: this.#sets++ }]
      this.#timers[domain] = [...others, ...own]
    }
  }
}

function facesOf(states: Record<(typeof kinds)[number], Entries>): Faces {
  const { value, record, list, map, total, mean } = states
  const single = <T>(state: Entries, initial: T) => ({
    value: () => (state.has(null) ? (state.get(null) as T) : initial),
    update: (v: T) => state.putOne(v),
    clear: () => state.clear(),
  })
  return {
    value: single(value, 0),
    record: single(record, { n: 0, s: "" }),
    list: {
      add: (v) => list.append(v),
      addAll: (all) => [...all].forEach((v) => list.append(v)),
      values: () => list.all().map(([, v]) => v as number),
      update(all) {
        list.clear()
        for (const v of all) list.append(v)
      },
      clear: () => list.clear(),
    },
    map: mapOf(map),
    total: {
      add: (v) => total.putOne(total.has(null) ? join(total.get(null) as number, v) : v),
      get: () => total.get(null) as number | undefined,
      clear: () => total.clear(),
    },
    mean: {
      add: (v) => mean.putOne(steps.add((mean.get(null) as never) ?? steps.create(), v)),
      get: () => steps.result((mean.get(null) as never) ?? steps.create()),
      clear: () => mean.clear(),
    },
  }
}

function mapOf(map: Entries): MapState<KeyValue, number> {
  return {
    get: (k) => map.get(k) as number | undefined,
    put: (k, v) => map.put(k, v),
    putAll: (all) => [...all].forEach(([k, v]) => map.put(k, v)),
    has: (k) => map.has(k),
    remove: (k) => map.remove(k),
    keys: () => map.all().map(([k]) => k),
    values: () => map.all().map(([, v]) => v as number),
    entries: () => map.all() as [KeyValue, number][],
    isEmpty: () => map.all().length === 0,
    clear: () => map.clear(),
  }
}
