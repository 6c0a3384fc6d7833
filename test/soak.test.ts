/**
 * G15: events without end, over keys that come and go. Memory follows what lives, not what has
 * been: the peak of the last third of the way is that of the first.
 *
 * `MILLRACE_GATES=full` sends ten million events through each operator; else a hundred thousand.
 */
import { describe, expect, it } from "vitest"
import {
  boundedDisorder,
  count,
  from,
  of,
  run,
  sessions,
  sum,
  tumbling,
  valueState,
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

/** All hits; `look` is called between chunks. */
function watched(look: () => void): Replayable<Hit, number> {
  return {
    async *read(position = 0) {
      for (let at = position; at < events; at += 1000) {
        yield { events: Array.from({ length: 1000 }, (_, i) => hit(at + i)), position: at + 1000 }
        look()
      }
    },
  }
}

const time = { time: "at", watermark: boundedDisorder("1s") } as const
type Operators = (hits: Replayable<Hit, number>) => StreamOf<unknown>

const operators: Record<string, Operators> = {
  "deduplicate with a ttl": (hits) => from(hits, time).keyBy("user").deduplicate({ ttl: "1m" }),
  throttle: (hits) => from(hits, time).keyBy("user").throttle({ limit: 3, per: "30s" }),
  "fold over records of any shape with a ttl": (hits) =>
    from(hits, time)
      .keyBy("user")
      .fold(
        () => ({ hits: [] as number[] }),
        (seen, { n }) => ({ hits: [...seen.hits.slice(-3), n] }),
        { state: { ttl: "2m" } },
      ),
  "aggregate over no more than 50 keys": (hits) =>
    from(hits, time)
      .keyBy("user")
      .aggregate({ n: sum("n") }, { state: { maxSize: 50, onFull: "evict" } }),
  "tumbling windows": (hits) =>
    from(hits, time).keyBy("user").window(tumbling("30s")).aggregate({ hits: count() }),
  "session windows that keep events": (hits) =>
    from(hits, time)
      .keyBy("user")
      .window(sessions("20s"))
      .process((all) => all.length),
  "group with a timeout": (hits) =>
    from(hits, time)
      .keyBy("user")
      .group({ timeout: "1m" }, (user, all) => ({ user, size: all.length })),
  "process with timers": (hits) =>
    from(hits, time)
      .keyBy("user")
      .process({
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
}

describe("memory stays as it is under", () => {
  it.each(Object.entries(operators))("%s", async (_, make) => {
    const seen: MemoryStats[] = []
    const job: Job<unknown> = await run(make(watched(() => void seen.push(job.stats().memory))))
    await job.finished()
    expect(job.stats().events).toBe(events)
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
