/**
 * Every operator twice: as Millrace runs it, and as plain code over `reference.ts`.
 *
 * User functions are shared by both sides, so that what differs is only where state is kept.
 */
import { count, max, mean, min, sum } from "../js/index.ts"
import type {
  KeyValue,
  KeyedStream,
  StateAccess,
  StateConfigValue,
  Stream,
  StreamOf,
} from "../js/index.ts"
import { actOnObject, actOnRecord, blank, change, fail, fields, plain } from "./deeds.ts"
import type { Count, Fields, Op } from "./deeds.ts"
import { Rows, draftOf, normal, recordDraftOf } from "./reference.ts"
import type { Draft, Limits, Moment } from "./reference.ts"
import { errorsOf, optionsOf, waiting } from "./how.ts"
import type { How } from "./how.ts"

/** An operator, played one event at a time. */
export interface Reference {
  on(op: Op, moment: Moment): readonly unknown[]
  /** What comes out by itself when so much has passed, before the next event. */
  due?(this: void, passed: number): readonly unknown[]
  /** An event was lost on the way, but time goes on. */
  pass(this: void, passed: number): void
  finish?(passed: number): readonly unknown[]
  /** What `job.state` shows. */
  readonly entries: (passed: number) => readonly (readonly [KeyValue, unknown])[]
}

export interface Program {
  readonly make: (events: Stream<Op>, state: Limits, uid: string, how?: How) => StreamOf<unknown>
  readonly reference: (state: Limits, weigh: (key: KeyValue) => number) => Reference
  /** Its rows expire, whatever the limits say. */
  readonly expires?: boolean
  /** Its ttl is its own affair. */
  readonly ownTime?: boolean
  /** It holds events back: it has no ttl and evicts nothing. */
  readonly holds?: boolean
  /** What is held, where that is a state of its own. */
  readonly held?: string
  /** The only limits that it knows. */
  readonly knows?: readonly (keyof Limits)[]
}

type State = StateAccess<unknown, unknown>

/** Which argument of a function is the event. */
const first = (given: readonly unknown[]): Op => given[0] as Op
const second = (given: readonly unknown[]): Op => given[1] as Op

/** Events by their key; those without one are left out. */
export function keyed(events: Stream<Op>): KeyedStream<KeyValue, Op> {
  const key = (op: Op) => (op.lost === undefined ? op.key : undefined)
  return events.keyBy(key, { missing: "skip" })
}

/** A user function's reference: a draft per event, and what the function gives of it. */
function withDraft(
  limits: Limits,
  weigh: (key: KeyValue) => number,
  draftAt: (rows: Rows<unknown>, key: KeyValue, moment: Moment) => Draft,
  act: (op: Op, draft: Draft) => readonly unknown[],
): Reference {
  const rows = new Rows<unknown>(limits, weigh)
  return {
    on(op, moment) {
      const draft = draftAt(rows, op.key, moment)
      const results = act(op, draft)
      draft.commit()
      return results
    },
    pass: (passed) => rows.pass(passed),
    entries: (passed) => rows.entries(passed),
  }
}

const zero = (): Count => ({ total: 0 })
type DraftAt = (rows: Rows<unknown>, key: KeyValue, moment: Moment) => Draft
const objectDraft: DraftAt = (rows, key, moment) => draftOf(rows, key, moment, zero)
const recordDraft: DraftAt = (rows, key, moment) => recordDraftOf(rows, key, moment, blank)

/** Settings of an object or a record; user functions here know which. */
function withValue(state: Limits, value: typeof fields | typeof zero): StateConfigValue<unknown> {
  return { ...state, value }
}

function mapOf(value: typeof fields | typeof zero, draftAt: DraftAt): Program {
  const act = value === fields ? actOnRecord : actOnObject
  return {
    make: (events, state, uid, how = {}) =>
      keyed(events).map(waiting(how, first, act), {
        uid,
        state: withValue(state, value),
        ...optionsOf(how),
      }),
    reference: (limits, weigh) =>
      withDraft(limits, weigh, draftAt, (op, draft) => [plain(act(op, draft))]),
  }
}

function filterOf(value: typeof fields | typeof zero, draftAt: DraftAt): Program {
  const act = value === fields ? actOnRecord : actOnObject
  const passes = (op: Op, state: State): boolean => {
    const before = state.exists()
    act(op, state)
    return before !== op.n > 2
  }
  return {
    make: (events, state, uid, how = {}) =>
      keyed(events).filter(waiting(how, first, passes), {
        uid,
        state: withValue(state, value),
        ...optionsOf(how),
      }),
    reference: (limits, weigh) =>
      withDraft(limits, weigh, draftAt, (op, draft) => (passes(op, draft) ? [op] : [])),
  }
}

/** A fold's reference: `next` makes the new state, and a copy goes out. */
function foldReference(draftAt: DraftAt, next: (acc: never, op: Op) => unknown) {
  return (limits: Limits, weigh: (key: KeyValue) => number) =>
    withDraft(limits, weigh, draftAt, (op, draft) => {
      const value = next(draft.get() as never, op)
      draft.set(value)
      return [structuredClone(plain(value))]
    })
}

/** Mutates the state, which must not be seen in what was given out before. */
function addTo(acc: Count, op: Op): Count {
  acc.total += op.n
  fail(op)
  return acc
}

function addNew(acc: Count, op: Op): Count {
  fail(op)
  return { total: acc.total + op.n }
}

function append(acc: number[], op: Op): number[] {
  fail(op)
  return acc.length > 4 ? [op.n] : [...acc, op.n]
}

function changed(acc: Fields, op: Op): Fields {
  change(acc, op)
  fail(op)
  return acc
}

function later(acc: Op, op: Op): Op {
  fail(op)
  return { ...op, n: acc.n + op.n }
}

const listDraft: DraftAt = (rows, key, moment) => draftOf(rows, key, moment, () => [])

const folds = {
  foldObject: {
    make: (events, state, uid, how = {}) =>
      keyed(events).fold(zero, addTo, { uid, state, ...optionsOf(how) }),
    reference: foldReference(objectDraft, addNew),
  },
  foldArray: {
    make: (events, state, uid, how = {}) =>
      keyed(events).fold(() => [] as number[], waiting(how, second, append), {
        uid,
        state,
        ...optionsOf(how),
      }),
    reference: foldReference(listDraft, append),
  },
  foldRecord: {
    make: (events, state, uid, how = {}) =>
      keyed(events).fold(fields, waiting(how, second, changed), { uid, state, ...optionsOf(how) }),
    reference: foldReference(recordDraft, changed),
  },
  reduce: {
    make: (events, state, uid, how = {}) =>
      keyed(events).reduce(waiting(how, second, later), { uid, state, ...optionsOf(how) }),
    reference: (limits, weigh) =>
      withDraft(limits, weigh, objectDraft, (op, draft) => {
        const value = draft.exists() ? later(draft.get() as Op, op) : op
        draft.set(value)
        return [value]
      }),
  },
  reduceInitial: {
    make: (events, state, uid, how = {}) =>
      keyed(events).reduce(addTo, zero, { uid, state, ...optionsOf(how) }),
    reference: foldReference(objectDraft, addNew),
  },
} satisfies Record<string, Program>

const deduplicateOf = (refresh: boolean): Program => ({
  ownTime: true,
  make: (events, state, uid, how = {}) =>
    keyed(events).deduplicate({ uid, refresh, state, ...errorsOf(how) }),
  reference(limits, weigh) {
    const rows = new Rows<true>(limits, weigh)
    return {
      on(op, moment) {
        const seen = rows.enter(op.key, moment) !== undefined
        if (seen && !refresh) rows.use(op.key)
        else rows.write(op.key, true, moment)
        return seen ? [] : [op]
      },
      pass: (passed) => rows.pass(passed),
      entries: (passed) => rows.entries(passed),
    }
  },
})

/** Sums are compensated as Neumaier has it, so they are the same to the last bit. */
class Total {
  events = 0
  count = 0
  sum = 0
  lost = 0
  min = Infinity
  max = -Infinity

  add(value: number | bigint | null): void {
    this.events++
    if (value === null) return
    const n = Number(value)
    if (Number.isNaN(n)) return
    const sum = this.sum + n
    const larger = Math.abs(this.sum) >= Math.abs(n)
    if (Number.isFinite(sum)) this.lost += larger ? this.sum - sum + n : n - sum + this.sum
    this.sum = sum
    this.count++
    if (n < this.min) this.min = n
    if (n > this.max) this.max = n
  }

  result(): Record<string, unknown> {
    const total = Number.isFinite(this.sum) ? this.sum + this.lost : this.sum
    const some = this.count > 0
    const mean = total / this.count
    return {
      events: this.events,
      total,
      mean: Number.isNaN(mean) ? undefined : mean, // Also where infinities cancel out.
      least: some ? this.min : undefined,
      most: some ? this.max : undefined,
    }
  }
}

function aggregateOf(emit: "each" | "final"): Program {
  const columns = {
    events: count(),
    total: sum("value"),
    mean: mean("value"),
    least: min("value"),
    most: max("value"),
  }
  return {
    make: (events, state, uid, how = {}) =>
      keyed(events).aggregate(columns, { uid, emit, state, ...errorsOf(how) }),
    reference(limits, weigh) {
      const rows = new Rows<Total>(limits, weigh)
      const entries = (passed: number) =>
        rows.entries(passed).map(([key, total]) => [key, total.result()] as const)
      return {
        on(op, moment) {
          const total = rows.enter(op.key, moment)?.value ?? new Total()
          rows.write(op.key, total, moment)
          total.add(op.value)
          return emit === "each" ? [{ key: normal(op.key), ...total.result() }] : []
        },
        finish: (passed) =>
          emit === "each" ? [] : entries(passed).map(([key, result]) => ({ key, ...result })),
        pass: (passed) => rows.pass(passed),
        entries,
      }
    },
  }
}

/** All operators with keyed state. */
export const programs: Readonly<Record<string, Program>> = {
  mapObject: mapOf(zero, objectDraft),
  mapRecord: mapOf(fields, recordDraft),
  filterObject: filterOf(zero, objectDraft),
  filterRecord: filterOf(fields, recordDraft),
  ...folds,
  aggregateEach: aggregateOf("each"),
  aggregateFinal: aggregateOf("final"),
  deduplicate: deduplicateOf(false),
  deduplicateRefresh: deduplicateOf(true),
}
