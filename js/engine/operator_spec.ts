/**
 * What a C operator is made of, and how that is written down for C.
 */
import { MillraceError } from "../errors.ts"
import { aggregates, algorithms, assigners, fieldKinds, flags, layouts, limits } from "./abi.ts"
import { operatorKinds } from "./abi.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import type { Engine } from "./engine.ts"

/** What a state is allowed and how long its rows live; 0 is no limit. */
export interface StateLimits {
  readonly ttlMs: number
  /** Rows whose ttl is over are freed within this time; 0 where nothing expires. */
  readonly cleanupMs: number
  readonly rowsMax: number
  readonly bytesMax: number
  readonly evict: boolean
  /** Do reads restart the ttl? */
  readonly touchReads: boolean
  /** Can rows whose ttl is over be seen until they are cleaned up? */
  readonly linger: boolean
  /** The time of the ttl; undefined: the source's. */
  readonly timeDomain: "event" | "processing" | undefined
  readonly onEvict: ((key: KeyValue, state: unknown) => void) | undefined
}

export type FieldKind = "f64" | "i64" | "bool" | "string" | "timestamp" | "ref" | "refs"
/** How a throttle judges what passes; `algorithm` of `throttle`. */
export type ThrottleAlgorithm = "sliding" | "fixed" | "tokenBucket" | "gcra"
export type AggregateKind = keyof typeof aggregateNumber

/** Gives the value of now for one that a version of before saved; undefined: there is none. */
export type Migrate = (old: unknown, version: number) => unknown

/** What a C operator is made of. */
export interface OperatorSpec {
  readonly kind: keyof typeof kindNumber
  readonly limits: StateLimits
  /** Custom, join, pattern and session: the fields of the record. */
  readonly fields?: readonly FieldKind[]
  /** Custom: are its refs values that it changes in place itself? Default: they are the user's. */
  readonly own?: boolean | undefined
  /** Aggregate and window: each with the input column that it reads. */
  readonly aggregates?: readonly { readonly kind: AggregateKind; readonly column: number }[]
  readonly emitEach?: boolean
  /** Rows may have a timer each; see timers.ts. */
  readonly timers?: boolean
  /** A key has many rows; see call.ts. */
  readonly entries?: boolean
  /** Rows that were evicted are kept until {@link Operator.freeEvicted}. */
  readonly keepEvicted?: boolean
  /** Custom: makes values of what an older version of the program saved. */
  readonly migrate?: Migrate | undefined
  /** Deduplicate: a duplicate restarts the ttl. */
  readonly refresh?: boolean
  /** Window: which windows, and when they are emitted; C has what the numbers mean. */
  readonly window?: {
    readonly assigner: keyof typeof assignerNumber
    readonly size: number
    readonly slide: number
    readonly offsetMs: number
    readonly lateMs: number
    readonly exclusive: boolean
    readonly partial: boolean
    readonly emit: "final" | "updates" | undefined
  }
  /** Join: how far before and after a left event its right ones are, or the one it is as of. */
  readonly join?: { readonly beforeMs: number; readonly afterMs: number; readonly asOf: boolean }
  /** Pattern: the address of what it looks for; see pattern_program.ts. */
  readonly pattern?: number
  /** Session: how long a pause ends it, and whether one that is just so long does. */
  readonly session?: { readonly gapMs: number; readonly exclusive: boolean }
  /** Throttle: what passes. */
  readonly throttle?: {
    readonly algorithm: ThrottleAlgorithm
    readonly limit: number
    readonly perMs: number
    readonly burst: number
    /** Events wait for their time, so many of a key; undefined: they do not pass. */
    readonly queueMax?: number | undefined
  }
}

const kindNumber = {
  custom: operatorKinds.CUSTOM,
  aggregate: operatorKinds.AGGREGATE,
  deduplicate: operatorKinds.DEDUPLICATE,
  throttle: operatorKinds.THROTTLE,
  window: operatorKinds.WINDOW,
  join: operatorKinds.JOIN,
  pattern: operatorKinds.PATTERN,
  session: operatorKinds.SESSION,
} as const

const assignerNumber = {
  aligned: assigners.ALIGNED,
  sessions: assigners.SESSIONS,
  counted: assigners.COUNTED,
  countedEach: assigners.COUNTED_EACH,
} as const

const algorithmNumber: Record<ThrottleAlgorithm, number> = {
  sliding: algorithms.SLIDING,
  fixed: algorithms.FIXED,
  tokenBucket: algorithms.TOKEN_BUCKET,
  gcra: algorithms.GCRA,
}

const fieldNumber: Record<FieldKind, number> = {
  f64: fieldKinds.F64,
  i64: fieldKinds.I64,
  bool: fieldKinds.BOOL,
  string: fieldKinds.STRING,
  timestamp: fieldKinds.TIMESTAMP,
  ref: fieldKinds.REF,
  refs: fieldKinds.REFS,
}

const aggregateNumber = {
  count: aggregates.COUNT,
  sum: aggregates.SUM,
  mean: aggregates.MEAN,
  min: aggregates.MIN,
  max: aggregates.MAX,
  variance: aggregates.VARIANCE,
  stddev: aggregates.STDDEV,
  variancePopulation: aggregates.VARIANCE_POPULATION,
  stddevPopulation: aggregates.STDDEV_POPULATION,
} as const

/** All aggregates that C has. */
export const aggregateKinds = Object.keys(aggregateNumber) as readonly AggregateKind[]

/** Does C run it, and give results? Else the host does, over found rows. */
export function givesResults({ kind }: OperatorSpec): boolean {
  return kind !== "custom" && kind !== "session"
}

/** Are rows that were evicted kept for the host to see? */
export function keepsEvicted({ limits, keepEvicted }: OperatorSpec): boolean {
  return limits.evict && (keepEvicted === true || limits.onEvict !== undefined)
}

/** Write a spec to the engine's scratch memory; `label` is what messages say. Throws `LIMIT`. */
export function writeSpec(engine: Engine, label: string, spec: OperatorSpec): void {
  const { views, scratch } = engine
  const { at, bytes } = layouts.operator_spec
  const { ttlMs, rowsMax, bytesMax, evict } = spec.limits
  const parts = spec.fields ?? spec.aggregates ?? []
  if (parts.length > limits.FIELDS_MAX) {
    const most = `${limits.FIELDS_MAX} fields or aggregates`
    throw new MillraceError("LIMIT", `${label}: a state has at most ${most}, not ${parts.length}`)
  }
  views.u8.fill(0, scratch, scratch + bytes)
  views.f64[(scratch + at.ttl_ms) >>> 3] = ttlMs
  views.f64[(scratch + at.cleanup_ms) >>> 3] = spec.limits.cleanupMs
  views.u64[(scratch + at.rows_max) >>> 3] = BigInt(rowsMax)
  views.u64[(scratch + at.bytes_max) >>> 3] = BigInt(bytesMax)
  views.u32[(scratch + at.kind) >>> 2] = kindNumber[spec.kind]
  views.u32[(scratch + at.flags) >>> 2] =
    (evict ? flags.EVICT : 0) |
    (engine.tracks ? flags.TRACK : 0) |
    (spec.emitEach || spec.window?.emit === "updates" ? flags.EMIT_EACH : 0) |
    (spec.window?.emit === "final" ? flags.FINAL : 0) |
    (spec.window?.exclusive || spec.session?.exclusive ? flags.EXCLUSIVE : 0) |
    (spec.window?.partial ? flags.PARTIAL : 0) |
    (spec.refresh ? flags.REFRESH : 0) |
    (spec.timers ? flags.TIMERS : 0) |
    (spec.entries ? flags.ENTRIES : 0) |
    (spec.throttle?.queueMax ? flags.DELAY : 0) |
    (spec.join?.asOf ? flags.AS_OF : 0) |
    (keepsEvicted(spec) ? flags.KEEP_EVICTED : 0) |
    (spec.limits.touchReads && ttlMs > 0 ? flags.TOUCH_READS : 0) |
    (spec.limits.linger && ttlMs > 0 ? flags.LINGER : 0)
  views.u32[(scratch + at.count) >>> 2] = parts.length
  parts.forEach((part, i) => {
    const isField = typeof part === "string"
    views.u8[scratch + at.kinds + i] = isField ? fieldNumber[part] : aggregateNumber[part.kind]
    views.u8[scratch + at.columns + i] = isField ? 0 : part.column
  })
  if (spec.window !== undefined) {
    const { assigner, size, slide, offsetMs, lateMs } = spec.window
    views.u32[(scratch + at.assigner) >>> 2] = assignerNumber[assigner]
    views.f64[(scratch + at.size) >>> 3] = size
    views.f64[(scratch + at.slide) >>> 3] = slide
    views.f64[(scratch + at.offset_ms) >>> 3] = offsetMs
    views.f64[(scratch + at.late_ms) >>> 3] = lateMs
  }
  if (spec.join !== undefined) {
    views.f64[(scratch + at.before_ms) >>> 3] = spec.join.beforeMs
    views.f64[(scratch + at.after_ms) >>> 3] = spec.join.afterMs
  }
  if (spec.session !== undefined) views.f64[(scratch + at.size) >>> 3] = spec.session.gapMs
  views.u32[(scratch + at.pattern) >>> 2] = spec.pattern ?? 0
  if (spec.throttle !== undefined) {
    const { algorithm, limit, perMs, burst, queueMax = 0 } = spec.throttle
    views.f64[(scratch + at.queue_max) >>> 3] = queueMax
    views.f64[(scratch + at.limit) >>> 3] = limit
    views.f64[(scratch + at.per_ms) >>> 3] = perMs
    views.f64[(scratch + at.burst) >>> 3] = burst
    views.u32[(scratch + at.algorithm) >>> 2] = algorithmNumber[algorithm]
  }
}
