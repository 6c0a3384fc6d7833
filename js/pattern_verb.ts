/**
 * The type of `pattern`, which keyed streams have and others.
 */
import type { PatternOf } from "./keyed_types.ts"
import type { Emitted } from "./operators/group.ts"
import type {
  MatchContext,
  PatternFunction,
  StatelessPatternOptions,
} from "./operators/pattern/pattern.ts"
import type { Matched } from "./patterns/condition.ts"
import type { PatternFor } from "./patterns/pattern.ts"
import type { StateConfig, StateConfigTyped, StateConfigValue } from "./state/config.ts"
import type { Stream } from "./stream.ts"

/**
 * What the function makes of each match of a pattern among the events of a key, and of the state of
 * that key, if `state` is given. `undefined` emits nothing.
 *
 * A match has the events of each step by its name, in order; a step that took none, an empty list.
 * In event time the events of a key are put in order first: each waits for the watermark to pass
 * it. Matches are those of Flink CEP, in its order. Partial matches whose time is over (`within`)
 * go, for all keys, whether they come again or not.
 */
export interface PatternVerb<K, T> {
  <N extends string, S, O>(
    pattern: PatternFor<T, N>,
    f: PatternFunction<T, N, K, S, S, O>,
    options: PatternOf<StateConfigValue<S>, T, NoInfer<N>, K, O>,
  ): Stream<Emitted<O>>
  <N extends string, S, O>(
    pattern: PatternFor<T, N>,
    f: PatternFunction<T, N, K, S, S | undefined, O>,
    options: PatternOf<StateConfigTyped<S>, T, NoInfer<N>, K, O>,
  ): Stream<Emitted<O>>
  <N extends string, O>(
    pattern: PatternFor<T, N>,
    f: PatternFunction<T, N, K, unknown, unknown, O>,
    options: PatternOf<StateConfig, T, NoInfer<N>, K, O>,
  ): Stream<Emitted<O>>
  <N extends string, O>(
    pattern: PatternFor<T, N>,
    f: (match: Matched<T, N>, state: undefined, ctx: MatchContext<K>) => O,
    options?: StatelessPatternOptions<T, NoInfer<N>, K, O>,
  ): Stream<Emitted<O>>
}
