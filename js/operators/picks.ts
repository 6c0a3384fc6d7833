/**
 * Aggregates that are no numbers: they keep values, or events, as they are.
 *
 *     prepare(event)   reads its field; may refuse it        add, merge, result   cannot fail
 *
 * What an aggregate has kept so far is plain data, so that it can be saved. Null and undefined are
 * skipped by all of them. First and last go by the order in which events came.
 */
import { numberOf } from "../engine/fill.ts"
import { MillraceError, typeName } from "../errors.ts"
import { text } from "../options.ts"
import { fieldReader } from "../state/keys.ts"
import type { FieldReader } from "../state/field_readers.ts"
import { Aggregate } from "./aggregates.ts"
import type { AggregateSpec } from "./aggregates.ts"

type PickKind = "first" | "last" | "argMin" | "argMax" | "collect" | "countDistinct"

/** An aggregate that keeps values: which, and the field that it reads. */
export class ValueAggregate<
  out Field extends string,
  out Reads extends "number" | "any",
  out Gives extends "number" | "event" | "field" | "fields",
> {
  readonly kind: PickKind
  readonly field: string
  declare readonly types: { field: Field; reads: Reads; gives: Gives }

  constructor(kind: PickKind, field: string) {
    this.kind = kind
    this.field = text(field, `the field of ${kind}`)
  }
}

type AnyValueAggregate = ValueAggregate<
  string,
  "number" | "any",
  "number" | "event" | "field" | "fields"
>

/** An aggregate under its name, of numbers or not. */
export type AnySpec = readonly [name: string, spec: AggregateSpec[1] | AnyValueAggregate]

export function isAggregate(given: unknown): boolean {
  return given instanceof Aggregate || given instanceof ValueAggregate
}

/** The value of a field in the first event that came with one; undefined of nothing. */
export function first<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "field"> {
  return new ValueAggregate("first", field)
}

/** The value of a field in the last event that came with one; undefined of nothing. */
export function last<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "field"> {
  return new ValueAggregate("last", field)
}

/**
 * The event with the least value of a field, the first of several; undefined of nothing. NaN is
 * skipped.
 */
export function argMin<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "number", "event"> {
  return new ValueAggregate("argMin", field)
}

/** The event with the greatest value of a field; as {@link argMin}. */
export function argMax<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "number", "event"> {
  return new ValueAggregate("argMax", field)
}

/** All values of a field, as they came. It keeps them, so it grows with the events. */
export function collect<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "fields"> {
  return new ValueAggregate("collect", field)
}

/**
 * How many different values a field has, exactly; it keeps one of each. Strings, numbers, bigints
 * and booleans can be told apart; `1` and `"1"` differ, NaN is one value.
 */
export function countDistinct<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "number"> {
  return new ValueAggregate("countDistinct", field)
}

/** One value of an event on its way into what was kept. */
interface Picked {
  /** Undefined: there is none. */
  readonly value: unknown
  readonly event: unknown
  /** The number of the event. */
  readonly order: number
}

/** How one kind of aggregate works on what it keeps. */
interface Way<Kept> {
  fresh(): Kept
  /** Throws if a value, which is not null, cannot be used; gives what is used. */
  check(value: unknown, field: string): unknown
  add(kept: Kept, picked: Picked): void
  /** All events of `other` are others. */
  merge(kept: Kept, other: Kept): void
  result(kept: Kept): unknown
}

/** The one event that is kept so far; `value` undefined: none. */
interface One {
  value: unknown
  event: unknown
  order: number
}

const asIs = (value: unknown) => value

/** Keeps the one that is better than all others. */
function best(
  check: Way<One>["check"],
  isBetter: (a: Picked, b: Picked) => boolean,
  result: Way<One>["result"],
  keepsEvent: boolean,
): Way<One> {
  const take = (kept: One, { value, event, order }: Picked) => {
    kept.value = value
    kept.event = keepsEvent ? event : undefined
    kept.order = order
  }
  const add = (kept: One, picked: Picked) => {
    if (picked.value === undefined) return
    if (kept.value === undefined || isBetter(picked, kept)) take(kept, picked)
  }
  const fresh = () => ({ value: undefined, event: undefined, order: -1 })
  return { fresh, check, add, merge: add, result }
}

/** NaN is no number that could be the least. */
function someNumber(value: unknown, field: string): number | undefined {
  const number = numberOf(value, field)
  return Number.isNaN(number) ? undefined : number
}

function extreme(sign: 1 | -1): Way<One> {
  const isBetter = (a: Picked, b: Picked) => {
    const distance = sign * ((a.value as number) - (b.value as number))
    return distance < 0 || (a.value === b.value && a.order < b.order)
  }
  return best(someNumber, isBetter, ({ event }) => event, true)
}

interface Collected {
  values: unknown[]
  orders: number[]
}

const collected: Way<Collected> = {
  fresh: () => ({ values: [], orders: [] }),
  check: asIs,
  add({ values, orders }, { value, order }) {
    if (value === undefined) return
    values.push(value)
    orders.push(order)
  },
  merge(kept, other) {
    const all = [kept, other].flatMap(({ values, orders }) =>
      values.map((value, i) => ({ value, order: orders[i] as number })),
    )
    all.sort((a, b) => a.order - b.order)
    kept.values = all.map(({ value }) => value)
    kept.orders = all.map(({ order }) => order)
  },
  result: ({ values }) => values.slice(),
}

const distinct: Way<Set<unknown>> = {
  fresh: () => new Set(),
  check(value, field) {
    if (["string", "number", "bigint", "boolean"].includes(typeof value)) return value
    const message = `field ${field} must be a string, number, bigint or boolean to be told apart`
    throw new MillraceError("FIELD_TYPE", `${message}, not ${typeName(value)}`)
  },
  add(kept, { value }) {
    if (value !== undefined) kept.add(value)
  },
  merge(kept, other) {
    for (const value of other) kept.add(value)
  },
  result: ({ size }) => size,
}

const ways: Record<PickKind, Way<unknown>> = {
  first: best(
    asIs,
    (a, b) => a.order < b.order,
    ({ value }) => value,
    false,
  ),
  last: best(
    asIs,
    (a, b) => a.order > b.order,
    ({ value }) => value,
    false,
  ),
  argMin: extreme(1),
  argMax: extreme(-1),
  collect: collected,
  countDistinct: distinct,
}

/** Some of these aggregates at work, each over what it has kept. */
export class Picks {
  readonly #ways: readonly { way: Way<unknown>; read: FieldReader; field: string }[]

  constructor(picks: readonly AnyValueAggregate[]) {
    this.#ways = picks.map(({ kind, field }) => {
      return { way: ways[kind], read: fieldReader(field), field }
    })
  }

  fresh(): unknown[] {
    return this.#ways.map(({ way }) => way.fresh())
  }

  /** What each reads of an event. Throws `FIELD_TYPE`, `LIMIT`. */
  valuesOf(event: unknown): unknown[] {
    return this.#ways.map(({ way, read, field }) => {
      const value = read(event)
      return value === undefined || value === null ? undefined : way.check(value, field)
    })
  }

  add(kept: readonly unknown[], values: readonly unknown[], event: unknown, order: number): void {
    this.#ways.forEach(({ way }, i) => way.add(kept[i], { value: values[i], event, order }))
  }

  merge(kept: readonly unknown[], other: readonly unknown[]): void {
    this.#ways.forEach(({ way }, i) => way.merge(kept[i], other[i]))
  }

  results(kept: readonly unknown[]): unknown[] {
    return this.#ways.map(({ way }, i) => way.result(kept[i]))
  }
}
