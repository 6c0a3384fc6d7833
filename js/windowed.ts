/**
 * Streams in windows: what `window` gives, and what can be made of it.
 */
import type { Aggregates, CheckedAggregates, WindowRow } from "./aggregate_types.ts"
import type { Node } from "./graph.ts"
import {
  windowAggregateNode,
  windowProcessNode,
  windowReduceNode,
} from "./operators/window/window.ts"
import { windowSpec } from "./operators/window/spec.ts"
import type { WindowResultOptions, WindowSpec } from "./operators/window/spec.ts"
import type { WindowProcessOptions } from "./operators/window/window.ts"
import type { WindowContext } from "./operators/window/emitters.ts"
import type { StateAccess } from "./state/access.ts"
import type { StateConfigTyped, StateConfigValue } from "./state/config.ts"
import type { KeyReader } from "./state/keys.ts"
import { Stream } from "./stream.ts"

type Options<State, T, K, O> = Omit<WindowProcessOptions<T, K, O>, "state"> & {
  readonly state: State
}

/** The events of a key that belong together. */
export class Windowed<K, T> {
  readonly #node: Node
  readonly #key: KeyReader
  readonly #spec: WindowSpec
  declare readonly key: K
  declare readonly event: T

  constructor(node: Node, key: KeyReader, assigner: unknown, options: object | undefined) {
    this.#node = node
    this.#key = key
    this.#spec = windowSpec(assigner, options)
  }

  /**
   * What a function makes of all events of a window, in the order in which they came; undefined
   * emits nothing. `state` belongs to the key and outlives windows.
   *
   * @example
   * ```ts
   * const lengths = from([{ user: "ada" }, { user: "ada" }])
   *   .keyBy("user")
   *   .window(countWindow(2))
   *   .process((events, state, ctx) => ({ user: ctx.key, events: events.length }))
   * ```
   * @throws {MillraceError} `OPTION` and `STATE_CONFIG` at once; while running `USER_FUNCTION` with
   *   what the function threw as cause, `UNSUPPORTED` for one that gives a promise.
   */
  process<S, O>(
    f: (events: readonly T[], state: StateAccess<S, S>, ctx: WindowContext<K>) => O | undefined,
    options: Options<StateConfigValue<S>, T, K, O>,
  ): Stream<O>
  process<S, O>(
    f: (
      events: readonly T[],
      state: StateAccess<S, S | undefined>,
      ctx: WindowContext<K>,
    ) => O | undefined,
    options: Options<StateConfigTyped<S>, T, K, O>,
  ): Stream<O>
  process<O>(
    f: (
      events: readonly T[],
      state: StateAccess<unknown, unknown>,
      ctx: WindowContext<K>,
    ) => O | undefined,
    options?: WindowProcessOptions<T, K, O>,
  ): Stream<O>
  process(f: unknown, options?: object): never {
    return new Stream(windowProcessNode(this.#node, this.#key, this.#spec, f, options)) as never
  }

  /**
   * Aggregates of the events of a window; the events themselves are not kept, unless an evictor has
   * to take some out again.
   *
   * @example
   * ```ts
   * const hours = from([{ shop: "a", price: 3, at: 0 }], { time: "at" })
   *   .keyBy("shop")
   *   .window(tumbling("1h"))
   *   .aggregate({ sales: count(), total: sum("price"), dearest: argMax("price") })
   * ```
   * @throws {MillraceError} `OPTION` for reserved names; later `FIELD_TYPE` for a field that an
   *   aggregate cannot use, `LIMIT` for bigints beyond 2^53.
   */
  aggregate<const A extends Aggregates>(
    aggregates: A & CheckedAggregates<A, T>,
    options?: WindowResultOptions<T, K, unknown>,
  ): Stream<WindowRow<K, A, T>> {
    return new Stream(windowAggregateNode(this.#node, this.#key, this.#spec, aggregates, options))
  }

  /**
   * The events of a window as one: the function is given two at a time, also what it made of others
   * before. Nothing but that is kept.
   *
   * @throws {MillraceError} as {@link Windowed.process}.
   */
  reduce(f: (acc: T, event: T) => T, options?: WindowResultOptions<T, K, T>): Stream<T> {
    return new Stream(windowReduceNode(this.#node, this.#key, this.#spec, f, options))
  }
}
