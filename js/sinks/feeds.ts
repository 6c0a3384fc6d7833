/**
 * The sinks of a job at work: each takes the results of its output, as fast as it likes, and has
 * its part in every checkpoint.
 *
 *   output -> feed -> sink        an output whose sink has taken all is idle, as a consumer's is
 */
import { MillraceError } from "../errors.ts"
import type { SavedSink } from "../manifest.ts"
import type { Output } from "../output.ts"
import type { StateStorage } from "../storage/storage.ts"
import type { Sink } from "./sink.ts"

/** An output and the sink that takes its results. */
interface Feed {
  readonly output: Output
  readonly sink: Sink<never>
  /** What it is at, if it is. */
  writing: Promise<void> | undefined
}

export class Feeds {
  readonly #feeds: readonly Feed[]
  /** The job's: something has failed. */
  readonly #news: () => void
  /** Prepared, and not committed yet: a checkpoint that fails leaves it to the next one. */
  #pending: SavedSink[] = []
  #running: Promise<unknown> | undefined
  #failed: { readonly error: unknown } | undefined
  #closed = false

  /**
   * `asked` are the first of the outputs, in their order. Throws `OPTION` for what cannot keep its
   * promise with this storage.
   */
  constructor(
    outputs: readonly Output[],
    asked: readonly { readonly sink?: Sink<never> }[],
    storage: StateStorage | undefined,
    news: () => void,
  ) {
    this.#feeds = asked.flatMap(({ sink }, i) => {
      return sink === undefined ? [] : [{ output: outputs[i] as Output, sink, writing: undefined }]
    })
    for (const { output } of this.#feeds) output.hasSink = output.claimed = true
    this.#news = news
    this.#check(storage)
  }

  get any(): boolean {
    return this.#feeds.length > 0
  }

  /** Throws `STATE_CONFIG` if what was prepared has no sink here that could commit it. */
  checkHomes(prepared: readonly SavedSink[] = []): void {
    const homeless = prepared.find(({ output }) => !this.exact.some(({ name }) => name === output))
    if (homeless === undefined) return
    const message = `results of output ${homeless.output} that were prepared have no sink here`
    throw new MillraceError("STATE_CONFIG", message)
  }

  /**
   * Before anything is read, also after an error: tell all sinks which epoch holds, and commit what
   * it has prepared. Throws `SINK`.
   */
  async restore(epoch = 0, prepared: readonly SavedSink[] = []): Promise<void> {
    for (const { writing } of this.#feeds) await writing // A sink that is at work is not disturbed.
    this.#failed = undefined
    for (const { name, sink } of this.exact) {
      await ask(name, "rollback", () => sink.rollback(epoch))
    }
    this.#pending = [...prepared]
    await this.commit()
  }

  /** Results go to the sinks from now on. */
  start(): void {
    this.#running ??= Promise.resolve().then(() => Promise.all(this.#feeds.map(this.#run)))
  }

  throwFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.error
  }

  /** All results are taken: make them durable; gives what the manifest has of them. */
  async prepare(epoch: number): Promise<readonly SavedSink[]> {
    await this.flush()
    for (const { name, sink } of this.exact) {
      const prepared: unknown = await ask(name, "prepare", () => sink.prepare(epoch))
      this.#pending.push({ output: name, epoch, prepared })
    }
    return [...this.#pending]
  }

  /** The manifest is durable. */
  async commit(): Promise<void> {
    for (const { output, epoch, prepared } of this.#pending) {
      const feed = this.exact.find(({ name }) => name === output)
      await ask(output, "commit", () => feed?.sink.commit(epoch, prepared))
    }
    this.#pending = []
  }

  /** Make durable what sinks without epochs have taken. */
  async flush(): Promise<void> {
    for (const { output, sink } of this.#feeds) {
      if (sink.delivery === "exactly-once") continue
      await ask(output.name, "flush", () => sink.flush?.())
    }
  }

  /** The job is over. Throws `SINK` for the first that fails, when all were told. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running // A sink that is at work is not disturbed.
    let failed: unknown
    for (const { output, sink } of this.#feeds) {
      await ask(output.name, "close", () => sink.close?.()).catch((error: unknown) => {
        failed ??= error
      })
    }
    if (failed !== undefined) throw failed as MillraceError
  }

  #check(storage: StateStorage | undefined): void {
    const exact = this.exact[0]
    if (exact === undefined || storage !== undefined) return
    const what = `the sink of output ${exact.name} is exactly-once`
    throw new MillraceError("OPTION", `${what} and needs run({ storage })`)
  }

  /** The sinks that are exactly-once, by the names of their outputs. */
  get exact() {
    return this.#feeds.flatMap(({ output, sink }) => {
      return sink.delivery === "exactly-once" ? [{ name: output.name, sink }] : []
    })
  }

  readonly #run = async (feed: Feed): Promise<void> => {
    for (;;) {
      const results = feed.output.nextAll()
      const step = await results.catch(() => undefined) // The job has failed: it tells.
      if (step?.done !== false) return
      feed.writing = this.#write(feed, step.value as readonly never[])
      await feed.writing
    }
  }

  /** After an error nothing more is taken: it comes again, or the job is over. */
  async #write({ output, sink }: Feed, results: readonly never[]): Promise<void> {
    if (this.#failed !== undefined) return
    try {
      await ask(output.name, "take results", () => sink.write(results))
    } catch (error) {
      this.#failed ??= { error }
      this.#news()
    }
  }
}

/** Call a sink; what it throws becomes `SINK`. */
async function ask<T>(output: string, what: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const message = `the sink of output ${output} failed to ${what}; see cause`
    throw new MillraceError("SINK", message, { cause })
  }
}
