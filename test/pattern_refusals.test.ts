/** Patterns that are refused, at once, and naming the step. */
import { expect, it } from "vitest"
import { from, pattern, skipToFirst, where } from "../js/index.ts"
import { refusal } from "./refusal.ts"

const a = pattern("a", where("kind", "==", "a"))
const many = a.oneOrMore()
const shown = (match: object) => Object.keys(match).length
const given = (what: unknown) => what as never
const stream = () => from([{ kind: "a" }]).keyBy("kind")
it.each([
  ["nothing", () => stream().pattern(given(undefined), shown), "pattern needs a pattern"],
  ["no function", () => stream().pattern(a, given(1)), "pattern must be a function"],
  [
    "a misspelt option",
    () => stream().pattern(a, () => 1, given({ maxPartialMatch: 1 })),
    'did you mean "maxPartialMatches"?',
  ],
  [
    "a step that there is not",
    () => stream().pattern(a, () => 1, given({ afterMatch: skipToFirst("z") })),
    'there is no step "z"; it has a',
  ],
  [
    "no skip",
    () => stream().pattern(a, () => 1, given({ afterMatch: "next" })),
    "pattern.afterMatch must be noSkip()",
  ],
  [
    "concurrency without state",
    () => stream().pattern(a, () => 1, given({ concurrency: 2 })),
    "needs pattern.state",
  ],
  ["two steps of one name", () => a.next("a"), 'step "a": two steps have this name'],
  ["a step without a name", () => a.next(given(1)), "next needs the name of a step"],
  ["no condition", () => a.next("b", given(1)), 'step "b": a condition is a function'],
  ["times of 0", () => a.times(0), 'step "a": times must be a whole number from 1'],
  ["times twice", () => a.times(2).oneOrMore(), 'step "a": oneOrMore, but it says how often'],
  ["greedy once", () => a.greedy(), 'step "a": greedy needs times or oneOrMore'],
  ["greedy combinations", () => many.allowCombinations().greedy(), "exclude"],
  ["until of once", () => a.until(where("kind", "==", "b")), "until needs oneOrMore"],
  ["optional behind greedy", () => many.greedy().next("b").optional(), "cannot follow a greedy"],
  ["optional twice", () => a.optional().optional(), "optional twice"],
  ["not behind optional", () => a.next("b").optional().notNext("n"), "cannot follow an optional"],
  ["a not that repeats", () => a.notNext("n").oneOrMore(), "not for a step that must not be"],
  ["a group that ends with not", () => a.next(pattern("b").notFollowedBy("n")), "of a group"],
  [
    "not at the end without a limit",
    () => stream().pattern(a.notFollowedBy("n"), shown),
    'step "n": notFollowedBy as the last step needs within',
  ],
  ["a gap before the first", () => a.within(1, "previous-current"), "needs a step before"],
  ["no time", () => a.within(0), "pattern.within cannot be zero"],
  [
    "a group that may be empty",
    () => stream().pattern(a.next(pattern("b").optional()).oneOrMore(), shown),
    "must take an event each time",
  ],
  ["no comparison", () => where("kind", given("="), 1), "where: the comparison must be one of"],
  [
    "a list with a step that is none",
    () => pattern(given([{ start: "a" }, { then: "b" }])),
    "a step is { next",
  ],
  [
    "an option that no step has",
    () => pattern(given([{ start: "a", whre: 1 }])),
    'did you mean "where"?',
  ],
])("refuses %s", (_, make, message) => {
  const error = refusal(make)
  expect(error).toMatchObject({ code: "OPTION" })
  expect(error.message).toContain(message)
})
