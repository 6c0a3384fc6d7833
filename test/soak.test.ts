/**
 * G15: events without end, over keys that come and go. Memory follows what lives, not what has
 * been: the peak of the last third of the way is that of the first.
 *
 * `MILLRACE_GATES=full` sends ten million events through each operator; else a hundred thousand.
 */
import { describe, expect, it } from "vitest"
import {
  asOf,
  boundedDisorder,
  count,
  from,
  interval,
  of,
  pattern,
  run,
  sessions,
  skipPastLastEvent,
  sliding,
  sum,
  tumbling,
  valueState,
  where,
  windowJoin,
} from "../js/index.ts"
import type { Job, MemoryStats, Replayable, StreamOf } from "../js/index.ts"
import { guardRejections } from "./probe.ts"

guardRejections()

const full = process.env["MILLRACE_GATES"] === "full"
const events = full ? 10_000_000 : 100_000

interface Hit {
  readonly user: string
  readonly at: number
  readonly n: number
}

/** Ten events a second; a user has come and gone within a minute and a half. */
const eachMs = 100
const hit = (i: number): Hit => {
  const at = i * eachMs
  const [minute, one] = [Math.floor(at / 60_000), i % 7]
  return { user: `user ${minute - (i % 2)} ${one}`, at: at - (i % 5) * 20, n: i % 10 }
}

type Hits = Replayable<Hit, number>

/** Every so many-th of all hits; `look` is called between chunks. */
function watched(look: () => void, first = 0, every = 1): Hits {
  const size = 1000 * every
  return {
    async *read(position = 0) {
      for (let at = position; at < events; at += size) {
        const hits = Array.from({ length: 1000 }, (_, i) => hit(at + first + i * every))
        yield { events: hits, position: at + size }
        look()
      }
    },
  }
}

const time = { time: "at", watermark: boundedDisorder("1s") } as const
const keyed = (hits: Hits) => from(hits, time).keyBy("user")

const operators: Record<string, (hits: Hits) => StreamOf<unknown>> = {
  "deduplicate with a ttl": (hits) => keyed(hits).deduplicate({ ttl: "1m" }),
  throttle: (hits) => keyed(hits).throttle({ limit: 3, per: "30s" }),
  "fold over records of any shape with a ttl": (hits) =>
    keyed(hits).fold(
      () => ({ hits: [] as number[] }),
      (seen, { n }) => ({ hits: [...seen.hits.slice(-3), n] }),
      { state: { ttl: "2m" } },
    ),
  "aggregate over no more than 50 keys": (hits) =>
    keyed(hits).aggregate({ n: sum("n") }, { state: { maxSize: 50, onFull: "evict" } }),
  "tumbling windows": (hits) => keyed(hits).window(tumbling("30s")).aggregate({ hits: count() }),
  "session windows that keep events": (hits) =>
    keyed(hits)
      .window(sessions("20s"))
      .process((all) => all.length),
  "group with a timeout": (hits) =>
    keyed(hits).group({ timeout: "1m" }, (user, all) => ({ user, size: all.length })),
  "process with timers": (hits) =>
    keyed(hits).process({
      emits: of<number>(),
      state: { seen: valueState({ default: 0 }) },
      process({ n, at }, state, ctx) {
        state.seen.update(state.seen.value() + n)
        ctx.timers.eventTime(at + 60_000, "over")
      },
      onTimer(_, state, _ctx, out) {
        out.collect(state.seen.value())
        state.seen.clear()
      },
    }),
  "a pattern with a time limit": (hits) => keyed(hits).pattern(rising, one),
  "a pattern with functions that see the match, which skips": (hits) =>
    keyed(hits).pattern(repeated, one, { afterMatch: skipPastLastEvent() }),
}

const one = () => 1

const rising = pattern("low", where("n", "==", 1))
  .followedBy("middle", where("n", ">", 3))
  .oneOrMore()
  .next("high", where("n", "==", 9))
  .within("20s")

const repeated = pattern("first", ({ n }: Hit) => n >= 0)
  .followedBy("same", ({ n }, match) => n === match["first"]?.[0]?.n)
  .times(2)
  .within("30s")

/** A user's even hits come a minute before the odd ones: they are the two sides. */
const joins: Record<string, (even: Hits, odd: Hits) => StreamOf<unknown>> = {
  "interval join": (even, odd) =>
    keyed(even).join(keyed(odd), interval({ before: "-59s", after: "61s" }), one),
  "as-of join": (even, odd) =>
    keyed(odd).join(keyed(even), asOf({ tolerance: "50s", type: "left" }), one),
  "window join": (even, odd) =>
    keyed(even).join(keyed(odd), windowJoin(sliding("2s", "1s"), { type: "full" }), one),
  "co-group": (even, odd) => keyed(even).coGroup(keyed(odd), sessions("20s"), one),
  "connected streams with timers": (even, odd) =>
    keyed(even)
      .connect(keyed(odd))
      .process({
        emits: of<number>(),
        state: { last: valueState({ default: 0 }) },
        processLeft({ n, at }, state, ctx) {
          state.last.update(n)
          ctx.timers.eventTime(at + 90_000, "over")
        },
        processRight({ n }, state, _ctx, out) {
          out.collect(state.last.value() + n)
        },
        onTimer: (_, state) => state.last.clear(),
      }),
}

type Make = (look: () => void) => StreamOf<unknown>

const programs: [name: string, make: Make][] = [
  ...Object.entries(operators).map(([name, make]): [string, Make] => [
    name,
    (look) => make(watched(look)),
  ]),
  ...Object.entries(joins).map(([name, make]): [string, Make] => [
    name,
    (look) => make(watched(look, 0, 2), watched(look, 1, 2)),
  ]),
]

describe("memory stays as it is under", () => {
  it.each(programs)("%s", async (_, make) => {
    const seen: MemoryStats[] = []
    const job: Job<unknown> = await run(make(() => void seen.push(job.stats().memory)))
    await job.finished()
    expect(job.stats().events).toBe(events)
    expect(Object.values(job.stats().operators).at(-1)?.out).toBeGreaterThan(0)
    await job.close()

    const third = Math.floor(seen.length / 3)
    const peak = (of: readonly MemoryStats[], what: "live" | "reserved") =>
      Math.max(...of.map((memory) => memory[what]))
    for (const what of ["live", "reserved"] as const) {
      const [first, last] = [peak(seen.slice(0, third), what), peak(seen.slice(-third), what)]
      expect(first).toBeGreaterThan(0)
      expect(last / first).toBeLessThanOrEqual(1.05)
    }
  })
})
