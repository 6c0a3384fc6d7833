/**
 * Keyed map and filter: a user function over an event and the state of its key.
 */
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { operatorOptions } from "../graph.ts"
import { callable, checkOptions } from "../options.ts"
import { refusePromise } from "../state/access.ts"
import type { StateAccess } from "../state/access.ts"
import { noLimits, stateOption } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { openKeyed, schemaOf } from "./keyed.ts"
import type { MakeCall } from "./keyed.ts"

/** Options of keyed `map` and `filter`. */
export interface StatefulOptions extends OperatorOptions {
  /** The state's default, limits and ttl. Without it: any value, no default, no limits. */
  readonly state?: StateConfig
}

type UserFunction = (event: unknown, state: StateAccess<unknown, unknown>) => unknown

const options = { ...operatorOptions, state: stateOption }

/** One output per event: what the function returns. */
export function keyedMapNode(
  input: Node,
  read: KeyReader,
  given: unknown,
  settings?: StatefulOptions,
): OperatorNode {
  const fn = callable<UserFunction>()(given, "map")
  return statefulNode("map", input, read, settings, (access, state) => (value, index, out) => {
    const result = fn(value, state)
    refusePromise(result)
    out.add(access.plain(result), index)
  })
}

/** The events for which the function returns something truthy, as the same objects. */
export function keyedFilterNode(
  input: Node,
  read: KeyReader,
  given: unknown,
  settings?: StatefulOptions,
): OperatorNode {
  const fn = callable<UserFunction>()(given, "filter")
  return statefulNode("filter", input, read, settings, (_, state) => (value, index, out) => {
    const passes = fn(value, state)
    refusePromise(passes)
    if (!passes) return
    out.add(value, index)
  })
}

function statefulNode(
  kind: string,
  input: Node,
  read: KeyReader,
  given: StatefulOptions | undefined,
  makeCall: MakeCall,
): OperatorNode {
  const { uid, state } = checkOptions(given, options, kind)
  const setting = state ?? { limits: noLimits, value: undefined }
  return {
    kind,
    inputs: [input],
    uid,
    schema: schemaOf(kind, setting),
    open: (site) => openKeyed(site, read, setting, makeCall),
  }
}
