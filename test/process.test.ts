import { describe, expect, it } from "vitest"
import { from, listState, mapState, of, valueState } from "../js/index.ts"

describe("process", () => {
  it("keeps a value, a list and a map per key", async () => {
    const rows = await from([
      { user: "ada", action: "login", n: 1 },
      { user: "bob", action: "login", n: 2 },
      { user: "ada", action: "buy", n: 3 },
      { user: "ada", action: "login", n: 4 },
    ])
      .keyBy("user")
      .process({
        state: {
          count: valueState({ default: 0 }),
          history: listState(of<string>()),
          metrics: mapState(of<string>(), of<number>()),
        },
        emits: of<unknown>(),
        process(event, { count, history, metrics }, ctx, out) {
          count.update(count.value() + 1)
          history.add(event.action)
          metrics.put(event.action, (metrics.get(event.action) ?? 0) + event.n)
          out.collect([ctx.key, count.value(), [...history.values()], [...metrics.entries()]])
        },
      })
      .toArray()
    expect(rows).toEqual([
      ["ada", 1, ["login"], [["login", 1]]],
      ["bob", 1, ["login"], [["login", 2]]],
      [
        "ada",
        2,
        ["login", "buy"],
        [
          ["login", 1],
          ["buy", 3],
        ],
      ],
      [
        "ada",
        3,
        ["login", "buy", "login"],
        [
          ["login", 5],
          ["buy", 3],
        ],
      ],
    ])
  })

  it("fires timers in event time", async () => {
    const rows = await from(
      [
        { k: "a", at: 0 },
        { k: "b", at: 5 },
        { k: "a", at: 8 },
        { k: "c", at: 30 },
      ],
      { time: "at" },
    )
      .keyBy("k")
      .process({
        state: { n: valueState({ default: 0 }) },
        emits: of<unknown>(),
        process(event, { n }, ctx) {
          n.update(n.value() + 1)
          ctx.timers.eventTime(event.at + 10, "quiet")
        },
        onTimer(time, { n }, ctx, out) {
          out.collect([ctx.key, time, n.value(), ctx.watermark])
          n.clear()
        },
      })
      .toArray()
    expect(rows).toEqual([
      ["b", 15, 1, 30],
      ["a", 18, 2, 30],
      ["c", 40, 1, Infinity],
    ])
  })
})
