/**
 * Streams: descriptions of what happens to events. Nothing runs until a stream is iterated, or
 * given to `run`; either makes a job. Methods only make a node and wrap it.
 */
import { runAlone } from "./handles.ts"
import type { Node, OperatorOptions } from "./graph.ts"
import { KeyedStream } from "./keyed.ts"
import { filterNode, flatMapNode, mapNode, tapNode, unionNode } from "./operators/stateless.ts"
import { skipNode, takeNode } from "./operators/take.ts"
import { sourceNode } from "./sources/source.ts"
import type { FromOptions, Replayable } from "./sources/source.ts"
import { keyReader } from "./state/keys.ts"
import type { At, KeyOptions, KeyValue, Path } from "./state/keys.ts"

type Present<T> = Exclude<T, undefined>

/** Any stream of these events; every {@link Stream} is one. */
export interface StreamOf<out T> {
  /** The last step; for `run`. */
  readonly node: Node
  /** Only the type of an event; there is no value. */
  readonly event: T
}

/** The events of a stream. */
export type EventOf<S> = S extends StreamOf<infer T> ? T : never

/** A stream of events. Iterating it runs a job of its own, in memory. */
export class Stream<T> implements AsyncIterable<T>, StreamOf<T> {
  readonly node: Node
  declare readonly event: T

  constructor(node: Node) {
    this.node = node
  }

  /** What the function makes of each event. */
  map<O>(f: (event: T) => O, options?: OperatorOptions): Stream<O> {
    return new Stream(mapNode(this.node, f, options))
  }

  /** The events for which the function returns something truthy. */
  filter<N extends T>(f: (event: T) => event is N, options?: OperatorOptions): Stream<N>
  filter(f: (event: T) => boolean, options?: OperatorOptions): Stream<T>
  filter(f: (event: T) => boolean, options?: OperatorOptions): Stream<T> {
    return new Stream(filterNode(this.node, f, options))
  }

  /** All elements of what the function makes of each event. */
  flatMap<O>(f: (event: T) => Iterable<O>, options?: OperatorOptions): Stream<O> {
    return new Stream(flatMapNode(this.node, f, options))
  }

  /** Look at each event as it passes. */
  tap(f: (event: T) => void, options?: OperatorOptions): Stream<T> {
    return new Stream(tapNode(this.node, f, options))
  }

  /** The first `count` events; then the job ends if nothing else goes on. */
  take(count: number, options?: OperatorOptions): Stream<T> {
    return new Stream(takeNode(this.node, count, options))
  }

  /** All but the first `count` events. */
  skip(count: number, options?: OperatorOptions): Stream<T> {
    return new Stream(skipNode(this.node, count, options))
  }

  /**
   * The events of all these streams: branches of one source in the order of its events, several
   * sources as they arrive.
   */
  union<U extends readonly StreamOf<unknown>[]>(...streams: U): Stream<T | EventOf<U[number]>> {
    return new Stream(unionNode([this.node, ...streams.map(({ node }) => node)]))
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
  keyBy<const P extends Path<T>>(path: P, options?: KeyOptions): KeyedStream<Present<At<T, P>>, T>
  keyBy<const P extends readonly Path<T>[]>(
    paths: P,
    options?: KeyOptions,
  ): KeyedStream<{ readonly [I in keyof P]: Present<At<T, P[I] & string>> }, T>
  keyBy(by: string | readonly string[] | ((event: T) => unknown), options?: KeyOptions) {
    return new KeyedStream<KeyValue, T>(this.node, keyReader(by, options)) as never
  }

  /** Run in memory and gather all results. */
  async toArray(): Promise<T[]> {
    const results: T[] = []
    const iterator = runAlone(this.node)
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
      results.push(step.value as T)
      for (const result of iterator.takeAll()) results.push(result as T)
    }
    return results
  }

  /** Run in memory and call the function with each result; a promise it returns is awaited. */
  async forEach(f: (result: T) => unknown): Promise<void> {
    for await (const result of this) await f(result)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return runAlone(this.node) as AsyncIterableIterator<T, undefined>
  }
}

/**
 * A stream of the events of a source: an array or other iterable, an async iterable, a web stream,
 * or `{ read(position) }`, which can be read again after a restart.
 *
 * @example
 * ```ts
 * const big = await from([{ n: 1 }, { n: 20 }])
 *   .filter((event) => event.n > 10)
 *   .toArray()
 * ```
 * @throws {MillraceError} `OPTION` for anything else, and for unknown options. While running:
 *   `SOURCE` with what the source threw, `TIMESTAMP`, `CONSUMED`.
 */
export function from<T>(
  source: Iterable<T> | AsyncIterable<T> | ReadableStream<T>,
  options?: FromOptions<NoInfer<T>>,
): Stream<T>
export function from<T, P>(source: Replayable<T, P>, options?: FromOptions<NoInfer<T>>): Stream<T>
export function from(source: unknown, options?: object): never {
  return new Stream(sourceNode(source, options)) as never
}
