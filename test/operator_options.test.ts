/** Options that operators refuse, at once and by name. */
import { describe, expect, it } from "vitest"
import { count, outputTag, from, record, run, sum } from "../js/index.ts"
import { refusal, refusalLater } from "./refusal.ts"

const events = [{ k: "a", n: 1 }]
const stream = () => from(events)
const keyed = () => stream().keyBy("k")
const last = (_: unknown, { n }: { n: number }) => n
const given = (options: object) => options as never
const fold = (state: object) => keyed().fold(() => 0, last, given({ state }))

const refused: readonly (readonly [
  what: string,
  make: () => unknown,
  code: string,
  message: string,
])[] = [
  [
    "an option of map that does not exist",
    () => keyed().map(() => 1, given({ ttl: "1h" })),
    "OPTION",
    'map has no option "ttl"; it has concurrency, errorsTo, name, onError, ordered, state, uid',
  ],
  [
    "an option of a stateless filter that does not exist",
    () => stream().filter(() => true, given({ states: {} })),
    "OPTION",
    'filter has no option "states"; it has errorsTo, name, onError, uid',
  ],
  [
    "a misspelt option of deduplicate",
    () => keyed().deduplicate(given({ refersh: false })),
    "OPTION",
    'deduplicate has no option "refersh"; did you mean "refresh"?',
  ],
  [
    "a misspelt option inside state",
    () => fold({ maxsize: 3 }),
    "OPTION",
    'fold.state has no option "maxsize"; did you mean "maxSize"?',
  ],
  [
    "an option of take that it has no use for",
    () => stream().take(1, given({ onError: "fail" })),
    "OPTION",
    'take has no option "onError"; it has name, uid',
  ],
  [
    "options that are no object",
    () => keyed().aggregate({ n: count() }, given([])),
    "OPTION",
    "aggregate: options must be an object, not an array",
  ],
  ["a ttl of zero", () => fold({ ttl: 0 }), "STATE_CONFIG", "TTL cannot be zero"],
  [
    "a ttl of zero for deduplicate",
    () => keyed().deduplicate({ ttl: 0 }),
    "STATE_CONFIG",
    "TTL cannot be zero",
  ],
  ["a maxSize of zero", () => fold({ maxSize: 0 }), "STATE_CONFIG", "Max size cannot be zero"],
  ["maxBytes of zero", () => fold({ maxBytes: 0 }), "STATE_CONFIG", "Max bytes cannot be zero"],
  [
    "a maxSize that is no whole number",
    () => fold({ maxSize: 1.5 }),
    "STATE_CONFIG",
    "fold.state.maxSize must be a whole number above zero",
  ],
  [
    "an onFull that does not exist",
    () => fold({ onFull: "drop" }),
    "STATE_CONFIG",
    'fold.state.onFull must be "evict" or "error"',
  ],
  [
    "a default that is no function",
    () => keyed().map(() => 1, given({ state: { value: 0 } })),
    "STATE_CONFIG",
    "map.state.value must be a function that makes the default, or record({…}), not a number",
  ],
  ...(
    [
      ["aggregate", (state: object) => keyed().aggregate({ n: count() }, given({ state }))],
      ["deduplicate", (state: object) => keyed().deduplicate(given({ state }))],
      ["throttle", (state: object) => keyed().throttle(given({ limit: 1, per: 1, state }))],
      ["debounce", (state: object) => keyed().debounce(1, given({ state }))],
    ] as const
  ).map(
    ([name, make]) =>
      [
        `a default of ${name}, which has none`,
        () => make({ value: () => 0 }),
        "STATE_CONFIG",
        `${name}.state has no value of its own`,
      ] as const,
  ),
  [
    "a default of a fold in two places",
    () => fold({ value: () => 0 }),
    "STATE_CONFIG",
    "fold.state has no value of its own; pass it as fold's initial value",
  ],
  [
    "an initial value that is no function",
    () => keyed().fold(given(new Map()), last),
    "OPTION",
    "fold.initial must be a function, not a Map",
  ],
  ["no function", () => keyed().map(given({})), "OPTION", "map must be a function, not an object"],
  [
    "a record without fields",
    () => record({}),
    "STATE_CONFIG",
    "a record has 1 to 64 fields, not 0",
  ],
  [
    "a field of a kind that does not exist",
    () => record({ n: given("int" as never) }),
    "STATE_CONFIG",
    "field n of a record must be one of f64, i64, bool, string, timestamp",
  ],
  [
    "no aggregates",
    () => keyed().aggregate({}),
    "OPTION",
    "aggregate needs at least one aggregate",
  ],
  [
    "an aggregate with a reserved name",
    () => keyed().aggregate(given({ key: count() })),
    "OPTION",
    "aggregate: key is a reserved column",
  ],
  [
    "something that is no aggregate",
    () => keyed().aggregate(given({ total: sum })),
    "OPTION",
    "aggregate.total must be an aggregate such as count() or sum(field), not a function",
  ],
  [
    "a number to take that is none",
    () => stream().take(-1),
    "OPTION",
    "take must be a whole number of at least 0, not -1",
  ],
  [
    "a number to skip that is none",
    () => stream().skip(Number.NaN),
    "OPTION",
    "skip must be a whole number of at least 0, not NaN",
  ],
  [
    "perKey, which comes later",
    () => fold({ perKey: true }),
    "UNSUPPORTED",
    "fold.state.perKey is not in this version yet",
  ],
  ...["", " totals", "totals ", "two\nlines", "\ud800", "long".repeat(26), 5].map(
    (name) =>
      [
        `the name ${JSON.stringify(name)}`,
        () => stream().map(() => 1, given({ name })),
        "OPTION",
        "map.name must be 1 to 100 characters of one line, with no space at its ends",
      ] as const,
  ),
  [
    "an onError that does not exist",
    () => stream().map(() => 1, given({ onError: "retry" })),
    "OPTION",
    'map.onError must be "fail", "skip", "route" or a function, not a string',
  ],
  [
    "errors that are routed nowhere",
    () => keyed().fold(() => 0, last, given({ onError: "route" })),
    "OPTION",
    'fold.onError "route" needs fold.errorsTo',
  ],
  [
    "a tag for errors that are not routed",
    () => stream().map(() => 1, { onError: "skip", errorsTo: outputTag("errors") }),
    "OPTION",
    'map.errorsTo needs map.onError "route"',
  ],
  [
    "a tag that is none",
    () => stream().map(() => 1, given({ errorsTo: "errors" })),
    "OPTION",
    "map.errorsTo must be an outputTag(…), not a string",
  ],
  [
    "a tag without a name",
    () => outputTag(" "),
    "OPTION",
    "the name of a tag must be 1 to 64 letters, digits, dots, dashes or underscores",
  ],
  [
    "a side output that the operator does not have",
    () =>
      keyed()
        .fold(() => 0, last)
        .sideOutput(outputTag("late")),
    "OPTION",
    "fold has no side output late; it has none: ask the stream of the operator whose options " +
      "name it, or job.output(tag)",
  ],
  [
    "overflow that is routed nowhere",
    () => keyed().throttle({ limit: 1, per: 1, overflow: "route" }),
    "OPTION",
    'throttle.overflow "route" and throttle.overflowTo go together',
  ],
  [
    "a concurrency of zero",
    () => keyed().map(() => 1, { concurrency: 0 }),
    "OPTION",
    "map.concurrency must be a whole number from 1 to 65536, not 0",
  ],
  [
    "further tries without their number",
    () => stream().mapAsync(async () => 1, given({ retry: { delay: 5 } })),
    "OPTION",
    "mapAsync.retry.attempts is missing",
  ],
  [
    "a uid that storage could not hold",
    () => stream().map(() => 1, { uid: "a/b" }),
    "OPTION",
    "map.uid must be 1 to 64 letters, digits, dots, dashes or underscores",
  ],
]

describe("an operator refuses", () => {
  it.each(refused)("%s", (_, make, code, message) => {
    expect(refusal(make)).toEqual({ code, message })
  })

  it("a uid that another operator has", async () => {
    const mine = { uid: "mine" }
    const twice = keyed()
      .reduce((_, event) => event, mine)
      .map(() => 1, mine)
    expect(await refusalLater(() => run(twice))).toEqual({
      code: "OPTION",
      message: "two operators have the uid mine",
    })
  })
})
