/**
 * Scripts of two sources: what each gives and when, when it ends, clock ticks, crashes.
 */
import { from, manualClock, memoryStorage, run } from "../js/index.ts"
import type { FromOptions, Job, Replayable, Stream, StreamOf } from "../js/index.ts"
import { turns } from "./probe.ts"

export type Side = 0 | 1

export type TwoStep<L, R = L> =
  | { readonly kind: "give"; readonly side: 0; readonly events: readonly L[] }
  | { readonly kind: "give"; readonly side: 1; readonly events: readonly R[] }
  | { readonly kind: "end"; readonly side: Side }
  | { readonly kind: "clock"; readonly ms: number }
  | { readonly kind: "crash" }

/** A source that gives what it was given so far, from any position on. */
class Fed<T> implements Replayable<T, number> {
  readonly events: T[] = []
  #over = false
  #wake: () => void = () => undefined

  give(events: readonly T[]): void {
    this.events.push(...events)
    this.#wake()
  }

  end(): void {
    this.#over = true
    this.#wake()
  }

  async *read(position = 0): AsyncGenerator<{ events: T[]; position: number }, undefined> {
    for (let at = position; ;) {
      const events = this.events.slice(at)
      at += events.length
      if (events.length > 0) yield { events, position: at }
      else if (this.#over) return undefined
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

interface TwoOptions<L, R> {
  readonly left?: FromOptions<L>
  readonly right?: FromOptions<R>
  readonly chunkSize?: number
  /** Look at the job before its end. */
  readonly look?: (job: Job<unknown>) => void
}

/** Play a script, whose steps have their whole effect one by one; gives the results of each. */
export async function playTwo<L, R>(
  make: (left: Stream<L>, right: Stream<R>) => StreamOf<unknown>,
  script: readonly TwoStep<L, R>[],
  { left, right, chunkSize = 1024, look }: TwoOptions<L, R> = {},
): Promise<unknown[][]> {
  const [lefts, rights] = [new Fed<L>(), new Fed<R>()]
  const stream = make(from(lefts, left), from(rights, right))
  const [storage, clock] = [memoryStorage(), manualClock()]
  const results: unknown[] = []
  const open = async () => {
    const job = await run(stream as Stream<unknown>, { storage, clock, chunkSize })
    const over = (async () => {
      for await (const result of job) results.push(result)
    })()
    over.catch(() => undefined) // Told when the job is closed.
    return { job, over }
  }
  let { job, over } = await open()
  const close = async (): Promise<void> => {
    await job.close()
    await over
  }
  const settled = async (): Promise<void> => {
    const all = lefts.events.length + rights.events.length
    while (job.stats().position < all) await Promise.race([turns(1), over])
    await turns(4)
  }
  const shown: unknown[][] = []
  for (const step of script) {
    if (step.kind === "give" && step.side === 0) lefts.give(step.events)
    else if (step.kind === "give") rights.give(step.events)
    else if (step.kind === "end") [lefts, rights][step.side]?.end()
    else if (step.kind === "clock") clock.advance(step.ms)
    else {
      await job.checkpoint()
      await close()
      ;({ job, over } = await open())
    }
    await settled()
    shown.push(results.splice(0))
  }
  look?.(job)
  await close()
  return shown
}
