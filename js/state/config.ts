/**
 * The `state` option of an operator: how long rows live, how many there may be, what they hold.
 */
import { durationMs } from "../duration.ts"
import type { Duration } from "../duration.ts"
import type { Migrate, StateLimits } from "../engine/operator.ts"
import { MillraceError, typeName } from "../errors.ts"
import { anything, checkOptions, withMethods } from "../options.ts"
import type { Check } from "../options.ts"
import type { StateStorage } from "../storage/storage.ts"
import { timed } from "../storage/timed.ts"
import type { KeyValue } from "./key_bytes.ts"
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

/** Where state is kept: in the engine's memory, or in a storage of one's own. */
export const StateStorageType = Object.freeze({ InMemory: "InMemory", Custom: "Custom" } as const)
export type StateStorageType = keyof typeof StateStorageType

/** How long state lives and how much of it there may be. Without these nothing expires. */
export interface StateConfig {
  /** State of this age since its last write is gone. `"never"` is the default. */
  readonly ttl?: Duration | "never"
  /**
   * State whose ttl is over is freed within this time, also while nothing comes in; at most the
   * ttl. Default: 5 minutes, or a shorter ttl.
   */
  readonly cleanupInterval?: Duration
  /** The most keys; `Infinity` is the default. */
  readonly maxSize?: number
  /** The most bytes: rows, strings, and 512 for each live object. Default: the job's memory. */
  readonly maxBytes?: number
  /** At a limit: refuse the event with `LIMIT` (the default), or drop the key used longest ago. */
  readonly onFull?: "evict" | "error"
  /**
   * What restarts the ttl: a `"write"`, which is the default, or reads as well. Asking whether
   * there is state counts as a read.
   */
  readonly update?: "write" | "readWrite"
  /**
   * `"neverExpired"`, the default: state is gone as soon as its ttl is over. `"untilCleanedUp"`: it
   * can be seen until it is cleaned up, which is at the next multiple of `cleanupInterval`.
   */
  readonly visibility?: "neverExpired" | "untilCleanedUp"
  /** The time that the ttl is of. Default: the source's, event time if it has one. */
  readonly timeDomain?: "event" | "processing"
  /**
   * Told of each key whose state made room for others, first evicted first, once the chunk is
   * processed that evicted it. What it throws ends the job with `USER_FUNCTION`, behind the results
   * of the event that evicted.
   */
  readonly onEvict?: (key: KeyValue, state: unknown) => void
  /** Which version of the state this program has, from 1 on; 1 is the default. */
  readonly version?: number
  /**
   * Makes state of what an older version of the program saved: it is given each value, or record as
   * an object, with the version that it is of. Undefined: there is none any more. Called at a
   * restore; what it throws is `USER_FUNCTION`.
   */
  migrate?(old: unknown, version: number): unknown
  /** `"InMemory"` is the default; a storage makes it `"Custom"`. */
  readonly storageType?: StateStorageType
  /**
   * A storage of the state's own: checkpoints of the job write this operator's state there, under
   * its uid. The job needs a storage as well, which says what belongs together.
   */
  readonly storage?: StateStorage
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
  /** Is it of an operator itself, which changes it in place? Default: it is the user's. */
  readonly own?: boolean
  readonly storage?: StateStorage | undefined
  readonly version?: number | undefined
  readonly migrate?: Migrate | undefined
}

/** No limits, and nothing expires. */
export const noLimits: StateLimits = {
  ttlMs: 0,
  cleanupMs: 0,
  rowsMax: 0,
  bytesMax: 0,
  evict: false,
  touchReads: false,
  linger: false,
  timeDomain: undefined,
  onEvict: undefined,
}

const cleanupMsDefault = 5 * 60_000

/** The same limits with a ttl that the operator itself has. */
export function withTtl(limits: StateLimits, ttlMs: number): StateLimits {
  const cleanupMs = Math.min(limits.cleanupMs === 0 ? cleanupMsDefault : limits.cleanupMs, ttlMs)
  return { ...limits, ttlMs, cleanupMs }
}

/** Refuse settings that would be ignored: the operator `where` has a time of its own. */
export function refuseOwnTime(limits: StateLimits, where: string): void {
  const name = limits.touchReads ? "update" : limits.linger ? "visibility" : undefined
  const given = limits.timeDomain === undefined ? name : "timeDomain"
  if (given === undefined) return
  const message = `${where}.state.${given} has no meaning: ${where} has a time of its own`
  throw new MillraceError("STATE_CONFIG", message)
}

/** The check of an operator's `state` option. */
export const stateOption: Check<StateSetting> = (given, name) => checkStateConfig(given, name)

/** The same for an operator whose state is its own: a default would be ignored. */
export const limitsOption = limitsCheck(false)

/** The same where the operator has a ttl of its own. */
export const limitsOfOwnTtl = limitsCheck(true)

function limitsCheck(ownTtl: boolean): Check<StateSetting> {
  return (given, name) => {
    const setting = checkStateConfig(given, name, ownTtl)
    const { value, version, migrate } = setting
    if (value === undefined && version === undefined && migrate === undefined) return setting
    throw new MillraceError("STATE_CONFIG", `${name} has no value of its own`)
  }
}

/** What a configuration means. Throws `STATE_CONFIG`, `OPTION` and `UNSUPPORTED`. */
export function checkStateConfig(given: unknown, name = "state", ownTtl = false): StateSetting {
  const checked = checkOptions(given, stateOptions, name)
  const { ttl = 0, cleanupInterval, maxSize, maxBytes, onFull, value } = checked
  if (ttl > 0 && cleanupInterval !== undefined && cleanupInterval > ttl) {
    const message = "Cleanup interval should be less than or equal to TTL"
    throw new MillraceError("STATE_CONFIG", message)
  }
  if (checked.storageType === "Custom" && checked.storage === undefined) {
    const message = `${name}.storageType Custom needs a storage`
    throw new MillraceError("STATE_CONFIG", message)
  }
  const cleanupMs = cleanupInterval ?? Math.min(cleanupMsDefault, ttl)
  const sizes = { rowsMax: maxSize ?? 0, bytesMax: maxBytes ?? 0, evict: onFull === "evict" }
  const limits = {
    ttlMs: ttl,
    cleanupMs: Math.ceil(cleanupMs),
    ...sizes,
    touchReads: checked.update === "readWrite",
    linger: checked.visibility === "untilCleanedUp",
    timeDomain: checked.timeDomain,
    onEvict: checked.onEvict,
  }
  for (const name of ["cleanupInterval", "update", "visibility", "timeDomain"] as const) {
    if (checked[name] === undefined || checked.ttl !== undefined) continue
    if (ownTtl && name === "cleanupInterval") continue
    throw new MillraceError("STATE_CONFIG", `${name} has no meaning without a ttl`)
  }
  if (limits.onEvict !== undefined && !limits.evict) {
    throw new MillraceError("STATE_CONFIG", `onEvict has no meaning without onFull "evict"`)
  }
  const { version, migrate } = checked
  if (migrate !== undefined && (version ?? 1) === 1) {
    const message = `${name}.migrate has no meaning without a version above 1`
    throw new MillraceError("STATE_CONFIG", message)
  }
  const storage = checked.storage && timed(checked.storage)
  return { limits, value, storage, version, migrate }
}

const ttlOption: Check<number> = (given, name) => {
  if (given === "never") return 0
  if (given === 0) throw new MillraceError("STATE_CONFIG", "TTL cannot be zero")
  return configured(() => durationMs(given, name, { zero: false }))
}

const cleanupOption: Check<number> = (given, name) => {
  if (given === 0) throw new MillraceError("STATE_CONFIG", "Cleanup interval cannot be zero")
  return configured(() => durationMs(given, name, { zero: false }))
}

const storageTypeOption: Check<StateStorageType> = (given, name) => {
  if (given === "InMemory" || given === "Custom") return given
  throw new MillraceError("STATE_CONFIG", `${name} must be "InMemory" or "Custom"`)
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

/** One of two words. */
function choice<const Word extends string>(one: Word, other: Word): Check<Word> {
  return (given, name) => {
    if (given === one || given === other) return given as Word
    throw new MillraceError("STATE_CONFIG", `${name} must be "${one}" or "${other}"`)
  }
}

const onEvictOption: Check<(key: KeyValue, state: unknown) => void> = (given, name) => {
  if (typeof given === "function") return given as (key: KeyValue, state: unknown) => void
  throw new MillraceError("STATE_CONFIG", `${name} must be a function, not ${typeName(given)}`)
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

const migrateOption: Check<Migrate> = (given, name) => {
  if (typeof given === "function") return given as Migrate
  throw new MillraceError("STATE_CONFIG", `${name} must be a function, not ${typeName(given)}`)
}

const stateOptions = {
  ttl: ttlOption,
  maxSize: maxSizeOption,
  maxBytes: maxBytesOption,
  onFull: choice("evict", "error"),
  value: valueOption,
  type: anything,
  cleanupInterval: cleanupOption,
  storageType: storageTypeOption,
  storage: withMethods<StateStorage>("a storage", "get", "set", "delete", "list"),
  perKey: later,
  update: choice("write", "readWrite"),
  visibility: choice("neverExpired", "untilCleanedUp"),
  timeDomain: choice("event", "processing"),
  onEvict: onEvictOption,
  version: wholeNumber,
  migrate: migrateOption,
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
