import { describe, expect, it } from "vitest"
import { boundedDisorder, from, listState, manualClock, mapState } from "../js/index.ts"
import { memoryStorage, of, record, reducingState, run, valueState } from "../js/index.ts"
import type { MillraceError } from "../js/index.ts"

async function all(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = []
  for await (const value of values) taken.push(value)
  return taken
}

describe("kinds of state", () => {
  it("keeps a value, a list and a map per key", async () => {
    const rows = await from(["ada login", "bob login", "ada buy", "ada login"])
      .keyBy((text) => text.slice(0, 3))
      .process({
        state: {
          count: valueState({ default: 0 }),
          history: listState(of<string>()),
          metrics: mapState(of<string>(), of<number>()),
        },
        emits: of<unknown>(),
        process(text, { count, history, metrics }, ctx, out) {
          const action = text.slice(4)
          count.update(count.value() + 1)
          history.add(action)
          metrics.put(action, (metrics.get(action) ?? 0) + 1)
          out.collect([ctx.key, count.value(), [...history.values()], [...metrics.entries()]])
        },
      })
      .toArray()
    expect(rows).toEqual([
      ["ada", 1, ["login"], [["login", 1]]],
      ["bob", 1, ["login"], [["login", 1]]],
      [
        "ada",
        2,
        ["login", "buy"],
        [
          ["login", 1],
          ["buy", 1],
        ],
      ],
      [
        "ada",
        3,
        ["login", "buy", "login"],
        [
          ["login", 2],
          ["buy", 1],
        ],
      ],
    ])
  })

  it("undoes a call that fails whole: state, timers and outputs", async () => {
    const rows = await from([1, 2, 3], {})
      .keyBy(() => "k")
      .process({
        state: {
          value: valueState({ default: 0 }),
          point: valueState({ default: record({ x: "f64", name: "string" }) }),
          list: listState(of<number>()),
          map: mapState(of<number>(), of<number>()),
          sum: reducingState((a: number, b: number) => a + b),
        },
        emits: of<unknown>(),
        onError: "skip",
        process(n, { value, point, list, map, sum }, ctx, out) {
          value.update(n)
          point.update({ x: n, name: `p${n}` })
          if (n === 2) list.update([n, n])
          else list.add(n)
          map.remove(n - 1)
          map.put(n, n)
          sum.add(n)
          ctx.timers.processingTime(ctx.now + n * 1e6, "t")
          const all = [value.value(), point.value(), [...list.values()], [...map.entries()]]
          out.collect([...all, sum.get()])
          if (n === 2) throw new Error("no")
        },
        onTimer: (time, _, ctx, out) => out.collect(Math.round((time - ctx.now) / 1e6)),
      })
      .toArray()
    expect(rows).toEqual([
      [1, { x: 1, name: "p1" }, [1], [[1, 1]], 1],
      [
        3,
        { x: 3, name: "p3" },
        [1, 3],
        [
          [1, 1],
          [3, 3],
        ],
        4,
      ],
      3,
    ])
  })

  it("takes a commit back that is refused half way", async () => {
    const rows = await from([1, 2, 3, 1])
      .keyBy(() => "k")
      .process({
        uid: "p",
        state: {
          value: valueState({ default: 0 }),
          text: valueState({ default: record({ s: "string" }) }),
          list: listState(of<number>()),
          map: mapState(of<number>(), of<string>(), { maxSize: 2 }),
        },
        emits: of<unknown>(),
        onError: ({ error }) => ({ emit: (error as MillraceError).code }),
        process(n, { value, text, list, map }, ctx, out) {
          value.update(n)
          text.update({ s: "t".repeat(n) })
          list.update([...list.values(), n])
          map.put(0, `${n}`)
          for (let i = 1; i < n; i++) map.put(i, `${n}`)
          ctx.timers.processingTime(ctx.now + n, `${n}`)
          out.collect([n, [...list.values()]])
        },
        onTimer(_, { value, text, list, map }, __, out) {
          out.collect([value.value(), text.value().s, [...list.values()], [...map.entries()]])
        },
      })
      .toArray()
    expect(rows).toEqual([
      [1, [1]],
      [2, [1, 2]],
      "LIMIT",
      [1, [1, 2, 1]],
      [
        1,
        "t",
        [1, 2, 1],
        [
          [0, "1"],
          [1, "2"],
        ],
      ],
      [
        1,
        "t",
        [1, 2, 1],
        [
          [0, "1"],
          [1, "2"],
        ],
      ],
    ])
  })

  it("goes on after a restart, with state of every kind and timers", async () => {
    const storage = memoryStorage()
    const events = Array.from({ length: 20 }, (_, i) => ({ k: `${i % 3}`, at: i * 3 }))
    const make = (length: number) =>
      from(events.slice(0, length), { time: "at", watermark: boundedDisorder(4) })
        .keyBy("k")
        .process({
          state: { list: listState(of<number>(), { ttl: 25 }) },
          emits: of<unknown>(),
          process({ at }, { list }, { timers }) {
            list.add(at)
            timers.eventTime(at + 10, "named")
            timers.eventTime(at + 10)
          },
          onTimer: (time, { list }, { key }, out) => out.collect([key, time, [...list.values()]]),
        })
    const whole = await make(20).toArray()
    const clocked = { storage, clock: manualClock() }
    const rows: unknown[] = []
    const job = await run(make(20), { ...clocked, chunkSize: 1 })
    for await (const row of job) {
      rows.push(row)
      if (rows.length === 7) break
    }
    await job.close()
    expect(whole.slice(0, 7)).toEqual(rows)
    const again = await run(make(20), clocked)
    expect(await all(again)).toEqual(whole)
    await again.close()
  })
})
