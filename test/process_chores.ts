/**
 * Process functions for the contract of operators: one for each kind of state, and one with timers.
 */
import { aggregatingState, listState, mapState, of, record, reducingState } from "../js/index.ts"
import { valueState } from "../js/index.ts"
import type { KeyValue } from "../js/index.ts"
import type { MakeOperator } from "./contract/operator.ts"
import type { Op } from "./deeds.ts"
import { steps } from "./process_acts.ts"
import { keyed } from "./programs.ts"

const text = record({ n: "f64", s: "string", at: "timestamp" })

export const chores: Readonly<Record<string, MakeOperator<Op>>> = {
  "process with a value": (events, state) =>
    keyed(events).process({
      state: { total: valueState({ default: () => ({ n: 0 }), ...state }) },
      emits: of<unknown>(),
      process({ n }, { total }, _, out) {
        total.update({ n: total.value().n + n })
        if (n === 4) total.clear()
        out.collect(total.value())
      },
    }),

  "process with a record": (events, state) =>
    keyed(events).process({
      state: { last: valueState(text, state) },
      emits: of<unknown>(),
      process({ n, i }, { last }, _, out) {
        out.collect(last.value())
        last.update({ n, s: "s".repeat(i % 30), at: i })
      },
    }),

  "process with a list": (events, state) =>
    keyed(events).process({
      state: { list: listState(text, state) },
      emits: of<unknown>(),
      process({ n, i }, { list }, _, out) {
        list.add({ n, s: `${i}`, at: i })
        if (n === 3) list.update([...list.values()].slice(1))
        out.collect(Array.from(list.values(), ({ at }) => at))
      },
    }),

  "process with a map": (events, state) =>
    keyed(events).process({
      state: { map: mapState(of<KeyValue>(), of<number>(), state) },
      emits: of<unknown>(),
      process({ n, i }, { map }, _, out) {
        map.put(["n", n], i)
        if (n === 2) map.remove(["n", 1])
        if (i === 20) map.clear()
        out.collect([...map.entries(), map.has(["n", 0]), map.get(["n", 4]), map.isEmpty()])
      },
    }),

  "process with sums": (events, state) =>
    keyed(events).process({
      state: {
        sum: reducingState((a: number, b: number) => a + b, state),
        mean: aggregatingState(steps, state),
      },
      emits: of<unknown>(),
      process({ n }, { sum, mean }, _, out) {
        sum.add(n)
        if (n > 0) mean.add(n)
        out.collect([sum.get(), mean.get()])
      },
    }),

  "process with timers": (events, state) =>
    keyed(events).process({
      state: { count: valueState({ default: 0, ...state }) },
      emits: of<unknown>(),
      process({ n }, { count }, { now, timers, key }, out) {
        count.update(count.value() + 1)
        timers.processingTime(now + 3 * n, n % 2 === 0 ? "named" : undefined)
        out.collect([key, count.value()])
      },
      onTimer: (time, { count }, { key }, out) => out.collect(["timer", key, time, count.value()]),
    }),

  connect: (events, state) => {
    const half = (odd: number) => keyed(events.filter(({ i }) => i % 2 === odd))
    return half(0)
      .connect(half(1))
      .process({
        state: {
          last: valueState(text, state),
          seen: mapState(of<number>(), of<string>(), state),
        },
        emits: of<unknown>(),
        processLeft({ n, i }, { last, seen }, _, out) {
          last.update({ n, s: `${i}`, at: i })
          out.collect([...seen.entries()])
        },
        processRight({ n, i }, { last, seen }, { now, timers, key }, out) {
          seen.put(n, `${i}`)
          timers.processingTime(now + 2 * n, "named")
          out.collect([key, last.value()])
        },
        onTimer: (time, { seen }, { key }, out) => out.collect([key, time, ...seen.keys()]),
      })
  },

  broadcast: (events, state) => {
    const rules = events.filter(({ i }) => i % 3 === 0)
    const others = keyed(events.filter(({ i }) => i % 3 > 0))
    const kept = mapState(of<number>(), of<string>(), state)
    return others.connect(rules.broadcast({ kept })).process({
      state: { last: valueState(text, state) },
      emits: of<unknown>(),
      process({ n, i }, { last, kept }, { now, timers, key }, out) {
        out.collect([key, last.value(), kept.get(n)])
        last.update({ n, s: `${i}`, at: i })
        timers.processingTime(now + n)
      },
      processBroadcast({ n, i }, { kept }) {
        if (n === 2) kept.clear()
        kept.put(n, `${i}`)
      },
      onTimer: (time, { kept }, { key }, out) => out.collect([key, time, ...kept.entries()]),
    })
  },
}
