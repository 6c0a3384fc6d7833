/**
 * Simulated hours of one job with all faults mixed: a source, functions, storage calls and sinks
 * that fail, storage that is slow or gives other bytes, processes that die, a clock that jumps
 * forth and back, events that are late or cannot be read.
 *
 * What must hold: watermarks never go back, timers fire once and in order, every event is in a
 * window, late or refused, and in one of them only, each pair of a join comes once, and epochs go
 * up. `MILLRACE_GATES=full` runs 200 worlds of ten hours, else 5 of two.
 */
import { describe, expect, it } from "vitest"
import { boundedDisorder, count, from, manualClock, memoryStorage, of } from "../js/index.ts"
import { outputTag, run, tumbling } from "../js/index.ts"
import type { JobListeners, Replayable, RunOptions, StateStorage } from "../js/index.ts"
import { joinedOf, joinsOf } from "./hours_joins.ts"
import type { Event } from "./hours_joins.ts"
import { errorOf, guardRejections, turns } from "./probe.ts"
import { full, randoms, seedOf } from "./random.ts"
import type { Random } from "./random.ts"
import { TestSink } from "./test_sink.ts"

guardRejections()

const [worlds, hours] = full ? [200, 10] : [5, 2]
const windowMs = 60_000
const disorderMs = 20_000
const afterMs = 90_000

/** Events of some hours, one in ten seconds; some come late, some cannot be read. */
function eventsOf(random: Random): Event[] {
  return Array.from({ length: hours * 360 }, (_, n) => {
    const late = random() < 0.05 ? random() * 300_000 : random() * disorderMs
    const at = Math.max(0, Math.floor(n * 10_000 - late))
    return { at, key: Math.floor(random() * 7), bad: random() < 0.02 }
  })
}

interface Expected {
  readonly counts: readonly string[]
  readonly timers: readonly string[]
  readonly joined: readonly string[]
  readonly late: readonly Event[]
  readonly bad: number
}

/** What must come of them, by a plain program. */
function expectedOf(events: readonly Event[]): Expected {
  const counts = new Map<string, number>()
  const timers = new Set<string>()
  const late: Event[] = []
  const [inTime, inWindow]: [Event[], Event[]] = [[], []]
  let [watermark, bad] = [-Infinity, 0]
  for (const event of events) {
    const { at, key } = event
    const start = Math.floor(at / windowMs) * windowMs
    if (event.bad) bad++
    else {
      if (start + windowMs <= watermark) late.push(event)
      else counts.set(`${key} ${start}`, (counts.get(`${key} ${start}`) ?? 0) + 1)
      if (at + afterMs > watermark) timers.add(`${key} ${at + afterMs}`)
      if (at >= watermark) inTime.push(event)
      if (start + windowMs > watermark) inWindow.push(event)
    }
    watermark = Math.max(watermark, at - disorderMs)
  }
  const rows = Array.from(counts, ([window, n]) => `${window} ${n}`)
  const joined = joinedOf(inTime, inWindow, windowMs)
  return { counts: rows.sort(), timers: [...timers].sort(), joined, late, bad }
}

const lateTag = outputTag("behind", of<Event>())
const badTag = outputTag("unreadable", of<unknown>())

class World {
  readonly events: readonly Event[]
  readonly #random: Random
  readonly #memory = memoryStorage()
  readonly #clock = manualClock()
  #skewMs = 0
  readonly #sinks = {
    counts: new TestSink<string>(),
    timers: new TestSink<string>(),
    joined: new TestSink<string>(),
    late: new TestSink<Event>(),
    bad: new TestSink<unknown>(),
  }
  /** Epochs that were told, and how often the job went on. */
  readonly epochs: number[] = []
  restarts = 0
  deaths = 0
  /** Do things still fail? */
  #faulty = true

  constructor(random: Random) {
    this.#random = random
    this.events = eventsOf(random)
  }

  /** Run to the end, through whatever happens; then nothing fails any more. */
  async live(): Promise<void> {
    for (let process = 0; ; process++) {
      this.#faulty = process < 12
      const ended = await this.#process()
      if (ended === "done") return
      if (!this.#faulty) throw new Error(`it ended with ${ended}, and nothing had failed`)
      this.deaths++
    }
  }

  /** What the sinks have committed. */
  get committed() {
    const { counts, timers, joined, late, bad } = this.#sinks
    return {
      counts: [...counts.committed].sort(),
      timers: timers.committed,
      joined: [...joined.committed].sort(),
      late: late.committed,
      bad: bad.committed.length,
    }
  }

  /** One process: from its start to its end, or to where it is killed. */
  async #process(): Promise<string> {
    const lives = this.#faulty ? 20 + this.#random() * 200 : Infinity
    const running = this.#run()
    running.catch(() => undefined)
    let how: string | undefined
    const ended = (result: string) => void (how ??= result)
    const over = running.then(
      (job) =>
        job.finished().then(
          () => ended("done"),
          (error) => ended(errorOf(error).code),
        ),
      (error: unknown) => ended(errorOf(error).code),
    )
    for (let turn = 0; how === undefined && turn < lives; turn++) {
      await turns(2)
      this.#clock.advance(Math.floor(this.#random() * 3000))
      if (this.#random() < 0.05) this.#skewMs += Math.floor((this.#random() - 0.5) * 120_000)
    }
    ended("killed")
    const closing = running.then((job) => job.close()).catch(() => undefined)
    let closed = false
    void Promise.allSettled([closing, over]).then(() => (closed = true))
    for (; !closed; await turns(1)) this.#clock.advance(1000)
    return how as unknown as string
  }

  #run() {
    const { storage, on } = { storage: this.#storage(), on: this.#listeners() }
    const clock: RunOptions["clock"] = {
      now: () => this.#clock.now() + this.#skewMs,
      after: (ms, wake) => this.#clock.after(ms, wake),
    }
    return run(this.#streams(), {
      ...{ storage, on, clock },
      chunkSize: 1 + Math.floor(this.#random() * 40),
      checkpoint: { interval: "20s", tolerableFailures: 2 },
      restart: { attempts: 3, delay: "1s", maxDelay: "5s" },
    })
  }

  #streams() {
    const fails = (share: number) => this.#fails(share)
    let watermark = -Infinity
    const sound = from(this.#source(), { time: "at", watermark: boundedDisorder(disorderMs) }).map(
      (event) => {
        if (event.bad) throw new Error("it cannot be read")
        return event
      },
      { onError: "route", errorsTo: badTag as never },
    )
    const keyed = sound.keyBy("key")
    const counts = keyed.window(tumbling(windowMs), { lateTo: lateTag }).aggregate({ n: count() })
    const timers = keyed.process({
      emits: of<string>(),
      open: () => void (watermark = -Infinity),
      process(event, _state, ctx) {
        if (fails(0.003)) throw new Error("a function failed")
        expect(ctx.watermark).toBeGreaterThanOrEqual(watermark)
        watermark = ctx.watermark
        const at = event.at + afterMs
        if (at > ctx.watermark) ctx.timers.eventTime(at)
      },
      onTimer: (at, _state, ctx, out) => void out.collect(`${ctx.key} ${at}`),
    })
    const joined = joinsOf(sound, windowMs, () => {
      if (fails(0.001)) throw new Error("a function failed")
    })
    const sinks = this.#sinks
    return {
      counts: counts
        .map(({ key, start, n }) => `${key} ${start} ${n}`)
        .to(this.#flaky(sinks.counts)),
      timers: timers.to(this.#flaky(sinks.timers)),
      joined: joined.to(this.#flaky(sinks.joined)),
      late: counts.sideOutput(lateTag).to(this.#flaky(sinks.late)),
      bad: sound.sideOutput(badTag).to(this.#flaky(sinks.bad)),
    }
  }

  #source(): Replayable<Event, number> {
    const { events } = this
    const fails = () => this.#fails(0.03)
    const passes = (ms: number) => new Promise<void>((go) => void this.#clock.after(ms, go))
    const size = () => 1 + Math.floor(this.#random() * 50)
    return {
      async *read(position = 0) {
        for (let at = position; at < events.length;) {
          const upto = Math.min(at + size(), events.length)
          await passes((upto - at) * 1000)
          if (fails()) throw new Error("the source failed")
          yield { events: events.slice(at, upto), position: upto }
          at = upto
        }
      },
    }
  }

  /** The sink of another process, over the same store. */
  #flaky<T>(sink: TestSink<T>): TestSink<T> {
    return new Proxy(sink.restarted(), {
      get: (of, name) => {
        const method: unknown = Reflect.get(of, name, of)
        if (typeof method !== "function") return method
        return (...given: unknown[]): unknown => {
          if (name !== "close" && this.#fails(0.003)) throw new Error(`no ${String(name)}`)
          return (method as (...given: unknown[]) => unknown).apply(of, given)
        }
      },
    })
  }

  /** The storage of another process, over the same values. */
  #storage(): StateStorage {
    const memory = this.#memory
    const act = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.#fails(0.1)) await new Promise<void>((go) => void this.#clock.after(500, go))
      const [fails, done] = [this.#fails(0.02), this.#random() < 0.5]
      if (fails && !done) throw new Error("it was not done")
      const result = await call()
      if (fails) throw new Error("it was done, but nobody heard of it")
      return result
    }
    return {
      get: async (key) => {
        const value = await act(() => memory.get(key))
        return this.#fails(0.02) ? value?.slice(1) : value // A lie: it is not all.
      },
      set: (key, value) => act(() => memory.set(key, value)),
      delete: (key) => act(() => memory.delete(key)),
      list: (prefix, options) => act(() => memory.list(prefix, options)),
      commit: (...given) => act(() => memory.commit(...given)),
    }
  }

  #listeners(): JobListeners {
    return {
      checkpoint: ({ epoch }) => void this.epochs.push(epoch),
      restarted: () => void this.restarts++,
    }
  }

  #fails(share: number): boolean {
    return this.#faulty && this.#random() < share
  }
}

describe("hours of faults", () => {
  it("leave no trace in what comes out", async () => {
    const seed = seedOf("hours")
    const sums = { events: 0, epochs: 0, restarts: 0, deaths: 0 }
    for (let i = 0; i < worlds; i++) {
      const world = new World(randoms(seed + i))
      try {
        await world.live()
        const expected = expectedOf(world.events)
        const { timers, ...committed } = world.committed
        expect({ ...committed, timers: [...timers].sort() }).toEqual(expected)
        const times = timers.map((timer) => Number(timer.split(" ")[1]))
        expect(times).toEqual([...times].sort((a, b) => a - b))
        expect(world.epochs).toEqual([...new Set(world.epochs)].sort((a, b) => a - b))
      } catch (error) {
        throw new Error(`world ${i}: MILLRACE_SEED=${seed + i}`, { cause: error })
      }
      sums.events += world.events.length
      sums.epochs += world.epochs.length
      sums.restarts += world.restarts
      sums.deaths += world.deaths
    }
    console.log(`hours: ${JSON.stringify(sums)}`)
    expect(sums.deaths * sums.restarts * sums.epochs).toBeGreaterThan(0)
  })
})
