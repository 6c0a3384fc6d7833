/**
 * The `state` option of an operator: how long rows live, how many there may be, what they hold.
 */
import { durationMs } from "../duration.ts"
import type { Duration } from "../duration.ts"
import type { StateLimits } from "../engine/operator.ts"
import { MillraceError, typeName } from "../errors.ts"
import { anything, checkOptions } from "../options.ts"
import type { Check } from "../options.ts"
import { RecordType } from "./record.ts"

/** A type that nothing else states; what {@link of} gives. */
export class Type<in out T> {
  declare private readonly type: (value: T) => T
}

/**
 * State a type where nothing else does, as in `state: { ttl: "1h", type: of<Session>() }`.
 *
 * @example
 * ```ts
 * const last = from(clicks)
 *   .keyBy("user")
 *   .map((click, state) => state.get(), { state: { type: of<string>() } })
 * ```
 */
export function of<T>(): Type<T> {
  return new Type<T>()
}

/** How long state lives and how much of it there may be. Without these nothing expires. */
export interface StateConfig {
  /** State of this age since its last write is gone. `"never"` is the default. */
  readonly ttl?: Duration | "never"
  /** The most keys; `Infinity` is the default. */
  readonly maxSize?: number
  /** The most bytes: rows, strings, and 512 for each live object. Default: the job's memory. */
  readonly maxBytes?: number
  /** At a limit: refuse the event with `LIMIT` (the default), or drop the key used longest ago. */
  readonly onFull?: "evict" | "error"
}

/** State with a default, so that `get()` never gives undefined. */
export interface StateConfigValue<S> extends StateConfig {
  /** Makes the default of a key without state; or a record type. */
  readonly value: (() => S) | RecordType<S>
}

/** State whose type is stated and that has no default. */
export interface StateConfigTyped<S> extends StateConfig {
  readonly type: Type<S>
}

/** A state option as operators use it. */
export interface StateSetting {
  readonly limits: StateLimits
  readonly value: (() => unknown) | RecordType<unknown> | undefined
}

/** No limits, and nothing expires. */
export const noLimits: StateLimits = { ttlMs: 0, rowsMax: 0, bytesMax: 0, evict: false }

/** The check of an operator's `state` option. */
export const stateOption: Check<StateSetting> = (given, name) => {
  const { ttl, maxSize, maxBytes, onFull, value } = checkOptions(given, stateOptions, name)
  const evict = onFull === "evict"
  return {
    limits: { ttlMs: ttl ?? 0, rowsMax: maxSize ?? 0, bytesMax: maxBytes ?? 0, evict },
    value,
  }
}

const ttlOption: Check<number> = (given, name) => {
  if (given === "never") return 0
  if (given === 0) throw new MillraceError("STATE_CONFIG", "TTL cannot be zero")
  return configured(() => durationMs(given, name, { zero: false }))
}

const maxSizeOption: Check<number> = (given, name) => {
  if (given === Infinity) return 0
  if (given === 0) throw new MillraceError("STATE_CONFIG", "Max size cannot be zero")
  return wholeNumber(given, name)
}

const maxBytesOption: Check<number> = (given, name) => {
  if (given === 0) throw new MillraceError("STATE_CONFIG", "Max bytes cannot be zero")
  return wholeNumber(given, name)
}

const onFullOption: Check<"evict" | "error"> = (given, name) => {
  if (given === "evict" || given === "error") return given
  throw new MillraceError("STATE_CONFIG", `${name} must be "evict" or "error"`)
}

const valueOption: Check<(() => unknown) | RecordType<unknown>> = (given, name) => {
  if (given instanceof RecordType) return given
  if (typeof given === "function") return given as () => unknown
  const wanted = "a function that makes the default, or record({…})"
  throw new MillraceError("STATE_CONFIG", `${name} must be ${wanted}, not ${typeName(given)}`)
}

/** An option that the documents name and this version does not have. */
export const later: Check<never> = (_, name) => {
  throw new MillraceError("UNSUPPORTED", `${name} is not in this version yet`)
}

const stateOptions = {
  ttl: ttlOption,
  maxSize: maxSizeOption,
  maxBytes: maxBytesOption,
  onFull: onFullOption,
  value: valueOption,
  type: anything,
  cleanupInterval: later,
  storage: later,
  perKey: later,
  update: later,
  visibility: later,
  timeDomain: later,
  onEvict: later,
}

function wholeNumber(given: unknown, name: string): number {
  if (Number.isSafeInteger(given) && (given as number) > 0) return given as number
  throw new MillraceError("STATE_CONFIG", `${name} must be a whole number above zero`)
}

function configured<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    throw new MillraceError("STATE_CONFIG", error.message)
  }
}
