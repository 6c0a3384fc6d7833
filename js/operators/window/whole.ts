/**
 * `aggregate` of windows that C can do whole: which can be, and what C is told of them.
 */
import type { OperatorSpec } from "../../engine/operator.ts"
import { MillraceError } from "../../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../../graph.ts"
import { nodeOptions, operatorOptions, withTag } from "../../graph.ts"
import { checkOptions } from "../../options.ts"
import { limitsOption, noLimits, refuseOwnTime } from "../../state/config.ts"
import type { StateConfig } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { AnyTag } from "../../tag.ts"
import { Aggregate, checkAggregates, fieldsOf, layOut } from "../aggregates.ts"
import { WindowAggregateRunner, counts } from "./aggregate.ts"

/** An assigner, as far as it matters here. */
export type WholeAssigner =
  | { readonly kind: "tumbling"; readonly sizeMs: number; readonly offsetMs: number }
  | {
      readonly kind: "sliding"
      readonly sizeMs: number
      readonly slideMs: number
      readonly offsetMs: number
    }
  | {
      readonly kind: "sessions"
      readonly gapMs: number | undefined
      readonly boundary: "inclusive" | "exclusive"
    }
  | {
      readonly kind: "count"
      readonly size: number
      readonly slide: number
      readonly emitPartial: boolean
    }
  | { readonly kind: "slidingCount"; readonly size: number; readonly slide: number }
  | { readonly kind: "slidingEach" | "global" | "custom" }

/** Windows as they were asked for, checked. */
export interface WholeSpec {
  readonly assigner: WholeAssigner
  readonly options: {
    readonly allowedLateness?: number | undefined
    readonly lateTo?: AnyTag | undefined
    readonly emit?: "final" | "updates" | undefined
    readonly trigger?: unknown
    readonly evictor?: unknown
    readonly mode?: "accumulate" | "discard" | undefined
  }
}

/** Options of `aggregate` of a window. */
export interface WindowAggregateOptions<T = unknown, K = unknown> extends OperatorOptions<
  T,
  K,
  unknown
> {
  /** Limits of the keys that have open windows; nothing expires, as windows close by themselves. */
  readonly state?: StateConfig
}

const table = { ...operatorOptions, state: limitsOption }

/**
 * The node, if C can do it whole: aggregates of numbers, over windows of time or of a number of
 * events, emitted when they end. Undefined: the general way is for it.
 */
export function wholeAggregateNode(
  input: Node,
  read: KeyReader,
  { assigner, options }: WholeSpec,
  given: Readonly<Record<string, unknown>>,
  settings: object | undefined,
): OperatorNode | undefined {
  const { trigger, evictor, mode, lateTo, emit, allowedLateness = 0 } = options
  if (trigger !== undefined || evictor !== undefined || mode === "discard") return undefined
  if (!Object.values(given).every((spec) => spec instanceof Aggregate)) return undefined
  const asked = windowOf(assigner)
  if (asked === undefined) return undefined
  if (counts(asked) && emit !== undefined) return undefined
  const checked = checkOptions(settings, table, "aggregate")
  const specs = checkAggregates(given, "aggregate")
  const limits = limitsOf(checked.state?.limits ?? noLimits)
  const window = { ...asked, emit, lateMs: allowedLateness }
  const revised = emit === "updates" || (allowedLateness > 0 && emit !== "final")
  const { assigner: how, size, slide, offsetMs, exclusive } = window
  const fields = [`${how}(${size}, ${slide}, ${offsetMs}, ${String(exclusive)})`, String(revised)]
  return {
    kind: "window",
    inputs: [input],
    ...withTag(nodeOptions(checked, "aggregate"), lateTo),
    keyOf: read,
    schema: { kind: "window", fields: [...fields, ...fieldsOf(specs)], ttl: false },
    open: (site) => {
      const { aggregates, columns } = layOut(specs)
      const whole = { window, specs, aggregates, columns, lateTo, revised, limits }
      return new WindowAggregateRunner(site, read, whole)
    },
  }
}

type Window = Omit<NonNullable<OperatorSpec["window"]>, "emit" | "lateMs">

/** What C is told of an assigner; undefined: it does not know it. */
function windowOf(assigner: WholeAssigner): Window | undefined {
  const plain = { offsetMs: 0, exclusive: false, partial: false }
  switch (assigner.kind) {
    case "tumbling": {
      const { sizeMs, offsetMs } = assigner
      return { ...plain, assigner: "aligned", size: sizeMs, slide: sizeMs, offsetMs }
    }
    case "sliding": {
      const { sizeMs, slideMs, offsetMs } = assigner
      return { ...plain, assigner: "aligned", size: sizeMs, slide: slideMs, offsetMs }
    }
    case "sessions": {
      const { gapMs, boundary } = assigner
      if (gapMs === undefined) return undefined
      return {
        ...plain,
        assigner: "sessions",
        size: gapMs,
        slide: 0,
        exclusive: boundary === "exclusive",
      }
    }
    case "count": {
      const { size, slide, emitPartial } = assigner
      return { ...plain, assigner: "counted", size, slide, partial: emitPartial }
    }
    case "slidingCount": {
      const { size, slide } = assigner
      return { ...plain, assigner: "countedEach", size, slide }
    }
    default:
      return undefined
  }
}

/** The limits of keys with open windows. Throws `STATE_CONFIG` for what would lose events. */
function limitsOf(limits: typeof noLimits): typeof noLimits {
  if (limits.ttlMs > 0) {
    const message = "aggregate.state has no ttl: a window goes when it closes"
    throw new MillraceError("STATE_CONFIG", message)
  }
  if (limits.evict) {
    const message = 'aggregate.state.onFull "evict" would lose what is in windows'
    throw new MillraceError("STATE_CONFIG", message)
  }
  refuseOwnTime(limits, "aggregate")
  return limits
}
