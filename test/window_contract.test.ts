/** Windows of every kind pass the contract of operators. */
import {
  countWindow,
  every,
  globalWindow,
  keepLast,
  onCount,
  purging,
  sessions,
  sliding,
  slidingCount,
  slidingEach,
  tumbling,
  within,
} from "../js/index.ts"
import type { Assigner, KeyValue, WindowOptions, WindowRange } from "../js/index.ts"
import { testOperator } from "./contract/operator.ts"
import { deeds } from "./deeds.ts"
import type { Op } from "./deeds.ts"
import { clock, event } from "./play.ts"
import { keyed } from "./programs.ts"

const keys: readonly KeyValue[] = ["a", 1, "1", null, ["a", [true, 1n]]]

/** Thirty events of five keys, some of them late, some before 1970, while the clock goes on. */
const script = Array.from({ length: 36 }, (_, i) => {
  if (i % 6 === 5) return clock(i * 2)
  const key = keys[(i * 7 + (i >> 3)) % keys.length] as KeyValue
  const at = i * 2 - 20 - (i % 4) * 3
  return event<Op>({ i, key, deed: deeds[0] ?? "none", n: i % 5, value: i / 3, at })
})

/** Each event in the windows of its five and its seven ms. */
const twice = (_: Op, time: number): WindowRange[] =>
  [5, 7].map((size) => {
    const start = Math.floor(time / size) * size
    return { start, end: start + size }
  })

interface Kind {
  readonly assigner: Assigner<Op> | typeof twice
  readonly options?: WindowOptions<Op>
}

const kinds: Readonly<Record<string, Kind>> = {
  tumbling: { assigner: tumbling(10) },
  "tumbling, with late events": { assigner: tumbling(10), options: { allowedLateness: 6 } },
  "tumbling, updated": { assigner: tumbling(10), options: { emit: "updates" } },
  "tumbling, final": { assigner: tumbling(10), options: { emit: "final", allowedLateness: 6 } },
  "sliding, discarding": { assigner: sliding(10, 4, { offset: -1 }), options: { mode: "discard" } },
  sessions: { assigner: sessions(3) },
  "sessions, exclusive": {
    assigner: sessions(3, { boundary: "exclusive" }),
    options: { allowedLateness: 6 },
  },
  "sessions of each event's own gap": {
    assigner: sessions(({ n }: Op) => n + 1),
    options: { emit: "updates", allowedLateness: 20 },
  },
  countWindow: { assigner: countWindow(3) },
  "countWindow that skips": { assigner: countWindow(2, { slide: 3, emitPartial: true }) },
  "countWindow that overlaps": { assigner: countWindow(3, { slide: 2, emitPartial: true }) },
  slidingCount: { assigner: slidingCount(3, 2) },
  slidingEach: { assigner: slidingEach(4) },
  globalWindow: { assigner: globalWindow() },
  "globalWindow that emits": { assigner: globalWindow(), options: { trigger: onCount(2) } },
  "a function": { assigner: twice, options: { allowedLateness: 3 } },
  onCount: { assigner: sessions(5), options: { trigger: purging(onCount(2)) } },
  every: { assigner: tumbling(20), options: { trigger: every(4) } },
  keepLast: { assigner: tumbling(20), options: { evictor: keepLast(2), emit: "updates" } },
  within: { assigner: globalWindow(), options: { evictor: within(9), trigger: onCount(3) } },
}

/** What is reduced is kept as it is, joined, or made of events that are kept. */
const reduced = ["tumbling, with late events", "sessions", "keepLast"]

for (const [name, { assigner, options }] of Object.entries(kinds)) {
  testOperator<Op>(
    `process of ${name}`,
    (events, state) =>
      keyed(events)
        .window(assigner, options)
        .process(
          (ops, seen, { key, window, revision }) => {
            const before = seen.get()
            seen.set([...before.slice(-2), ops.length])
            return { key, window, revision, before, ops: ops.map(({ i }) => i) }
          },
          { state: { ...state, value: () => [] as number[] } },
        ),
    script,
  )
  if (!reduced.includes(name)) continue
  testOperator<Op>(
    `reduce of ${name}`,
    (events) =>
      keyed(events)
        .window(assigner, options)
        .reduce((sum, { i, n }) => ({ ...sum, i, n: sum.n + n })),
    script,
  )
}
