/**
 * Where patterns begin: `pattern("start", …)`, a group, or a list of steps as plain data.
 */
import type { Duration } from "../duration.ts"
import { MillraceError, typeName } from "../errors.ts"
import { anything, checkOptions } from "../options.ts"
import type { ConditionOf } from "./condition.ts"
import { beginning } from "./pattern.ts"
import type { Pattern, PatternFor, Span } from "./pattern.ts"

/** How often a step of a list is, and what may be between. */
export interface StepOptions<T> {
  /** Which events it takes. Default: any. */
  readonly where?: ConditionOf<T>
  /** So many times, or at least and at most. Default: once. */
  readonly times?: number | readonly [least: number, most: number]
  /** So many times or more. */
  readonly timesOrMore?: number
  /** Once or more. */
  readonly oneOrMore?: boolean
  readonly optional?: boolean
  readonly greedy?: boolean
  readonly consecutive?: boolean
  readonly allowCombinations?: boolean
  /** Takes no more from the first event for which this holds. */
  readonly until?: ConditionOf<T>
  /** How long after the event before at most, as `within(…, "previous-current")`. */
  readonly within?: Duration
}

/** A step of a list: how it follows, its name or steps, and how often it is. */
export type ListedStep<T, N extends string = string> = StepOptions<T> &
  (
    | { readonly start: N | readonly ListedStep<T, N>[] }
    | { readonly next: N | readonly ListedStep<T, N>[] }
    | { readonly followedBy: N | readonly ListedStep<T, N>[] }
    | { readonly followedByAny: N | readonly ListedStep<T, N>[] }
    | { readonly notNext: string }
    | { readonly notFollowedBy: string }
  )

/**
 * A sequence of events, from its first step on: the name of the step, and which events it takes.
 *
 * @example
 * ```ts
 * const brute = pattern("fail", where("kind", "==", "fail"))
 *   .timesOrMore(3)
 *   .consecutive()
 *   .next("success", where("kind", "==", "ok"))
 *   .within("10m")
 * ```
 * @throws {MillraceError} `OPTION` for what cannot be a step, naming it.
 */
export function pattern<const N extends string, T = unknown>(
  name: N,
  condition?: ConditionOf<T, N>,
): Pattern<T, N>
/** A group of steps as the first step: what is said behind it holds for all of them together. */
export function pattern<T, N extends string>(group: PatternFor<T, N>): Pattern<T, N>
/**
 * The same as a list of steps, each plain data.
 *
 * @example
 * ```ts
 * const brute = pattern(
 *   [
 *     { start: "fail", where: where("kind", "==", "fail"), timesOrMore: 3, consecutive: true },
 *     { next: "success", where: where("kind", "==", "ok") },
 *   ],
 *   { within: "10m" },
 * )
 * ```
 */
export function pattern<T, const N extends string>(
  steps: readonly ListedStep<T, N>[],
  options?: { readonly within?: Duration },
): Pattern<T, N>
export function pattern(what: unknown, more?: unknown): never {
  if (!Array.isArray(what)) return beginning(what, more) as never
  const { within } = checkOptions(more, { within: anything }, "pattern")
  const made = listed(what)
  return (within === undefined ? made : made.within(within as Duration)) as never
}

type Made = Pattern<never, string>

const follows = ["next", "followedBy", "followedByAny", "notNext", "notFollowedBy"] as const

const stepOptions = {
  where: anything,
  times: anything,
  timesOrMore: anything,
  oneOrMore: anything,
  optional: anything,
  greedy: anything,
  consecutive: anything,
  allowCombinations: anything,
  until: anything,
  within: anything,
}

function listed(steps: readonly unknown[]): Made {
  let made: Made | undefined
  for (const step of steps) made = add(made, step)
  if (made !== undefined) return made
  throw new MillraceError("OPTION", "pattern: a list needs a step")
}

/** Any step; methods check what they are given. */
type Methods = Readonly<Record<string, (...given: unknown[]) => Made>>

function add(before: Made | undefined, step: unknown): Made {
  const how = before === undefined ? (["start"] as const) : follows
  const isStep = typeof step === "object" && step !== null
  const found = isStep ? how.filter((word) => Object.hasOwn(step, word)) : []
  const [word] = found
  if (word === undefined || found.length > 1) {
    const wanted = `{ ${how.join(": … } or { ")}: … }`
    throw new MillraceError("OPTION", `pattern: a step is ${wanted}, not ${typeName(step)}`)
  }
  const { [word]: name, ...rest } = step as Readonly<Record<string, unknown>>
  const where = `pattern: step ${typeof name === "string" ? JSON.stringify(name) : "of a group"}`
  const given = checkOptions(rest, stepOptions, where)
  const what = Array.isArray(name) ? listed(name) : name
  const made =
    before === undefined
      ? beginning(what, given.where)
      : ((before as unknown as Methods)[word] as Methods[string]).call(before, what, given.where)
  return repeated(made, given)
}

function repeated(
  made: Made,
  given: { readonly [Name in keyof typeof stepOptions]?: unknown },
): Made {
  let result = made as unknown as Methods
  const call = (method: string, ...args: unknown[]) => {
    const made = (result[method] as Methods[string]).call(result, ...args)
    result = made as unknown as Methods
  }
  const { times, timesOrMore, until, within } = given
  if (times !== undefined) call("times", ...(Array.isArray(times) ? (times as unknown[]) : [times]))
  if (timesOrMore !== undefined) call("timesOrMore", timesOrMore)
  for (const word of [
    "oneOrMore",
    "optional",
    "consecutive",
    "allowCombinations",
    "greedy",
  ] as const) {
    if (given[word] === true) call(word)
  }
  if (until !== undefined) call("until", until)
  if (within !== undefined) call("within", within, "previous-current" satisfies Span)
  return result as unknown as Made
}
