/** Operators of two inputs: both are pulled in turns, and a silent one costs nothing. */
import { describe, expect, it } from "vitest"
import { from, interval, mapState, of, run, valueState } from "../js/index.ts"
import type { Replayable, Stream, StreamOf } from "../js/index.ts"
import { guardRejections, handFed } from "./probe.ts"

guardRejections()

interface Hit {
  readonly at: number
  readonly key: number
  readonly side: string
}

/** A hit every ms, of a hundred keys. */
const hit = (side: string, at: number): Hit => ({ at, key: at % 100, side })

type Pair = (left: Stream<Hit>, right: Stream<Hit>) => StreamOf<string>

const timed = { time: "at" } as const
const count = valueState({ default: 0 })

/** Each tells of the events that come, by their sides, in the order in which they come. */
const operators: Record<string, (seen: (side: string) => void) => Pair> = {
  connect: (seen) => (left, right) =>
    left
      .keyBy("key")
      .connect(right.keyBy("key"))
      .process({
        state: { count },
        emits: of<string>(),
        processLeft({ side }, { count }) {
          seen(side)
          count.update(count.value() + 1)
        },
        processRight({ side }, { count }) {
          seen(side)
          count.update(count.value() + 1)
        },
      }),
  broadcast: (seen) => (left, right) =>
    left
      .keyBy("key")
      .connect(right.broadcast({ last: mapState(of<number>(), of<number>()) }))
      .process({
        state: { count },
        emits: of<string>(),
        process({ side }, { count }) {
          seen(side)
          count.update(count.value() + 1)
        },
        processBroadcast({ side, key, at }, { last }) {
          seen(side)
          last.put(key, at)
        },
      }),
  join: (seen) => (left, right) => {
    const noted = (hits: Stream<Hit>) => hits.tap(({ side }) => seen(side)).keyBy("key")
    const state = { maxSize: 1000, onFull: "evict" } as const // What waits has a bound.
    return noted(left).join(noted(right), interval({ after: 5 }), () => "", { state })
  },
}

/** Chunks of ten events as they come from a file or a queue. */
function chunks(side: string, count: number, look?: (chunk: number) => void) {
  const source: Replayable<Hit, number> = {
    async *read(position = 0) {
      for (let at = position; at < count; at++) {
        look?.(at)
        const events = Array.from({ length: 10 }, (_, i) => hit(side, at * 10 + i))
        yield { events, position: at + 1 }
      }
    },
  }
  return source
}

/** How many events of one side come at once, one after the other. */
function runsOf(sides: readonly string[]): number[] {
  const runs: number[] = []
  sides.forEach((side, i) => {
    if (side === sides[i - 1]) runs[runs.length - 1] = (runs.at(-1) as number) + 1
    else runs.push(1)
  })
  return runs
}

async function seenBy(operator: string, make: (pair: Pair) => StreamOf<string>): Promise<string[]> {
  const seen: string[] = []
  const stream = make(
    (operators[operator] as (typeof operators)[string])((side) => seen.push(side)),
  )
  const job = await run(stream as Stream<string>, { chunkSize: 10 })
  await job.finished()
  await job.close()
  return seen
}

const list = (side: string, size: number) => Array.from({ length: size }, (_, at) => hit(side, at))

describe.each(Object.keys(operators))("%s", (operator) => {
  it("pulls two lists in turns, a chunk of each", async () => {
    const seen = await seenBy(operator, (pair) =>
      pair(from(list("a", 200), timed), from(list("b", 200), timed)),
    )
    expect([seen.length, Math.max(...runsOf(seen))]).toEqual([400, 10])
  })

  it("pulls two sources that have to be waited for in turns", async () => {
    const seen = await seenBy(operator, (pair) =>
      pair(from(chunks("a", 50), timed), from(chunks("b", 50), timed)),
    )
    expect([seen.length, Math.max(...runsOf(seen))]).toEqual([1000, 10])
  })

  it("hears of a source that has to be waited for beside one that is always ready", async () => {
    const seen = await seenBy(operator, (pair) =>
      pair(from(list("a", 10_000), timed), from(chunks("b", 10), timed)),
    )
    expect(seen.filter((side) => side === "b")).toHaveLength(100)
    expect(seen.lastIndexOf("b")).toBeLessThan(seen.lastIndexOf("a"))
    // The event loop has a turn after 64 steps.
    expect(Math.max(...runsOf(seen.slice(0, seen.lastIndexOf("b"))))).toBeLessThanOrEqual(640)
  })

  it.each(["left", "right"])(
    "needs no more for a %s side that is silent for ever",
    async (which) => {
      const count = 10_000
      const silent = handFed<Hit>()
      const heaps: number[] = []
      const lives: number[] = []
      let seen = 0
      const look = (chunk: number) => {
        if (chunk % 2000 !== 1999) return
        globalThis.gc?.()
        heaps.push(process.memoryUsage().heapUsed)
        lives.push(job.stats().memory.live)
      }
      const sides = [from(chunks("a", count, look), timed), from(silent, timed)] as const
      const pair = (operators[operator] as (typeof operators)[string])(() => seen++)
      const stream = which === "right" ? pair(...sides) : pair(sides[1], sides[0])
      const job = await run(stream as Stream<string>)
      const finished = job.finished()
      const told = finished.catch((error: unknown) => error)
      while (seen < count * 10) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(silent.asked).toBe(1)
      expect(heaps).toHaveLength(5)
      expect((heaps[4] as number) - (heaps[1] as number)).toBeLessThan(400_000)
      expect(lives[4]).toBe(lives[1])
      await job.close()
      expect(await told).toMatchObject({ code: "CLOSED" })
    },
  )
})
