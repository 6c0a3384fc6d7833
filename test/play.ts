/**
 * Plays scripts: events, moves of the clock, and crashes, against a job in memory.
 *
 *     script  event event clock event | event event ...
 *                                     restore: checkpoint, drop the job, go on from storage
 *
 * A crash comes right after a checkpoint, so what comes out of a script with crashes must be
 * exactly what comes out of it without. The source hands out the events up to the next step that
 * is none, and is asked for more only when they have all gone through the job: so the clock moves,
 * and the job crashes, between two events, whatever the chunk size.
 */
import { from, memoryStorage, run } from "../js/index.ts"
import type { FromOptions, JobBase, Jobs, Stream, StreamOf, Streams } from "../js/index.ts"

/** A step of a script. */
export type Step<T> =
  | { readonly kind: "event"; readonly value: T }
  | { readonly kind: "clock"; readonly ms: number }
  | { readonly kind: "restore" }

/** An event comes. */
export const event = <T>(value: T): Step<T> => ({ kind: "event", value })

/** The clock stands at this time from now on; it may step back. */
export const clock = (ms: number): Step<never> => ({ kind: "clock", ms })

/** A checkpoint is taken, the job is dropped, and a new one goes on from the checkpoint. */
export const restore = (): Step<never> => ({ kind: "restore" })

export interface PlayOptions<T> {
  readonly chunkSize?: number
  /** Crash after this step of the script. */
  readonly crashAfter?: number
  /** Options of the source, such as `time`. */
  readonly from?: FromOptions<T>
  readonly maxBytes?: number
  /** Look at the job when it is over, before it is closed. */
  readonly look?: (job: JobBase) => void
}

/** What came of a script. */
export interface Played {
  /** Results by output, over all restarts. */
  readonly results: Record<string, unknown[]>
  /** What the job failed with. */
  readonly error: unknown
}

/** The streams that a script goes through; one alone is called `out`. */
export type Make<T> = (events: Stream<T>) => StreamOf<unknown> | Streams

/** Play a script through one stream and give its results. */
export async function play<T, O>(
  make: (events: Stream<T>) => StreamOf<O>,
  script: readonly Step<T>[],
  options: PlayOptions<T> = {},
): Promise<O[]> {
  const { results, error } = await playAll(make, script, options)
  if (error !== undefined) throw error as Error
  return results["out"] as O[]
}

/** Play a script and give all that came of it, also when the job fails. */
export async function playAll<T>(
  make: Make<T>,
  script: readonly Step<T>[],
  options: PlayOptions<T> = {},
): Promise<Played> {
  const { crashAfter } = options
  if (crashAfter === undefined) return new Player(make, script, options).play()
  const after = crashAfter + 1
  const crashing = [...script.slice(0, after), restore(), ...script.slice(after)]
  return new Player(make, crashing, options).play()
}

class Player<T> {
  readonly #script: readonly Step<T>[]
  readonly #options: PlayOptions<T>
  readonly #streams: Streams
  readonly #storage = memoryStorage()
  readonly #results: Record<string, unknown[]> = {}
  #now = 0
  /** Steps before this one that are no events were taken. */
  #passed = 0
  #crashed: (() => void) | undefined

  constructor(make: Make<T>, script: readonly Step<T>[], options: PlayOptions<T>) {
    this.#script = script
    this.#options = options
    const made = make(
      from({ read: (position?: number) => this.#read(position ?? 0) }, options.from),
    )
    this.#streams = "node" in made ? { out: made as StreamOf<unknown> } : made
    for (const name of Object.keys(this.#streams)) this.#results[name] = []
  }

  async play(): Promise<Played> {
    for (;;) {
      const crashed = new Promise<"crashed">((resolve) => {
        this.#crashed = () => resolve("crashed")
      })
      const job = await this.#run()
      const consumed = this.#consume(job)
      const end = await Promise.race([crashed, consumed])
      if (end === "crashed") {
        await job.checkpoint()
        await job.close()
        await consumed
        continue
      }
      try {
        this.#options.look?.(job)
      } finally {
        await job.close()
      }
      return { results: this.#results, error: end.error }
    }
  }

  #run(): Promise<Jobs<Streams>> {
    const { chunkSize = 1024, maxBytes } = this.#options
    return run(this.#streams, {
      chunkSize,
      // Its timers never wake: what happens is what the script says.
      clock: { now: () => this.#now, after: () => () => undefined },
      storage: this.#storage,
      memory: maxBytes === undefined ? {} : { maxBytes },
    })
  }

  /** Read all outputs to the end, at the same time. */
  async #consume(job: Jobs<Streams>): Promise<{ readonly error: unknown }> {
    const read = async (name: string) => {
      for await (const result of job.output(name)) this.#results[name]?.push(result)
    }
    const ends = await Promise.allSettled(Object.keys(this.#streams).map(read))
    const failed = ends.find((end) => end.status === "rejected")
    return { error: failed?.reason }
  }

  /** Events from step `position` on, as many at once as come without another step between. */
  async *#read(position: number): AsyncGenerator<{ events: T[]; position: number }> {
    for (let at = position; at < this.#script.length;) {
      const events: T[] = []
      for (let step = this.#script[at]; step?.kind === "event"; step = this.#script[++at]) {
        events.push(step.value)
      }
      if (events.length > 0) yield { events, position: at }
      const step = this.#script[at]
      if (step === undefined || step.kind === "event") continue
      if (at >= this.#passed) {
        this.#passed = at + 1
        if (step.kind === "clock") this.#now = step.ms
        else await this.#crash()
      }
      at++
    }
  }

  /** Tell the player, and never come back. */
  #crash(): Promise<never> {
    this.#crashed?.()
    return new Promise(() => undefined)
  }
}
