/**
 * takeWhile: values up to the first one that the function does not want. That it has come is state
 * under the one key `null`, so a restart does not begin again.
 */
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { callable, checkOptions, flag } from "../options.ts"
import { noLimits } from "../state/config.ts"
import { record } from "../state/record.ts"
import { withDone } from "./done.ts"
import { openKeyed, schemaOf } from "./keyed.ts"

/** Options of `takeWhile`. */
export interface TakeWhileOptions<T = unknown> extends OperatorOptions<T, unknown, T> {
  /** Does the value that ends it pass, too? Default false. */
  readonly inclusive?: boolean
}

const setting = { limits: noLimits, value: record({ over: "bool" }) }
const options = { ...operatorOptions, inclusive: flag }

export function takeWhileNode(input: Node, given: unknown, settings?: object): OperatorNode {
  const wants = callable<(value: unknown) => unknown>()(given, "takeWhile")
  const checked = checkOptions(settings, options, "takeWhile")
  const { inclusive = false } = checked
  return {
    kind: "takeWhile",
    inputs: [input],
    ...nodeOptions(checked, "takeWhile"),
    schema: schemaOf("takeWhile", setting),
    open(site) {
      let over = false
      const runner = openKeyed(
        site,
        () => null,
        setting,
        (access) => ({
          call(value) {
            over = (access.get() as { over: boolean }).over
            return over || wants(value)
          },
          accept(wanted, value, index, out) {
            if (over) return
            if (!wanted) over = (access.get() as { over: boolean }).over = true
            if (!over || inclusive) out.add(value, index)
          },
        }),
      )
      return withDone(runner, () => over)
    },
  }
}
