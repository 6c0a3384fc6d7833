/**
 * The keyed verbs over events that belong together: group, session and join.
 */
import type { Node } from "./graph.ts"
import { MillraceError } from "./errors.ts"
import type { GroupOf, JoinOf, Untyped } from "./keyed_types.ts"
import { groupNode } from "./operators/group.ts"
import type { Emitted, GroupFunction, GroupOptions } from "./operators/group.ts"
import { joinNode } from "./operators/join/join.ts"
import type { JoinFunction, StatelessJoinOptions } from "./operators/join/join.ts"
import type { JoinSpec } from "./operators/join/spec.ts"
import { sessionNode } from "./operators/session/session.ts"
import type { SessionFunction, SessionSettings } from "./operators/session/session.ts"
import type { StateConfig, StateConfigTyped, StateConfigValue } from "./state/config.ts"
import type { KeyReader } from "./state/keys.ts"
import { Stream } from "./stream.ts"

/** What every {@link KeyedStream} has of them. */
export class KeyedGroups<K, T> extends Stream<T> {
  protected readonly read: KeyReader
  declare readonly key: K

  constructor(node: Node, key: KeyReader) {
    super(node)
    this.read = key
  }

  /**
   * What the function makes of the events of a key together and the state of the key, which
   * outlives its groups. A group goes by its options, to make room (`state.maxSize`), or at the end
   * of the source. `undefined` emits nothing.
   *
   * @example
   * ```ts
   * const batches = from([{ tenant: "a", n: 1 }, { tenant: "a", n: 2 }])
   *   .keyBy("tenant")
   *   .group({ maxSize: 9, timeout: "5s" }, (tenant, events) => `${tenant} ${events.length}`)
   * ```
   * @throws {MillraceError} `OPTION` and `STATE_CONFIG` at once; while running `USER_FUNCTION`, and
   *   `LIMIT` when keys outgrow the state's limits or a group 1,000,000 events.
   */
  group<O>(f: GroupFunction<K, T, unknown, unknown, O>): Stream<Emitted<O>>
  group<S, O>(
    options: GroupOf<StateConfigValue<S>, T, K, O>,
    f: GroupFunction<K, T, S, S, O>,
  ): Stream<Emitted<O>>
  group<S, O>(
    options: GroupOf<StateConfigTyped<S>, T, K, O>,
    f: GroupFunction<K, T, S, S | undefined, O>,
  ): Stream<Emitted<O>>
  group<O>(
    options: GroupOptions<T, K, O>,
    f: GroupFunction<K, T, unknown, unknown, O>,
  ): Stream<Emitted<O>>
  group(...given: unknown[]): never {
    return new Stream(groupNode(this.node, this.read, ...given)) as never
  }

  /**
   * Events of a key that come without a pause of more than `gap`: what the function makes of each,
   * and of the session's own state; and what `onEnd` makes of each session that is over.
   * `undefined` emits nothing. {@link SessionOptions} says more.
   *
   * @example
   * ```ts
   * const visits = from([{ user: "ada", at: 0 }], { time: "at" })
   *   .keyBy("user")
   *   .session(
   *     { gap: "30m", state: { value: () => 0 }, onEnd: ({ end }, pages) => [end, pages.get()] },
   *     (_, isNew, pages) => void pages.set(isNew ? 1 : pages.get() + 1),
   *   )
   * ```
   * @throws {MillraceError} `OPTION`, `STATE_CONFIG`; while running `USER_FUNCTION`, `LIMIT`.
   */
  session<S, O, E = never>(
    options: SessionSettings<T, K, S, S, O, E, StateConfigValue<S>>,
    f: SessionFunction<T, S, S, O>,
  ): Stream<Emitted<O | E>>
  session<S, O, E = never>(
    options: SessionSettings<T, K, S, S | undefined, O, E, StateConfigTyped<S>>,
    f: SessionFunction<T, S, S | undefined, O>,
  ): Stream<Emitted<O | E>>
  session<O, E = never>(
    options: Untyped<SessionSettings<T, K, unknown, unknown, O, E, StateConfig>>,
    f: SessionFunction<T, unknown, unknown, O>,
  ): Stream<Emitted<O | E>>
  session(options: unknown, f: unknown): never {
    return new Stream(sessionNode(this.node, this.read, options, f)) as never
  }

  /**
   * What the function makes of each pair of an event of this stream and one of another, of the same
   * key and near in time ({@link interval}), and of the state of their key, if `state`
   * is given. `undefined` emits nothing.
   *
   * Each pair comes once, as soon as its later event has come, and is the same whichever stream
   * runs ahead; pairs that one event makes are in the order of their partners' times. Events wait
   * until the watermarks of both streams say that no partner can come any more, and the join goes
   * on until both streams have ended.
   *
   * @example
   * ```ts
   * const orders = from([{ user: "ada", at: 0 }], { time: "at" }).keyBy("user")
   * const payments = from([{ user: "ada", at: 9 }], { time: "at" }).keyBy("user")
   * const waits = orders.join(payments, interval({ after: "1h" }), (order, payment) => {
   *   return { user: order.user, waitedMs: payment.at - order.at }
   * })
   * ```
   * @throws {MillraceError} `OPTION` and `STATE_CONFIG` at once, and by `run` where a stream has no
   *   event time; while running `USER_FUNCTION`, and `LIMIT` when the events that wait outgrow
   *   `state.maxSize` or `state.maxBytes`.
   */
  join<R, S, O>(
    other: KeyedGroups<K, R>,
    spec: JoinSpec,
    f: JoinFunction<T, R, S, S, O>,
    options: JoinOf<StateConfigValue<S>, T, R, K, O>,
  ): Stream<Emitted<O>>
  join<R, S, O>(
    other: KeyedGroups<K, R>,
    spec: JoinSpec,
    f: JoinFunction<T, R, S, S | undefined, O>,
    options: JoinOf<StateConfigTyped<S>, T, R, K, O>,
  ): Stream<Emitted<O>>
  join<R, O>(
    other: KeyedGroups<K, R>,
    spec: JoinSpec,
    f: JoinFunction<T, R, unknown, unknown, O>,
    options: JoinOf<StateConfig, T, R, K, O>,
  ): Stream<Emitted<O>>
  join<R, O>(
    other: KeyedGroups<K, R>,
    spec: JoinSpec,
    f: (left: T, right: R) => O,
    options?: StatelessJoinOptions<T, R, K, O>,
  ): Stream<Emitted<O>>
  join(other: unknown, ...given: unknown[]): never {
    if (!(other instanceof KeyedGroups)) {
      throw new MillraceError("OPTION", "join needs another keyed stream: other.keyBy(…)")
    }
    const { node, read } = other as KeyedGroups<unknown, unknown>
    const [left, right] = [
      { node: this.node, read: this.read },
      { node, read },
    ]
    return new Stream(joinNode(left, right, ...given)) as never
  }
}
