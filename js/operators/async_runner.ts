/**
 * The loop of functions that are waited for and have no state: all events of a chunk are in flight,
 * as many at once as may be.
 */
import type { Chunk } from "../chunk.ts"
import type { Ran, Runner, Site, Tolerate } from "../graph.ts"
import type { CacheStats } from "./cache.ts"
import { InFlight } from "./in_flight.ts"
import type { Call, Concurrency } from "./in_flight.ts"
import { Outputs } from "./outputs.ts"
import type { Tries } from "./tries.ts"

/** What is done with the events of one chunk. */
interface AsyncWork {
  /** Begin with a value; what it gives may be a promise of what becomes of it. */
  start(this: void, row: number): unknown
  /** Values of one key wait for each other. */
  keyOf(this: void, row: number): string
}

export class AsyncRunner implements Runner {
  readonly waits = true
  readonly concurrency: number
  readonly cache: CacheStats | undefined
  readonly #site: Site
  readonly #limits: Concurrency
  readonly #tries: Tries
  readonly #workOf: (values: readonly unknown[]) => AsyncWork
  #flight: InFlight | undefined

  constructor(
    site: Site,
    limits: Concurrency,
    tries: Tries,
    workOf: (values: readonly unknown[]) => AsyncWork,
    cache?: CacheStats,
  ) {
    this.#site = site
    this.#limits = limits
    this.#tries = tries
    this.#workOf = workOf
    this.concurrency = limits.limit
    this.cache = cache
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran | Promise<Ran> {
    const out = new Outputs(chunk, this.#site.wanted)
    const size = chunk.values.length
    if (size === 0) return { chunk: out.chunk() }
    const { start, keyOf } = this.#workOf(chunk.values)
    const call = (row: number): Call => ({
      start: () => start(row),
      detach: () => undefined,
      suspend: () => undefined,
      accept: (result) => out.add(result, row),
      abandon: () => undefined,
    })
    const fail = (row: number, error: unknown) => out.dealt(tolerate, row, error)
    this.#flight = new InFlight({ size, call, keyOf, fail }, this.#limits, 0)
    return this.#flight.run().then((failure) => {
      if (!this.#limits.ordered) out.sort()
      return { chunk: out.chunk(), failure }
    })
  }

  close(): void {
    this.#flight?.giveUp()
    this.#tries.close()
  }
}
