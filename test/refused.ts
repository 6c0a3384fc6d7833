/**
 * Events that operators refuse: each with the operator, the event, and what the error says.
 */
import { count, record, sum } from "../js/index.ts"
import type { KeyedStream, Stream, StreamOf } from "../js/index.ts"

/** An event. */
export interface Row {
  readonly k: string
  readonly n: number
}
type Keyed = KeyedStream<string, Row>

/** A function of the user's that throws. */
export const boom = (): never => {
  throw new Error("boom")
}

/** Four good events, then a bad one, then a good one. */
export const rows = (bad: unknown): Row[] => {
  const good = ["a", "b", "a", "c"].map((k, n) => ({ k, n }))
  return [...good, bad as Row, { k: "a", n: 9 }]
}
/** The event at which functions here throw. */
export const odd: Row = { k: "bad", n: -1 }
/** Throws at {@link odd}. */
export const throwing = ({ n }: Row): number => (n < 0 ? boom() : n)

/** An event that is refused, as the fifth of {@link rows}. */
export interface Refused {
  readonly name: string
  readonly make: (keyed: Keyed, events: Stream<Row>) => StreamOf<unknown>
  readonly bad?: unknown
  readonly says: readonly [code: string, message: string]
  /** How many results come before; as many as events by default. */
  readonly before?: number
}

const tuple = (depth: number): unknown => (depth === 0 ? "end" : [tuple(depth - 1)])
const big = { value: record({ n: "f64", i: "i64", b: "bool", t: "timestamp", s: "string" }) }
type Big = { n: number; i: bigint; b: boolean; t: number; s: string }

/** A record operator that writes one field of it, wrongly at the bad event. */
const writing = (name: keyof Big, wrong: unknown) => (keyed: Keyed) =>
  keyed.map(
    ({ n }, state) => {
      const row = state.get() as Record<string, unknown>
      if (n < 0) row[name] = wrong
      return n
    },
    { state: big },
  )

const keys: readonly Refused[] = [
  {
    name: "a key that is an object",
    make: (keyed) =>
      keyed.fold(
        () => 0,
        (sum, { n }) => sum + n,
      ),
    bad: { k: {}, n: 1 },
    says: ["KEY_TYPE", "fold-1: event 4: an object cannot be a key"],
  },
  {
    name: "a key that is not there",
    make: (keyed) => keyed.deduplicate(),
    bad: { n: 1 },
    before: 3,
    says: ["KEY_MISSING", 'deduplicate-1: event 4: the event has no own field "k"'],
  },
  {
    name: "a key function that gives undefined",
    make: (_, events) => events.keyBy(({ n }) => (n < 0 ? undefined : n)).aggregate({ n: count() }),
    says: ["KEY_MISSING", "aggregate-1: event 4: the key function gave undefined"],
  },
  {
    name: "a key function that throws",
    make: (_, events) => events.keyBy(throwing).reduce((_, row) => row),
    says: ["USER_FUNCTION", "reduce-1: event 4: the function threw Error"],
  },
  {
    name: "a key that is NaN",
    make: (keyed) => keyed.map(({ n }) => n),
    bad: { k: Number.NaN, n: 1 },
    says: ["KEY_TYPE", "map-1: event 4: NaN cannot be a key"],
  },
  {
    name: "a key with a lone surrogate",
    make: (keyed) => keyed.filter(() => true, { state: { maxSize: 9 } }),
    bad: { k: "\ud800", n: 1 },
    says: ["KEY_TYPE", "filter-1: event 4: a string with a lone surrogate cannot be a key"],
  },
  {
    name: "a key that is too long",
    make: (keyed) => keyed.map(({ n }) => n),
    bad: { k: "k".repeat(65_535), n: 1 },
    says: ["LIMIT", "map-1: event 4: too many bytes in a key: keyBytesMax is 65535"],
  },
  {
    name: "a key with too many elements",
    make: (keyed) => keyed.map(({ n }) => n),
    bad: { k: Array.from({ length: 256 }, () => 0), n: 1 },
    says: ["LIMIT", "map-1: event 4: too many elements in a tuple: keyElementsMax is 255"],
  },
  {
    name: "a key with too many levels",
    make: (keyed) => keyed.map(({ n }) => n),
    bad: { k: tuple(9), n: 1 },
    says: ["LIMIT", "map-1: event 4: too many levels of tuples: keyDepthMax is 8"],
  },
]

const functions: readonly Refused[] = [
  ...(["map", "filter", "flatMap", "tap"] as const).map((verb): Refused => ({
    name: `a function of ${verb} that throws`,
    make: (_, events) =>
      verb === "map"
        ? events.map(throwing)
        : verb === "filter"
          ? events.filter((row) => throwing(row) >= 0)
          : verb === "flatMap"
            ? events.flatMap((row) => [throwing(row)])
            : events.tap(throwing),
    says: ["USER_FUNCTION", `${verb}-1: event 4: the function threw Error`],
  })),
  {
    name: "an iterable of flatMap that throws after its first value",
    make: (_, events) =>
      events.flatMap(function* (row) {
        yield row.n
        throwing(row)
      }),
    says: ["USER_FUNCTION", "flatMap-1: event 4: the function threw Error"],
  },
  {
    name: "a function of flatMap that gives no iterable",
    make: (_, events) => events.flatMap(({ n }) => (n < 0 ? (7 as never) : [n])),
    says: ["USER_FUNCTION", "flatMap-1: event 4: the function threw TypeError"],
  },
  {
    name: "something thrown that is no Error",
    make: (keyed) =>
      keyed.map(({ n }) => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        if (n < 0) throw "text"
        return n
      }),
    says: ["USER_FUNCTION", "map-1: event 4: the function threw a string"],
  },
  {
    name: "a function over state that throws, by its uid",
    make: (keyed) => keyed.filter((row) => throwing(row) >= 0, { uid: "mine", state: {} }),
    says: ["USER_FUNCTION", "mine: event 4: the function threw Error"],
  },
  {
    name: "a default that throws",
    make: (keyed) =>
      keyed.map(({ n }, state) => (n < 0 ? state.get() : n), { state: { value: boom } }),
    says: ["USER_FUNCTION", "map-1: event 4: the function threw Error"],
  },
]

const refusal = "this function must not give a promise; see mapAsync"
const promising = ({ n }: Row): never => (n < 0 ? Promise.reject(new Error("late")) : n) as never
const kept = (row: Row): boolean => row.n === 0 || promising(row)
const listed = (row: Row): number[] => (row.n < 0 ? promising(row) : [row.n])

const promises: readonly Refused[] = [
  { verb: "map", make: (_: Keyed, events: Stream<Row>) => events.map(promising) },
  { verb: "filter", make: (_: Keyed, events: Stream<Row>) => events.filter(kept) },
  {
    verb: "flatMap",
    make: (_: Keyed, events: Stream<Row>) => events.flatMap((row) => listed(row)),
  },
  { verb: "tap", make: (_: Keyed, events: Stream<Row>) => events.tap(promising) },
  {
    verb: "map",
    make: (keyed: Keyed) =>
      keyed.map((row, state) => state.update(() => promising(row)), { state: { value: () => 0 } }),
  },
].map(({ verb, make }): Refused => {
  const name = `a promise from ${verb} ${make.length === 1 ? "over state" : ""}`
  return { name, make, says: ["UNSUPPORTED", `${verb}-1: event 4: ${refusal}`] }
})

const state: readonly Refused[] = [
  {
    name: "one key more than maxSize",
    make: (keyed) =>
      keyed.fold(
        () => 0,
        (sum, { n }) => sum + n,
        { state: { maxSize: 3 } },
      ),
    bad: { k: "d", n: 1 },
    says: [
      "LIMIT",
      "fold-1: event 4: could not keep state for another key: state.maxSize of 3 is reached",
    ],
  },
  {
    name: "one key more than maxSize of deduplicate",
    make: (keyed) => keyed.deduplicate({ state: { maxSize: 3 } }),
    bad: { k: "d", n: 1 },
    before: 3,
    says: [
      "LIMIT",
      "deduplicate-1: event 4: could not apply an event: state.maxSize of 3 is reached",
    ],
  },
  {
    name: "more bytes than maxBytes",
    make: (keyed) => keyed.aggregate({ n: count() }, { state: { maxBytes: 120 } }),
    bad: { k: "a rather long key that takes more bytes", n: 1 },
    says: [
      "LIMIT",
      "aggregate-1: event 4: could not apply an event: state.maxBytes of 120 is reached",
    ],
  },
  {
    name: "a text of over a MiB in a record",
    make: writing("s", "x".repeat((1 << 20) + 1)),
    says: ["LIMIT", "map-1: event 4: could not keep a string: string bytes of 1048576 is reached"],
  },
  ...(
    [
      ["n", "f64", "1", "a string"],
      ["i", "i64", 1, "a number"],
      ["i", "i64", 2n ** 63n, "a bigint"],
      ["b", "bool", 1, "a number"],
      ["t", "timestamp", 1.5, "a number"],
      ["t", "timestamp", Number.NaN, "NaN"],
      ["s", "string", null, "null"],
      ["s", "string", "\ud800", "a string"],
    ] as const
  ).map(([name, kind, wrong, type]): Refused => ({
    name: `${type} in a field that is ${kind}`,
    make: writing(name, wrong),
    says: [
      "SERIALIZATION",
      `map-1: event 4: field ${name} of the record is ${kind} and cannot be ${type}`,
    ],
  })),
  {
    name: "state that is no record",
    make: (keyed) => keyed.fold(record({ n: "f64" }), (acc, { n }) => (n < 0 ? (7 as never) : acc)),
    says: ["SERIALIZATION", "fold-1: event 4: state must be a record, not a number"],
  },
  {
    name: "a field that is no number",
    make: (keyed) => keyed.aggregate({ total: sum("n") }),
    bad: { k: "a", n: "7" },
    says: ["FIELD_TYPE", "aggregate-1: event 4: field n must be a number or bigint, not a string"],
  },
  {
    name: "a bigint that would be rounded",
    make: (keyed) => keyed.aggregate({ total: sum("n") }, { emit: "final" }),
    bad: { k: "a", n: 2n ** 53n },
    before: 0,
    says: [
      "LIMIT",
      "aggregate-1: event 4: a bigint in field n is beyond 2^53 and would be rounded",
    ],
  },
]

/** All of them. */
export const refused: readonly Refused[] = [...keys, ...functions, ...promises, ...state]
