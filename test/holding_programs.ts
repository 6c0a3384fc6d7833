/**
 * Operators that hold events back, twice: as Millrace runs them, and as plain code.
 */
import type { KeyValue, Stream, StreamOf } from "../js/index.ts"
import type { Op } from "./deeds.ts"
import { errorsOf } from "./how.ts"
import type { How } from "./how.ts"
import { keyed, type Program, type Reference } from "./programs.ts"
import { Full, idOf, normal } from "./reference.ts"
import type { Limits } from "./reference.ts"

interface Held {
  readonly key: KeyValue
  readonly born: number
  ops: Op[]
  time: number
  due: number
  /** When the timer was set. */
  set: number
}

/** What tells one of these operators from the others. */
interface Kind {
  readonly make: (events: Stream<Op>, options: object) => StreamOf<unknown>
  /** When what is held goes, after one more event. */
  readonly end: (time: number, due: number | undefined) => number
  /** Only the latest event is held. */
  readonly latest: boolean
  readonly full: number
}

function holdingOf({ make, end, latest, full }: Kind): Program {
  return {
    holds: true,
    make: (events, state, uid, how: How = {}) => make(events, { uid, state, ...errorsOf(how) }),
    reference: ({ maxSize = Infinity }: Limits): Reference => {
      const held = new Map<string, Held>()
      let count = 0
      const out = ({ ops }: Held): readonly unknown[] => (latest ? ops : [ops])
      const release = (passed: number) => {
        const due = [...held].filter(([, each]) => each.due <= passed)
        due.sort(([, a], [, b]) => a.due - b.due || a.set - b.set)
        for (const [id] of due) held.delete(id)
        return due.flatMap(([, each]) => out(each))
      }
      return {
        due: release,
        on(op, { time, passed }) {
          const id = idOf(op.key)
          const old = held.get(id)
          const over = old !== undefined && Math.max(time, passed) >= old.due
          const results = over ? out(old) : []
          const had = over ? undefined : old
          if (old === undefined && held.size >= maxSize) throw new Full()
          const due = end(time, had?.due)
          const set = had?.due === due ? had.set : count++
          const ops = had === undefined || (latest && time >= had.time) ? [op] : had.ops
          if (had !== undefined && !latest) ops.push(op)
          const now = { key: op.key, born: old?.born ?? count++, ops, due, set }
          held.set(id, { ...now, time: Math.max(had?.time ?? time, time) })
          if (ops.length < full) return results
          held.delete(id)
          return [...results, ops]
        },
        pass: () => undefined,
        finish: () => release(Infinity),
        entries: () =>
          [...held.values()]
            .sort((a, b) => a.born - b.born)
            .map(({ key, ops }) => [normal(key), ops]),
      }
    },
  }
}

const ms = 12
const first = (time: number, due: number | undefined) => due ?? time + ms
const last = (time: number, due: number | undefined) => Math.max(due ?? -Infinity, time + ms)

/** All of them. */
export const holdings: Readonly<Record<string, Program>> = {
  deduplicateLast: holdingOf({
    make: (events, options) => keyed(events).deduplicate({ ttl: ms, keep: "last", ...options }),
    end: first,
    latest: true,
    full: Infinity,
  }),
  deduplicateAtEnd: holdingOf({
    make: (events, options) => keyed(events).deduplicate({ keep: "last", ...options }),
    end: () => Infinity,
    latest: true,
    full: Infinity,
  }),
  debounce: holdingOf({
    make: (events, options) => keyed(events).debounce(ms, options),
    end: last,
    latest: true,
    full: Infinity,
  }),
  sample: holdingOf({
    make: (events, options) => keyed(events).sample(ms, options),
    end: (time, due) => due ?? (Math.floor(time / ms) + 1) * ms,
    latest: true,
    full: Infinity,
  }),
  buffer: holdingOf({
    make: (events, options) => keyed(events).buffer({ time: ms, count: 3, ...options }),
    end: first,
    latest: false,
    full: 3,
  }),
}
