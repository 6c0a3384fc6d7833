/**
 * Keyed streams: streams whose events have a key, and the verbs that keep state for it.
 *
 * `keyBy` of stream.ts makes what extends Stream, so the two files need each other; everybody else
 * imports both classes from here, which puts them in order.
 */
import type { AggregateRow, Aggregates, CheckedAggregates } from "./aggregate_types.ts"
import { connectedTo } from "./connected.ts"
import type { Broadcast, Connected, ConnectedBroadcast } from "./connected.ts"
import type { Node, OperatorOptions } from "./graph.ts"
import { KeyedGroups } from "./keyed_groups.ts"
import type { WithType, WithValue } from "./keyed_types.ts"
import { aggregateNode } from "./operators/aggregate.ts"
import type { AggregateOptions } from "./operators/aggregate.ts"
import { bufferNode } from "./operators/buffer.ts"
import type { BufferOptions } from "./operators/buffer.ts"
import { debounceNode, sampleNode } from "./operators/latest.ts"
import type { HoldOptions } from "./operators/latest.ts"
import type { Duration } from "./duration.ts"
import { deduplicateNode } from "./operators/deduplicate.ts"
import type { DeduplicateOptions } from "./operators/deduplicate.ts"
import { distinctNode } from "./operators/distinct.ts"
import type { DistinctOptions } from "./operators/distinct.ts"
import { foldNode, reduceNode } from "./operators/fold.ts"
import type { FoldOptions } from "./operators/fold.ts"
import { keyedFilterNode, keyedMapNode } from "./operators/map.ts"
import type { StatefulOptions } from "./operators/map.ts"
import { processNode } from "./operators/process/process.ts"
import type { Descriptors, ProcessOptions } from "./operators/process/process.ts"
import { throttleNode } from "./operators/throttle.ts"
import type { ThrottleOptions } from "./operators/throttle.ts"
import { tapNode } from "./operators/stateless.ts"
import type { StateAccess } from "./state/access.ts"
import { itself, keyReader } from "./state/keys.ts"
import type { KeyReader, KeyValue, Path } from "./state/keys.ts"
import type { RecordType } from "./state/record.ts"
import { Stream } from "./stream.ts"
import { Windowed } from "./windowed.ts"
import type { WindowOptions } from "./operators/window/spec.ts"
import type { Assigner, AssignWindows } from "./windows/assigner.ts"

export { Stream, Windowed }

/** A stream with a key of type `K` for each event. */
export class KeyedStream<K, T> extends KeyedGroups<K, T> {
  readonly #key: KeyReader

  constructor(node: Node, key: KeyReader) {
    super(node, key)
    this.#key = key
  }

  /**
   * What the function makes of each event and the state of its key.
   *
   * @example
   * ```ts
   * const nth = from(["a", "b", "a"])
   *   .keyBy((letter) => letter)
   *   .map((letter, state) => letter + state.update((n) => n + 1), { state: { value: () => 0 } })
   * ```
   * @throws {MillraceError} `STATE_CONFIG` and `OPTION` at once; while running `USER_FUNCTION` with
   *   what the function threw as cause, `LIMIT`, `MEMORY`: state is then as before that event.
   */
  override map<S, O>(
    f: (event: T, state: StateAccess<S, S>) => O | Promise<O>,
    options: WithValue<S, T, K, O>,
  ): Stream<O>
  override map<S, O>(
    f: (event: T, state: StateAccess<S, S | undefined>) => O | Promise<O>,
    options: WithType<S, T, K, O>,
  ): Stream<O>
  override map<O>(
    f: (event: T, state: StateAccess<unknown, unknown>) => O | Promise<O>,
    options?: StatefulOptions<T, K, O>,
  ): Stream<O>
  override map(f: unknown, options?: object): never {
    return new Stream(keyedMapNode(this.node, this.#key, f, options)) as never
  }

  /** The events for which the function returns something truthy, with the state of their key. */
  override filter<S>(
    f: (event: T, state: StateAccess<S, S>) => boolean | Promise<boolean>,
    options: WithValue<S, T, K, T>,
  ): KeyedStream<K, T>
  override filter<S>(
    f: (event: T, state: StateAccess<S, S | undefined>) => boolean | Promise<boolean>,
    options: WithType<S, T, K, T>,
  ): KeyedStream<K, T>
  override filter<N extends T>(
    f: (event: T, state: StateAccess<unknown, unknown>) => event is N,
    options?: StatefulOptions<T, K, N>,
  ): KeyedStream<K, N>
  override filter(
    f: (event: T, state: StateAccess<unknown, unknown>) => boolean | Promise<boolean>,
    options?: StatefulOptions<T, K, T>,
  ): KeyedStream<K, T>
  override filter(f: unknown, options?: object): never {
    return new KeyedStream(keyedFilterNode(this.node, this.#key, f, options), this.#key) as never
  }

  /** Look at each event as it passes; the key stays. */
  override tap(f: (event: T) => void, options?: OperatorOptions<T, unknown, T>): KeyedStream<K, T> {
    return new KeyedStream(tapNode(this.node, f, options), this.#key)
  }

  /** As {@link Stream.distinctUntilChanged}, for each key by itself. */
  override distinctUntilChanged(
    by?: Path<T> | readonly Path<T>[] | ((event: T) => KeyValue | undefined),
    options?: DistinctOptions<T>,
  ): KeyedStream<K, T> {
    const reader = by === undefined ? itself : keyReader(by)
    return new KeyedStream(distinctNode(this.node, this.#key, reader, options), this.#key)
  }

  /**
   * Make one value of all events of a key, step by step; every event emits a copy of it.
   *
   * `initial` makes the value before the first event, or is a record type, which is faster.
   *
   * @throws {MillraceError} as {@link KeyedStream.map}.
   */
  fold<A>(
    initial: (() => A) | RecordType<A>,
    f: (acc: A, event: T, state: StateAccess<A>) => A | Promise<A>,
    options?: FoldOptions<T, K, A>,
  ): Stream<A> {
    return new Stream(foldNode(this.node, this.#key, initial, f, options))
  }

  /**
   * As {@link KeyedStream.fold}; without `initial` the first event of a key is the first value.
   */
  reduce(f: (acc: T, event: T) => T | Promise<T>, options?: FoldOptions<T, K, T>): Stream<T>
  reduce<A>(
    f: (acc: A, event: T) => A | Promise<A>,
    initial: (() => A) | RecordType<A>,
    options?: FoldOptions<T, K, A>,
  ): Stream<A>
  reduce(f: unknown, ...rest: unknown[]): never {
    return new Stream(reduceNode("reduce", this.node, this.#key, f, ...rest)) as never
  }

  /**
   * Aggregates per key: `count sum mean min max variance stddev`, which are whole in C, and
   * `first last argMin argMax collect countDistinct`, which keep values.
   *
   * @example
   * ```ts
   * const totals = from([{ shop: "a", price: 3 }])
   *   .keyBy("shop")
   *   .aggregate({ sales: count(), total: sum("price") }, { emit: "final" })
   * ```
   * @throws {MillraceError} `OPTION` for reserved names; later `FIELD_TYPE` for a field that
   *   is no number, `LIMIT` for bigints beyond 2^53.
   */
  aggregate<const A extends Aggregates>(
    aggregates: A & CheckedAggregates<A, T>,
    options?: AggregateOptions<T, K>,
  ): Stream<AggregateRow<K, A, T>> {
    return new Stream(aggregateNode(this.node, this.#key, aggregates, options))
  }

  /**
   * A function over each event, with several states per key, timers and side outputs.
   *
   * What a call does to state, timers and outputs takes effect when it returns, whole; if it
   * throws, nothing of it does. Objects that a state has given are live: change them only by
   * `update`, `put` and so on.
   *
   * @example
   * ```ts
   * const quiet = from([{ user: "ada", at: 0 }], { time: "at" })
   *   .keyBy("user")
   *   .process({
   *     state: { count: valueState({ default: 0 }) },
   *     emits: of<{ user: string; events: number }>(),
   *     process(event, { count }, ctx) {
   *       count.update(count.value() + 1)
   *       ctx.timers.eventTime(event.at + 60_000, "quiet") // Moves with each event.
   *     },
   *     onTimer(time, { count }, ctx, out) {
   *       out.collect({ user: ctx.key, events: count.value() })
   *       count.clear()
   *     },
   *   })
   * ```
   * @throws {MillraceError} `STATE_CONFIG` and `OPTION` at once; while running as
   *   {@link KeyedStream.map}, `CLOSED` for state used outside its call, `TIMESTAMP` for a timer's
   *   time that is none.
   */
  process<const D extends Descriptors = Record<never, never>, O = never>(
    options: ProcessOptions<K, T, D, O>,
  ): Stream<O> {
    return new Stream(processNode(this.node, this.#key, options))
  }

  /**
   * This stream beside another one with the same kind of key: a function for the events of each,
   * with the state and the timers of their key in common; {@link Connected.process} says more.
   *
   * @example
   * ```ts
   * const clicks = from([{ user: "ada" }]).keyBy("user")
   * const visits = from([{ id: "ada" }]).keyBy("id")
   * const both = clicks.connect(visits)
   * ```
   * @throws {MillraceError} `OPTION` for what is no keyed stream, and not broadcast.
   */
  override connect<R>(other: KeyedStream<K, R>): Connected<K, T, R>
  override connect<R, B extends Descriptors>(other: Broadcast<R, B>): ConnectedBroadcast<K, T, R, B>
  override connect(other: never): never
  override connect(other: unknown): never {
    const right = other instanceof KeyedStream ? { node: other.node, read: other.#key } : undefined
    return connectedTo({ node: this.node, read: this.#key }, right, other)
  }

  /**
   * Pass one event per key and ttl; the event that passes is the same object that came in.
   *
   * @example
   * ```ts
   * const once = from([{ id: 1 }, { id: 1 }]).keyBy("id").deduplicate({ ttl: "1h" })
   * ```
   * @throws {MillraceError} `STATE_CONFIG` when ttl is zero; later `LIMIT` when keys outgrow
   *   the state's limits.
   */
  deduplicate(options?: DeduplicateOptions<T, K>): KeyedStream<K, T> {
    return new KeyedStream(deduplicateNode(this.node, this.#key, options), this.#key)
  }

  /**
   * Pass at most `limit` events of a key per `per`, as the same objects; the others are dropped
   * and counted in `stats()` as what went in and did not come out.
   *
   * @example
   * ```ts
   * const calm = from([{ host: "a" }]).keyBy("host").throttle({ limit: 3, per: "1h" })
   * ```
   * @throws {MillraceError} `OPTION` for a limit or burst below 1; later `LIMIT` when keys outgrow
   *   the state's limits, or when out-of-order events make a key remember 65,536 passes.
   */
  override throttle(options: ThrottleOptions<T, K>): KeyedStream<K, T>
  override throttle(options: ThrottleOptions<T>): KeyedStream<K, T>
  override throttle(options: object): KeyedStream<K, T> {
    return new KeyedStream(throttleNode(this.node, this.#key, options), this.#key)
  }

  /**
   * The last event of a key before a pause of at least so long, when the pause is over or the
   * source ends. In event time an event at or past the end of a pause begins anew.
   */
  override debounce(duration: Duration, options?: HoldOptions<T, K>): KeyedStream<K, T>
  override debounce(duration: Duration, options?: HoldOptions<T>): KeyedStream<K, T>
  override debounce(duration: Duration, options?: object): KeyedStream<K, T> {
    return new KeyedStream(debounceNode(this.node, this.#key, duration, options), this.#key)
  }

  /** The last event of a key in each stretch of so long, at its end; aligned to 1970. */
  override sample(duration: Duration, options?: HoldOptions<T, K>): KeyedStream<K, T>
  override sample(duration: Duration, options?: HoldOptions<T>): KeyedStream<K, T>
  override sample(duration: Duration, options?: object): KeyedStream<K, T> {
    return new KeyedStream(sampleNode(this.node, this.#key, duration, options), this.#key)
  }

  /**
   * The events of a key in lists: of `count` events, or of those that came within `time` of the
   * first, whichever is full first; what is left goes at the end of the source.
   */
  override buffer(options: BufferOptions<T, K>): Stream<T[]>
  override buffer(options: BufferOptions<T>): Stream<T[]>
  override buffer(options: object): Stream<T[]> {
    return new Stream(bufferNode(this.node, this.#key, options))
  }

  /**
   * Put the events of each key into windows; what is made of them says the method that follows.
   *
   * @example
   * ```ts
   * const hours = from([{ user: "ada", at: 0 }], { time: "at" })
   *   .keyBy("user")
   *   .window(tumbling("1h"), { allowedLateness: "5m" })
   *   .process((events, _, { window }) => [window.start, events.length])
   * ```
   * @throws {MillraceError} `OPTION` for options that mean nothing for these windows.
   */
  window(assigner: Assigner<T> | AssignWindows<T>, options?: WindowOptions<T>): Windowed<K, T> {
    return new Windowed(this.node, this.#key, assigner, options)
  }
}
