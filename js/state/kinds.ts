/**
 * The kinds of state of a process function: what describes them, and what the function gets.
 *
 * A descriptor only describes: the same one may stand in several operators, each with state of
 * its own.
 */
import { copyOf } from "../copy.ts"
import { MillraceError, typeName } from "../errors.ts"
import { callable, checkOptions } from "../options.ts"
import { checkStateConfig, Type } from "./config.ts"
import type { StateConfig, StateSetting } from "./config.ts"
import { RecordType } from "./record.ts"

/** One value per key; `G` is what {@link ValueState.value} gives. */
export interface ValueState<T, G = T | undefined> {
  /** The value, or the default. It is changed by {@link ValueState.update} alone. */
  value(): G
  update(value: T): void
  clear(): void
}

/** A list per key. Each element is kept, and expires, by itself. */
export interface ListState<T> {
  add(value: T): void
  addAll(values: Iterable<T>): void
  /** The elements in the order in which they were added; to be gone over within the call. */
  values(): Iterable<T>
  /** Replace all elements. */
  update(values: Iterable<T>): void
  clear(): void
}

/** A map per key. Each entry is kept, and expires, by itself. */
export interface MapState<K, V> {
  get(key: K): V | undefined
  put(key: K, value: V): void
  putAll(entries: Iterable<readonly [K, V]>): void
  has(key: K): boolean
  remove(key: K): void
  /** As all that follow: in the order in which the keys came; to be gone over within the call. */
  keys(): Iterable<K>
  values(): Iterable<V>
  entries(): Iterable<[K, V]>
  isEmpty(): boolean
  clear(): void
}

/** One value per key, made of all that was added. */
export interface ReducingState<T> {
  add(value: T): void
  /** What was added, reduced to one value; undefined when nothing was. */
  get(): T | undefined
  clear(): void
}

/** As {@link ReducingState}, where what is added, what is kept and what comes out differ. */
export interface AggregatingState<I, O> {
  add(value: I): void
  get(): O
  clear(): void
}

/** How an {@link AggregatingState} aggregates. */
export interface AggregateSteps<I, A, O> {
  /** The accumulator of nothing. */
  create(): A
  /** The accumulator with one value more. A new one: what is kept must not be changed. */
  add(accumulator: A, value: I): A
  result(accumulator: A): O
  /** One accumulator of two. Nothing calls it in this version: no two states are merged. */
  merge?(a: A, b: A): A
}

/** What a state holds: a type that nothing else states, or a record type. */
export type TypeOf<T> = Type<T> | RecordType<T>

export type StateKind = "value" | "list" | "map" | "reducing" | "aggregating"

/** Has a state of this kind, have timers beside it, or a join, many rows of a key? */
export function hasEntries(kind: string): boolean {
  return ["list", "map", "timers", "joinBuffers"].includes(kind)
}

/** What becomes of one value per key; `current` is undefined when there is none. */
export interface Steps {
  add(current: { readonly value: unknown } | undefined, value: unknown): unknown
  result(current: { readonly value: unknown } | undefined): unknown
}

/** Describes a state whose accessor is `A`; see {@link valueState} and the others. */
export class Descriptor<out A> {
  /** Only the type of the accessor; there is no value. */
  declare readonly accessor: A
  readonly kind: StateKind
  readonly setting: StateSetting
  /** What rows hold; undefined: any value. */
  readonly record: RecordType<unknown> | undefined
  readonly steps: Steps | undefined

  constructor(
    kind: StateKind,
    setting: StateSetting,
    record: RecordType<unknown> | undefined,
    steps?: Steps,
  ) {
    this.kind = kind
    this.setting = setting
    this.record = record
    this.steps = steps
  }
}

type Initial<T> = StateConfig & { readonly default: T | (() => T) }

/**
 * One value per key, with a default, or of a type, with none.
 *
 * The default is made anew for each key: by a function, or as a copy. A record type is a default
 * whose fields are zero, and faster.
 *
 * @example
 * ```ts
 * const counts = from(["a", "b", "a"])
 *   .keyBy((word) => word)
 *   .process({
 *     state: { count: valueState({ default: 0 }) },
 *     emits: of<number>(),
 *     process(word, { count }, ctx, out) {
 *       count.update(count.value() + 1)
 *       out.collect(count.value())
 *     },
 *   })
 * ```
 * @throws {MillraceError} `STATE_CONFIG`, `OPTION`.
 */
export function valueState<R>(
  options: StateConfig & { readonly default: RecordType<R> },
): Descriptor<ValueState<R, R>>
export function valueState<T>(options: Initial<T>): Descriptor<ValueState<T, T>>
export function valueState<T>(
  type: TypeOf<T>,
  options?: StateConfig,
): Descriptor<ValueState<T, T | undefined>>
export function valueState(given: unknown, options?: unknown): never {
  const typed = given instanceof Type || given instanceof RecordType
  if (typed) return described("valueState", "value", given, options, stepsOf(undefined)) as never
  if (typeof given !== "object" || given === null || !Object.hasOwn(given, "default")) {
    const wanted = "{ default }, of<…>() or record({…})"
    throw new MillraceError("OPTION", `valueState takes ${wanted}, not ${typeName(given)}`)
  }
  const { default: initial, ...config } = given as { readonly default: unknown }
  const type = initial instanceof RecordType ? initial : undefined
  return described("valueState", "value", type, config, stepsOf(initial)) as never
}

/**
 * A list per key.
 *
 * @example
 * ```ts
 * const history = listState(of<string>(), { ttl: "1h" })
 * ```
 * @throws {MillraceError} `STATE_CONFIG`, `OPTION`.
 */
export function listState<T>(type: TypeOf<T>, options?: StateConfig): Descriptor<ListState<T>> {
  return described("listState", "list", checkType("listState", type), options)
}

/**
 * A map per key, whose keys are keys as of `keyBy`.
 *
 * @example
 * ```ts
 * const metrics = mapState(of<string>(), of<number>(), { maxSize: 1_000_000 })
 * ```
 * @throws {MillraceError} `STATE_CONFIG`, `OPTION`.
 */
export function mapState<K, V>(
  keys: Type<K>,
  values: TypeOf<V>,
  options?: StateConfig,
): Descriptor<MapState<K, V>> {
  checkType("mapState", keys)
  return described("mapState", "map", checkType("mapState", values), options)
}

/**
 * One value per key, to which others are added by a function, which must not change its arguments.
 *
 * @example
 * ```ts
 * const highest = reducingState((a: number, b: number) => Math.max(a, b))
 * ```
 * @throws {MillraceError} `STATE_CONFIG`, `OPTION`.
 */
export function reducingState<T>(
  reduce: (a: T, b: T) => T,
  options?: StateConfig,
): Descriptor<ReducingState<T>> {
  const join = callable<(a: unknown, b: unknown) => unknown>()(reduce, "reducingState")
  return described("reducingState", "reducing", undefined, options, {
    add: (current, value) => (current === undefined ? value : join(current.value, value)),
    result: (current) => current?.value,
  })
}

const stepsTable = {
  create: callable<() => unknown>(),
  add: callable<(accumulator: unknown, value: unknown) => unknown>(),
  result: callable<(accumulator: unknown) => unknown>(),
  merge: callable<(a: unknown, b: unknown) => unknown>(),
}

/**
 * An accumulator per key, of which {@link AggregatingState.get} gives a result.
 *
 * @example
 * ```ts
 * const average = aggregatingState({
 *   create: () => ({ sum: 0, count: 0 }),
 *   add: ({ sum, count }, value: number) => ({ sum: sum + value, count: count + 1 }),
 *   result: ({ sum, count }) => sum / count,
 * })
 * ```
 * @throws {MillraceError} `STATE_CONFIG`, `OPTION`.
 */
export function aggregatingState<I, A, O>(
  steps: AggregateSteps<I, A, O>,
  options?: StateConfig,
): Descriptor<AggregatingState<I, O>> {
  const { create, add, result } = checkOptions(steps, stepsTable, "aggregatingState")
  if (create === undefined || add === undefined || result === undefined) {
    throw new MillraceError("OPTION", "aggregatingState needs create, add and result")
  }
  return described("aggregatingState", "aggregating", undefined, options, {
    add: (current, value) => add(current === undefined ? create() : current.value, value),
    result: (current) => result(current === undefined ? create() : current.value),
  })
}

function checkType(where: string, type: unknown): unknown {
  if (type instanceof Type || type instanceof RecordType) return type
  const wanted = "of<…>() or record({…})"
  throw new MillraceError("OPTION", `${where} takes ${wanted}, not ${typeName(type)}`)
}

/** Steps of plain values; without a default there is none. */
function stepsOf(initial: unknown): Steps {
  const make = makerOf(initial)
  return {
    add: (_, value) => value,
    result: (current) => (current === undefined ? make() : current.value),
  }
}

function makerOf(initial: unknown): () => unknown {
  if (initial instanceof RecordType) return () => blank(initial)
  return typeof initial === "function" ? (initial as () => unknown) : () => copyOf(initial)
}

const zeros = { f64: 0, i64: 0n, bool: false, string: "", timestamp: 0 } as const

function blank({ fields }: RecordType<unknown>): Record<string, unknown> {
  return Object.fromEntries(fields.map(([name, kind]) => [name, zeros[kind]]))
}

function described(
  where: string,
  kind: StateKind,
  type: unknown,
  options: unknown,
  steps?: Steps,
): Descriptor<never> {
  const setting = checkStateConfig(options, where)
  if (setting.value !== undefined || Object.hasOwn(options ?? {}, "type")) {
    throw new MillraceError("STATE_CONFIG", `${where} takes its type and default otherwise`)
  }
  if (setting.storage !== undefined) {
    const message = `${where}: a storage of a single state is not in this version yet`
    throw new MillraceError("UNSUPPORTED", message)
  }
  return new Descriptor(kind, setting, type instanceof RecordType ? type : undefined, steps)
}
