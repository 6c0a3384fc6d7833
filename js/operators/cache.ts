/**
 * What was looked up, kept for a while: the entries that were not used for longest go first.
 *
 * It is no state: it is not saved, and only its number of entries is bounded.
 */
import type { Duration } from "../duration.ts"
import { duration, integer } from "../options.ts"
import type { Checked } from "../options.ts"

/** Options of a cache. */
export interface CacheOptions {
  /** How long a value is used after it was looked up, by the job's clock. Default: for ever. */
  readonly ttl?: Duration
  /** How many values are kept; the one that was not used for longest makes room. Default 10,000. */
  readonly maxSize?: number
}

/** The checks of {@link CacheOptions}. */
export const cacheOptions = { ttl: duration({ zero: false }), maxSize: integer() }

/** Figures of a cache, since the job's start in this run. */
export interface CacheStats {
  /** Values that are kept; some may be too old to be used. */
  readonly size: number
  /** Events whose value was there, and for which it was looked up. */
  readonly hits: number
  readonly misses: number
  /** Values that made room for others. */
  readonly evicted: number
}

interface Kept {
  readonly value: unknown
  /** When it was looked up, ms. */
  readonly sinceMs: number
}

/** Values by the texts of their keys; it is its own figures. */
export class Cache implements CacheStats {
  hits = 0
  misses = 0
  evicted = 0
  readonly #ttlMs: number
  readonly #sizeMax: number
  /** The one that was used last is the last. */
  readonly #kept = new Map<string, Kept>()

  constructor({ ttl = Infinity, maxSize = 10_000 }: Checked<typeof cacheOptions>) {
    this.#ttlMs = ttl
    this.#sizeMax = maxSize
  }

  get size(): number {
    return this.#kept.size
  }

  /** The value of a key, in an object of its own, if it is there and not too old. */
  get(key: string, nowMs: number): { readonly value: unknown } | undefined {
    const kept = this.#kept.get(key)
    this.#kept.delete(key)
    if (kept === undefined || nowMs - kept.sinceMs >= this.#ttlMs) {
      this.misses++
      return undefined
    }
    this.hits++
    this.#kept.set(key, kept)
    return kept
  }

  set(key: string, value: unknown, nowMs: number): void {
    this.#kept.delete(key)
    this.#kept.set(key, { value, sinceMs: nowMs })
    if (this.#kept.size <= this.#sizeMax) return
    const [oldest] = this.#kept.keys()
    this.#kept.delete(oldest as string)
    this.evicted++
  }
}
