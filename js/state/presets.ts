/**
 * Ready-made state configurations, and a builder of one's own.
 *
 * A configuration is a frozen plain object of values, so it can be spread and changed:
 * `state: { ...StateConfigs.session(), maxSize: 50 }`. Where there is a bound, the key that was
 * used longest ago makes room when it is reached.
 */
import type { Duration } from "../duration.ts"
import type { StateStorage } from "../storage/storage.ts"
import { checkStateConfig, StateStorageType } from "./config.ts"
import type { StateConfig } from "./config.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

function preset(ttl: number, cleanupInterval: number, maxSize: number): StateConfig {
  const storageType = StateStorageType.InMemory
  return Object.freeze({ storageType, ttl, cleanupInterval, maxSize, onFull: "evict" })
}

/**
 * Ready-made configurations.
 *
 * | preset | ttl | clean-up interval | max size |
 * |---|---|---|---|
 * | `default()` | 24 h | 5 min | none |
 * | `highPerformance()` | 1 h | 1 min | 10,000 |
 * | `session()` | 30 min | 5 min | 1,000 |
 * | `shortLived()` | 5 min | 30 s | 100 |
 * | `longLived()` | 7 d | 1 h | 100,000 |
 *
 * @example
 * ```ts
 * const seen = from(["a", "b", "a"])
 *   .keyBy((letter) => letter)
 *   .map((letter, state) => letter + state.update((n) => n + 1), {
 *     state: { ...StateConfigs.session(), value: () => 0 },
 *   })
 * ```
 */
export const StateConfigs = Object.freeze({
  /** A day, and no bound; what the builder starts with. */
  default: () => preset(day, 5 * minute, Infinity),
  /** Updates come often: sessions, rate limits, short aggregations. */
  highPerformance: () => preset(hour, minute, 10_000),
  /** What is known of a user while he is here. */
  session: () => preset(30 * minute, 5 * minute, 1000),
  /** What is needed for one request or one moment. */
  shortLived: () => preset(5 * minute, 30_000, 100),
  /** Profiles, history, analytics. */
  longLived: () => preset(7 * day, hour, 100_000),
})

/**
 * Builds a configuration step by step; begins as `StateConfigs.default()`.
 *
 * @example
 * ```ts
 * const config = new StateConfigBuilder().ttl("1h").cleanupInterval("5m").maxSize(50_000).build()
 * ```
 */
export class StateConfigBuilder {
  // A clean-up interval that nobody gave shrinks to fit the ttl, so it is not among these.
  readonly #given: Record<string, unknown> = {}

  /** Where state is kept; {@link StateConfigBuilder.customStorage} says so by itself. */
  storageType(type: StateStorageType): this {
    return this.#with({ storageType: type })
  }

  ttl(ttl: Duration | "never"): this {
    return this.#with({ ttl })
  }

  cleanupInterval(cleanupInterval: Duration): this {
    return this.#with({ cleanupInterval })
  }

  /** The most keys; `Infinity` for no bound. */
  maxSize(maxSize: number): this {
    return this.#with({ maxSize })
  }

  /** A storage of one's own; the type becomes `Custom`. */
  customStorage(storage: StateStorage): this {
    return this.#with({ storage, storageType: StateStorageType.Custom })
  }

  /**
   * The configuration.
   *
   * @throws {MillraceError} `STATE_CONFIG`: "TTL cannot be zero", "Cleanup interval cannot be
   *   zero", "Cleanup interval should be less than or equal to TTL", "Max size cannot be zero", or
   *   a `Custom` type without a storage.
   */
  build(): StateConfig {
    const { cleanupInterval, ...start } = StateConfigs.default()
    const given = { ...start, ...this.#given }
    const { ttlMs, cleanupMs } = checkStateConfig(given).limits
    const shrunk = ttlMs > 0 ? cleanupMs : cleanupInterval
    return Object.freeze({ cleanupInterval: shrunk, ...given } as StateConfig)
  }

  #with(values: Record<string, unknown>): this {
    Object.assign(this.#given, values)
    return this
  }
}

/** The configuration with a storage of one's own; its type becomes `Custom`. */
export function withCustomStorage(config: StateConfig, storage: StateStorage): StateConfig {
  const given = { ...config, storage, storageType: StateStorageType.Custom }
  checkStateConfig(given)
  return Object.freeze(given)
}
