/**
 * throttle: of the events of a key only so many pass in so much time; whole in C.
 */
import { durationMsMax } from "../duration.ts"
import type { Duration } from "../duration.ts"
import type { Operator, ThrottleAlgorithm } from "../engine/operator.ts"
import { layouts, limits, passes } from "../engine/abi.ts"
import { recordAt } from "../engine/scan.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { nodeOptions, operatorOptions, withTag } from "../graph.ts"
import { checkOptions, duration, integer, oneOf } from "../options.ts"
import { noLimits, refuseOwnTime, limitsOfOwnTtl, withTtl } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { tagOption } from "../tag.ts"
import type { Tag } from "../tag.ts"
import { judgedErrors, JudgeRunner, queueNode } from "./delay.ts"
import { checkEvictedTo } from "./evictions.ts"
import type { EvictedKey } from "./evictions.ts"
import { PassingRunner } from "./passing.ts"

/** Options for {@link KeyedStream.throttle}. */
export interface ThrottleOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, T> {
  /** How many events pass per `per`; at least 1. With "sliding" at most 65,535. */
  readonly limit: number
  /**
   * The time in which `limit` events pass: of the stream's time, event or processing time. An
   * event behind the watermark is judged at the watermark.
   */
  readonly per: Duration
  /**
   * - `"sliding"`, the default: an event at t passes if fewer than `limit` passed in (t - per, t]
   * - `"fixed"`: if fewer than `limit` passed in its window, windows being aligned to 1970
   * - `"tokenBucket"`: if there is a token; `burst` at first, and `limit` more per `per`
   * - `"gcra"`: if it comes `per` / `limit` after the last, or one of `burst` - 1 before that
   */
  readonly algorithm?: ThrottleAlgorithm
  /** How many may pass at once. Default: `limit` for "tokenBucket", 1 for "gcra". */
  readonly burst?: number
  /**
   * What becomes of an event that does not pass: `"drop"`, the default, counts it as what came in
   * and did not go out; `"route"` sends it to `overflowTo`; `"delay"` lets it go on later, as soon
   * as it may, while other keys go on: in processing time only. At the end of the source those that
   * wait are waited for.
   */
  readonly overflow?: "drop" | "delay" | "route"
  /** How many events of a key may wait; one more is refused with `LIMIT`. Default 1,000. */
  readonly queueSize?: number
  /** Where `"route"` sends events. */
  readonly overflowTo?: Tag<T>
  /**
   * Where keys go that are forgotten to make room: of one of them more may pass than `limit`. What
   * it had passed by then is the `state`. Needs `state.onFull: "evict"`.
   */
  readonly evictedTo?: Tag<EvictedKey<K>> | Tag<EvictedKey>
  /** Limits of the keys that are remembered; how long they are follows from `per`, not `ttl`. */
  readonly state?: StateConfig
}

const options = {
  ...operatorOptions,
  limit: integer(),
  per: duration({ zero: false }),
  algorithm: oneOf("sliding", "fixed", "tokenBucket", "gcra"),
  burst: integer(),
  overflow: oneOf("drop", "delay", "route"),
  queueSize: integer(),
  overflowTo: tagOption,
  evictedTo: tagOption,
  state: limitsOfOwnTtl,
}

/** Where nothing is forgotten yet, one pass more must find room. */
const slidingLimitMax = limits.PASSES_MAX - 1

export function throttleNode(input: Node, read: KeyReader, given: object): OperatorNode {
  const checked = checkOptions(given, options, "throttle")
  const { limit, per, algorithm = "sliding", state } = checked
  if (limit === undefined) throw new MillraceError("OPTION", "throttle.limit is missing")
  if (per === undefined) throw new MillraceError("OPTION", "throttle.per is missing")
  const burst = checkBurst(algorithm, checked.burst) ?? (algorithm === "tokenBucket" ? limit : 1)
  if (algorithm === "sliding" && limit > slidingLimitMax) {
    const hint = `"fixed", "tokenBucket" and "gcra" have no such limit`
    const most = `throttle.limit of "sliding" is at most ${slidingLimitMax}`
    throw new MillraceError("OPTION", `${most}, not ${limit}; ${hint}`)
  }
  const counts = algorithm === "sliding" || algorithm === "fixed"
  // By then nothing that a key remembers makes a difference.
  const ttlMs = Math.ceil(counts ? per : (burst * per) / limit)
  if (ttlMs > durationMsMax) {
    const message = `throttle.burst of ${burst} takes longer than ${durationMsMax} ms to fill`
    throw new MillraceError("OPTION", message)
  }
  const { overflow = "drop", overflowTo, evictedTo } = checked
  if ((overflow === "route") !== (overflowTo !== undefined)) {
    const message = 'throttle.overflow "route" and throttle.overflowTo go together'
    throw new MillraceError("OPTION", message)
  }
  if (state !== undefined) refuseOwnTime(state.limits, "throttle")
  checkEvictedTo(evictedTo, state?.limits ?? noLimits, "throttle")
  const stateLimits = withTtl(state?.limits ?? noLimits, ttlMs)
  const delays = overflow === "delay"
  if (!delays && checked.queueSize !== undefined) {
    throw new MillraceError("OPTION", 'throttle.queueSize needs throttle.overflow "delay"')
  }
  const queueMax = delays ? (checked.queueSize ?? 1000) : undefined
  const throttle = { algorithm, limit, perMs: per, burst, queueMax }
  const keepEvicted = evictedTo !== undefined
  const spec = { kind: "throttle", limits: stateLimits, throttle, keepEvicted } as const
  const readRow = (operator: Operator, row: number) =>
    counts ? passesOf(operator, row) : bucketOf(operator, row, algorithm, delays)
  const node: OperatorNode = {
    kind: "throttle",
    inputs: [input],
    ...withTag(withTag(nodeOptions(checked, "throttle"), overflowTo), evictedTo),
    keyOf: read,
    schema: { kind: "throttle", fields: delays ? [algorithm, "delay"] : [algorithm], ttl: true },
    open: (site) =>
      delays
        ? new JudgeRunner(site, read, spec, readRow, evictedTo)
        : new PassingRunner(site, read, spec, readRow, { rest: overflowTo, evictedTo }),
  }
  return delays ? queueNode({ ...node, onError: judgedErrors(node.onError) }, read) : node
}

function checkBurst(algorithm: ThrottleAlgorithm, burst: number | undefined): number | undefined {
  if (burst === undefined || algorithm === "tokenBucket" || algorithm === "gcra") return burst
  throw new MillraceError("OPTION", `throttle.burst has no meaning for "${algorithm}"`)
}

/** The times at which events passed that still count, with how many did, as C keeps them. */
function passesOf(operator: Operator, row: number): readonly { time: number; count: number }[] {
  const { views } = operator.engine
  const { at, bytes } = layouts.pass
  const number = (field: number) => views.f64[cellOf(operator, row, field) >>> 3] as number
  const [first, size] = [number(passes.PASSES_FIRST), number(passes.PASSES_SIZE)]
  const blob = views.word(cellOf(operator, row, passes.PASSES_LIST))
  const list = new DataView(views.buffer)
  let through = number(passes.PASSES_FORGOTTEN)
  return Array.from({ length: size }, (_, i) => {
    const entry = blob + 4 + (first + i) * bytes // Behind the blob's size.
    const count = list.getFloat64(entry + at.through, true) - through
    through += count
    return { time: list.getFloat64(entry + at.time_ms, true), count }
  })
}

/** The address of a field of a row's record. */
function cellOf(operator: Operator, row: number, field: number): number {
  return recordAt(operator, row) + (operator.layout.fieldAt[field] as number)
}

function bucketOf(
  operator: Operator,
  row: number,
  algorithm: ThrottleAlgorithm,
  delays: boolean,
): unknown {
  const number = (field: number) => operator.engine.views.f64[cellOf(operator, row, field) >>> 3]
  const level = number(delays ? passes.PASSES_LEVEL : 0)
  if (algorithm === "gcra") return { nextTime: level }
  return { tokens: level, time: number(delays ? passes.PASSES_LAST : 1) }
}
