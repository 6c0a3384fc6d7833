/**
 * coGroup: what a function makes of the events of two streams that are in one window.
 */
import type { Duration } from "../../duration.ts"
import type { OperatorNode, OperatorOptions } from "../../graph.ts"
import { nodeOptions, withTag } from "../../graph.ts"
import { callable, checkOptions, duration } from "../../options.ts"
import type { StateConfig } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import { tagOption } from "../../tag.ts"
import type { AnyTag, Tag } from "../../tag.ts"
import { commonAssigner } from "../../windows/assigner.ts"
import type { KeyedInput } from "../inputs.ts"
import { emitResult } from "./emitters.ts"
import type { WindowContext } from "./emitters.ts"
import { WindowRunner } from "./run.ts"
import { sidesPlan } from "./sides.ts"
import { limitsOf, resultTable } from "./spec.ts"
import { outputsOption } from "./window.ts"

/** Options of `coGroup`, of events `L` and `R`. */
export interface CoGroupOptions<
  L = unknown,
  R = unknown,
  K = unknown,
  O = unknown,
> extends OperatorOptions<L | R, K, O> {
  /** How long after its end a window waits for late events; it emits then. Default 0. */
  readonly allowedLateness?: Duration
  /** Where events go that came too late for all their windows. They are counted in any case. */
  readonly lateTo?: Tag<L | R>
  /** Limits of the keys that have open windows; nothing expires, as windows close by themselves. */
  readonly state?: StateConfig
  /** The side outputs that the function sends to. */
  readonly outputs?: readonly AnyTag[]
}

/** What is made of the events of a window; undefined emits nothing. */
export type CoGroupFunction<L, R, K, O> = (
  lefts: readonly L[],
  rights: readonly R[],
  ctx: WindowContext<K>,
) => O | undefined

type UserFunction = CoGroupFunction<unknown, unknown, unknown, unknown>

const table = {
  ...resultTable,
  allowedLateness: duration(),
  lateTo: tagOption,
  outputs: outputsOption,
}

export function coGroupNode(
  left: KeyedInput,
  right: KeyedInput,
  ...[given, f, settings]: readonly unknown[]
): OperatorNode {
  const assigner = commonAssigner(given, "coGroup")
  const fn = callable<UserFunction>()(f, "coGroup")
  const checked = checkOptions(settings, table, "coGroup")
  const { outputs = [], lateTo } = checked
  const readers = [left.read, right.read]
  const plan = sidesPlan(assigner, checked, limitsOf(checked.state, "coGroup"), () => {
    return (lefts, rights, fire, out) =>
      emitResult((ctx) => fn(lefts, rights, ctx), fire, outputs, out)
  })
  return {
    kind: "coGroup",
    inputs: [left.node, right.node],
    tellsInputs: true,
    ...[lateTo, ...outputs].reduce(withTag, nodeOptions(checked, "coGroup")),
    keyOf: (event, input) => (readers[input] as KeyReader)(event),
    open: (site) => new WindowRunner(site, readers, plan),
  }
}
