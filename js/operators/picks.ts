/**
 * Aggregates that are no numbers: they keep values, or events, as they are.
 *
 *     prepare(event)   reads its field; may refuse it        add, merge, result   cannot fail
 *
 * What an aggregate has kept so far is plain data, so that it can be saved. Null and undefined are
 * skipped by all of them. First and last go by the order in which events came. Those that keep a
 * sketch of the values are in sketches.ts.
 */
import type { Gives } from "../aggregate_types.ts"
import { fieldReader } from "../state/keys.ts"
import type { FieldReader } from "../state/field_readers.ts"
import { text } from "../options.ts"
import { checkDistinct, someNumber } from "../sketches/values.ts"
import type { Way } from "../sketches/way.ts"
import { Aggregate } from "./aggregates.ts"
import type { AggregateSpec } from "./aggregates.ts"

/** An aggregate that keeps values: which, the field that it reads, and how it works. */
export class ValueAggregate<
  out Field extends string,
  out Reads extends "number" | "any" | "none",
  out Given extends Gives,
> {
  /** Aggregates of one kind over one field keep the same. */
  readonly kind: string
  /** Undefined: it takes events. */
  readonly field: string | undefined
  /** @internal */
  readonly way: Way
  declare readonly types: { field: Field; reads: Reads; gives: Given }

  constructor(kind: string, field: string | undefined, way: Way) {
    this.kind = kind
    this.field = field
    this.way = way
  }
}

type AnyValueAggregate = ValueAggregate<string, "number" | "any" | "none", Gives>

/** An aggregate of a field. */
function ofField<const Field extends string, Reads extends "number" | "any", Given extends Gives>(
  kind: keyof typeof pickWays,
  field: Field,
): ValueAggregate<Field, Reads, Given> {
  return new ValueAggregate(kind, text(field, `the field of ${kind}`), pickWays[kind])
}

/** An aggregate that keeps values, under its name. */
export type PickSpec = readonly [name: string, spec: AnyValueAggregate]

/** An aggregate under its name, of numbers or not. */
export type AnySpec = readonly [name: string, spec: AggregateSpec[1] | AnyValueAggregate]

export function isPick(spec: AnySpec): spec is PickSpec {
  return spec[1] instanceof ValueAggregate
}

export function isAggregate(given: unknown): boolean {
  return given instanceof Aggregate || given instanceof ValueAggregate
}

/** The value of a field in the first event that came with one; undefined of nothing. */
export function first<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "field"> {
  return ofField("first", field)
}

/** The value of a field in the last event that came with one; undefined of nothing. */
export function last<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "field"> {
  return ofField("last", field)
}

/**
 * The event with the least value of a field, the first of several; undefined of nothing. NaN is
 * skipped.
 */
export function argMin<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "number", "event"> {
  return ofField("argMin", field)
}

/** The event with the greatest value of a field; as {@link argMin}. */
export function argMax<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "number", "event"> {
  return ofField("argMax", field)
}

/** All values of a field, as they came. It keeps them, so it grows with the events. */
export function collect<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "fields"> {
  return ofField("collect", field)
}

/**
 * How many different values a field has, exactly; it keeps one of each. Strings, numbers, bigints
 * and booleans can be told apart; `1` and `"1"` differ, NaN is one value.
 */
export function countDistinct<const Field extends string>(
  field: Field,
): ValueAggregate<Field, "any", "number"> {
  return ofField("countDistinct", field)
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
  isBetter: (a: One, b: One) => boolean,
  result: Way<One>["result"],
  keepsEvent: boolean,
): Way<One> {
  const take = (kept: One, other: One) => {
    if (other.value === undefined || (kept.value !== undefined && !isBetter(other, kept))) return
    kept.value = other.value
    kept.event = other.event
    kept.order = other.order
  }
  const fresh = () => ({ value: undefined, event: undefined, order: -1 })
  const add: Way<One>["add"] = (kept, value, event, order) => {
    take(kept, { value, event: keepsEvent ? event : undefined, order })
  }
  return { fresh, check, add, merge: take, result }
}

function extreme(sign: 1 | -1): Way<One> {
  const isBetter = (a: One, b: One) => {
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
  add({ values, orders }, value, _, order) {
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
  check: checkDistinct,
  add: (kept, value) => void kept.add(value),
  merge(kept, other) {
    for (const value of other) kept.add(value)
  },
  result: ({ size }) => size,
}

/** How each works. */
export const pickWays = {
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

interface Working {
  readonly way: Way
  readonly read: FieldReader
  readonly field: string
}

/** Some of these aggregates at work, each over what it has kept. */
export class Picks {
  /** Of one kind and field only once. */
  readonly #ways: Working[] = []
  /** What gives the result of each aggregate, and of which of the above. */
  readonly #results: { readonly way: Way; readonly at: number }[] = []

  constructor(picks: readonly AnyValueAggregate[]) {
    const known = new Map<string, number>()
    for (const { kind, field, way } of picks) {
      const id = JSON.stringify([kind, field])
      const at = known.get(id) ?? this.#ways.length
      this.#results.push({ way, at })
      if (at < this.#ways.length) continue
      known.set(id, at)
      const read = field === undefined ? asIs : fieldReader(field)
      this.#ways.push({ way, read, field: field ?? "" })
    }
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

  /** `values` are what {@link valuesOf} gave. */
  add(
    kept: readonly unknown[],
    values: readonly unknown[],
    event: unknown,
    order: number,
    timeMs: number,
  ): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === undefined) continue
      const { way } = this.#ways[i] as Working
      way.add(kept[i], value, event, order, timeMs)
    }
  }

  merge(kept: readonly unknown[], other: readonly unknown[]): void {
    this.#ways.forEach(({ way }, i) => way.merge(kept[i], other[i]))
  }

  results(kept: readonly unknown[]): unknown[] {
    return this.#results.map(({ way, at }) => way.result(kept[at]))
  }
}
