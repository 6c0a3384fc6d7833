/**
 * takeWhile: values up to the first one that the function does not want. That it has come is state
 * under the one key `null`, so a restart does not begin again.
 */
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { operatorOptions } from "../graph.ts"
import { callable, checkOptions, flag } from "../options.ts"
import { refusePromise } from "../state/access.ts"
import { noLimits } from "../state/config.ts"
import { record } from "../state/record.ts"
import { openKeyed, schemaOf } from "./keyed.ts"

/** Options of `takeWhile`. */
export interface TakeWhileOptions extends OperatorOptions {
  /** Does the value that ends it pass, too? Default false. */
  readonly inclusive?: boolean
}

const setting = { limits: noLimits, value: record({ over: "bool" }) }
const options = { ...operatorOptions, inclusive: flag }

export function takeWhileNode(
  input: Node,
  given: unknown,
  settings?: TakeWhileOptions,
): OperatorNode {
  const wants = callable<(value: unknown) => unknown>()(given, "takeWhile")
  const { uid, inclusive = false } = checkOptions(settings, options, "takeWhile")
  return {
    kind: "takeWhile",
    inputs: [input],
    uid,
    schema: schemaOf("takeWhile", setting),
    open(site) {
      let over = false
      const runner = openKeyed(
        site,
        () => null,
        setting,
        (access) => (value, index, out) => {
          const state = access.get() as { over: boolean }
          over = state.over
          if (over) return
          const wanted = wants(value)
          refusePromise(wanted)
          if (!wanted) over = state.over = true
          if (!over || inclusive) out.add(value, index)
        },
      )
      return {
        ...runner,
        get done() {
          return over
        },
      }
    },
  }
}
