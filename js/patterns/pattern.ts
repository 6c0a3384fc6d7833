/**
 * Patterns: which sequences of events are a match. A pattern is a frozen plain description; each
 * method gives another one. The words are those of Flink CEP, and mean the same.
 *
 *     a.next(b)            a b        at once
 *     a.followedBy(b)      a x b      others between that are no b
 *     a.followedByAny(b)   a b1 b2    any between: a b1 and a b2
 */
import { durationMs } from "../duration.ts"
import type { Duration } from "../duration.ts"
import { MillraceError, typeName } from "../errors.ts"
import { integer, oneOf } from "../options.ts"
import { checkCondition } from "./condition.ts"
import type { ConditionOf, Judged } from "./condition.ts"
import { isNot, nameOf, namesOf } from "./step.ts"
import type { Contiguity, Step } from "./step.ts"

/** What {@link Pattern.within} limits: from the first event to the last, or from event to event. */
export type Span = "first-last" | "previous-current"

const count = integer({ max: 1000 })
const span = oneOf("first-last", "previous-current")
const namesMax = 100

/** Any pattern for events `T`, with steps of the names `N`. */
export interface PatternFor<in T, out N extends string> {
  readonly steps: readonly Step[]
  readonly withinMs: number
  /** Only types; there are no values. */
  readonly accepts: (event: T) => void
  readonly names: N
}

/** A pattern over events `T`, with steps of the names `N`. Made by `pattern`. */
export class Pattern<T, N extends string> implements PatternFor<T, N> {
  readonly steps: readonly Step[]
  /** Less than that must lie between the first event and the last, ms. */
  readonly withinMs: number
  declare readonly accepts: (event: T) => void
  declare readonly names: N

  constructor(steps: readonly Step[], withinMs: number) {
    this.steps = Object.freeze(steps.map((step) => Object.freeze(step)))
    this.withinMs = withinMs
    Object.freeze(this)
  }

  // ---- steps ----

  /** The next event of the key is this one. */
  next<const M extends string>(name: M, condition?: Judged<T, N | M>): Pattern<T, N | M>
  next<const M extends string, U>(name: M, condition: ConditionOf<U, N | M>): Pattern<T & U, N | M>
  next<U, M extends string>(group: PatternFor<U, M>): Pattern<T & U, N | M>
  next(what: unknown, condition?: unknown): never {
    return this.#then("next", what, condition)
  }

  /** An event follows, now or later; events that are no such one are passed over. */
  followedBy<const M extends string>(name: M, condition?: Judged<T, N | M>): Pattern<T, N | M>
  followedBy<const M extends string, U>(
    name: M,
    condition: ConditionOf<U, N | M>,
  ): Pattern<T & U, N | M>
  followedBy<U, M extends string>(group: PatternFor<U, M>): Pattern<T & U, N | M>
  followedBy(what: unknown, condition?: unknown): never {
    return this.#then("followedBy", what, condition)
  }

  /** As {@link followedBy}, where each later such event makes a match as well. */
  followedByAny<const M extends string>(name: M, condition?: Judged<T, N | M>): Pattern<T, N | M>
  followedByAny<const M extends string, U>(
    name: M,
    condition: ConditionOf<U, N | M>,
  ): Pattern<T & U, N | M>
  followedByAny<U, M extends string>(group: PatternFor<U, M>): Pattern<T & U, N | M>
  followedByAny(what: unknown, condition?: unknown): never {
    return this.#then("followedByAny", what, condition)
  }

  /** The next event is no such one. It is not part of the match. */
  notNext(name: string, condition?: Judged<T, N>): Pattern<T, N>
  notNext<U>(name: string, condition: ConditionOf<U, N>): Pattern<T & U, N>
  notNext(name: string, condition?: unknown): never {
    return this.#then("notNext", name, condition)
  }

  /** No such event comes before the next step; as the last step, before the time is over. */
  notFollowedBy(name: string, condition?: Judged<T, N>): Pattern<T, N>
  notFollowedBy<U>(name: string, condition: ConditionOf<U, N>): Pattern<T & U, N>
  notFollowedBy(name: string, condition?: unknown): never {
    return this.#then("notFollowedBy", name, condition)
  }

  // ---- how often the last step is ----

  /** It comes so many times; with two numbers, at least and at most. */
  times(least: number, most = least): Pattern<T, N> {
    const step = this.#repeats("times")
    const where = `pattern: ${nameOf(step)}: times`
    count(most, where)
    integer({ min: 0, max: most })(least, where)
    const optional = step.optional || least === 0
    return this.#with({ times: { least: Math.max(least, 1), most }, optional })
  }

  /** It comes so many times or more. */
  timesOrMore(least: number): Pattern<T, N> {
    const step = this.#repeats("timesOrMore")
    count(least, `pattern: ${nameOf(step)}: timesOrMore`)
    return this.#with({ times: { least, most: Infinity } })
  }

  /** It comes once or more. */
  oneOrMore(): Pattern<T, N> {
    this.#repeats("oneOrMore")
    return this.#with({ times: { least: 1, most: Infinity } })
  }

  /** It may be left out. */
  optional(): Pattern<T, N> {
    const step = this.#positive("optional")
    if (step.optional) throw wrong(step, "optional twice")
    const before = this.steps.slice(0, -1).findLast((each) => !isNot(each))
    if (before?.greedy === true) throw wrong(step, "optional cannot follow a greedy step")
    return this.#with({ optional: true })
  }

  /** It takes as many events as it can, before the step behind it takes any. */
  greedy(): Pattern<T, N> {
    const step = this.#repeated("greedy")
    if (step.group !== undefined) throw wrong(step, "greedy is for steps, not for groups")
    if (step.inner === "followedByAny") throw wrong(step, "greedy and allowCombinations exclude")
    return this.#with({ greedy: true })
  }

  /** Nothing is between its events. */
  consecutive(): Pattern<T, N> {
    return this.#inside("consecutive", "next")
  }

  /** Anything may be between its events, also such as it could take: all combinations match. */
  allowCombinations(): Pattern<T, N> {
    const step = this.#repeated("allowCombinations")
    if (step.greedy) throw wrong(step, "greedy and allowCombinations exclude")
    return this.#inside("allowCombinations", "followedByAny")
  }

  /** It takes no more events from the first for which this holds; for steps without a maximum. */
  until(condition: Judged<T, N>): Pattern<T, N>
  until<U>(condition: ConditionOf<U, N>): Pattern<T & U, N>
  until(condition: unknown): never {
    const step = this.#positive("until")
    if (step.until !== undefined) throw wrong(step, "until twice")
    if (step.times?.most !== Infinity) throw wrong(step, "until needs oneOrMore or timesOrMore")
    const until = checkCondition(condition, `pattern: ${nameOf(step)}: until`)
    return this.#with({ until })
  }

  // ---- time ----

  /**
   * All events of a match lie within a time that is shorter than this. `"previous-current"`: the
   * event of the last step lies within it of the event before. Of several the shortest counts.
   */
  within(duration: Duration, of: Span = "first-last"): Pattern<T, N> {
    const ms = durationMs(duration, "pattern.within", { zero: false })
    if (span(of, "pattern.within") === "first-last") {
      return new Pattern(this.steps, Math.min(this.withinMs, ms))
    }
    const step = this.#last
    if (this.steps.length === 1 && step.times === undefined) {
      throw wrong(step, `within "previous-current" needs a step before`)
    }
    if (step.group !== undefined) throw wrong(step, `within "previous-current" is for steps`)
    return this.#with({ gapMs: Math.min(step.gapMs, ms) })
  }

  // ---- making others ----

  get #last(): Step {
    return this.steps.at(-1) as Step
  }

  #with(change: Partial<Step>): never {
    const steps = [...this.steps.slice(0, -1), { ...this.#last, ...change }]
    return new Pattern(steps, this.withinMs) as never
  }

  #then(contiguity: Contiguity, what: unknown, condition: unknown): never {
    const step = stepOf(contiguity, what, condition)
    const before = this.#last
    if (isNot(step) && before.optional) {
      throw wrong(step, `${contiguity} cannot follow an optional step: use two patterns`)
    }
    const withinMs =
      what instanceof Pattern ? Math.min(this.withinMs, what.withinMs) : this.withinMs
    return checked([...this.steps, step], withinMs) as never
  }

  #positive(method: string): Step {
    if (isNot(this.#last)) throw wrong(this.#last, `${method} is not for a step that must not be`)
    return this.#last
  }

  #repeats(method: string): Step {
    const step = this.#positive(method)
    if (step.times !== undefined) throw wrong(step, `${method}, but it says how often already`)
    return step
  }

  #repeated(method: string): Step {
    const step = this.#positive(method)
    if (step.times === undefined) throw wrong(step, `${method} needs times or oneOrMore before it`)
    return step
  }

  #inside(method: string, inner: Step["inner"]): Pattern<T, N> {
    const step = this.#repeated(method)
    if (step.inner !== "followedBy") throw wrong(step, `${method}, but it says what may be between`)
    return this.#with({ inner })
  }
}

/** The first step of a pattern, or a group as that. */
export function beginning(what: unknown, condition: unknown): Pattern<never, string> {
  const withinMs = what instanceof Pattern ? what.withinMs : Infinity
  return checked([stepOf("next", what, condition)], withinMs)
}

function checked(steps: readonly Step[], withinMs: number): Pattern<never, string> {
  const names = new Set<string>()
  for (const { name, step } of allOf(steps)) {
    if (names.has(name)) throw wrong(step, "two steps have this name")
    names.add(name)
  }
  if (names.size > namesMax) {
    throw new MillraceError("LIMIT", `a pattern has at most ${namesMax} steps`)
  }
  return new Pattern(steps, withinMs)
}

function allOf(steps: readonly Step[]): { name: string; step: Step }[] {
  return steps.flatMap((step) =>
    step.group === undefined ? [{ name: step.name as string, step }] : allOf(step.group),
  )
}

function stepOf(contiguity: Contiguity, what: unknown, condition: unknown): Step {
  const plain = {
    contiguity,
    times: undefined,
    optional: false,
    greedy: false,
    inner: "followedBy",
    until: undefined,
    gapMs: Infinity,
  } as const
  if (what instanceof Pattern) {
    const group = what.steps
    const last = group.at(-1) as Step
    if (last.contiguity === "notFollowedBy") {
      throw wrong(last, "notFollowedBy cannot be the last step of a group")
    }
    if (condition !== undefined) {
      throw new MillraceError("OPTION", `pattern: a group has its own conditions`)
    }
    return { ...plain, name: undefined, condition: undefined, group }
  }
  if (typeof what !== "string" || what === "" || what === "__proto__") {
    const message = `${contiguity} needs the name of a step, or a group, not ${typeName(what)}`
    throw new MillraceError("OPTION", `pattern: ${message}`)
  }
  const where = `pattern: step ${JSON.stringify(what)}`
  const checkedCondition = condition === undefined ? undefined : checkCondition(condition, where)
  return { ...plain, name: what, condition: checkedCondition, group: undefined }
}

function wrong(step: Step, why: string): MillraceError {
  return new MillraceError("OPTION", `pattern: ${nameOf(step)}: ${why}`)
}

/** The names of a pattern's steps that take events. */
export function stepNames({ steps }: Pick<PatternFor<never, string>, "steps">): string[] {
  return namesOf(steps)
}
