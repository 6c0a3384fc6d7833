/**
 * session, twice: as Millrace runs it, and as plain code that keeps a list of sessions per key.
 */
import type { KeyValue, Session, StateAccess } from "../js/index.ts"
import { actOnObject } from "./deeds.ts"
import type { Count, Op } from "./deeds.ts"
import { optionsOf, waiting } from "./how.ts"
import { keyed, type Program, type Reference } from "./programs.ts"
import { Full, idOf, normal } from "./reference.ts"
import type { Limits } from "./reference.ts"

interface Open {
  start: number
  last: number
  count: number
  state?: { readonly value: unknown } | undefined
}

interface Row {
  readonly key: KeyValue
  readonly birth: number
  /** By their start. */
  sessions: Open[]
  /** The timer. */
  due: number
  set: number
}

type State = StateAccess<Count, Count>

/** The function of each event. */
const each = (op: Op, isNew: boolean, state: State) =>
  op.n === 1 ? void actOnObject(op, state) : [isNew, actOnObject(op, state)]

const ended = (key: KeyValue, { start, end, count }: Session, had: boolean, total: number) =>
  count === 2 ? undefined : { key: normal(key), start, end, count, had, total }

/** `tells`: is anything made of what is over? */
function sessionOf(gap: number, boundary: "inclusive" | "exclusive", tells = true): Program {
  const exclusive = boundary === "exclusive"
  const overAt = ({ last }: Open) => last + gap + (exclusive ? 0 : 1)
  const isNear = ({ start, last }: Open, time: number) =>
    exclusive ? time > start - gap && time < last + gap : time >= start - gap && time <= last + gap
  return {
    knows: ["maxSize", "onFull"],
    make(events, state, uid, how = {}) {
      const given = { uid, gap, boundary, ...optionsOf(how) }
      const options = { ...given, state: { ...state, value: () => ({ total: 0 }) } }
      const call = waiting(how, (given) => given[0] as Op, each)
      if (!tells) return keyed(events).session(options, call)
      const onEnd = (session: Session, state: State, { key }: { key: KeyValue }) =>
        ended(key, session, state.exists(), state.get().total)
      return keyed(events).session({ ...options, onEnd }, call)
    },
    reference({ maxSize = Infinity, onFull }: Limits): Reference {
      /** From the least to the most recently used. */
      const rows = new Map<string, Row>()
      let count = 0
      const end = (key: KeyValue, open: Open): readonly unknown[] => {
        const { start, last, count, state } = open
        if (!tells) return []
        const had = state !== undefined
        const total = had ? (state.value as Count).total : 0
        const result = ended(key, { start, end: last + gap, count }, had, total)
        return result === undefined ? [] : [result]
      }
      const due = (passed: number): readonly unknown[] => {
        const results: unknown[] = []
        for (;;) {
          const over = [...rows].filter(([, row]) => row.due <= passed)
          over.sort(([, a], [, b]) => a.due - b.due || a.set - b.set)
          const [next] = over
          if (next === undefined) return results
          const [id, row] = next
          const first = row.sessions.shift() as Open
          if (row.sessions.length === 0) rows.delete(id)
          else Object.assign(row, { due: overAt(row.sessions[0] as Open), set: count++ })
          results.push(...end(row.key, first))
        }
      }
      return {
        due,
        on(op, { time, passed }) {
          const id = idOf(op.key)
          const row = rows.get(id)
          const before = row?.sessions ?? []
          const near = before.filter((open) => isNear(open, time))
          const own: Open = { start: time, last: time, count: 1 }
          for (const { start, last, count, state } of near) {
            own.start = Math.min(own.start, start)
            own.last = Math.max(own.last, last)
            own.count += count
            own.state ??= state
          }
          if (overAt(own) <= passed && time < passed) return []
          const draft = draftOf(own.state)
          const made = each(op, near.length === 0, draft.state)
          if (row === undefined && rows.size >= maxSize && onFull !== "evict") throw new Full()
          const now = draft.now()
          if (now !== "kept") own.state = now === "none" ? undefined : now
          const results: unknown[] = made === undefined ? [] : [made]
          if (row === undefined && rows.size >= maxSize) {
            const [[oldest, { key, sessions }]] = rows as unknown as [[string, Row]]
            rows.delete(oldest)
            results.push(...sessions.flatMap((open) => end(key, open)))
          }
          const all = [...before.filter((open) => !near.includes(open)), own]
          const sessions = all.sort((a, b) => a.start - b.start)
          const dueNow = overAt(sessions[0] as Open)
          const set = row?.due === dueNow ? row.set : count++
          rows.delete(id)
          rows.set(id, { key: op.key, birth: row?.birth ?? count++, sessions, due: dueNow, set })
          return results
        },
        pass: () => undefined,
        finish: () => due(Infinity),
        entries: () =>
          [...rows.values()]
            .sort((a, b) => a.birth - b.birth)
            .map(({ key, sessions }) => [
              normal(key),
              sessions.map(({ start, last, count, state }) => ({
                ...{ start, end: last + gap, count },
                ...(state === undefined ? {} : { state: state.value }),
              })),
            ]),
      }
    },
  }
}

/** A call's view of the state of one session, and what it has become of it. */
function draftOf(given: Open["state"]) {
  let change: { readonly value: unknown } | "none" | "kept" = "kept"
  const state: State = {
    get() {
      if (typeof change === "object") return change.value as Count
      if (change === "none" || given === undefined) return { total: 0 }
      return given.value as Count
    },
    set: (value) => void (change = { value }),
    exists: () => typeof change === "object" || (change === "kept" && given !== undefined),
    delete: () => void (change = "none"),
    update(next) {
      const value = next(state.get())
      state.set(value)
      return value
    },
  }
  return { state, now: () => change }
}

/** All of them. */
export const sessions: Readonly<Record<string, Program>> = {
  session: sessionOf(8, "inclusive"),
  sessionExclusive: sessionOf(5, "exclusive"),
  sessionSilent: sessionOf(6, "inclusive", false),
}
