/** Every operator, alone and in chains, passes the contract. */
import { count, record, sum } from "../js/index.ts"
import type { KeyValue } from "../js/index.ts"
import { testOperator } from "./contract/operator.ts"
import { clock, event } from "./play.ts"
import { deeds } from "./deeds.ts"
import { keyed, programs } from "./programs.ts"
import type { Op } from "./deeds.ts"
import { groups } from "./group_programs.ts"
import { sessions } from "./session_programs.ts"
import { chores } from "./process_chores.ts"
import { throttles } from "./throttle_programs.ts"

const keys: readonly KeyValue[] = ["a", "__proto__", 1, "1", null, ["a", [true, 1n]], "", 0]

/** Thirty events of eight keys, some of them late, while the clock goes on. */
const script = Array.from({ length: 36 }, (_, i) => {
  if (i % 6 === 5) return clock(i * 2)
  const key = keys[(i * 7 + (i >> 3)) % keys.length] as KeyValue
  const deed = deeds[(i * 5 + (i >> 2)) % deeds.length] as Op["deed"]
  return event<Op>({
    i,
    key,
    deed,
    n: i % 5,
    value: i % 4 === 0 ? null : i / 3,
    at: i * 2 - (i % 4) * 3,
  })
})

for (const [name, { make }] of Object.entries({
  ...programs,
  ...throttles,
  ...groups,
  ...sessions,
})) {
  testOperator<Op>(name, (events, state) => make(events, state, "op"), script)
}

for (const [name, make] of Object.entries(chores)) testOperator<Op>(name, make, script)

testOperator<Op>("take", (events) => events.take(11), script)
testOperator<Op>("take nothing", (events) => events.take(0), script)
testOperator<Op>("takeWhile", (events) => events.takeWhile(({ i }) => i < 17), script)
testOperator<Op>(
  "scan",
  (events, state) =>
    events.scan(
      (total, { n }) => total + n,
      () => 0,
      { state },
    ),
  script,
)
testOperator<Op>(
  "distinctUntilChanged",
  (events, state) => events.distinctUntilChanged((op) => op.n > 2, { state }),
  script,
)
testOperator<Op>(
  "distinctUntilChanged by key",
  (events, state) => keyed(events).distinctUntilChanged("n", { state }),
  script,
)
testOperator<Op>("skip", (events) => events.skip(11), script)
testOperator<Op>("skip, then take", (events) => events.skip(3).take(9), script)

testOperator<Op>(
  "map, filter, flatMap and tap",
  (events) => {
    const passing = events.filter(({ n }) => n > 0).tap(() => undefined)
    return passing.flatMap(({ i, n }) => Array.from({ length: n }, (_, j) => [i, j])).map(String)
  },
  script,
)

testOperator<Op>(
  "union of branches",
  (events, state) => {
    const even = events.filter(({ n }) => n % 2 === 0).map(({ i }) => `even ${i}`)
    const sums = keyed(events).fold(
      () => 0,
      (total, { n }) => total + n,
      { state },
    )
    return even.union(
      sums,
      events.flatMap(({ i, n }) => [i, n].slice(n % 3)),
    )
  },
  script,
)

testOperator<Op>(
  "a chain of keyed operators",
  (events, state) =>
    keyed(events)
      .filter((op, seen) => seen.update((n) => n + 1) % 3 !== 0 || op.n > 3, {
        state: { ...state, value: () => 0 },
      })
      .deduplicate({ state: { ttl: 7 } })
      .map((op, all) => ({ n: op.n, so: all.update((list) => [...list, op.i].slice(-3)) }), {
        state: { ...state, value: () => [] as number[] },
      })
      .keyBy("n")
      .fold(
        record({ total: "f64", last: "string" }),
        (acc, { n, so }) => {
          acc.total += n
          acc.last = so.join()
          return acc
        },
        { state },
      )
      .keyBy("last")
      .aggregate({ rows: count(), total: sum("total") }, { state }),
  script,
)

testOperator<Op>(
  "an aggregate at the end, behind a filter",
  (events, state) =>
    keyed(events.filter(({ i }) => i < 25)).aggregate(
      { total: sum("value") },
      { emit: "final", state },
    ),
  script,
)
