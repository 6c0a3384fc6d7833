/**
 * lookup: events with what a function that gives promises finds for their keys, such as a row of a
 * database, kept in a cache.
 *
 *   event -> key -> in the cache? -> event and value -> result
 *                \-> function, further tries -> cache /
 *
 * What must stay true: results are those of one event at a time. Events of one key wait for each
 * other, so all but the first find its value in the cache; where its call has failed, which is not
 * kept, the next one makes a call of its own.
 */
import type { Node, OperatorNode, Site } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import { callable, checkOptions, nested } from "../options.ts"
import { keyText } from "../state/entry_keys.ts"
import type { KeyBy, KeyReader } from "../state/keys.ts"
import { keyReader } from "../state/keys.ts"
import { AsyncRunner } from "./async_runner.ts"
import { Cache, cacheOptions } from "./cache.ts"
import type { CacheOptions } from "./cache.ts"
import type { Concurrency } from "./in_flight.ts"
import { asyncConcurrency, asyncOptions } from "./map_async.ts"
import type { MapAsyncOptions } from "./map_async.ts"
import { Tries, tryLimits } from "./tries.ts"
import type { AsyncContext, TryLimits } from "./tries.ts"

/** Options of `lookup`. */
export interface LookupOptions<T = unknown, O = unknown> extends MapAsyncOptions<T, O> {
  /**
   * Keep what was found, `undefined` as well, for events of the same key; failures are not kept.
   * Values are shared by events, so nobody must change them. They are not saved with checkpoints.
   * Default: each event is looked up.
   */
  readonly cache?: CacheOptions
}

const options = { ...asyncOptions, cache: nested(cacheOptions) }

/** Finds a value, or a promise of it, for a key. */
export type Find<K, V> = (key: K, context: AsyncContext) => V | Promise<V>

type Make = (event: unknown, found: unknown) => unknown

/** What a lookup is made of. */
interface LookupPlan {
  readonly read: KeyReader
  readonly find: Find<unknown, unknown>
  readonly make: Make
  readonly limits: TryLimits
  readonly concurrency: Concurrency
  readonly cache: ReturnType<typeof options.cache> | undefined
}

export function lookupNode(
  input: Node,
  ...[by, find, make, settings]: readonly unknown[]
): OperatorNode {
  const read = keyReader(by as KeyBy)
  const checked = checkOptions(settings, options, "lookup")
  const plan: LookupPlan = {
    read,
    find: callable<Find<unknown, unknown>>()(find, "lookup"),
    make: callable<Make>()(make, "lookup"),
    limits: tryLimits(checked, "lookup"),
    concurrency: asyncConcurrency(checked),
    cache: checked.cache,
  }
  return {
    kind: "lookup",
    inputs: [input],
    ...nodeOptions(checked, "lookup"),
    keyOf: read,
    open: (site) => openLookup(site, plan),
  }
}

/** An event with its key, or why that cannot be read. */
interface Asked {
  readonly event: unknown
  /** Only this key has it. */
  readonly text: string
  readonly key?: unknown
  readonly error?: unknown
}

function openLookup(
  site: Site,
  { read, find, make, limits, concurrency, cache: kept }: LookupPlan,
) {
  const tries = new Tries(site.clock, limits)
  const cache = kept && new Cache(kept)
  const ask = (event: unknown, row: number): Asked => {
    try {
      const key = read(event)
      return { event, key, text: cache === undefined ? `${row}` : keyText(key) }
    } catch (error) {
      return { event, error, text: `${row}` } // No text of a key begins with a digit.
    }
  }
  const start = ({ event, text, key, ...failed }: Asked): unknown => {
    if ("error" in failed) throw failed.error
    const known = cache?.get(text, site.clock.now())
    if (known !== undefined) return make(event, known.value)
    const found = tries.run((context) => find(key, context))
    return found.then((value) => {
      cache?.set(text, value, site.clock.now())
      return make(event, value)
    })
  }
  const workOf = (values: readonly unknown[]) => {
    const asked = values.map(ask)
    return {
      start: (row: number) => start(asked[row] as Asked),
      keyOf: (row: number) => (asked[row] as Asked).text,
    }
  }
  return new AsyncRunner(site, concurrency, tries, workOf, cache)
}
