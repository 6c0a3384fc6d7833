/**
 * Streams: descriptions of what happens to events. Nothing runs until a stream is iterated, or
 * given to `run`; either makes a job. Methods only make a node and wrap it.
 */
import { Broadcast, connectedTo } from "./connected.ts"
import type { Connected, ConnectedBroadcast } from "./connected.ts"
import type { OperatorOptions } from "./graph.ts"
import { Iterated } from "./iterated.ts"
import type { StreamOf } from "./iterated.ts"
import { KeyedStream } from "./keyed.ts"
import { bufferNode } from "./operators/buffer.ts"
import type { BufferOptions } from "./operators/buffer.ts"
import { debounceNode, sampleNode } from "./operators/latest.ts"
import type { HoldOptions } from "./operators/latest.ts"
import { throttleNode } from "./operators/throttle.ts"
import type { ThrottleOptions } from "./operators/throttle.ts"
import type { Duration } from "./duration.ts"
import { distinctNode } from "./operators/distinct.ts"
import type { DistinctOptions } from "./operators/distinct.ts"
import { reduceNode } from "./operators/fold.ts"
import type { FoldOptions } from "./operators/fold.ts"
import { lookupNode } from "./operators/lookup.ts"
import type { Find, LookupOptions } from "./operators/lookup.ts"
import { mapAsyncNode } from "./operators/map_async.ts"
import type { MapAsyncOptions } from "./operators/map_async.ts"
import type { AsyncContext } from "./operators/tries.ts"
import type { Descriptors } from "./operators/process/process.ts"
import { concatNode, filterNode, flatMapNode, mapNode } from "./operators/stateless.ts"
import { tapNode, unionNode } from "./operators/stateless.ts"
import { sideOutputNode } from "./operators/side_output.ts"
import { skipNode, takeNode } from "./operators/take.ts"
import type { CountOptions } from "./operators/take.ts"
import { takeWhileNode } from "./operators/take_while.ts"
import type { TakeWhileOptions } from "./operators/take_while.ts"
import { patternNode } from "./operators/pattern/pattern.ts"
import type { PatternVerb } from "./pattern_verb.ts"
import { itself, keyReader } from "./state/keys.ts"
import type { KeyIn, KeyOptions, KeyPlace, KeyValue, Path } from "./state/keys.ts"
import type { RecordType } from "./state/record.ts"
import type { Tag } from "./tag.ts"

/** All events have one key. */
const unkeyed = () => null

const log = (...values: unknown[]): void => console.log(...values)

export type { StreamOf } from "./iterated.ts"

/** The events of a stream. */
export type EventOf<S> = S extends StreamOf<infer T> ? T : never

/** A stream of events. Iterating it runs a job of its own, in memory. */
export class Stream<T> extends Iterated<T> {
  /** What the function makes of each event. */
  map<O>(f: (event: T) => O, options?: OperatorOptions<T, unknown, O>): Stream<O> {
    return new Stream(mapNode(this.node, f, options))
  }

  /**
   * What a function that gives promises makes of each event, as many at once as `concurrency` says.
   *
   * @example
   * ```ts
   * const doubled = from([1, 2, 3]).mapAsync(async (n) => n * 2, { concurrency: 2, timeout: "5s" })
   * ```
   * @throws {MillraceError} while running `USER_FUNCTION` with what the last try threw as cause;
   *   `TIMEOUT` when it took too long.
   */
  mapAsync<O>(
    f: (event: T, context: AsyncContext) => O | Promise<O>,
    options?: MapAsyncOptions<T, O>,
  ): Stream<O> {
    return new Stream(mapAsyncNode(this.node, f, options))
  }

  /**
   * Each event with what a function finds for its key, in a database for one: a `mapAsync` that
   * keeps what it found. `key` is a path, several paths or a function, as for `keyBy`; `make` gets
   * the event and what `find` gave, `undefined` if that is it.
   *
   * @example
   * ```ts
   * const planOf = async (user: string) => (user === "ada" ? "free" : undefined)
   * const plans = from([{ user: "ada" }, { user: "ada" }]).lookup(
   *   "user",
   *   (user) => planOf(user),
   *   ({ user }, plan) => `${user}: ${plan}`,
   *   { cache: { ttl: "5m", maxSize: 1000 }, timeout: "2s", retry: { attempts: 2 } },
   * )
   * ```
   * @throws {MillraceError} while running as {@link Stream.mapAsync}; `KEY_MISSING`, `KEY_TYPE`.
   */
  lookup<const By extends KeyPlace<T>, V, O>(
    key: By,
    find: Find<KeyIn<T, By>, V>,
    make: (event: T, found: V) => O,
    options?: LookupOptions<T, O>,
  ): Stream<O> {
    return new Stream(lookupNode(this.node, key, find, make, options))
  }

  /** The events for which the function returns something truthy. */
  filter<N extends T>(
    f: (event: T) => event is N,
    options?: OperatorOptions<T, unknown, N>,
  ): Stream<N>
  filter(f: (event: T) => boolean, options?: OperatorOptions<T, unknown, T>): Stream<T>
  filter(f: (event: T) => boolean, options?: OperatorOptions<T, unknown, T>): Stream<T> {
    return new Stream(filterNode(this.node, f, options))
  }

  /** All elements of what the function makes of each event. */
  flatMap<O>(f: (event: T) => Iterable<O>, options?: OperatorOptions<T, unknown, O>): Stream<O> {
    return new Stream(flatMapNode(this.node, f, options))
  }

  /** Look at each event as it passes. */
  tap(f: (event: T) => void, options?: OperatorOptions<T, unknown, T>): Stream<T> {
    return new Stream(tapNode(this.node, f, options))
  }

  /** The first `count` events; then the job ends if nothing else goes on. */
  take(count: number, options?: CountOptions): Stream<T> {
    return new Stream(takeNode(this.node, count, options))
  }

  /** All but the first `count` events. */
  skip(count: number, options?: CountOptions): Stream<T> {
    return new Stream(skipNode(this.node, count, options))
  }

  /** The events before the first for which the function returns something falsy. */
  takeWhile(f: (event: T) => boolean | Promise<boolean>, options?: TakeWhileOptions<T>): Stream<T> {
    return new Stream(takeWhileNode(this.node, f, options))
  }

  /**
   * One value of all events so far, step by step; every event emits a copy of it. Without
   * `initial` the first event is the first value. `KeyedStream.reduce` is the same per key.
   */
  scan(f: (acc: T, event: T) => T | Promise<T>, options?: FoldOptions<T, unknown, T>): Stream<T>
  scan<A>(
    f: (acc: A, event: T) => A | Promise<A>,
    initial: (() => A) | RecordType<A>,
    options?: FoldOptions<T, unknown, A>,
  ): Stream<A>
  scan(f: unknown, ...rest: unknown[]): never {
    return new Stream(reduceNode("scan", this.node, unkeyed, f, ...rest)) as never
  }

  /**
   * The events that are not like the one before. They are compared as keys are: by what a path,
   * several paths or a function gives, or by themselves if they can be keys.
   *
   * @throws {MillraceError} while running `KEY_TYPE` and `KEY_MISSING`, as `keyBy`.
   */
  distinctUntilChanged(by?: KeyPlace<T>, options?: DistinctOptions<T>): Stream<T> {
    const reader = by === undefined ? itself : keyReader(by)
    return new Stream(distinctNode(this.node, unkeyed, reader, options))
  }

  /**
   * The last event before a pause of at least so long, when the pause is over or the source ends.
   * In event time an event at or past the end of a pause begins anew.
   */
  debounce(duration: Duration, options?: HoldOptions<T>): Stream<T> {
    return new Stream(debounceNode(this.node, unkeyed, duration, options))
  }

  /** The last event of each stretch of so long, at its end; stretches are aligned to 1970. */
  sample(duration: Duration, options?: HoldOptions<T>): Stream<T> {
    return new Stream(sampleNode(this.node, unkeyed, duration, options))
  }

  /**
   * Events in lists: of `count` events, or of those that came within `time` of the first, whichever
   * is full first; what is left goes at the end of the source.
   */
  buffer(options: BufferOptions<T>): Stream<T[]> {
    return new Stream(bufferNode(this.node, unkeyed, options))
  }

  /** What the function makes of each match among all events; see {@link KeyedStream.pattern}. */
  get pattern(): PatternVerb<unknown, T> {
    return (...given: unknown[]) => new Stream(patternNode(this.node, unkeyed, ...given)) as never
  }

  /** Of all events only so many pass in so much time; see {@link KeyedStream.throttle}. */
  throttle(options: ThrottleOptions<T>): Stream<T> {
    return new Stream(throttleNode(this.node, unkeyed, options))
  }

  /** Write each event to the console as it passes, behind a label if there is one. */
  print(label?: string): this {
    const write = (event: T) => void (label === undefined ? log(event) : log(label, event))
    return this.tap(write) as this
  }

  /**
   * The events of all these streams: branches of one source in the order of its events, several
   * sources as they arrive.
   */
  union<U extends readonly StreamOf<unknown>[]>(...streams: U): Stream<T | EventOf<U[number]>> {
    return new Stream(unionNode([this.node, ...streams.map(({ node }) => node)]))
  }

  /**
   * This stream beside another one: a function for the events of each, with state in common. As
   * neither has keys, all events have the same; see {@link KeyedStream.connect}.
   */
  connect<R>(other: Stream<R> & { readonly key?: undefined }): Connected<null, T, R>
  connect<R, B extends Descriptors>(other: Broadcast<R, B>): ConnectedBroadcast<null, T, R, B>
  connect(other: unknown): never {
    const plain = other instanceof Stream && !(other instanceof KeyedStream)
    const right = plain ? { node: other.node, read: unkeyed } : undefined
    return connectedTo({ node: this.node, read: unkeyed }, right, other)
  }

  /**
   * This stream as rules for another one, which change while its events flow: `connect` takes it,
   * and {@link ConnectedBroadcast.process} says what becomes of both. Rules are kept in the states
   * that are described here, which are one for all keys (Flink's broadcast state).
   *
   * @example
   * ```ts
   * const rules = from([{ host: "a", most: 1 }])
   * const alarms = from([{ host: "a", hits: 2 }])
   *   .keyBy("host")
   *   .connect(rules.broadcast({ most: mapState(of<string>(), of<number>()) }))
   *   .process({
   *     emits: of<string>(),
   *     process({ host, hits }, { most }, _, out) {
   *       if (hits > (most.get(host) ?? Infinity)) out.collect(host)
   *     },
   *     processBroadcast: (rule, { most }) => most.put(rule.host, rule.most),
   *   })
   * ```
   * @throws {MillraceError} `OPTION` for what describes no states.
   */
  broadcast<const B extends Descriptors>(states: B): Broadcast<T, B> {
    return new Broadcast(this.node, states)
  }

  /**
   * All events of this stream, then all of the next, and so on. The sources of a stream are opened
   * with the job, but read only when the one before is over: when its sources have ended and all
   * that its operators emit at the end is out, or when it gives nothing more, as behind a `take`.
   * That holds for these sources wherever else the job uses them.
   *
   * Event time does not go back: events of a later stream are late if they are older than what was
   * promised before. After a restart a stream that was over stays over.
   *
   * @example
   * ```ts
   * const all = from([1, 2]).concat(from([3]), from([4, 5]))
   * console.log((await all.toArray()).join()) // 1,2,3,4,5
   * ```
   * @throws {MillraceError} when run `OPTION` if two of the streams share a source.
   */
  concat<U extends readonly StreamOf<unknown>[]>(...streams: U): Stream<T | EventOf<U[number]>> {
    return new Stream(concatNode([this.node, ...streams.map(({ node }) => node)]))
  }

  /**
   * What the operator that made this stream sends to a side output, such as its `errorsTo`.
   *
   * @throws {MillraceError} `OPTION` for a tag that is not in that operator's options.
   */
  sideOutput<X>(tag: Tag<X>): Stream<X> {
    return new Stream(sideOutputNode(this.node, tag))
  }

  /**
   * Give each event a key: state, and what is done with it, is per key from here on.
   *
   * A key is a string, number, bigint, boolean, null, or a tuple of keys; a path such as
   * `"user.id"`, several paths, or a function says where it is.
   *
   * @throws {MillraceError} `OPTION` for a path that cannot be one. While running: `KEY_MISSING`,
   *   `KEY_TYPE`, `LIMIT` for keys over 65,535 bytes.
   */
  keyBy<const K extends KeyValue>(
    f: (event: T) => K | undefined,
    options?: KeyOptions,
  ): KeyedStream<K, T>
  keyBy<const P extends Path<T>>(path: P, options?: KeyOptions): KeyedStream<KeyIn<T, P>, T>
  keyBy<const P extends readonly Path<T>[]>(
    paths: P,
    options?: KeyOptions,
  ): KeyedStream<KeyIn<T, P>, T>
  keyBy(by: string | readonly string[] | ((event: T) => unknown), options?: KeyOptions) {
    return new KeyedStream<KeyValue, T>(this.node, keyReader(by, options)) as never
  }
}
