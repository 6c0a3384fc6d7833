/**
 * Patterns as plain code: all ways to take events are tried, each judged by what the contiguity of
 * a step says of the events between. There is no automaton; nothing goes on from event to event.
 */
import { pattern, where } from "../js/index.ts"
import type { Condition, Matched, Pattern } from "../js/index.ts"

export interface Hit {
  readonly key: string
  readonly kind: string
  readonly at: number
  readonly id: number
}

/** A step, as the reference reads it. */
export interface Spec {
  readonly name: string
  readonly how: "next" | "followedBy" | "followedByAny" | "notNext" | "notFollowedBy"
  /** The kinds of events that it takes. */
  readonly kinds: string
  readonly least: number
  readonly most: number
  readonly optional: boolean
  readonly greedy: boolean
  readonly inner: "next" | "followedBy" | "followedByAny"
  /** Kinds that end it. */
  readonly until: string
  readonly gap: number
  /** It begins a time of a group that need not be: then this one, or the end, may come next. */
  readonly behind?: number
}

export interface Wanted {
  readonly steps: readonly Spec[]
  readonly within: number
  /** Are the conditions functions that see what was matched? What they say is the same. */
  readonly asks?: boolean
}

export type AnyPattern = Pattern<Hit, string>

type Is = Condition<Hit> | ((hit: Hit, match: Matched<Hit>) => boolean)

/** The same as a pattern of ours. */
export function built({ steps, within, asks = false }: Wanted): AnyPattern {
  let made: AnyPattern | undefined
  const isOf = (kinds: string): Is =>
    asks ? (hit, match) => has(kinds, hit) && match !== undefined : where("kind", "in", [...kinds])
  for (const { name, how, kinds, least, most, optional, greedy, inner, until, gap } of steps) {
    const is = isOf(kinds)
    if (how === "notNext" || how === "notFollowedBy") {
      made = (made as AnyPattern)[how](name, is)
    } else {
      made = made === undefined ? pattern(name, is) : made[how](name, is)
      if (most === Infinity) made = least === 1 ? made.oneOrMore() : made.timesOrMore(least)
      else if (most > 1) made = made.times(least, most)
      if (most > 1 && inner === "next") made = made.consecutive()
      if (most > 1 && inner === "followedByAny") made = made.allowCombinations()
      if (optional) made = made.optional()
      if (greedy) made = made.greedy()
      if (until !== "") made = made.until(isOf(until))
    }
    if (gap < Infinity) made = made.within(gap, "previous-current")
  }
  return within === Infinity ? (made as AnyPattern) : (made as AnyPattern).within(within)
}

/** An event that a step has taken. */
interface Taken {
  readonly step: number
  readonly hit: Hit
  /** Its place among all events. */
  readonly place: number
}

export interface Found {
  readonly taken: readonly Taken[]
  readonly timeMs: number
}

export const isNot = ({ how }: Spec): boolean => how === "notNext" || how === "notFollowedBy"
const has = (kinds: string, { kind }: Hit): boolean => kinds.includes(kind)

/** A step that may take the next event, and what has been passed over on the way to it. */
interface Option {
  readonly step: number
  readonly repeats: boolean
  readonly passed: readonly number[]
}

/** All steps that may come next; and whether the end may. */
function optionsOf({ steps }: Wanted, path: readonly Taken[]) {
  const last = path.at(-1)
  const step = last?.step ?? -1
  const count = path.filter((taken) => taken.step === step).length
  const options: Option[] = []
  let ends = step < 0 || count >= (steps[step] as Spec).least
  if (step >= 0 && count < (steps[step] as Spec).most) {
    options.push({ step, repeats: true, passed: [] })
  }
  const passed: number[] = []
  for (let next = step + 1; ends && next < steps.length; next++) {
    const spec = steps[next] as Spec
    if (!isNot(spec)) {
      options.push({ step: next, repeats: false, passed: [...passed] })
      if (!spec.optional && spec.behind === undefined) ends = false
    }
    passed.push(next)
    if (spec.behind !== undefined) next = spec.behind - 1
  }
  return { options, ends, passed }
}

/** May the events between be there, and is the step still waiting then? */
function waits(
  { steps }: Wanted,
  path: readonly Taken[],
  { step, repeats, passed }: Option,
  between: readonly Hit[],
): boolean {
  const last = path.at(-1)
  if (last === undefined) return true
  const spec = steps[step] as Spec
  const before = steps[last.step] as Spec
  const how = repeats ? spec.inner : spec.how
  if (how === "next" && between.length > 0) return false
  if (how === "followedBy" && between.some((hit) => has(spec.kinds, hit))) return false
  if (repeats) {
    const behind = steps[step + 1]
    const not = behind?.how === "notFollowedBy" ? behind.kinds : ""
    const mayEnd = path.filter((taken) => taken.step === step).length >= spec.least
    const next = behind?.how === "notNext" && mayEnd ? behind.kinds : ""
    if (between[0] !== undefined && has(next, between[0])) return false
    return !between.some((hit) => has(spec.until, hit) || has(not, hit))
  }
  const skipped = passed.map((index) => steps[index] as Spec)
  const greedy = [before, ...skipped].filter((each) => each.greedy)
  if (greedy.some(({ kinds }) => between.some((hit) => has(kinds, hit)))) return false
  return skipped.every(({ how, kinds }) => {
    if (how === "notNext") return between[0] === undefined || !has(kinds, between[0])
    return how !== "notFollowedBy" || !between.some((hit) => has(kinds, hit))
  })
}

/** May the step take the event? */
function takes(wanted: Wanted, path: readonly Taken[], option: Option, hit: Hit, between: Hit[]) {
  const { step, repeats, passed } = option
  const spec = wanted.steps[step] as Spec
  const [first] = path
  const last = path.at(-1)
  if (!has(spec.kinds, hit) || has(spec.until, hit)) return false
  if (first !== undefined && hit.at - first.hit.at >= wanted.within) return false
  if (last !== undefined && hit.at - last.hit.at >= spec.gap) return false
  if (!waits(wanted, path, option, between)) return false
  const over = [last?.step ?? -1, ...passed].map((index) => wanted.steps[index])
  if (!repeats && over.some((each) => each?.greedy === true && has(each.kinds, hit))) return false
  if (last === undefined || between.length > 0) return true
  return !passed.some((index) => {
    const { how, kinds } = wanted.steps[index] as Spec
    return how === "notNext" && has(kinds, hit)
  })
}

/** All matches of one key, and all partial ones whose time is over, of events in order. */
export function matchesOf(wanted: Wanted, hits: readonly Hit[]) {
  const matches: Found[] = []
  const timedOut: Found[] = []
  const visit = (path: readonly Taken[]): void => {
    const { options, ends, passed } = optionsOf(wanted, path)
    const from = (path.at(-1)?.place ?? -1) + 1
    if (path.length > 0) {
      const rest = hits.slice(from)
      const ending = ends ? end(wanted, path, passed, rest) : undefined
      if (ending !== undefined) matches.push({ taken: path, timeMs: ending })
      const over = overAt(wanted, path, options, ends ? passed : undefined, rest)
      const isMatch = ending !== undefined && wanted.steps.at(-1)?.how === "notFollowedBy"
      if (over !== undefined && !isMatch) timedOut.push({ taken: path, timeMs: over })
    }
    for (const option of options) {
      for (let place = from; place < hits.length; place++) {
        const hit = hits[place] as Hit
        if (!takes(wanted, path, option, hit, hits.slice(from, place))) continue
        visit([...path, { step: option.step, hit, place }])
      }
    }
  }
  visit([])
  return { matches, timedOut }
}

/** When the path is a match, all steps behind it being left out; undefined: it is none. */
function end({ steps, within }: Wanted, path: readonly Taken[], passed: number[], rest: Hit[]) {
  const start = (path[0] as Taken).hit.at
  const last = (path.at(-1) as Taken).hit.at
  const spec = steps.at(-1) as Spec
  const greedy = [(path.at(-1) as Taken).step, ...passed].some((i) => steps[i]?.greedy === true)
  if (greedy) throw new RangeError("a greedy step is never the last here")
  if (!isNot(spec)) return last
  if (spec.how === "notNext") {
    const [next] = rest
    if (next === undefined || has(spec.kinds, next) || next.at - start >= within) return undefined
    return next.at
  }
  const over = Math.min(start + within, last + spec.gap)
  const stopped = rest.some((hit) => hit.at < over && has(spec.kinds, hit))
  return stopped ? undefined : over
}

/** When a path is given up that could still go on; undefined: it is not, by time. */
function overAt(
  wanted: Wanted,
  path: readonly Taken[],
  options: readonly Option[],
  ending: readonly number[] | undefined,
  rest: readonly Hit[],
): number | undefined {
  const overs: number[] = []
  const start = (path[0] as Taken).hit.at + wanted.within
  for (const option of options) {
    const between = rest.filter(({ at }) => at < start)
    if (waits(wanted, path, option, between)) overs.push(start)
  }
  const last = wanted.steps.at(-1) as Spec
  if (ending?.length === 1 && last.how === "notNext" && rest.every(({ at }) => at >= start)) {
    overs.push(start)
  }
  const over = Math.max(...overs)
  return overs.length === 0 || over === Infinity ? undefined : over
}

export function shown({ taken }: Found, { steps }: Wanted): string {
  const names = new Set(steps.filter((spec) => !isNot(spec)).map(({ name }) => name))
  const eventsOf = (name: string) => taken.filter(({ step }) => steps[step]?.name === name)
  const texts = Array.from(names, (name) =>
    eventsOf(name)
      .map(({ hit }) => hit.id)
      .join("+"),
  )
  return texts.join(" ")
}
