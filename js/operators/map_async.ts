/**
 * mapAsync: what a function that gives promises makes of each event, several at once, with a time
 * limit and further tries.
 */
import type { Node, OperatorNode } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import { callable, checkOptions } from "../options.ts"
import type { Checked } from "../options.ts"
import { AsyncRunner } from "./async_runner.ts"
import { concurrencyOf, functionOptions } from "./function_options.ts"
import type { FunctionOptions } from "./function_options.ts"
import type { Concurrency } from "./in_flight.ts"
import { Tries, tryLimits, tryOptions } from "./tries.ts"
import type { AsyncContext, TryOptions } from "./tries.ts"

/** Options of `mapAsync`. */
export interface MapAsyncOptions<T = unknown, O = unknown>
  extends FunctionOptions<T, unknown, O>, TryOptions {
  /** How many events may be waited for at once. Default 16. */
  readonly concurrency?: number
}

/** The checks of {@link MapAsyncOptions}. */
export const asyncOptions = { ...functionOptions, ...tryOptions }

export function asyncConcurrency(checked: Checked<typeof functionOptions>): Concurrency {
  return { ...concurrencyOf(checked), limit: checked.concurrency ?? 16 }
}

type Fn = (event: unknown, context: AsyncContext) => unknown

export function mapAsyncNode(input: Node, given: unknown, settings?: object): OperatorNode {
  const fn = callable<Fn>()(given, "mapAsync")
  const checked = checkOptions(settings, asyncOptions, "mapAsync")
  const limits = tryLimits(checked, "mapAsync")
  const concurrency = asyncConcurrency(checked)
  return {
    kind: "mapAsync",
    inputs: [input],
    ...nodeOptions(checked, "mapAsync"),
    open(site) {
      const tries = new Tries(site.clock, limits)
      return new AsyncRunner(site, concurrency, tries, (values) => ({
        start: (row) => tries.run((context) => fn(values[row], context)),
        keyOf: String,
      }))
    },
  }
}
