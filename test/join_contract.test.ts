/** Joins of every kind pass the contract of operators. */
import { asOf, interval, sessions, sliding, tumbling, windowJoin, within } from "../js/index.ts"
import type { JoinSpec, KeyValue, StateAccess } from "../js/index.ts"
import { testOperator } from "./contract/operator.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { clock, event } from "./play.ts"
import { keyed } from "./programs.ts"

const keys: readonly KeyValue[] = ["a", 1, "1", null, ["a", [true, 1n]]]

/** Forty events of five keys, some of them late, some before 1970, while the clock goes on. */
const script = Array.from({ length: 48 }, (_, i) => {
  if (i % 6 === 5) return clock(i * 2)
  const key = keys[(i * 7 + (i >> 3)) % keys.length] as KeyValue
  const at = i - 20 - (i % 4) * 3
  return event<Op>({ i, key, deed: deeds[0] ?? "none", n: i % 5, value: i / 3, at })
})

const specs: Readonly<Record<string, JoinSpec<Op>>> = {
  interval: interval({ before: 9, after: 4 }),
  "interval behind": interval({ before: "-3ms", after: 12 }),
  asOf: asOf({ tolerance: 20 }),
  "asOf, left": asOf({ type: "left" }),
  within: within(20),
  "tumbling, full": windowJoin(tumbling(10), { type: "full" }),
  "sliding, late": windowJoin(sliding(10, 4), { allowedLateness: 6 }),
  "sessions, left": windowJoin(sessions(3), { type: "left" }),
}

for (const [name, spec] of Object.entries(specs)) {
  const windows = spec.kind === "windowJoin"
  const pair = (left: Op | undefined, right: Op | undefined, seen: StateAccess<number, number>) => [
    left?.i,
    right?.i,
    seen.update((n) => n + 1),
  ]
  testOperator<Op>(
    `join of ${name}`,
    (events, { maxSize, onFull, ...state }) => {
      const half = (side: number) => keyed(events.filter(({ n }) => n % 2 === side))
      const limits = windows || maxSize === undefined ? {} : { maxSize, onFull: onFull ?? "error" }
      return half(0).join(half(1), spec, pair, {
        state: { ...state, ...limits, value: () => 0 },
      })
    },
    script,
    { eventTime: true },
  )
}

testOperator<Op>(
  "coGroup",
  (events) => {
    const half = (side: number) => keyed(events.filter(({ n }) => n % 2 === side))
    return half(0).coGroup(half(1), tumbling(10), (lefts, rights, { key, window }) => {
      return [key, window.start, ...[lefts, rights].map((ops) => ops.map(({ i }) => i))]
    })
  },
  script,
  { eventTime: true },
)
