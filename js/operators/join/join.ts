/**
 * join: what a function makes of each pair of events of two streams, and of the state of their key.
 *
 *   left  -> \
 *             events that wait for partners, whole in C -> pairs -> function, state of the key
 *   right -> /
 *
 * Two halves, each with rows of its own: the events, which go when no partner can come any more,
 * and the user's state, if it is asked for, which outlives them.
 */
import { MillraceError } from "../../errors.ts"
import type { OperatorNode } from "../../graph.ts"
import { nodeOptions, withTag } from "../../graph.ts"
import { callable, checkOptions } from "../../options.ts"
import type { StateAccess, UserState } from "../../state/access.ts"
import { noLimits, stateOption } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import { tagOption } from "../../tag.ts"
import type { Tag } from "../../tag.ts"
import { checkEvictedTo } from "../evictions.ts"
import type { EvictedKey } from "../evictions.ts"
import { concurrencyOf, functionOptions } from "../function_options.ts"
import { openKeyed, schemaOf } from "../keyed.ts"
import type { StatefulOptions } from "../map.ts"
import type { KeyedInput } from "../inputs.ts"
import { emitInstead, openStateless, refuseConcurrency, verbOf } from "../second_half.ts"
import { refuseEviction } from "../window/spec.ts"
import { buffersOf } from "./buffers.ts"
import { Pair, RightAlone } from "./runner.ts"
import { joinSpec } from "./spec.ts"
import type { IntervalSpec, LeftOf, RightOf } from "./spec.ts"

/** Options of `join` by a spec, of events `L` and `R`. */
export interface JoinOptions<
  L = unknown,
  R = unknown,
  K = unknown,
  O = unknown,
  Spec = IntervalSpec,
> extends StatefulOptions<L | R | Pair<LeftOf<L, Spec>, RightOf<R, Spec>>, K, O> {
  /**
   * Where events go that are late, which is judged by the watermark of their own source: they are
   * counted, and paired with nothing. Default: they are only counted. Not with `within`.
   */
  readonly lateTo?: Tag<L | R>
  /**
   * Where events go that make room for others before their time is over (`state.maxSize` events, of
   * both streams together, or `state.maxBytes`); `state` is the event. Needs `state.onFull:
   * "evict"`, without which a join that is full ends with `LIMIT`. Not with `windowJoin`.
   */
  readonly evictedTo?: Tag<EvictedKey<K>> | Tag<EvictedKey>
}

/** Options where the function has no state: it is called at once, and gives no promise. */
export type StatelessJoinOptions<
  L = unknown,
  R = unknown,
  K = unknown,
  O = unknown,
  Spec = IntervalSpec,
> = Omit<JoinOptions<L, R, K, O, Spec>, "state" | "concurrency" | "ordered" | "evictedTo">

/** What is made of a pair; `S` is the state of the key, of which `get()` gives `G`. */
export type JoinFunction<L, R, S, G, O> = (
  left: L,
  right: R,
  state: StateAccess<S, G>,
) => O | Promise<O>

type UserFunction = JoinFunction<unknown, unknown, unknown, unknown, unknown>

const options = {
  ...functionOptions,
  state: stateOption,
  lateTo: tagOption,
  evictedTo: tagOption,
}

export function joinNode(
  left: KeyedInput,
  right: KeyedInput,
  ...[spec, f, settings]: readonly unknown[]
): OperatorNode {
  const checkedSpec = joinSpec(spec, "join")
  const fn = callable<UserFunction>()(f, "join")
  const checked = checkOptions(settings, options, "join")
  const { uid, lateTo, evictedTo } = checked
  const setting = checked.state
  if (setting === undefined) refuseConcurrency(checked, "join")
  const { limits = noLimits } = setting ?? {}
  checkEvictedTo(evictedTo, limits, "join")
  if (lateTo !== undefined && checkedSpec.kind === "within") {
    throw new MillraceError("OPTION", "join.lateTo has no meaning with within(…): no event is late")
  }
  if (checkedSpec.kind === "windowJoin") refuseEviction(limits, "join")
  const { rowsMax, bytesMax, evict } = limits
  const common = nodeOptions(checked, "join")
  const readers = [left.read, right.read] as const
  const kept = { ...noLimits, rowsMax, bytesMax, evict }
  const buffers: OperatorNode = {
    kind: "joinBuffers",
    inputs: [left.node, right.node],
    tellsInputs: true,
    ...withTag(withTag(common, lateTo), evictedTo),
    uid: uid === undefined ? undefined : `${uid}.buffers`,
    onError: emitInstead(common.onError),
    keyOf: (event, input) => (readers[input] as KeyReader)(event),
    ...buffersOf(checkedSpec, { readers, limits: kept, lateTo, evictedTo }),
  }
  const readPair: KeyReader = (pair) => {
    if (!(pair instanceof Pair)) return []
    return pair instanceof RightAlone ? right.read(pair.right) : left.read(pair.left)
  }
  const half = { kind: "join", inputs: [buffers], ...common, keyOf: readPair, partOf: buffers }
  const call = (pair: unknown, state?: UserState) => {
    return fn((pair as Pair).left, (pair as Pair).right, state as UserState)
  }
  if (setting === undefined) return { ...half, open: (site) => openStateless(site, call) }
  return {
    ...half,
    schema: schemaOf("join", setting),
    open: (site) => openKeyed(site, readPair, setting, verbOf(call), concurrencyOf(checked)),
  }
}
