/**
 * Aggregates that keep a sketch of the values: an answer that is near enough, in memory that is
 * bounded however many there are. Every one of them merges, and is the same on every host; how
 * they work is in js/sketches/.
 */
import { MillraceError, typeName } from "../errors.ts"
import type { Gives } from "../aggregate_types.ts"
import type { Duration } from "../duration.ts"
import { checkOptions, duration, integer, text } from "../options.ts"
import type { Check } from "../options.ts"
import { ddSketch } from "../sketches/dd_sketch.ts"
import { decayedMean } from "../sketches/decay.ts"
import { hyperLogLog } from "../sketches/hyper_log_log.ts"
import { reservoir } from "../sketches/reservoir.ts"
import { spaceSaving } from "../sketches/space_saving.ts"
import type { Way } from "../sketches/way.ts"
import { pickWays, ValueAggregate } from "./picks.ts"

// ---- approxDistinct ----

/** Options of {@link approxDistinct}. */
export interface ApproxDistinctOptions {
  /**
   * From 4 to 18: 2^precision registers of a byte, for a standard error of 1.04 / √(2^precision).
   * Default 12: 4 KiB, and 1.6 %.
   */
  readonly precision?: number
}

/**
 * About how many different values a field has, by HyperLogLog (Flajolet et al. 2007, with the
 * estimate of Ertl 2017). It tells apart what {@link countDistinct} does, in bounded memory; few
 * values take less.
 *
 * @example
 * ```ts
 * const visitors = from([{ page: "a", user: "ada" }])
 *   .keyBy("page")
 *   .aggregate({ users: approxDistinct("user", { precision: 14 }) }, { emit: "final" })
 * ```
 * @throws {MillraceError} `OPTION` at once; while running `FIELD_TYPE` for values that cannot be
 *   told apart, and strings with a lone surrogate; `LIMIT` for those above 65,534 bytes.
 */
export function approxDistinct<const Field extends string>(
  field: Field,
  options?: ApproxDistinctOptions,
): ValueAggregate<Field, "any", "number"> {
  const table = { precision: integer({ min: 4, max: 18 }) }
  const { precision = 12 } = checkOptions(options, table, "approxDistinct")
  return sketchOf("approxDistinct", fieldOf(field, "approxDistinct"), [precision])
}

// ---- quantile ----

/** Options of {@link quantile}. */
export interface QuantileOptions {
  /** The greatest relative error of a result, from 0.0001 to 0.5. Default 0.01. */
  readonly error?: number
  /**
   * The most buckets that are kept, from 16 to 65,536; of more the lowest become one, and the
   * lowest quantiles are too high. Default 20.48 / error, and at least 2048: positive values over
   * 17 powers of ten.
   */
  readonly maxBuckets?: number
}

/** What several quantiles give, in the order in which they were asked for. */
export type Quantiles<Q extends readonly number[]> = {
  -readonly [I in keyof Q]: number | undefined
}

/**
 * A quantile of a field, or several of them, by DDSketch (Masson et al. 2019): the value of rank
 * `floor(q · (n - 1))` of n, within 1 %; undefined of nothing. Quantiles of one field share a
 * sketch. NaN is skipped; bigints beyond 2^53 are refused.
 *
 * @example
 * ```ts
 * const delays = from([{ origin: "SFO", delay: 4 }])
 *   .keyBy("origin")
 *   .aggregate({ p95: quantile("delay", 0.95), spread: quantile("delay", [0.25, 0.75]) })
 * ```
 * @throws {MillraceError} `OPTION` at once; while running `FIELD_TYPE`, `LIMIT`.
 */
export function quantile<const Field extends string>(
  field: Field,
  q: number,
  options?: QuantileOptions,
): ValueAggregate<Field, "number", "numberOrNone">
export function quantile<const Field extends string, const Q extends readonly number[]>(
  field: Field,
  q: Q,
  options?: QuantileOptions,
): ValueAggregate<Field, "number", Quantiles<Q>>
export function quantile(
  field: string,
  q: number | readonly number[],
  options?: QuantileOptions,
): ValueAggregate<string, "number", "numberOrNone" | Quantiles<readonly number[]>> {
  const table = { error: between(0.0001, 0.5), maxBuckets: integer({ min: 16, max: 65_536 }) }
  const { error = 0.01, maxBuckets } = checkOptions(options, table, "quantile")
  const bucketsMax = maxBuckets ?? Math.min(Math.max(2048, Math.ceil(20.48 / error)), 65_536)
  const share = between(0, 1)
  const list = Array.isArray(q) ? (q as readonly number[]).slice() : undefined
  if (list?.length === 0) throw new MillraceError("OPTION", "quantile needs at least one q")
  list?.forEach((each, i) => share(each, `the q[${i}] of quantile`))
  const one = list === undefined ? share(q, "the q of quantile") : 0
  const sketch = ddSketch(error, bucketsMax)
  const of = (kept: unknown, q: number) => sketch.quantile(kept as never, q)
  return sketchOf("quantile", fieldOf(field, "quantile"), [error, bucketsMax], (kept) => {
    return list?.map((each) => of(kept, each)) ?? of(kept, one)
  })
}

// ---- topK ----

/** Options of {@link topK}. */
export interface TopKOptions {
  /**
   * How many values are counted at a time, from k to 65,536: of n events none is counted more than
   * n / capacity too often. Default 10 k, and at least 100.
   */
  readonly capacity?: number
}

/**
 * The k values of a field that come most often, `{ value, count, error }` by falling count, equal
 * ones as they came, by Space-Saving (Metwally et al. 2005): each came at most `count` times, and
 * at least `count - error`. It tells apart what {@link countDistinct} does.
 *
 * @example
 * ```ts
 * const busiest = from([{ host: "a", path: "/" }])
 *   .keyBy("host")
 *   .aggregate({ paths: topK("path", 3) })
 * ```
 * @throws {MillraceError} `OPTION` at once; while running `FIELD_TYPE`.
 */
export function topK<const Field extends string>(
  field: Field,
  k: number,
  options?: TopKOptions,
): ValueAggregate<Field, "any", "top"> {
  const most = integer({ max: capacityMax })(k, "the k of topK")
  const table = { capacity: integer({ min: most, max: capacityMax }) }
  const { capacity = Math.min(Math.max(10 * most, 100), capacityMax) } = checkOptions(
    options,
    table,
    "topK",
  )
  const sketch: Way = spaceSaving(most, capacity)
  return sketchOf("topK", fieldOf(field, "topK"), [capacity], (kept) => sketch.result(kept))
}

/** The most values that a sketch counts, or keeps. */
const capacityMax = 65_536

// ---- ewma ----

/** Options of {@link ewma}. */
export interface EwmaOptions {
  /** How much older a value is that counts half as much. */
  readonly halfLife: Duration
}

/**
 * The exponentially weighted moving average of a field: a mean in which a value that is older than
 * the newest by a half-life counts half as much. Ages are of the events' times, of arrival under
 * processing time; what comes late counts as old. Undefined of nothing; NaN is skipped.
 *
 * @example
 * ```ts
 * const load = from([{ host: "a", cpu: 0.5, at: 0 }], { time: "at" })
 *   .keyBy("host")
 *   .aggregate({ cpu: ewma("cpu", { halfLife: "5m" }) })
 * ```
 * @throws {MillraceError} `OPTION` at once; while running `FIELD_TYPE`, `LIMIT`.
 */
export function ewma<const Field extends string>(
  field: Field,
  options: EwmaOptions,
): ValueAggregate<Field, "number", "numberOrNone"> {
  const { halfLife } = checkOptions(options, { halfLife: duration({ zero: false }) }, "ewma")
  if (halfLife === undefined) throw new MillraceError("OPTION", "ewma.halfLife is missing")
  return sketchOf("ewma", fieldOf(field, "ewma"), [halfLife])
}

// ---- sample ----

/** Options of {@link sample}. */
export interface SampleOptions {
  /** Which sample it is, from 0 to 2^32 - 1: the same events give the same. Default 0. */
  readonly seed?: number
}

/**
 * Some of the events, or of the values of a field, each with the same chance, in the order in
 * which they came: all of them while there are no more than `size`, which is at most 65,536.
 *
 * @example
 * ```ts
 * const some = from([{ page: "a", ms: 3 }]).keyBy("page").aggregate({ times: sample("ms", 100) })
 * ```
 * @throws {MillraceError} `OPTION` at once.
 */
export function sample(
  size: number,
  options?: SampleOptions,
): ValueAggregate<never, "none", "events">
export function sample<const Field extends string>(
  field: Field,
  size: number,
  options?: SampleOptions,
): ValueAggregate<Field, "any", "fields">
export function sample(
  ...given: readonly [unknown, unknown?, unknown?]
): ValueAggregate<never, never, never> {
  const ofEvents = typeof given[0] === "number"
  const [field, size, options] = ofEvents ? [undefined, ...given] : given
  const most = integer({ max: capacityMax })(size, "the size of sample")
  const table = { seed: integer({ min: 0, max: 2 ** 32 - 1 }) }
  const { seed = 0 } = checkOptions(options, table, "sample")
  const name = ofEvents ? undefined : fieldOf(field, "sample")
  return sketchOf("sample", name, [most, seed])
}

// ---- all of them ----

/** How each works, by what decides what is kept. */
const sketchWays: Readonly<Record<string, (...params: [number, number]) => Way>> = {
  approxDistinct: hyperLogLog,
  quantile: ddSketch,
  topK: (capacity) => spaceSaving(capacity, capacity),
  ewma: decayedMean,
  sample: reservoir,
}

/** An aggregate of a sketch: those with the same parameters over one field keep the same. */
function sketchOf<
  Field extends string,
  Reads extends "number" | "any" | "none",
  Given extends Gives,
>(
  name: keyof typeof sketchWays,
  field: string | undefined,
  params: readonly number[],
  result?: Way["result"],
): ValueAggregate<Field, Reads, Given> {
  const kind = [name, ...params].join(" ")
  const way = wayOf(kind) as Way
  return new ValueAggregate(kind, field, result === undefined ? way : { ...way, result })
}

/** How aggregates of a kind that keep values work; undefined: there is no such kind. */
export function wayOf(kind: string): Way | undefined {
  const [name = "", ...params] = kind.split(" ")
  if (Object.hasOwn(pickWays, name)) return pickWays[name as keyof typeof pickWays]
  if (!Object.hasOwn(sketchWays, name)) return undefined
  return sketchWays[name]?.(...(params.map(Number) as [number, number]))
}

function fieldOf(field: unknown, where: string): string {
  return text(field, `the field of ${where}`)
}

/** A number within bounds. */
function between(min: number, max: number): Check<number> {
  return (given, name) => {
    if (typeof given === "number" && given >= min && given <= max) return given
    const shown = typeof given === "number" ? String(given) : typeName(given)
    throw new MillraceError(
      "OPTION",
      `${name} must be a number from ${min} to ${max}, not ${shown}`,
    )
  }
}
