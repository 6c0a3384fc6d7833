/**
 * Un-windowed aggregates per key: count, sum, mean, min, max, whole in C.
 */
import { causedBy } from "../chunk.ts"
import { fillNumbers } from "../engine/fill.ts"
import { keysOf } from "../engine/keys.ts"
import type { NumberField } from "../engine/fill.ts"
import { Operator } from "../engine/operator.ts"
import type { AggregateKind } from "../engine/operator.ts"
import { MillraceError, typeName } from "../errors.ts"
import type { Node, OperatorNode, OperatorOptions, Runner, Site } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { checkOptions, oneOf, text } from "../options.ts"
import type { Check } from "../options.ts"
import { later, noLimits, limitsOption } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import { fieldReader } from "../state/keys.ts"
import type { KeyReader } from "../state/keys.ts"
import { Evictions } from "./evictions.ts"
import { afterChunk, pushChunk, valueOf } from "./pushed.ts"

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

/** Options of an aggregate. */
export interface AggregateFieldOptions {
  /** Results of bigints as bigints. Only false in this version. */
  readonly exact?: false
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

/** Options for {@link KeyedStream.aggregate}. */
export interface AggregateOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, unknown> {
  /** A row per event, or one per key at the end of the source, as first seen. Default "each". */
  readonly emit?: "each" | "final"
  /** The state's limits and ttl. */
  readonly state?: StateConfig
}

const options = { ...operatorOptions, emit: oneOf("each", "final"), state: limitsOption }

type Spec = Aggregate<string, "number" | "none", "number" | "numberOrNone">
type Row = Record<string, unknown>

export function aggregateNode(
  input: Node,
  read: KeyReader,
  given: Readonly<Record<string, unknown>>,
  settings?: object,
): OperatorNode {
  const checked = checkOptions(settings, options, "aggregate")
  const { emit = "each", state } = checked
  const specs = checkAggregates(given)
  const limits = state?.limits ?? noLimits
  const fields = specs.map(([name, { kind, field }]) => `${name}:${kind}(${field ?? ""})`)
  return {
    kind: "aggregate",
    inputs: [input],
    ...nodeOptions(checked, "aggregate"),
    keyOf: read,
    schema: { kind: "aggregate", fields, ttl: limits.ttlMs > 0 },
    open(site) {
      const { aggregates, columns } = layOut(specs)
      const emitEach = emit === "each"
      const spec = { kind: "aggregate", limits, aggregates, emitEach } as const
      const operator = new Operator(site.engine, site.uid, spec, site.label)
      return open(site, operator, read, specs, columns)
    },
  }
}

const reserved = ["key", "start", "end", "__proto__"]

function checkAggregates(given: Readonly<Record<string, unknown>>): [string, Spec][] {
  const specs = Object.entries(given)
  if (specs.length === 0)
    throw new MillraceError("OPTION", "aggregate needs at least one aggregate")
  return specs.map(([name, spec]) => {
    if (reserved.includes(name)) {
      throw new MillraceError("OPTION", `aggregate: ${name} is a reserved column`)
    }
    if (spec instanceof Aggregate) return [name, spec as Spec]
    const wanted = "count(), sum(field), mean(field), min(field) or max(field)"
    throw new MillraceError("OPTION", `aggregate.${name} must be ${wanted}, not ${typeName(spec)}`)
  })
}

/** A value column for each field that is read, however many aggregates read it. */
function layOut(specs: readonly (readonly [string, Spec])[]) {
  const columns: NumberField[] = []
  const aggregates = specs.map(([, { kind, field }]) => {
    if (field === undefined) return { kind, column: 0 }
    let column = columns.findIndex(({ path }) => path === field)
    if (column < 0) column = columns.push({ path: field, read: fieldReader(field) }) - 1
    return { kind, column }
  })
  return { aggregates, columns }
}

function open(
  site: Site,
  operator: Operator,
  read: KeyReader,
  specs: readonly (readonly [string, Spec])[],
  columns: readonly NumberField[],
): Runner {
  const rowsOf = rowMaker(operator, specs)
  const readRow = (row: number): unknown => {
    const { views, scratch } = site.engine
    views.u32[scratch >>> 2] = row
    operator.resultsOf(scratch, 1)
    const [result] = rowsOf([undefined], 1)
    delete result?.["key"]
    return result
  }
  const pushed = { operator, evictions: new Evictions(operator, readRow) }
  return {
    ...pushed,
    run(chunk) {
      const values: unknown[] = []
      const causes: number[] = []
      const failure = pushChunk(
        chunk,
        pushed,
        read,
        (slice) => {
          const { size, positions } = operator.results
          if (size === 0) return
          const { u32 } = site.engine.views
          const inputs = Array.from(u32.subarray(positions, positions + size))
          for (const input of inputs) causes.push(valueOf(slice, input))
          if (!site.wanted) values.length += size
          else {
            // The bytes that were pushed: a key function is called once per event.
            const keys = keysOf(operator.input)
            const own = inputs.map((input) => keys[input])
            for (const row of rowsOf(own, size)) values.push(row)
          }
        },
        {
          count: columns.length,
          fill: ({ from, filled }) => fillNumbers(operator.input, chunk, filled, from, columns),
        },
      )
      return { chunk: causedBy(chunk, values, Uint32Array.from(causes)), failure }
    },
    settle: (chunk) => afterChunk(operator, chunk),
    finish: finisher(operator, rowsOf),
    readRow,
  }
}

/** Gives the results of all keys, a batch at a time. */
function finisher(operator: Operator, rowsOf: RowsOf) {
  let more = operator.spec.emitEach !== true
  return (): { values: readonly Row[] } | undefined => {
    while (more) {
      more = operator.finish()
      const { size } = operator.results
      if (size > 0) return { values: rowsOf(keysOf(operator.results), size) }
    }
    return undefined
  }
}

/** Makes rows `{ key, ...aggregates }` of the first `size` results. */
type RowsOf = (keys: readonly unknown[], size: number) => Row[]

function rowMaker(operator: Operator, specs: readonly (readonly [string, Spec])[]): RowsOf {
  const names = specs.map(([name]) => name)
  const mayBeNone = specs.map(([, { kind }]) => kind === "mean" || kind === "min" || kind === "max")
  // One or two aggregates are common, and a literal makes rows of one shape at once.
  const [a = "", b = ""] = names
  const literals = names.length <= 2 && !mayBeNone.includes(true)
  return (keys, size) => {
    const { f64 } = operator.engine.views
    const at = names.map((_, column) => operator.results.column(column))
    const [atA = 0, atB = 0] = at
    const rows = new Array<Row>(size)
    for (let i = 0; i < size; i++) {
      const key = keys[i]
      if (literals && names.length === 2) rows[i] = { key, [a]: f64[atA + i], [b]: f64[atB + i] }
      else if (literals) rows[i] = { key, [a]: f64[atA + i] }
      else {
        const row: Row = { key }
        for (let column = 0; column < names.length; column++) {
          const value = f64[(at[column] as number) + i] as number
          const none = mayBeNone[column] === true && Number.isNaN(value)
          row[names[column] as string] = none ? undefined : value
        }
        rows[i] = row
      }
    }
    return rows
  }
}
