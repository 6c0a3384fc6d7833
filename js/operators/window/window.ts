/**
 * Windows: what is made of the events of a key that belong together, when their window says so.
 */
import type { Duration } from "../../duration.ts"
import { MillraceError } from "../../errors.ts"
import type { Node, OperatorNode, OperatorOptions, Site } from "../../graph.ts"
import { nodeOptions, operatorOptions, withTag } from "../../graph.ts"
import { callable, checkOptions, duration, oneOf } from "../../options.ts"
import type { Check, Checked } from "../../options.ts"
import type { StateLimits } from "../../engine/operator.ts"
import { limitsOption, noLimits, refuseOwnTime, stateOption } from "../../state/config.ts"
import type { StateConfig, StateSetting } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import { tagOption } from "../../tag.ts"
import type { AnyTag, Tag } from "../../tag.ts"
import { assignerOf } from "../../windows/assigner.ts"
import type { Assigner } from "../../windows/assigner.ts"
import { evictorOption, onWatermark, triggerOption } from "../../windows/trigger.ts"
import type { Evictor, Trigger } from "../../windows/trigger.ts"
import { checkAnyAggregates } from "../aggregates.ts"
import { isAggregate } from "../picks.ts"
import type { AnySpec } from "../picks.ts"
import type { Reducer } from "./contents.ts"
import { ProcessEmitter, ReduceEmitter } from "./emitters.ts"
import type { WindowFunction } from "./emitters.ts"
import { FoldEmitter } from "./folds.ts"
import { placingOf } from "./placing.ts"
import type { Emitter, WindowPlan } from "./plan.ts"
import { WindowRunner } from "./run.ts"
import { wholeAggregateNode } from "./whole.ts"

/** Options of {@link KeyedStream.window}. */
export interface WindowOptions<T = unknown> {
  /**
   * How long after its end a window still takes late events; each then emits anew. State is freed
   * when the watermark has passed end + allowedLateness. Default 0: what is late is left out.
   */
  readonly allowedLateness?: Duration
  /** Where events go that came when all their windows had closed. They are counted in any case. */
  readonly lateTo?: Tag<T>
  /**
   * `"final"`: one row, when the window closes for good. `"updates"`: one for every event as well.
   * Default: at the end of the window, and again for every late event.
   */
  readonly emit?: "final" | "updates"
  /** When a window emits. Default: `onWatermark()`; count windows: when they are full. */
  readonly trigger?: Trigger<T>
  /** Which events are left when a window emits. Default: all. */
  readonly evictor?: Evictor
  /** Does what a window has emitted stay in it, or go? Default "accumulate". */
  readonly mode?: "accumulate" | "discard"
}

/** Options of `reduce` and `aggregate` of a window. */
export interface WindowResultOptions<T = unknown, K = unknown, O = unknown> extends OperatorOptions<
  T,
  K,
  O
> {
  /** Limits of the keys that have open windows; nothing expires, as windows close by themselves. */
  readonly state?: StateConfig
}

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

const windowTable = {
  allowedLateness: duration(),
  lateTo: tagOption,
  emit: oneOf("final", "updates"),
  trigger: triggerOption,
  evictor: evictorOption,
  mode: oneOf("accumulate", "discard"),
}

/** A window as `KeyedStream.window` was given it. */
export interface WindowSpec {
  readonly assigner: Assigner<never>
  readonly options: Checked<typeof windowTable>
}

/** Check what `window` is given. Throws `OPTION` at once. */
export function windowSpec(given: unknown, settings: object | undefined): WindowSpec {
  const assigner = assignerOf(given)
  const options = checkOptions(settings, windowTable, "window")
  const { kind } = assigner
  const counts = kind === "count" || kind === "slidingCount"
  const refuse = (name: keyof typeof options, why: string) => {
    if (options[name] === undefined) return
    throw new MillraceError("OPTION", `window.${name} has no meaning ${why}`)
  }
  if (counts || kind === "global") {
    refuse("allowedLateness", "where windows end by counting: no event is late")
    refuse("lateTo", "where windows end by counting: no event is late")
  }
  if (counts || kind === "slidingEach") refuse("trigger", `for ${kind}: it says when it emits`)
  if (counts || kind === "slidingEach") refuse("evictor", `for ${kind}: it says what is in it`)
  if (kind === "slidingEach" && options.mode === "discard") {
    refuse("mode", "for slidingEach: its windows share their events")
  }
  if (options.emit === "final") refuse("trigger", 'with emit "final": the end is what triggers it')
  if (kind === "sessions" && options.trigger !== undefined && !canMerge(options.trigger)) {
    throw new MillraceError("OPTION", "window.trigger needs merge(one, other) for sessions")
  }
  return { assigner, options }
}

function canMerge(trigger: Trigger<never>): boolean {
  return typeof (trigger as { readonly merge?: unknown }).merge === "function"
}

/** The limits of open windows. Throws `STATE_CONFIG` for what would be ignored, or lose events. */
function limitsOf(state: StateSetting | undefined, where: string): StateLimits {
  const limits = state?.limits ?? noLimits
  if (limits.ttlMs > 0) {
    const message = `${where}.state has no ttl: a window goes when it closes`
    throw new MillraceError("STATE_CONFIG", message)
  }
  if (limits.evict) {
    const message = `${where}.state.onFull "evict" would lose what is in windows`
    throw new MillraceError("STATE_CONFIG", message)
  }
  refuseOwnTime(limits, where)
  return limits
}

/** Where windows get their emitters; `keeps`: events have to be kept; `ordered`: in order. */
type OpenEmitter = (site: Site, keeps: boolean, ordered: boolean) => Emitter

function planOf(
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
    open: (site) => new WindowRunner(site, read, plan),
  }
}

const outputsOption: Check<readonly AnyTag[]> = (given, name) => {
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

const resultTable = { ...operatorOptions, state: limitsOption }

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
  const { emit, allowedLateness = 0 } = spec.options
  const revised = emit === "updates" || (allowedLateness > 0 && emit !== "final")
  if (revised && Object.hasOwn(given, "revision")) {
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
  const { emit, allowedLateness = 0 } = spec.options
  const revised = emit === "updates" || (allowedLateness > 0 && emit !== "final")
  const checked = checkOptions(settings, resultTable, "aggregate")
  const specs = checkAnyAggregates<AnySpec[1]>(given, "aggregate", isAggregate)
  const what = specs.map(([name, { kind, field }]) => `${name}:${kind}(${field ?? ""})`)
  const limits = limitsOf(checked.state, "aggregate")
  const plan = planOf(spec, limits, what.join(), (site, keeps, ordered) => {
    return new FoldEmitter(site, specs, revised, keeps, ordered)
  })
  return nodeOf(input, read, plan, nodeOptions(checked, "aggregate"))
}
