/**
 * Opening a C operator: what it is made of, in the numbers that C knows.
 */
import { MillraceError } from "../errors.ts"
import { algorithms, fieldKinds, flags, layouts, limits, operatorKinds } from "./abi.ts"
import type { Engine } from "./engine.ts"
import type { AggregateKind, FieldKind, OperatorSpec, ThrottleAlgorithm } from "./operator.ts"

const kindNumber = {
  custom: operatorKinds.CUSTOM,
  aggregate: operatorKinds.AGGREGATE,
  deduplicate: operatorKinds.DEDUPLICATE,
  throttle: operatorKinds.THROTTLE,
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
}

const aggregateNumber: Record<AggregateKind, number> = { count: 0, sum: 1, mean: 2, min: 3, max: 4 }

/** Does C keep rows that were evicted, for somebody to look at? */
export function keepsEvicted({ limits, keepEvicted }: OperatorSpec): boolean {
  return limits.evict && (keepEvicted === true || limits.onEvict !== undefined)
}

/** Open an operator in C; gives its handle. Throws `LIMIT`, `MEMORY`. */
export function openOperator(engine: Engine, label: string, spec: OperatorSpec): number {
  const { views, scratch, wasm } = engine
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
    (spec.emitEach ? flags.EMIT_EACH : 0) |
    (spec.refresh ? flags.REFRESH : 0) |
    (spec.timers ? flags.TIMERS : 0) |
    (spec.throttle?.queueMax ? flags.DELAY : 0) |
    (keepsEvicted(spec) ? flags.KEEP_EVICTED : 0) |
    (spec.limits.touchReads && ttlMs > 0 ? flags.TOUCH_READS : 0) |
    (spec.limits.linger && ttlMs > 0 ? flags.LINGER : 0)
  views.u32[(scratch + at.count) >>> 2] = parts.length
  parts.forEach((part, i) => {
    const isField = typeof part === "string"
    views.u8[scratch + at.kinds + i] = isField ? fieldNumber[part] : aggregateNumber[part.kind]
    views.u8[scratch + at.columns + i] = isField ? 0 : part.column
  })
  if (spec.throttle !== undefined) {
    const { algorithm, limit, perMs, burst, queueMax = 0 } = spec.throttle
    views.f64[(scratch + at.queue_max) >>> 3] = queueMax
    views.f64[(scratch + at.limit) >>> 3] = limit
    views.f64[(scratch + at.per_ms) >>> 3] = perMs
    views.f64[(scratch + at.burst) >>> 3] = burst
    views.u32[(scratch + at.algorithm) >>> 2] = algorithmNumber[algorithm]
  }
  const out = scratch + bytes
  engine.check(`open ${label}`, wasm.mr_operator_open(engine.handle, scratch, out))
  return views.word(out)
}
