/**
 * Keyed map and filter: a user function over an event and the state of its key.
 */
import type { Node, OperatorNode } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import { callable, checkOptions } from "../options.ts"
import type { StateAccess } from "../state/access.ts"
import { noLimits, stateOption } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { openKeyed, schemaOf } from "./keyed.ts"
import type { MakeVerb } from "./keyed.ts"
import { concurrencyOf, functionOptions } from "./function_options.ts"
import type { FunctionOptions } from "./function_options.ts"

/** Options of keyed `map` and `filter`. */
export interface StatefulOptions<T = unknown, K = unknown, O = unknown> extends FunctionOptions<
  T,
  K,
  O
> {
  /** The state's default, limits and ttl. Without it: any value, no default, no limits. */
  readonly state?: StateConfig
}

type UserFunction = (event: unknown, state: StateAccess<unknown, unknown>) => unknown

const options = { ...functionOptions, state: stateOption }

/** One output per event: what the function returns. */
export function keyedMapNode(
  input: Node,
  read: KeyReader,
  given: unknown,
  settings?: object,
): OperatorNode {
  const fn = callable<UserFunction>()(given, "map")
  return statefulNode("map", input, read, settings, (access, state) => ({
    call: (value) => fn(value, state),
    accept: (result, _, index, out) => out.add(access.plain(result), index),
  }))
}

/** The events for which the function returns something truthy, as the same objects. */
export function keyedFilterNode(
  input: Node,
  read: KeyReader,
  given: unknown,
  settings?: object,
): OperatorNode {
  const fn = callable<UserFunction>()(given, "filter")
  return statefulNode("filter", input, read, settings, (_, state) => ({
    call: (value) => fn(value, state),
    accept(passes, value, index, out) {
      if (passes) out.add(value, index)
    },
  }))
}

function statefulNode(
  kind: string,
  input: Node,
  read: KeyReader,
  given: object | undefined,
  makeVerb: MakeVerb,
): OperatorNode {
  const checked = checkOptions(given, options, kind)
  const { state } = checked
  const setting = state ?? { limits: noLimits, value: undefined }
  return {
    kind,
    inputs: [input],
    ...nodeOptions(checked, kind),
    keyOf: read,
    schema: schemaOf(kind, setting),
    open: (site) => openKeyed(site, read, setting, makeVerb, concurrencyOf(checked)),
  }
}
