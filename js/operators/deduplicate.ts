/**
 * deduplicate: the first event of a key passes, as the same object; whole in C.
 */
import type { Duration } from "../duration.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { nodeOptions, operatorOptions, withTag } from "../graph.ts"
import { checkOptions, duration, flag, oneOf } from "../options.ts"
import { noLimits, refuseOwnTime, limitsOfOwnTtl, withTtl } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { tagOption } from "../tag.ts"
import type { Tag } from "../tag.ts"
import { checkEvictedTo } from "./evictions.ts"
import type { EvictedKey } from "./evictions.ts"
import { openHolding } from "./holding.ts"
import { holdLimits, lastOf } from "./latest.ts"
import { PassingRunner } from "./passing.ts"

/** Options for {@link KeyedStream.deduplicate}. */
export interface DeduplicateOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, T> {
  /**
   * How long a key is remembered after the event that passed; at exactly this age it passes
   * again. Default: the state's ttl, or for ever.
   */
  readonly ttl?: Duration
  /**
   * Which event of a key passes: the `"first"`, at once, which is the default; or the `"last"` of
   * the ttl, when that is over. Without a ttl that is at the end of the source.
   */
  readonly keep?: "first" | "last"
  /** Restart the ttl at every duplicate: the key passes again after a pause. Default false. */
  readonly refresh?: boolean
  /**
   * Where keys go that are forgotten to make room: one of them passes again, although its ttl is
   * not over. Needs `state.onFull: "evict"`.
   */
  readonly evictedTo?: Tag<EvictedKey<K>> | Tag<EvictedKey>
  /** Limits of the keys that are remembered. */
  readonly state?: StateConfig
}

const options = {
  ...operatorOptions,
  ttl: duration({ zero: false }),
  keep: oneOf("first", "last"),
  refresh: flag,
  evictedTo: tagOption,
  state: limitsOfOwnTtl,
}

export function deduplicateNode(input: Node, read: KeyReader, settings?: object): OperatorNode {
  if ((settings as DeduplicateOptions | undefined)?.ttl === 0)
    throw new MillraceError("STATE_CONFIG", "TTL cannot be zero")
  const checked = checkOptions(settings, options, "deduplicate")
  const { ttl, keep = "first", refresh = false, evictedTo, state } = checked
  const given = state?.limits ?? noLimits
  refuseOwnTime(given, "deduplicate")
  checkEvictedTo(evictedTo, given, "deduplicate")
  if (keep === "last") {
    if (evictedTo !== undefined) {
      const why = 'with keep "last" what makes room comes out'
      throw new MillraceError("OPTION", `deduplicate.evictedTo has no meaning: ${why}`)
    }
    const ttlMs = ttl ?? (given.ttlMs > 0 ? given.ttlMs : undefined)
    const limits = holdLimits(
      { limits: { ...given, ttlMs: 0, cleanupMs: 0 }, value: undefined },
      "deduplicate",
    )
    return {
      kind: "deduplicate",
      inputs: [input],
      ...nodeOptions(checked, "deduplicate"),
      keyOf: read,
      schema: { kind: "deduplicate", fields: ["ref"], ttl: false },
      open: (site) => openHolding(site, read, limits, lastOf(ttlMs, refresh)),
    }
  }
  const limits = ttl === undefined ? given : withTtl(given, ttl)
  const keepEvicted = evictedTo !== undefined
  const spec = { kind: "deduplicate", limits, refresh, keepEvicted } as const
  return {
    kind: "deduplicate",
    inputs: [input],
    ...withTag(nodeOptions(checked, "deduplicate"), evictedTo),
    keyOf: read,
    schema: { kind: "deduplicate", fields: [], ttl: limits.ttlMs > 0 },
    open: (site) => new PassingRunner(site, read, spec, () => true, { evictedTo }),
  }
}
