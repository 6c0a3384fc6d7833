/**
 * The four algorithms of throttle as plain code: a list of the times at which events passed, or a
 * bucket. An event behind what has passed is judged then.
 */
import type { KeyValue, Stream } from "../js/index.ts"
import type { Op } from "./deeds.ts"
import { errorsOf } from "./how.ts"
import type { How } from "./how.ts"
import { keyed, type Program, type Reference } from "./programs.ts"
import { Rows } from "./reference.ts"
import type { Limits } from "./reference.ts"

const limit = 2
const per = 14
const burst = 3

type Algorithm = "sliding" | "fixed" | "tokenBucket" | "gcra"

/** Judges an event at `clock`; gives what is remembered if it passes. */
type Judge<S> = (memory: S | undefined, clock: number, passed: number) => S | undefined

const startOf = (time: number): number => Math.floor(time / per) * per

const sliding: Judge<readonly number[]> = (times = [], clock, passed) => {
  const near = times.filter((time) => time > clock - per && time <= clock)
  if (near.length >= limit) return undefined
  return [...times, clock].filter((time) => time > passed - per).sort((a, b) => a - b)
}

const fixed: Judge<readonly number[]> = (starts = [], clock, passed) => {
  const near = starts.filter((start) => start === startOf(clock))
  if (near.length >= limit) return undefined
  const all = [...starts, startOf(clock)].filter((start) => start >= startOf(passed))
  return all.sort((a, b) => a - b)
}

const tokenBucket: Judge<{ tokens: number; time: number }> = (memory, clock) => {
  const { tokens, time } = memory ?? { tokens: burst, time: clock }
  const full = Math.min(burst, tokens + (Math.max(0, clock - time) * limit) / per)
  return full < 1 ? undefined : { tokens: full - 1, time: Math.max(clock, time) }
}

const gcra: Judge<{ nextTime: number }> = (memory, clock) => {
  const { nextTime } = memory ?? { nextTime: clock }
  const interval = per / limit
  if (clock < nextTime - interval * (burst - 1)) return undefined
  return { nextTime: Math.max(clock, nextTime) + interval }
}

/** Times as `job.state` shows them: each once, with how often. */
function counted(times: readonly number[]): unknown {
  const counts = new Map<number, number>()
  for (const time of times) counts.set(time, (counts.get(time) ?? 0) + 1)
  return Array.from(counts, ([time, count]) => ({ time, count }))
}

function throttleOf<S>(
  algorithm: Algorithm,
  judge: Judge<S>,
  ttl: number,
  show: (memory: S) => unknown,
): Program {
  // A list grows with what it remembers; what that does to maxBytes has a test of its own.
  const lists = algorithm === "sliding" || algorithm === "fixed"
  const limitsOf = (state: Limits): Limits => (lists ? { ...state, maxBytes: Infinity } : state)
  return {
    expires: true,
    ownTime: true,
    make(events: Stream<Op>, state: Limits, uid: string, how: How = {}) {
      const { maxBytes, ...rest } = state
      const own = lists || maxBytes === undefined ? rest : state
      const bursts = lists ? {} : { burst }
      const options = { algorithm, limit, per, ...bursts, uid, state: own }
      return keyed(events).throttle({ ...options, ...errorsOf(how) })
    },
    reference(state: Limits, weigh: (key: KeyValue) => number): Reference {
      const rows = new Rows<S>({ ...limitsOf(state), ttl }, weigh)
      return {
        on(op, { time, passed }) {
          const clock = Math.max(time, passed)
          const row = rows.enter(op.key, { time: passed, passed })
          const next = judge(row?.value, clock, passed)
          if (next !== undefined) rows.write(op.key, next, { time: clock, passed })
          else rows.use(op.key)
          return next === undefined ? [] : [op]
        },
        pass: (passed) => rows.pass(passed),
        entries: (passed) => rows.entries(passed).map(([key, memory]) => [key, show(memory)]),
      }
    },
  }
}

const bucketTtl = Math.ceil((burst * per) / limit)

/** Every algorithm of throttle. */
export const throttles: Readonly<Record<string, Program>> = {
  throttleSliding: throttleOf("sliding", sliding, per, counted),
  throttleFixed: throttleOf("fixed", fixed, per, counted),
  throttleTokenBucket: throttleOf("tokenBucket", tokenBucket, bucketTtl, (bucket) => bucket),
  throttleGcra: throttleOf("gcra", gcra, bucketTtl, (bucket) => bucket),
}
