/**
 * The aggregates of numbers: what a user asks for, checked and laid out for C.
 */
import type { NumberField } from "../engine/fill.ts"
import type { AggregateKind } from "../engine/operator.ts"
import { MillraceError, typeName } from "../errors.ts"
import { checkOptions, oneOf, text } from "../options.ts"
import type { Check } from "../options.ts"
import { later } from "../state/config.ts"
import { fieldReader } from "../state/keys.ts"

/** An aggregate: which, and the field that it reads. `Gives` is the type of its result. */
export class Aggregate<
  out Field extends string,
  out Reads extends "number" | "none",
  out Gives extends "number" | "numberOrNone",
> {
  readonly kind: AggregateKind
  readonly field: string | undefined
  declare readonly types: { field: Field; reads: Reads; gives: Gives }

  constructor(kind: AggregateKind, field: string | undefined) {
    this.kind = kind
    this.field = field
  }
}

type OfField<Field extends string, Gives extends "number" | "numberOrNone"> = Aggregate<
  Field,
  "number",
  Gives
>

/** How many events there were, whatever is in them. */
export function count(): Aggregate<never, "none", "number"> {
  return new Aggregate("count", undefined)
}

/**
 * The sum of a field, compensated (Neumaier 1974); 0 of nothing. Null and undefined are skipped,
 * NaN is left out and counted in `stats()`; bigints beyond 2^53 are refused.
 */
export function sum<const Field extends string>(
  field: Field,
  options?: AggregateFieldOptions,
): OfField<Field, "number"> {
  return ofField("sum", field, options)
}

/** The mean of a field, of a compensated sum; undefined of nothing. */
export function mean<const Field extends string>(
  field: Field,
  options?: AggregateFieldOptions,
): OfField<Field, "numberOrNone"> {
  return ofField("mean", field, options)
}

/** The least value of a field; undefined of nothing. */
export function min<const Field extends string>(
  field: Field,
  options?: AggregateFieldOptions,
): OfField<Field, "numberOrNone"> {
  return ofField("min", field, options)
}

/** The greatest value of a field; undefined of nothing. */
export function max<const Field extends string>(
  field: Field,
  options?: AggregateFieldOptions,
): OfField<Field, "numberOrNone"> {
  return ofField("max", field, options)
}

/**
 * The variance of a field, of the values as a sample of more (Welford 1962; undefined of fewer than
 * two), or with `population` as all there are (undefined of none).
 */
export function variance<const Field extends string>(
  field: Field,
  options?: SpreadOptions,
): OfField<Field, "numberOrNone"> {
  return ofSpread("variance", field, options)
}

/** The standard deviation of a field: the square root of its {@link variance}. */
export function stddev<const Field extends string>(
  field: Field,
  options?: SpreadOptions,
): OfField<Field, "numberOrNone"> {
  return ofSpread("stddev", field, options)
}

/** Options of an aggregate. */
export interface AggregateFieldOptions {
  /** Results of bigints as bigints. Only false in this version. */
  readonly exact?: false
}

/** Options of {@link variance} and {@link stddev}. */
export interface SpreadOptions {
  /** Are the values all there are, and not a sample? Default false. */
  readonly population?: boolean
}

const exactOption: Check<false> = (given, name) => (given === false ? given : later(given, name))

function ofField<const Field extends string, const Gives extends "number" | "numberOrNone">(
  kind: AggregateKind,
  field: Field,
  options: AggregateFieldOptions | undefined,
): OfField<Field, Gives> {
  checkOptions(options, { exact: exactOption }, kind)
  return new Aggregate(kind, text(field, `the field of ${kind}`))
}

function ofSpread<const Field extends string>(
  kind: "variance" | "stddev",
  field: Field,
  options: SpreadOptions | undefined,
): OfField<Field, "numberOrNone"> {
  const { population } = checkOptions(options, { population: oneOf(true, false) }, kind)
  const whole = population === true ? (`${kind}Population` as const) : kind
  return new Aggregate(whole, text(field, `the field of ${kind}`))
}

/** Is there no result of too few values? */
export function givesNone(kind: AggregateKind): boolean {
  return kind !== "count" && kind !== "sum"
}

/** An aggregate under its name. */
export type AggregateSpec = readonly [
  name: string,
  spec: Aggregate<string, "number" | "none", "number" | "numberOrNone">,
]

const reserved = ["key", "start", "end", "__proto__"]

/** What was asked for under each name. Throws `OPTION`; `where` is the verb. */
export function checkAggregates(
  given: Readonly<Record<string, unknown>>,
  where: string,
): AggregateSpec[] {
  return checkAnyAggregates(given, where, (spec) => spec instanceof Aggregate)
}

/** The same for aggregates of more kinds. */
export function checkAnyAggregates<Spec>(
  given: Readonly<Record<string, unknown>>,
  where: string,
  isAggregate: (spec: unknown) => boolean,
): (readonly [string, Spec])[] {
  const specs = Object.entries(given)
  if (specs.length === 0) throw new MillraceError("OPTION", `${where} needs at least one aggregate`)
  return specs.map(([name, spec]) => {
    if (reserved.includes(name)) {
      throw new MillraceError("OPTION", `${where}: ${name} is a reserved column`)
    }
    if (isAggregate(spec)) return [name, spec as Spec]
    const wanted = "an aggregate such as count() or sum(field)"
    throw new MillraceError("OPTION", `${where}.${name} must be ${wanted}, not ${typeName(spec)}`)
  })
}

/** A value column for each field that is read, however many aggregates read it. */
export function layOut(specs: readonly AggregateSpec[]) {
  const columns: NumberField[] = []
  const aggregates = specs.map(([, { kind, field }]) => {
    if (field === undefined) return { kind, column: 0 }
    let column = columns.findIndex(({ path }) => path === field)
    if (column < 0) column = columns.push({ path: field, read: fieldReader(field) }) - 1
    return { kind, column }
  })
  return { aggregates, columns }
}

/** What the aggregates are, for telling whether saved state fits. */
export function fieldsOf(
  specs: readonly (readonly [name: string, spec: { kind: string; field: string | undefined }])[],
): string[] {
  return specs.map(([name, { kind, field }]) => `${name}:${kind}(${field ?? ""})`)
}
