/**
 * pattern: what a function makes of each match of a pattern, and of the state of its key.
 *
 *   events -> partial matches, whole in C -> matches -> function, state of the key
 *
 * Two halves, each with rows of its own: events and partial matches, which go with the last match
 * that may need them, and the user's state, if it is asked for.
 */
import { MillraceError, typeName } from "../../errors.ts"
import type { Node, OperatorNode } from "../../graph.ts"
import { nodeOptions, withTag } from "../../graph.ts"
import { callable, checkOptions, integer } from "../../options.ts"
import type { Matched } from "../../patterns/condition.ts"
import { Pattern, stepNames } from "../../patterns/pattern.ts"
import type { PatternFor } from "../../patterns/pattern.ts"
import { checkEnd, programOf } from "../../patterns/program.ts"
import { noSkip, skipOption } from "../../patterns/skip.ts"
import type { Skip } from "../../patterns/skip.ts"
import type { Step } from "../../patterns/step.ts"
import type { StateAccess, UserState } from "../../state/access.ts"
import { noLimits, stateOption } from "../../state/config.ts"
import { ownKey } from "../../state/entry_keys.ts"
import type { KeyReader } from "../../state/keys.ts"
import { tagOption } from "../../tag.ts"
import type { Tag } from "../../tag.ts"
import { concurrencyOf, functionOptions } from "../function_options.ts"
import { openKeyed, schemaOf } from "../keyed.ts"
import type { StatefulOptions } from "../map.ts"
import { emitInstead, openStateless, refuseConcurrency, verbOf } from "../second_half.ts"
import { Found } from "./matches.ts"
import { patternFields, PatternRunner } from "./runner.ts"
import type { PatternPlan } from "./runner.ts"

/** A partial match whose time is over; what `timedOutTo` gets. */
export interface TimedOutMatch<T = unknown, N extends string = string, K = unknown> {
  readonly key: K
  /** What it had come to; steps that it had not: an empty list. */
  readonly match: Matched<T, N>
  /** When its time was over, ms. */
  readonly timestamp: number
}

/** What a function sees beside a match and the state. */
export interface MatchContext<K = unknown> {
  readonly key: K
  /** When the match was whole: the time of the event, or when its time was over; ms. */
  readonly timestamp: number
}

/** Options of `pattern`, of events `T` with key `K` and steps `N`. */
export interface PatternOptions<
  T = unknown,
  N extends string = string,
  K = unknown,
  O = unknown,
> extends StatefulOptions<T | Matched<T, N>, K, O> {
  /** Which other partial matches go when there is a match. Default `noSkip()`. */
  readonly afterMatch?: Skip<N>
  /** How many partial matches a key may have; more end with `LIMIT`. Default 10,000. */
  readonly maxPartialMatches?: number
  /** Where partial matches go whose time is over (`within`). Default: nowhere. */
  readonly timedOutTo?: Tag<TimedOutMatch<T, N, K>> | Tag<TimedOutMatch<T, N>> | Tag<TimedOutMatch>
  /** Where events go that are behind the watermark. Default: they are only counted. */
  readonly lateTo?: Tag<T>
}

/** Options where the function has no state: it is called at once, and gives no promise. */
export type StatelessPatternOptions<
  T = unknown,
  N extends string = string,
  K = unknown,
  O = unknown,
> = Omit<PatternOptions<T, N, K, O>, "state" | "concurrency" | "ordered">

/** What is made of a match; `S` is the state of the key, of which `get()` gives `G`. */
export type PatternFunction<T, N extends string, K, S, G, O> = (
  match: Matched<T, N>,
  state: StateAccess<S, G>,
  ctx: MatchContext<K>,
) => O | Promise<O>

type UserFunction = PatternFunction<unknown, string, unknown, unknown, unknown, unknown>

const options = {
  ...functionOptions,
  state: stateOption,
  afterMatch: skipOption,
  maxPartialMatches: integer({ max: 20_000 }),
  timedOutTo: tagOption,
  lateTo: tagOption,
}

const partialsMax = 10_000

export function patternNode(
  input: Node,
  read: KeyReader,
  ...[given, f, settings]: readonly unknown[]
): OperatorNode {
  const wanted = patternOf(given)
  const fn = callable<UserFunction>()(f, "pattern")
  const checked = checkOptions(settings, options, "pattern")
  const { uid, lateTo, timedOutTo, state: setting } = checked
  if (setting === undefined) refuseConcurrency(checked, "pattern")
  const { limits = noLimits } = setting ?? {}
  const common = nodeOptions(checked, "pattern")
  const plan = planOf(wanted, checked, read, limits)
  const matches: OperatorNode = {
    kind: "patternMatches",
    inputs: [input],
    ...withTag(withTag(common, lateTo), timedOutTo),
    uid: uid === undefined ? undefined : `${uid}.matches`,
    onError: emitInstead(common.onError),
    keyOf: read,
    schema: plan.schema,
    open: (site) => new PatternRunner(site, plan),
  }
  const readMatch: KeyReader = (found) => (found instanceof Found ? read(found.first) : [])
  const half = { kind: "pattern", inputs: [matches], ...common, keyOf: readMatch, partOf: matches }
  const call = (found: unknown, state?: UserState) => {
    return fn((found as Found).match, state as UserState, new Context(found as Found, read))
  }
  if (setting === undefined) return { ...half, open: (site) => openStateless(site, call) }
  return {
    ...half,
    schema: schemaOf("pattern", setting),
    open: (site) => openKeyed(site, readMatch, setting, verbOf(call), concurrencyOf(checked)),
  }
}

function patternOf(given: unknown): PatternFor<never, string> {
  if (!(given instanceof Pattern)) {
    const message = `pattern needs a pattern: pattern("start", …), not ${typeName(given)}`
    throw new MillraceError("OPTION", message)
  }
  const made = given as PatternFor<never, string>
  checkEnd(made.steps, made.withinMs < Infinity)
  return made
}

function planOf(
  { steps, withinMs }: PatternFor<never, string>,
  given: ReturnType<typeof checkOptions<typeof options>>,
  read: KeyReader,
  { rowsMax, bytesMax, evict }: typeof noLimits,
): PatternPlan {
  const { afterMatch: skip = noSkip(), timedOutTo, lateTo } = given
  const names = stepNames({ steps })
  if (skip.step !== undefined && !names.includes(skip.step)) {
    const message = `there is no step ${JSON.stringify(skip.step)}; it has ${names.join(", ")}`
    throw new MillraceError("OPTION", `pattern.afterMatch: ${message}`)
  }
  const settings = {
    withinMs,
    partialsMax: given.maxPartialMatches ?? partialsMax,
    skip,
    timeouts: timedOutTo !== undefined,
  }
  const fields = [...patternFields, steps.map(shapeOf).join(" ")]
  // What makes room for others would take partial matches with it: only what is the user's goes.
  const limits = evict ? noLimits : { ...noLimits, rowsMax, bytesMax }
  return {
    program: programOf(steps, names),
    settings,
    read,
    schema: { kind: "patternMatches", fields, ttl: false },
    limits,
    lateTo,
    timedOutTo,
  }
}

/** What a pattern must still be for partial matches that were saved to go on. */
function shapeOf(step: Step): string {
  const { name, contiguity, group, times, optional, greedy, inner, until } = step
  const what = group === undefined ? JSON.stringify(name) : `(${group.map(shapeOf).join(" ")})`
  const often = times === undefined ? "" : `{${times.least},${times.most} ${inner}}`
  const flags = `${optional ? "?" : ""}${greedy ? "!" : ""}${until === undefined ? "" : "|"}`
  return `${contiguity} ${what}${often}${flags}`
}

/** What the function is given beside the match; a class so that the key is read if it is asked. */
class Context implements MatchContext {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Context(Found.lasting, () => undefined)
  readonly timestamp: number
  readonly #found: Found
  readonly #read: KeyReader

  constructor(found: Found, read: KeyReader) {
    this.timestamp = found.timeMs
    this.#found = found
    this.#read = read
  }

  get key(): unknown {
    return ownKey(this.#read(this.#found.first))
  }
}
