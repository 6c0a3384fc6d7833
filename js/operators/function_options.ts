/**
 * The options of operators whose function may give a promise.
 */
import { operatorOptions } from "../graph.ts"
import type { OperatorOptions } from "../graph.ts"
import { flag, integer } from "../options.ts"
import type { Checked } from "../options.ts"
import type { Concurrency } from "./in_flight.ts"

/** Options of a verb whose function may give a promise. */
export interface FunctionOptions<T = unknown, K = unknown, O = unknown> extends OperatorOptions<
  T,
  K,
  O
> {
  /**
   * How many events may be waited for at once; those of one key wait for each other. An event sees
   * state as it is when its function begins: what events in flight will evict is still there.
   * Default 1.
   */
  readonly concurrency?: number
  /**
   * Does what an event did take effect only when all events before it are done? If not, as soon as
   * its own promise settles: slow events then hold up no other key. Default true.
   */
  readonly ordered?: boolean
}

/** The checks of {@link FunctionOptions}. */
export const functionOptions = {
  ...operatorOptions,
  concurrency: integer({ max: 65_536 }),
  ordered: flag,
}

export function concurrencyOf(checked: Checked<typeof functionOptions>): Concurrency {
  return { limit: checked.concurrency ?? 1, ordered: checked.ordered ?? true }
}
