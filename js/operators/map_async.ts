/**
 * mapAsync: what a function that gives promises makes of each event, several at once, with a time
 * limit and further tries.
 */
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode, Ran, Site, Tolerate } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import type { Chunk } from "../chunk.ts"
import { callable, checkOptions, duration, integer, nested } from "../options.ts"
import { concurrencyOf, functionOptions } from "./function_options.ts"
import type { FunctionOptions } from "./function_options.ts"
import { isPromise } from "../state/access.ts"
import { InFlight } from "./in_flight.ts"
import type { Call, Concurrency } from "./in_flight.ts"
import { Outputs } from "./outputs.ts"
import type { Duration } from "../duration.ts"

/** Options of `mapAsync`. */
export interface MapAsyncOptions<T = unknown, O = unknown> extends FunctionOptions<T, unknown, O> {
  /** How many events may be waited for at once. Default 16. */
  readonly concurrency?: number
  /** How long one try may take; then it has failed with `TIMEOUT`. Default: as long as it takes. */
  readonly timeout?: Duration
  /**
   * Tries after one that failed: `attempts` more, the first after `delay`, each later one after
   * twice the wait before it, at most `maxDelay`. Default: none; `delay` "100ms", `maxDelay` "30s".
   */
  readonly retry?: {
    readonly attempts: number
    readonly delay?: Duration
    readonly maxDelay?: Duration
  }
}

const options = {
  ...functionOptions,
  timeout: duration({ zero: false }),
  retry: nested({ attempts: integer({ min: 0 }), delay: duration(), maxDelay: duration() }),
}

/** What a function is given beside the event. */
export interface AsyncContext {
  /** Aborted when the try has taken too long, or the job is closed. */
  readonly signal: AbortSignal
}

type Fn = (event: unknown, context: AsyncContext) => unknown

interface Tries {
  readonly attempts: number
  readonly delayMs: number
  readonly delayMsMax: number
  readonly timeoutMs: number | undefined
}

export function mapAsyncNode(input: Node, given: unknown, settings?: object): OperatorNode {
  const fn = callable<Fn>()(given, "mapAsync")
  const checked = checkOptions(settings, options, "mapAsync")
  const { retry, timeout } = checked
  if (retry !== undefined && retry.attempts === undefined) {
    throw new MillraceError("OPTION", "mapAsync.retry.attempts is missing")
  }
  const delayMsMax = retry?.maxDelay ?? 30_000
  const delayMs = Math.min(retry?.delay ?? 100, delayMsMax)
  const tries = { attempts: retry?.attempts ?? 0, delayMs, delayMsMax, timeoutMs: timeout }
  const concurrency = { ...concurrencyOf(checked), limit: checked.concurrency ?? 16 }
  return {
    kind: "mapAsync",
    inputs: [input],
    ...nodeOptions(checked, "mapAsync"),
    open: (site) => new MapAsyncRunner(site, fn, tries, concurrency),
  }
}

class MapAsyncRunner {
  readonly waits = true
  readonly concurrency: number
  readonly #site: Site
  readonly #fn: Fn
  readonly #tries: Tries
  readonly #limits: Concurrency
  readonly #closed = new AbortController()
  #flight: InFlight | undefined

  constructor(site: Site, fn: Fn, tries: Tries, limits: Concurrency) {
    this.#site = site
    this.#fn = fn
    this.#tries = tries
    this.#limits = limits
    this.concurrency = limits.limit
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran | Promise<Ran> {
    const out = new Outputs(chunk, this.#site.wanted)
    const size = chunk.values.length
    if (size === 0) return { chunk: out.chunk() }
    const call = (row: number): Call => ({
      start: () => this.#try(chunk.values[row], this.#tries.attempts, this.#tries.delayMs),
      detach: () => undefined,
      suspend: () => undefined,
      accept: (result) => out.add(result, row),
      abandon: () => undefined,
    })
    const fail = (row: number, error: unknown) => out.dealt(tolerate, row, error)
    const work = { size, call, keyOf: (row: number) => String(row), fail }
    this.#flight = new InFlight(work, this.#limits, 0)
    return this.#flight.run().then((failure) => {
      if (!this.#limits.ordered) out.sort()
      return { chunk: out.chunk(), failure }
    })
  }

  close(): void {
    this.#flight?.giveUp()
    this.#closed.abort()
  }

  /** One try, and as many more as there may be. */
  async #try(event: unknown, more: number, delayMs: number): Promise<unknown> {
    try {
      return await this.#once(event)
    } catch (error) {
      if (more === 0 || this.#closed.signal.aborted) throw error
      if (!(await this.#sleep(delayMs))) throw error
      const next = Math.min(delayMs * 2, this.#tries.delayMsMax)
      return this.#try(event, more - 1, next)
    }
  }

  async #once(event: unknown): Promise<unknown> {
    const { timeoutMs } = this.#tries
    const closed = this.#closed.signal
    if (timeoutMs === undefined) return this.#fn(event, { signal: closed })
    const abort = new AbortController()
    const stop = () => abort.abort(closed.reason)
    closed.addEventListener("abort", stop, { once: true })
    let cancel: () => void = () => undefined
    const late = new Promise<never>((_, reject) => {
      const stopLate = () => {
        const error = new MillraceError("TIMEOUT", `the function took over ${timeoutMs} ms`)
        abort.abort(error)
        reject(error)
      }
      cancel = this.#site.clock.after(timeoutMs, stopLate, true)
    })
    try {
      const result = this.#fn(event, { signal: abort.signal })
      return isPromise(result) ? await Promise.race([result, late]) : result
    } finally {
      cancel()
      closed.removeEventListener("abort", stop)
    }
  }

  /** Wait; false: the job was closed meanwhile. */
  #sleep(ms: number): Promise<boolean> {
    const closed = this.#closed.signal
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        closed.removeEventListener("abort", done)
        resolve(!closed.aborted)
      }
      const cancel = this.#site.clock.after(ms, done, true)
      closed.addEventListener("abort", done, { once: true })
    })
  }
}
