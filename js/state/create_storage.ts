/**
 * A storage made of a configuration: keys and bytes in an engine of its own, so that the time to
 * live, the bound and what is used least recently are judged as they are for operators.
 *
 *   call -> (the first one opens the engine) -> one synchronous step in C -> a copy
 *
 * Calls take effect in the order in which they were made, each at once.
 */
import { Cleanup } from "../cleanup.ts"
import { BytesRows } from "../engine/bytes_rows.ts"
import { Engine } from "../engine/engine.ts"
import type { StateLimits } from "../engine/operator.ts"
import { loadModule } from "../module.ts"
import { MillraceError, typeName } from "../errors.ts"
import { checkOptions, integer, nested, withMethods } from "../options.ts"
import { checkListing, checkStorageKey } from "../storage/storage.ts"
import type { StateStorage } from "../storage/storage.ts"
import { steady, systemClock } from "../time/clock.ts"
import type { Clock, SteadyClock } from "../time/clock.ts"
import { checkStateConfig } from "./config.ts"
import type { StateConfig } from "./config.ts"
import { customStorage } from "./custom_storage.ts"

/** Options of {@link createStorage}. */
export interface CreateStorageOptions {
  /** Where the age of a value comes from, and what wakes the clean-up. Default: the system's. */
  readonly clock?: Clock
  /** The most memory, bytes. Default 1 GiB. */
  readonly memory?: { readonly maxBytes?: number }
}

/** Figures of a storage. */
export interface StorageStats {
  /** Keys with a value, expired ones that are not yet freed included. */
  readonly rows: number
  /** What they take of `maxBytes`. */
  readonly bytes: number
  /** Values that went because their ttl was over, ever. */
  readonly expired: number
  /** Values that made room for others, ever. */
  readonly evicted: number
}

/** Makes a value of the one that is there. */
export type ChangeValue = (current: Uint8Array | undefined) => Uint8Array

/** What {@link createStorage} gives. */
export interface CreatedStorage extends StateStorage {
  exists(key: string): Promise<boolean>
  /** Remove all keys that begin with `prefix`; without one, all. */
  clear(prefix?: string): Promise<void>
  /** Keep what `change` makes of a key's value, and give it: no other call comes in between. */
  update(key: string, change: ChangeValue): Promise<Uint8Array>
  /** Free everything. Later calls are refused with `CLOSED`. */
  close(): Promise<void>
  /** Not of a storage of one's own: `UNSUPPORTED`. */
  stats(): StorageStats
}

const uid = "createStorage"

const createOptions = {
  clock: withMethods<Clock>("a clock", "now"),
  memory: nested({ maxBytes: integer({ min: 1 << 20, max: 4 * 2 ** 30 }) }),
}

/**
 * Make a storage of a state configuration: values of at most 16 MiB under string keys, in memory.
 *
 * The options hold as they do for the state of an operator; ages are of processing time. There is
 * no default and no event time, so `value` and `timeDomain: "event"` are refused. A configuration
 * with a `storage` of one's own gives the same methods over that one, whose ttl, limits, clock and
 * memory are its own affair. A job that is closed closes the storage it was run with.
 *
 * @example
 * ```ts
 * const storage = createStorage(StateConfigs.session())
 * await storage.set("user/ada", new TextEncoder().encode("here"))
 * console.log(await storage.exists("user/ada")) // true
 * await storage.close()
 * ```
 * @throws {MillraceError} `STATE_CONFIG`, `OPTION` and `UNSUPPORTED` at once. Methods reject with
 *   `OPTION` for what is no storage key, `SERIALIZATION` for what is no `Uint8Array`, `LIMIT` and
 *   `MEMORY` when there is no room, `USER_FUNCTION` when `change` or `onEvict` throws, and `CLOSED`
 *   after `close()`.
 */
export function createStorage(
  config: StateConfig = {},
  options: CreateStorageOptions = {},
): CreatedStorage {
  const { limits } = checkStateConfig(config, uid)
  const checked = checkOptions(options, createOptions, uid)
  refuseMeaningless(config)
  if (config.storage !== undefined) {
    refuseOptions(checked)
    return customStorage(config.storage)
  }
  const { clock = systemClock, memory } = checked
  return storageInMemory(new Kept(limits, steady(clock), memory?.maxBytes ?? 2 ** 30))
}

/** What an operator's state has and a storage has not would be an option that does nothing. */
function refuseMeaningless(config: StateConfig): void {
  const { value, type, timeDomain, onEvict, storage } = config as Record<string, unknown>
  const refuse = (name: string, why: string) =>
    new MillraceError("STATE_CONFIG", `${uid}.${name} has no meaning: ${why}`)
  if (value !== undefined) throw refuse("value", "a storage holds bytes")
  if (type !== undefined) throw refuse("type", "a storage holds bytes")
  if (timeDomain === "event") throw refuse("timeDomain", "a storage has no events")
  if (storage === undefined || onEvict === undefined) return
  throw refuse("onEvict", "a storage of one's own evicts by itself")
}

/** Throws `OPTION`: a storage of one's own has both by itself. */
function refuseOptions(options: CreateStorageOptions): void {
  for (const name of ["clock", "memory"] as const) {
    if (options[name] === undefined) continue
    const message = `${uid}.${name} has no meaning: a storage of one's own keeps its own`
    throw new MillraceError("OPTION", message)
  }
}

function storageInMemory(kept: Kept): CreatedStorage {
  return {
    async get(key) {
      checkStorageKey(key)
      return kept.using((rows, now) => rows.get(key, now))
    },
    async set(key, value) {
      checkStorageKey(key)
      const copy = checkValue(value).slice() // The caller may change it while the engine opens.
      await kept.update(key, () => copy)
    },
    async delete(key) {
      checkStorageKey(key)
      await kept.using((rows, now) => rows.delete(key, now))
    },
    async list(prefix, options = {}) {
      checkListing(prefix, options)
      const { after = "", limit = Infinity } = options
      const keys = await kept.using((rows, now) => rows.keys(now))
      const found = keys.filter((key) => key.startsWith(prefix) && key > after)
      return found.sort().slice(0, limit)
    },
    async exists(key) {
      checkStorageKey(key)
      return kept.using((rows, now) => rows.has(key, now))
    },
    async clear(prefix = "") {
      checkListing(prefix)
      await kept.using((rows, now) => {
        for (const key of rows.keys(now)) if (key.startsWith(prefix)) rows.delete(key, now)
      })
    },
    async update(key, change) {
      checkStorageKey(key)
      return (await kept.update(key, guarded(change))).slice()
    },
    stats: () => kept.stats(),
    close: () => kept.close(),
  }
}

/** The rows of a storage from the first call, which opens their engine, to `close`. */
class Kept {
  readonly #limits: StateLimits
  readonly #clock: SteadyClock
  readonly #memoryBytesMax: number
  #opening: Promise<BytesRows> | undefined
  #rows: BytesRows | undefined
  #cleanup: Cleanup | undefined
  #closed = false
  #locked = false

  constructor(limits: StateLimits, clock: SteadyClock, memoryBytesMax: number) {
    this.#limits = limits
    this.#clock = clock
    this.#memoryBytesMax = memoryBytesMax
  }

  /** Each call waits for the same promise, so they go on in the order in which they came. */
  async using<Result>(use: (rows: BytesRows, now: number) => Result): Promise<Result> {
    this.#check()
    this.#opening ??= this.#open()
    return use(await this.#opening, this.#clock.now())
  }

  update(key: string, change: ChangeValue): Promise<Uint8Array> {
    return this.using((rows, now) => {
      const inside = (current: Uint8Array | undefined) => this.#lock(() => change(current))
      const value = rows.update(key, now, (current) => checkValue(inside(current)))
      const { onEvict } = this.#limits
      if (onEvict !== undefined) this.#tell(rows.takeEvicted(), onEvict)
      return value
    })
  }

  /** What it throws is for whoever made the call, whose value is kept by now. */
  #tell(
    evicted: readonly (readonly [key: string, value: Uint8Array])[],
    onEvict: NonNullable<StateLimits["onEvict"]>,
  ): void {
    try {
      for (const [key, value] of evicted) this.#lock(() => onEvict(key, value))
    } catch (cause) {
      throw new MillraceError("USER_FUNCTION", `${uid}: onEvict threw; see cause`, { cause })
    }
  }

  /** Run a function of the user's, who must not use the storage in it. */
  #lock<Result>(run: () => Result): Result {
    this.#locked = true
    try {
      return run()
    } finally {
      this.#locked = false
    }
  }

  stats(): StorageStats {
    this.#check()
    const { rows, bytes, expired, evicted } = this.#rows?.operator.stats() ?? none
    return { rows, bytes, expired, evicted }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#check()
    this.#closed = true
    const rows = await this.#opening?.catch(() => undefined) // What never opened: nothing to free.
    this.#cleanup?.stop()
    rows?.operator.engine.close()
  }

  #check(): void {
    if (this.#closed) throw new MillraceError("CLOSED", "the storage is closed")
    if (!this.#locked) return
    const message = "a storage cannot be used inside a function that it calls"
    throw new MillraceError("UNSUPPORTED", message)
  }

  async #open(): Promise<BytesRows> {
    let engine: Engine | undefined
    try {
      engine = new Engine(await loadModule(), { memoryBytesMax: this.#memoryBytesMax })
      this.#rows = new BytesRows(engine, uid, this.#limits)
      this.#cleanup = new Cleanup([this.#rows.operator], this.#clock)
      return this.#rows
    } catch (error) {
      engine?.close()
      this.#rows = undefined
      this.#opening = undefined // The next call tries again.
      throw error
    }
  }
}

const none: StorageStats = { rows: 0, bytes: 0, expired: 0, evicted: 0 }

function checkValue(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  // A promise that nobody waits for must not end the process when it rejects.
  void Promise.resolve(value).catch(() => undefined)
  const message = `a value must be a Uint8Array, not ${typeName(value)}`
  throw new MillraceError("SERIALIZATION", `${uid}: ${message}`)
}

/** The user's function, whose errors are told apart from ours. */
function guarded(change: ChangeValue): ChangeValue {
  if (typeof change !== "function") {
    const message = `update takes a function, not ${typeName(change)}`
    throw new MillraceError("OPTION", `${uid}: ${message}`)
  }
  return (current) => {
    try {
      return change(current)
    } catch (cause) {
      throw new MillraceError("USER_FUNCTION", `${uid}: the function threw`, { cause })
    }
  }
}
