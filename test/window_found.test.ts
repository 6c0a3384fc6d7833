/** What was wrong in windows, as random scripts found it. */
import { describe, expect, it } from "vitest"
import { count, countWindow, every, from, globalWindow, max, min, onCount } from "../js/index.ts"
import {
  quantile,
  run,
  sessions,
  sliding,
  slidingEach,
  sum,
  tumbling,
  within,
} from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { end, event, playEverywhere, watermark } from "../js/testing/index.ts"
import { pullToError } from "./probe.ts"

interface Hit {
  readonly at: number
  readonly n: number
}

const hit = (at: number, n: number) => event<Hit>({ at, n })

const discarding = (hits: Stream<Hit>) =>
  hits
    .keyBy(() => "all")
    .window(sessions(3), { allowedLateness: 25, mode: "discard" })
    .aggregate({ hits: count(), sum: sum("n"), least: min("n"), most: max("n") })

describe("sessions that discard what they have emitted", () => {
  it("take over what is in the one that they meet", async () => {
    const script = [
      hit(0, 5),
      watermark(4), // The first session has emitted, and is empty.
      hit(5, 7), // Another one.
      hit(3, 1), // Late, and between the two.
      watermark(9),
      end(),
    ]
    const { results } = await playEverywhere(discarding, script)
    expect(results["out"]).toEqual([
      { key: "all", start: 0, end: 3, hits: 1, sum: 5, least: 5, most: 5, revision: 0 },
      { key: "all", start: 0, end: 8, hits: 2, sum: 8, least: 1, most: 7, revision: 1 },
    ])
  })
})

const around = (hits: Stream<Hit>) =>
  hits
    .keyBy(() => "all")
    .window(slidingEach(3))
    .aggregate({ hits: count() })

describe("windows of each event", () => {
  it("are found as long as they are open, also by an event that is not in them", async () => {
    const script = [
      hit(0, 1),
      hit(6, 1),
      watermark(4), // The window right behind the first event, [1, 4], is open still.
      hit(6, 1),
      hit(3, 1),
      watermark(5),
    ]
    const { results } = await playEverywhere(around, script)
    expect(results["out"]).toEqual([
      { key: "all", start: -3, end: 0, hits: 1 },
      { key: "all", start: 1, end: 4, hits: 1 },
    ])
  })
})

describe("a trigger in sessions that grow", () => {
  it("emits at its multiples, also where an end of before was one", async () => {
    const times = [0, 5, 12, 20, 28, 36, 44]
    const emitted = (gap: number) => {
      const events = times.map((at) => ({ at }))
      return from(events, { time: "at" })
        .keyBy(() => "all")
        .window(sessions(gap, { boundary: "exclusive" }), { trigger: every(10) })
        .process((events) => events.map(({ at }) => at))
        .toArray()
    }
    const rows = [times.slice(0, 3), times.slice(0, 6), times, times] // At 10, 30, 50, the end.
    expect(await emitted(11)).toEqual(rows)
    expect(await emitted(10)).toEqual(rows)
  })
})

describe("a window without end", () => {
  it("lets go of events that its evictor will not give again", async () => {
    const events = Array.from({ length: 2000 }, (_, at) => ({ at }))
    const last = from(events, { time: "at" })
      .keyBy(() => "all")
      .window(globalWindow(), { trigger: onCount(1), evictor: within(10) })
      .process((events) => events.length, { uid: "last" })
    const job = await run(last.take(1999))
    const lengths: number[] = []
    for await (const length of job) {
      lengths.push(length)
      if (lengths.length < 1999) continue
      const [[, panes] = []] = [...job.state("last/windows").scan()]
      const [pane] = panes as { data: { events: unknown[] } }[]
      expect(pane?.data.events.length).toBeLessThan(100)
    }
    expect(lengths.slice(-3)).toEqual([10, 10, 10])
    await job.close()
  })
})

describe("a chunk of which memory has no room for all keys at once", () => {
  const slice = 4096 // So many events are looked up at once.

  /** Windows of one event each: of some keys, and then in the next slice of one key. */
  async function emitted(keys: number) {
    const events = Array.from({ length: 2 * slice }, (_, i) => ({
      key: i < keys ? `key ${i}` : i < slice ? undefined : "last",
    }))
    const counted = from(events)
      .keyBy("key", { missing: "skip" })
      .window(countWindow(1))
      .reduce((_, event) => event, { uid: "each" })
    const job = await run(counted, { chunkSize: events.length, memory: { maxBytes: 2 << 20 } })
    const told = await pullToError(job)
    await job.close()
    return told
  }

  it("gives what windows emitted before", async () => {
    let keys = slice
    let told = await emitted(keys)
    while (!told.message.includes("find rows")) told = await emitted((keys -= 100))
    const why = "could not find rows: memory.maxBytes of 2097152 is reached"
    expect([told.code, told.message]).toEqual(["MEMORY", `each: event ${slice}: ${why}`])
    expect(told.pulled.length).toBe(keys)
  })
})

describe("an event that an aggregate cannot use", () => {
  const windows = { tumbling: tumbling(5), sliding: sliding(6, 3), sessions: sessions(2) }
  const events = [0, 10, 20, "none", 30].map((n, i) => ({ at: i * 10, n }) as Hit)

  it.each(Object.entries(windows))("comes behind what was due before it: %s", async (_, window) => {
    const gives = async (chunkSize: number) => {
      const halves = from(events, { time: "at" })
        .keyBy(() => "all")
        .window(window)
        .aggregate({ half: quantile("n", 0.5) })
      const job = await run(halves, { chunkSize })
      const { pulled, code } = await pullToError(job)
      await job.close()
      return [...pulled, code]
    }
    const each = await gives(1)
    expect(each.length).toBeGreaterThan(2)
    expect(each.at(-1)).toBe("FIELD_TYPE")
    expect(await gives(1024)).toEqual(each)
  })
})
