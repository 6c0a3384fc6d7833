/**
 * group, twice: as Millrace runs it, and as plain code.
 */
import type { KeyValue, StateAccess } from "../js/index.ts"
import type { Op } from "./deeds.ts"
import { optionsOf, waiting } from "./how.ts"
import { keyed, type Program, type Reference } from "./programs.ts"
import { Full, idOf, normal } from "./reference.ts"
import type { Limits } from "./reference.ts"

interface Held {
  readonly key: KeyValue
  readonly ops: Op[]
  readonly due: number
  readonly set: number
}

const timeout = 12
const full = 3

/** What comes of a group; the total is the key's, of all its groups. Some emit nothing. */
type Total = StateAccess<number, number>
const told = (key: KeyValue, ops: readonly Op[], total: number) =>
  ops[0]?.n === 0 ? undefined : [normal(key), ops.map(({ i }) => i), total]

function groupOf(given: { readonly state: boolean; readonly emitOnKeyChange: boolean }): Program {
  const { emitOnKeyChange } = given
  const of = (key: KeyValue, ops: readonly Op[], state: Total) =>
    told(key, ops, given.state ? state.update((n) => n + ops.length) : 0)
  const ttlOf = ({ ttl }: Limits): Limits => (ttl === undefined ? {} : { ttl })
  const limitsOf = (limits: Limits): Limits => (given.state ? ttlOf(limits) : limits)
  const name = `group${given.state ? "State" : ""}${emitOnKeyChange ? "Alone" : ""}`
  return {
    holds: true,
    held: `${name}.events`,
    make: (events, state, uid, how = {}) =>
      keyed(events).group(
        {
          ...{ uid, timeout, maxSize: full, emitOnKeyChange, ...optionsOf(how) },
          state: { ...limitsOf(state), value: () => 0 },
        },
        waiting(how, (args) => (args[1] as readonly Op[])[0] as Op, of),
      ),
    reference(limits): Reference {
      const { maxSize = Infinity } = limitsOf(limits)
      const held = new Map<string, Held>()
      const totals = new Map<string, number>()
      let count = 0
      const tell = (id: string): readonly unknown[] => {
        const { key, ops } = held.get(id) as Held
        const total = given.state ? (totals.get(id) ?? 0) + ops.length : 0
        totals.set(id, total)
        const result = told(key, ops, total)
        return result === undefined ? [] : [result]
      }
      const release = (id: string): readonly unknown[] => {
        const results = tell(id)
        held.delete(id)
        return results
      }
      const due = (passed: number) => {
        const over = [...held].filter(([, each]) => each.due <= passed)
        over.sort(([, a], [, b]) => a.due - b.due || a.set - b.set)
        return over.flatMap(([id]) => release(id))
      }
      return {
        due,
        on(op, { time, passed }) {
          const id = idOf(op.key)
          const results: unknown[] = []
          const others = emitOnKeyChange ? [...held.keys()].filter((each) => each !== id) : []
          for (const other of others) results.push(...release(other))
          const old = held.get(id)
          const over = old !== undefined && Math.max(time, passed) >= old.due
          if (over) results.push(...tell(id)) // Its key holds on, and keeps its place.
          if (old === undefined && held.size >= maxSize) throw new Full()
          const fresh = { key: op.key, ops: [], due: time + timeout, set: count++ }
          const now = over ? fresh : (old ?? fresh)
          held.set(id, now)
          now.ops.push(op)
          return now.ops.length < full ? results : [...results, ...release(id)]
        },
        pass: () => undefined,
        finish: () => due(Infinity),
        entries: () => [...held.values()].map(({ key, ops }) => [normal(key), ops]),
      }
    },
  }
}

/** All of them. */
export const groups: Readonly<Record<string, Program>> = {
  group: groupOf({ state: false, emitOnKeyChange: false }),
  groupState: groupOf({ state: true, emitOnKeyChange: false }),
  groupAlone: groupOf({ state: false, emitOnKeyChange: true }),
}
