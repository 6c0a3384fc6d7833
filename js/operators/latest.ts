/**
 * The last event of a key in a stretch of time: debounce, sample, and deduplicate that keeps the
 * last. They differ in when the stretch ends.
 */
import { durationMs } from "../duration.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { checkOptions } from "../options.ts"
import { noLimits, refuseOwnTime, limitsOption } from "../state/config.ts"
import type { StateConfig, StateSetting } from "../state/config.ts"
import type { StateLimits } from "../engine/operator.ts"
import type { KeyReader } from "../state/keys.ts"
import { openHolding, takeAll } from "./holding.ts"
import type { Holding } from "./holding.ts"

/** Options of `debounce`, `sample` and `buffer`. */
export interface HoldOptions<T = unknown, K = unknown, O = T> extends OperatorOptions<T, K, O> {
  /**
   * Limits of the keys of which something is held; they have no ttl of their own. What has to make
   * room comes out at once.
   */
  readonly state?: StateConfig
}

export const holdOptions = { ...operatorOptions, state: limitsOption }

/** The limits of what is held: it goes by its own time. Throws `STATE_CONFIG`. */
export function holdLimits(state: StateSetting | undefined, where: string): StateLimits {
  const limits = state?.limits ?? noLimits
  if (limits.ttlMs > 0) {
    const message = `${where}.state has no ttl: what is held goes when its time has come`
    throw new MillraceError("STATE_CONFIG", message)
  }
  if (limits.onEvict !== undefined) {
    const message = `${where}.state.onEvict has no meaning: what makes room comes out`
    throw new MillraceError("STATE_CONFIG", message)
  }
  refuseOwnTime(limits, where)
  return limits
}

/** When a stretch ends: the time at which its events go, after one more at `time`. */
type End = (time: number, due: number | undefined) => number

/** Lasts from the first event. */
const fromFirst =
  (ms: number): End =>
  (time, due) =>
    due ?? time + ms

/** Lasts until no event has come for so long. */
const fromLast =
  (ms: number): End =>
  (time, due) =>
    Math.max(due ?? -Infinity, time + ms)

/** Ends at the multiples of `ms`. */
const aligned =
  (ms: number): End =>
  (time, due) =>
    due ?? (Math.floor(time / ms) + 1) * ms

/** Hold the latest event, by its time; of two of one time the later. */
function latest(end: End): Holding {
  return {
    waited: false,
    add(held, value, time) {
      const due = end(time, held?.due)
      if (held === undefined || held.values.length === 0) return { values: [value], time, due }
      if (time >= held.time) held.values[0] = value
      held.time = Math.max(held.time, time)
      held.due = due
      return held
    },
    full: () => false,
    letGo: takeAll,
  }
}

/** deduplicate with `keep: "last"`; without a ttl the stretch ends with the source. */
export function lastOf(ttlMs: number | undefined, refresh: boolean): Holding {
  const ms = ttlMs ?? Infinity
  return latest(refresh ? fromLast(ms) : fromFirst(ms))
}

export function debounceNode(
  input: Node,
  read: KeyReader,
  duration: unknown,
  settings?: object,
): OperatorNode {
  return latestNode("debounce", input, read, duration, settings, fromLast)
}

export function sampleNode(
  input: Node,
  read: KeyReader,
  duration: unknown,
  settings?: object,
): OperatorNode {
  return latestNode("sample", input, read, duration, settings, aligned)
}

function latestNode(
  kind: "debounce" | "sample",
  input: Node,
  read: KeyReader,
  duration: unknown,
  settings: object | undefined,
  endOf: (ms: number) => End,
): OperatorNode {
  const checked = checkOptions(settings, holdOptions, kind)
  const ms = durationMs(duration, kind, { zero: false })
  const limits = holdLimits(checked.state, kind)
  return {
    kind,
    inputs: [input],
    ...nodeOptions(checked, kind),
    keyOf: read,
    schema: { kind, fields: ["ref"], ttl: false },
    open: (site) => openHolding(site, read, limits, latest(endOf(ms))),
  }
}
