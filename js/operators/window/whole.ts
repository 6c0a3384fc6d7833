/**
 * `aggregate` of windows that C can do whole: which can be, and what C is told of them.
 */
import type { OperatorSpec } from "../../engine/operator.ts"
import type { Node, OperatorNode } from "../../graph.ts"
import { nodeOptions, withTag } from "../../graph.ts"
import { checkOptions } from "../../options.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { Assigner } from "../../windows/assigner.ts"
import { numbersOf } from "../aggregate_values.ts"
import { checkAnyAggregates, fieldsOf, layOut } from "../aggregates.ts"
import { isAggregate, isPick } from "../picks.ts"
import type { AnySpec } from "../picks.ts"
import { ofRead } from "../read_events.ts"
import { counts, WindowAggregateRunner } from "./aggregate.ts"
import type { WholeWindows } from "./aggregate.ts"
import { SlicedRunner } from "./sliced.ts"
import { isRevised, limitsOf, resultTable } from "./spec.ts"
import type { WindowSpec } from "./spec.ts"

/**
 * The node, if C can do it whole: aggregates of numbers, over windows of time or of a number of
 * events, emitted when they end. Undefined: the general way is for it.
 */
export function wholeAggregateNode(
  input: Node,
  read: KeyReader,
  spec: WindowSpec,
  given: Readonly<Record<string, unknown>>,
  settings: object | undefined,
): OperatorNode | undefined {
  const { trigger, evictor, mode, lateTo, emit, allowedLateness = 0 } = spec.options
  if (trigger !== undefined || evictor !== undefined || mode === "discard") return undefined
  const asked = windowOf(spec.assigner)
  if (asked === undefined) return undefined
  if (counts(asked) && emit !== undefined) return undefined
  const checked = checkOptions(settings, resultTable, "aggregate")
  const specs = checkAnyAggregates<AnySpec[1]>(given, "aggregate", isAggregate)
  const limits = limitsOf(checked.state, "aggregate")
  const window = { ...asked, emit, lateMs: allowedLateness }
  const hasPicks = specs.some(isPick)
  if (hasPicks && (!sharesSlices(window) || limits.bytesMax > 0)) return undefined
  const numbers = numbersOf(specs)
  const revised = isRevised(spec)
  const { assigner: how, size, slide, offsetMs, exclusive } = window
  const fields = [`${how}(${size}, ${slide}, ${offsetMs}, ${String(exclusive)})`, String(revised)]
  const schema = { kind: "window", fields: [...fields, ...fieldsOf(numbers)], ttl: false }
  const { aggregates, columns } = layOut(numbers)
  const whole = { window, specs: numbers, aggregates, columns, lateTo, revised, limits }
  const common = {
    kind: "window",
    inputs: [input],
    ...withTag(nodeOptions(checked, "aggregate"), lateTo),
    keyOf: read,
  }
  if (!hasPicks) {
    return { ...common, schema, open: (site) => new WindowAggregateRunner(site, read, whole) }
  }
  const ofEvents = columns.map(({ path, read: field }) => ({ path, read: ofRead(field) }))
  const sliced = { specs, numbers: { ...whole, columns: ofEvents }, schema }
  return { ...common, open: (site) => new SlicedRunner(site, read, sliced) }
}

/** Are these windows of time, of which an event fires few at once? */
function sharesSlices({ assigner, emit, size, slide }: WholeWindows["window"]): boolean {
  return assigner === "aligned" && (size === slide || emit !== "updates")
}

type Window = Omit<NonNullable<OperatorSpec["window"]>, "emit" | "lateMs">

/** What C is told of an assigner; undefined: it does not know it. */
function windowOf(assigner: Assigner<never>): Window | undefined {
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
