/**
 * Windows: what is made of the events of a key that belong together, when their window says so.
 */
import { MillraceError } from "../../errors.ts"
import type { Node, OperatorNode, OperatorOptions, Site } from "../../graph.ts"
import { nodeOptions, operatorOptions, withTag } from "../../graph.ts"
import { callable, checkOptions } from "../../options.ts"
import type { Check } from "../../options.ts"
import type { StateLimits } from "../../engine/operator.ts"
import { noLimits, stateOption } from "../../state/config.ts"
import type { StateConfig, StateSetting } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import { tagOption } from "../../tag.ts"
import type { AnyTag } from "../../tag.ts"
import { onWatermark } from "../../windows/trigger.ts"
import { checkAnyAggregates, fieldsOf } from "../aggregates.ts"
import { isAggregate } from "../picks.ts"
import type { AnySpec } from "../picks.ts"
import type { Reducer } from "./contents.ts"
import { ProcessEmitter, ReduceEmitter } from "./emitters.ts"
import type { WindowFunction } from "./emitters.ts"
import { FoldEmitter } from "./folds.ts"
import { placingOf } from "./placing.ts"
import type { Emitter, WindowPlan } from "./plan.ts"
import { WindowRunner } from "./run.ts"
import { isRevised, limitsOf, resultTable } from "./spec.ts"
import type { WindowSpec } from "./spec.ts"
import { wholeAggregateNode } from "./whole.ts"

/** Options of `process` of a window. */
export interface WindowProcessOptions<
  T = unknown,
  K = unknown,
  O = unknown,
> extends OperatorOptions<T, K, O> {
  /** The state that the function is given: its default, limits and ttl. */
  readonly state?: StateConfig
  /** The side outputs that the function sends to. */
  readonly outputs?: readonly AnyTag[]
}

/** Where windows get their emitters; `keeps`: events have to be kept; `ordered`: in order. */
type OpenEmitter = (site: Site, keeps: boolean, ordered: boolean) => Emitter

/** What the runner is told of windows; `what` says in saved state what they keep. */
export function planOf(
  { assigner, options }: WindowSpec,
  limits: StateLimits,
  what: string,
  open: OpenEmitter,
): WindowPlan {
  const placing = placingOf(assigner)
  const { counting, shares, merges } = placing
  const { emit, evictor, trigger, mode, lateTo, allowedLateness = 0 } = options
  const keeps = evictor !== undefined || counting?.keeps === true || shares !== undefined
  return {
    placing,
    trigger: trigger ?? (counting === undefined ? onWatermark() : undefined),
    evictor,
    latenessMs: allowedLateness,
    lateTo,
    updates: emit === "updates",
    final: emit === "final",
    discards: mode === "discard",
    limits,
    schema: { kind: "window", fields: [assigner.kind, what], ttl: false },
    openEmitter: (site) => open(site, keeps, merges === true || counting !== undefined),
  }
}

function nodeOf(
  input: Node,
  read: KeyReader,
  plan: WindowPlan,
  options: Pick<OperatorNode, "uid" | "onError" | "tags" | "storage">,
): OperatorNode {
  return {
    kind: "window",
    inputs: [input],
    ...withTag(options, plan.lateTo),
    keyOf: read,
    open: (site) => new WindowRunner(site, [read], plan),
  }
}

export const outputsOption: Check<readonly AnyTag[]> = (given, name) => {
  if (Array.isArray(given)) return given.map((tag, i) => tagOption(tag, `${name}[${i}]`))
  throw new MillraceError("OPTION", `${name} must be a list of tags`)
}

const processTable = { ...operatorOptions, state: stateOption, outputs: outputsOption }

/** `process(f)`: what the function makes of all events of a window. */
export function windowProcessNode(
  input: Node,
  read: KeyReader,
  spec: WindowSpec,
  given: unknown,
  settings: object | undefined,
): OperatorNode {
  const fn = callable<WindowFunction>()(given, "process")
  const checked = checkOptions(settings, processTable, "process")
  const { outputs = [] } = checked
  const state: StateSetting = checked.state ?? { limits: noLimits, value: undefined }
  const plan = planOf(spec, noLimits, "events", (site, _, ordered) => {
    return new ProcessEmitter(site, fn, state, outputs, ordered)
  })
  const options = outputs.reduce(withTag, nodeOptions(checked, "process"))
  return nodeOf(input, read, plan, options)
}

/** `reduce(f)`: the events of a window as one. */
export function windowReduceNode(
  input: Node,
  read: KeyReader,
  spec: WindowSpec,
  given: unknown,
  settings: object | undefined,
): OperatorNode {
  const fn = callable<Reducer>()(given, "reduce")
  const checked = checkOptions(settings, resultTable, "reduce")
  const limits = limitsOf(checked.state, "reduce")
  const plan = planOf(spec, limits, "reduced", (_, keeps, ordered) => {
    return new ReduceEmitter(fn, keeps, ordered)
  })
  return nodeOf(input, read, plan, nodeOptions(checked, "reduce"))
}

/** `aggregate({…})`: whole in C where C knows the windows, else step by step. */
export function windowAggregateNode(
  input: Node,
  read: KeyReader,
  spec: WindowSpec,
  given: Readonly<Record<string, unknown>>,
  settings: object | undefined,
): OperatorNode {
  if (isRevised(spec) && Object.hasOwn(given, "revision")) {
    throw new MillraceError("OPTION", "aggregate: revision is a reserved column of such windows")
  }
  const whole = wholeAggregateNode(input, read, spec, given, settings)
  return whole ?? foldNode(input, read, spec, given, settings)
}

/** The general way of {@link windowAggregateNode}. */
export function foldNode(
  input: Node,
  read: KeyReader,
  spec: WindowSpec,
  given: Readonly<Record<string, unknown>>,
  settings: object | undefined,
): OperatorNode {
  const checked = checkOptions(settings, resultTable, "aggregate")
  const specs = checkAnyAggregates<AnySpec[1]>(given, "aggregate", isAggregate)
  const limits = limitsOf(checked.state, "aggregate")
  const plan = planOf(spec, limits, fieldsOf(specs).join(), (site, keeps, ordered) => {
    return new FoldEmitter(site, specs, isRevised(spec), keeps, ordered)
  })
  return nodeOf(input, read, plan, nodeOptions(checked, "aggregate"))
}
