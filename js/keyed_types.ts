/**
 * The types of keyed verbs: what depends on the `state` option.
 */
import type { GroupOptions } from "./operators/group.ts"
import type { JoinOptions } from "./operators/join/join.ts"
import type { StatefulOptions } from "./operators/map.ts"
import type { PatternOptions } from "./operators/pattern/pattern.ts"
import type { StateConfigTyped, StateConfigValue } from "./state/config.ts"

export type With<State, T, K, O> = Omit<StatefulOptions<T, K, O>, "state"> & {
  readonly state: State
}
export type WithValue<S, T, K, O> = With<StateConfigValue<S>, T, K, O>
export type GroupOf<State, T, K, O> = Omit<GroupOptions<T, K, O>, "state"> & {
  readonly state: State
}
export type JoinOf<State, L, R, K, O, Spec> = Omit<JoinOptions<L, R, K, O, Spec>, "state"> & {
  readonly state: State
}
export type PatternOf<State, T, N extends string, K, O> = Omit<
  PatternOptions<T, N, K, O>,
  "state"
> & { readonly state: State }
export type Untyped<Options extends { readonly state: unknown }> = Omit<Options, "state"> &
  Partial<Pick<Options, "state">>
export type WithType<S, T, K, O> = With<StateConfigTyped<S>, T, K, O>
