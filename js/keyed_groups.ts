/**
 * The keyed verbs over events that belong together: group, session, join and pattern.
 */
import type { Node } from "./graph.ts"
import { MillraceError } from "./errors.ts"
import type { GroupOf, JoinOf, Untyped } from "./keyed_types.ts"
import { groupNode } from "./operators/group.ts"
import type { Emitted, GroupFunction, GroupOptions } from "./operators/group.ts"
import { joinNode } from "./operators/join/join.ts"
import type { JoinFunction, StatelessJoinOptions } from "./operators/join/join.ts"
import type { JoinSpec, LeftOf, RightOf } from "./operators/join/spec.ts"
import type { KeyedInput } from "./operators/inputs.ts"
import { coGroupNode } from "./operators/window/co_group.ts"
import type { CoGroupFunction, CoGroupOptions } from "./operators/window/co_group.ts"
import { patternNode } from "./operators/pattern/pattern.ts"
import { sessionNode } from "./operators/session/session.ts"
import type { SessionFunction, SessionSettings } from "./operators/session/session.ts"
import type { PatternVerb } from "./pattern_verb.ts"
import type { StateConfig, StateConfigTyped, StateConfigValue } from "./state/config.ts"
import type { KeyReader } from "./state/keys.ts"
import { Stream } from "./stream.ts"
import type { Assigner, AssignWindows } from "./windows/assigner.ts"

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
   * key, as the spec has it: near in time ({@link interval}), the last before it ({@link asOf}), in
   * one window ({@link windowJoin}), or near in arrival ({@link within}); and of the state of their
   * key, if `state` is given. `undefined` emits nothing.
   *
   * Each pair comes once, of a window. But by the clock pairs are the same whichever stream runs
   * ahead. By `interval` and `within` a pair comes as soon as its later event has come; pairs that
   * one event makes are in the order of their partners' times. By `asOf` it comes once the
   * watermarks of both streams are past its left one, by `windowJoin` when its window closes.
   * Events wait until no partner can come any more, and the join goes on until both have ended.
   *
   * @example
   * ```ts
   * const orders = from([{ user: "ada", at: 0 }], { time: "at" }).keyBy("user")
   * const payments = from([{ user: "ada", at: 9 }], { time: "at" }).keyBy("user")
   * const waits = orders.join(payments, interval({ after: "1h" }), (order, payment) => {
   *   return { user: order.user, waitedMs: payment.at - order.at }
   * })
   * ```
   * @throws {MillraceError} `OPTION` and `STATE_CONFIG` at once, and by `run` where `interval` or
   *   `asOf` finds no event time; while running `USER_FUNCTION`, and `LIMIT` when the events that
   *   wait, or the keys that have open windows, outgrow `state.maxSize` or `state.maxBytes`.
   */
  join<R, S, O, const Spec extends JoinSpec<T | R>>(
    other: KeyedGroups<K, R>,
    spec: Spec,
    f: JoinFunction<LeftOf<T, Spec>, RightOf<R, Spec>, S, S, O>,
    options: JoinOf<StateConfigValue<S>, T, R, K, O, Spec>,
  ): Stream<Emitted<O>>
  join<R, S, O, const Spec extends JoinSpec<T | R>>(
    other: KeyedGroups<K, R>,
    spec: Spec,
    f: JoinFunction<LeftOf<T, Spec>, RightOf<R, Spec>, S, S | undefined, O>,
    options: JoinOf<StateConfigTyped<S>, T, R, K, O, Spec>,
  ): Stream<Emitted<O>>
  join<R, O, const Spec extends JoinSpec<T | R>>(
    other: KeyedGroups<K, R>,
    spec: Spec,
    f: JoinFunction<LeftOf<T, Spec>, RightOf<R, Spec>, unknown, unknown, O>,
    options: JoinOf<StateConfig, T, R, K, O, Spec>,
  ): Stream<Emitted<O>>
  join<R, O, const Spec extends JoinSpec<T | R>>(
    other: KeyedGroups<K, R>,
    spec: Spec,
    f: (left: LeftOf<T, Spec>, right: RightOf<R, Spec>) => O,
    options?: StatelessJoinOptions<T, R, K, O, Spec>,
  ): Stream<Emitted<O>>
  join(other: unknown, ...given: unknown[]): never {
    return new Stream(joinNode(this.#input, KeyedGroups.#inputOf(other, "join"), ...given)) as never
  }

  /**
   * What the function makes of the events of this stream and of another that have one key and are
   * in one window: both lists at once, also where one of them is empty. A window emits once, when
   * it closes; `undefined` emits nothing. Which events are late says {@link windowJoin}.
   *
   * @example
   * ```ts
   * const clicks = from([{ page: "/a", at: 0 }], { time: "at" }).keyBy("page")
   * const views = from([{ page: "/a", at: 9 }], { time: "at" }).keyBy("page")
   * const hours = clicks.coGroup(views, tumbling("1h"), (clicks, views, { key, window }) => {
   *   return { page: key, hour: window.start, clicks: clicks.length, views: views.length }
   * })
   * ```
   * @throws {MillraceError} `OPTION` at once for windows that two streams cannot have in common, as
   *   those of a number of events; while running as {@link Windowed.process}.
   */
  coGroup<R, O>(
    other: KeyedGroups<K, R>,
    assigner: Assigner<T | R> | AssignWindows<T | R>,
    f: CoGroupFunction<T, R, K, O>,
    options?: CoGroupOptions<T, R, K, O>,
  ): Stream<O> {
    return new Stream(
      coGroupNode(this.#input, KeyedGroups.#inputOf(other, "coGroup"), assigner, f, options),
    )
  }

  get #input(): KeyedInput {
    return { node: this.node, read: this.read }
  }

  static #inputOf(other: unknown, where: string): KeyedInput {
    if (other instanceof KeyedGroups) return other.#input
    throw new MillraceError("OPTION", `${where} needs another keyed stream: other.keyBy(…)`)
  }

  /**
   * What the function makes of each match of a pattern among the events of a key;
   * {@link PatternVerb} says more.
   *
   * @example
   * ```ts
   * const login = pattern("fail", where("kind", "==", "fail"))
   *   .timesOrMore(3)
   *   .consecutive()
   *   .next("success", where("kind", "==", "ok"))
   *   .within("10m")
   * const alarms = from([{ user: "ada", kind: "fail", at: 0 }], { time: "at" })
   *   .keyBy("user")
   *   .pattern(login, ({ fail }, _, { key }) => `${key} failed ${fail.length} times`)
   * ```
   * @throws {MillraceError} `OPTION` and `STATE_CONFIG` at once; while running `USER_FUNCTION`, and
   *   `LIMIT` when a key has more than `maxPartialMatches` partial matches, or events and partial
   *   matches outgrow `state.maxSize` or `state.maxBytes`.
   */
  override get pattern(): PatternVerb<K, T> {
    return (...given: unknown[]) => new Stream(patternNode(this.node, this.read, ...given)) as never
  }
}
