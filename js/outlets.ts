/**
 * The outputs of a job with those who take the results: a sink, or whoever claims an output.
 */
import { Output } from "./output.ts"
import type { Plan } from "./plan.ts"
import { Feeds } from "./sinks/feeds.ts"
import type { AskedOutput } from "./sinks/sink.ts"
import type { StateStorage } from "./storage/storage.ts"

/** What a job does when something happens at its outputs. */
export interface OutletEvents {
  /** Somebody asked for a result, or a sink has failed. */
  readonly news: () => void
  /** A consumer has left. */
  readonly gone: () => Promise<void>
}

export class Outlets {
  readonly outputs: readonly Output[]
  readonly feeds: Feeds

  /** Throws `OPTION` for a sink that cannot keep its promise with this storage. */
  constructor(
    plan: Plan,
    asked: readonly AskedOutput[],
    storage: StateStorage | undefined,
    { news, gone }: OutletEvents,
  ) {
    this.outputs = plan.outputs.map(({ name, tag }) => new Output(name, tag, news, gone))
    this.feeds = new Feeds(this.outputs, asked, storage, news)
  }

  /** Does somebody ask for results? */
  get hungry(): boolean {
    return this.outputs.some(({ hungry }) => hungry)
  }

  /** Is somebody behind? */
  get full(): boolean {
    return this.outputs.some(({ full }) => full)
  }

  /** Has everybody what there is, and asks for more? */
  get idle(): boolean {
    return this.outputs.every(({ idle }) => idle)
  }

  /** Have all consumers left? */
  get left(): boolean {
    return this.outputs.every(({ claimed, left }) => !claimed || left)
  }

  /** No more results; `error` is told once everything before it was read. */
  end(error: { readonly error: unknown } | undefined): void {
    for (const output of this.outputs) output.end(error)
  }

  /** Drop what was not read: it comes again. */
  forget(): void {
    for (const output of this.outputs) output.forget()
  }

  /** Drop what was not read. */
  close(): void {
    for (const output of this.outputs) output.close()
  }
}
