/**
 * deduplicate: the first event of a key passes, as the same object; whole in C.
 */
import type { Duration } from "../duration.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { checkOptions, duration, flag } from "../options.ts"
import type { Check } from "../options.ts"
import { later, noLimits, stateOption, withTtl } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { openPassing } from "./passing.ts"

/** Options for {@link KeyedStream.deduplicate}. */
export interface DeduplicateOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, T> {
  /**
   * How long a key is remembered after the event that passed; at exactly this age it passes
   * again. Default: the state's ttl, or for ever.
   */
  readonly ttl?: Duration
  /** Which event of a key passes. Only "first" in this version. */
  readonly keep?: "first"
  /** Restart the ttl at every duplicate: the key passes again after a pause. Default false. */
  readonly refresh?: boolean
  /** Limits of the keys that are remembered. */
  readonly state?: StateConfig
}

const only =
  <const Value>(value: Value): Check<Value> =>
  (given, name) =>
    given === value ? value : later(given, name)

const options = {
  ...operatorOptions,
  ttl: duration({ zero: false }),
  keep: only("first"),
  refresh: flag,
  state: stateOption,
}

export function deduplicateNode(input: Node, read: KeyReader, settings?: object): OperatorNode {
  if ((settings as DeduplicateOptions | undefined)?.ttl === 0)
    throw new MillraceError("STATE_CONFIG", "TTL cannot be zero")
  const checked = checkOptions(settings, options, "deduplicate")
  const { ttl, refresh, state } = checked
  const given = state?.limits ?? noLimits
  const limits = ttl === undefined ? given : withTtl(given, ttl)
  const spec = { kind: "deduplicate", limits, refresh: refresh ?? false } as const
  return {
    kind: "deduplicate",
    inputs: [input],
    ...nodeOptions(checked, "deduplicate"),
    keyOf: read,
    schema: { kind: "deduplicate", fields: [], ttl: limits.ttlMs > 0 },
    open: (site) => openPassing(site, read, spec, () => true),
  }
}
