/**
 * Conditions of the steps of a pattern: plain data over fields of an event, functions of an event,
 * and functions of an event and what was matched before it.
 */
import { MillraceError, typeName } from "../errors.ts"
import { oneOf } from "../options.ts"
import { nameReader } from "../state/field_readers.ts"

/** What a field may be compared with. */
export type Comparable = string | number | bigint | boolean | null

/** How it is compared. Only values of one kind are before or behind each other. */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">="

/** The events of a match so far, by the names of steps; none: an empty list. */
export type Matched<T = unknown, N extends string = string> = Readonly<Record<N, readonly T[]>>

/** A condition of events `T` that is data, as {@link where} and the others make it. */
export type Condition<T = never> = Declared & { readonly of?: (event: T) => void }

/** What a condition says. */
export type Declared =
  | {
      readonly kind: "where"
      readonly field: string
      readonly op: Comparison | "in"
      readonly value: unknown
    }
  | { readonly kind: "and" | "or" | "not"; readonly conditions: readonly AnyCondition[] }

type AnyFunction = (event: never, match: never) => unknown

/** A condition of any events. */
export type AnyCondition = Declared | AnyFunction

/**
 * A function that says whether an event is taken; with a second parameter it gets what was matched
 * before the event, and is called for each partial match that depends on it, else once per event.
 */
export type Judged<T, N extends string = string> = (event: T, match: Matched<T, N>) => boolean

/** A condition of a step: {@link where} and its like, or a function. */
export type ConditionOf<T, N extends string = string> = Condition<T> | Judged<T, N>

type Takes<C> = C extends (event: infer E, ...rest: never) => unknown
  ? (event: E) => void
  : C extends { readonly of?: (event: infer E) => void }
    ? (event: E) => void
    : never

/** The events that all of these conditions take. */
type EventOf<C> = Takes<C> extends (event: infer E) => void ? E : never

const ops = oneOf("==", "!=", "<", "<=", ">", ">=", "in")

/**
 * The events whose field is as said; `"in"` takes a list. A field that is missing is equal to
 * nothing.
 *
 * @example
 * ```ts
 * const failed = where("kind", "==", "fail")
 * const large = and(where("amount", ">", 100), not(where("country", "in", ["LI", "CH"])))
 * ```
 * @throws {MillraceError} `OPTION` for a comparison that there is not.
 */
export function where<const F extends string, V extends Comparable>(
  field: F,
  op: Comparison,
  value: V,
): Condition<{ readonly [K in F]?: unknown }>
export function where<const F extends string, V extends Comparable>(
  field: F,
  op: "in",
  values: readonly V[],
): Condition<{ readonly [K in F]?: unknown }>
export function where(field: string, op: Comparison | "in", value: unknown): Declared {
  if (typeof field !== "string" || field === "") {
    throw new MillraceError("OPTION", "where needs the name of a field")
  }
  ops(op, "where: the comparison")
  const values: unknown = op === "in" ? value : [value]
  if (!Array.isArray(values) || !values.every(isComparable)) {
    const wanted = op === "in" ? "a list of such values" : "a text, a number, a boolean or null"
    throw new MillraceError("OPTION", `where(${field}) compares with ${wanted}`)
  }
  return Object.freeze({
    kind: "where",
    field,
    op,
    value: op === "in" ? [...(values as unknown[])] : value,
  })
}

/** All of the conditions hold. */
export function and<const C extends readonly ConditionOf<never>[]>(
  ...conditions: C
): Condition<EventOf<C[number]>> {
  return combined("and", conditions)
}

/** One of the conditions holds, or more. */
export function or<const C extends readonly ConditionOf<never>[]>(
  ...conditions: C
): Condition<EventOf<C[number]>> {
  return combined("or", conditions)
}

/** The condition does not hold. */
export function not<const C extends ConditionOf<never>>(condition: C): Condition<EventOf<C>> {
  return combined("not", [condition])
}

function combined(kind: "and" | "or" | "not", conditions: readonly unknown[]): Declared {
  const checked = conditions.map((condition) => checkCondition(condition, kind))
  return Object.freeze({ kind, conditions: checked })
}

/** A condition, or `OPTION` that says where it was wanted. */
export function checkCondition(given: unknown, name: string): AnyCondition {
  if (typeof given === "function") return given as AnyFunction
  const kind = typeof given === "object" && given !== null && "kind" in given ? given.kind : given
  if (kind === "where" || kind === "and" || kind === "or" || kind === "not") {
    return given as Declared
  }
  const wanted = "a function, or where(…), and(…), or(…), not(…)"
  throw new MillraceError("OPTION", `${name}: a condition is ${wanted}, not ${typeName(given)}`)
}

function isComparable(value: unknown): boolean {
  return value === null || ["string", "number", "bigint", "boolean"].includes(typeof value)
}

/** Does a condition depend on what was matched before? */
export function asks(condition: AnyCondition): boolean {
  if (typeof condition === "function") return condition.length > 1
  return "conditions" in condition && condition.conditions.some(asks)
}

/** The function that a condition is of which no part {@link asks}. */
export function judge(condition: AnyCondition): (event: unknown) => unknown {
  if (typeof condition === "function") return condition as (event: unknown) => unknown
  if (condition.kind === "where") return compare(condition)
  const judges = condition.conditions.map(judge)
  const [first] = judges as [(event: unknown) => unknown]
  if (condition.kind === "not") return (event) => !first(event)
  return condition.kind === "and"
    ? (event) => judges.every((judge) => judge(event))
    : (event) => judges.some((judge) => judge(event))
}

type Where = Declared & { readonly kind: "where" }

function compare({ field, op, value }: Where): (event: unknown) => boolean {
  const read = nameReader(field)
  if (op === "==") return (event) => read(event) === value
  if (op === "!=") return (event) => read(event) !== value
  if (op === "in") {
    const values = new Set(value as unknown[])
    return (event) => values.has(read(event))
  }
  const kind = kindOf(value)
  const test = orders[op]
  return (event) => {
    const given = read(event)
    return kindOf(given) === kind && test(given as number, value as number)
  }
}

const orders = {
  "<": (a: number, b: number) => a < b,
  "<=": (a: number, b: number) => a <= b,
  ">": (a: number, b: number) => a > b,
  ">=": (a: number, b: number) => a >= b,
}

/** Numbers and bigints are of one kind. */
function kindOf(value: unknown): string {
  return typeof value === "bigint" ? "number" : typeof value
}
