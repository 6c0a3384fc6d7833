/**
 * The sinks of a job at work: each takes the results of its output, as fast as it likes, and has
 * its part in every checkpoint.
 *
 *   output -> feed -> sink        an output whose sink has taken all is idle, as a consumer's is
 */
import { MillraceError } from "../errors.ts"
import type { SavedSink } from "../manifest.ts"
import type { SavedNumber } from "../saved.ts"
import type { Output } from "../output.ts"
import type { Skipped } from "../checkpoint.ts"
import type { StateStorage } from "../storage/storage.ts"
import { timed } from "../storage/timed.ts"
import type { WriteIn } from "../storage/transactional.ts"
import { isNumbered, isTransactional, sinkError } from "./sink.ts"
import type { AtLeastOnceSink, ExactlyOnceSink, NumberedSink, Sink } from "./sink.ts"
import { Outbox } from "./transactional.ts"

/** An output and the sink that takes its results, or the outbox where they wait for it. */
interface Feed {
  readonly output: Output
  readonly sink: ExactlyOnceSink<never> | AtLeastOnceSink<never> | NumberedSink<never> | Outbox
  /** What it is at, if it is. */
  writing: Promise<void> | undefined
}

/** A checkpoint that was restored, and newer ones that were damaged. */
interface RestoredFrom {
  readonly epoch?: number | undefined
  readonly skipped: readonly Skipped[]
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
   * `asked` are the first of the outputs, in their order. Throws `OPTION`, `STATE_CONFIG` for what
   * cannot keep its promise with this storage.
   */
  constructor(
    outputs: readonly Output[],
    asked: readonly { readonly sink?: Sink<never> }[],
    storage: StateStorage | undefined,
    news: () => void,
  ) {
    this.#feeds = asked.flatMap(({ sink }, i) => {
      if (sink === undefined) return []
      const output = outputs[i] as Output
      checkStorage(output.name, sink, storage)
      output.given = isNumbered(sink) ? 0 : undefined
      const feeds = isTransactional(sink) ? new Outbox(output.name, sink) : sink
      return [{ output, sink: feeds, writing: undefined }]
    })
    for (const { output } of this.#feeds) output.hasSink = output.claimed = true
    this.#news = news
  }

  get any(): boolean {
    return this.#feeds.length > 0
  }

  /** Do so many results wait for a checkpoint that it is time for one? */
  get full(): boolean {
    return this.#feeds.some(
      ({ output, sink }) => sink instanceof Outbox && sink.fills(output.unread),
    )
  }

  /** Results go on from these numbers; those of an output that has none from 0. */
  number(numbers: readonly SavedNumber[] = []): void {
    for (const { output } of this.#feeds) {
      if (output.given === undefined) continue
      output.given = numbers.find((saved) => saved.output === output.name)?.given ?? 0
    }
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
   * it has prepared. Throws `SINK`; `CORRUPT` when results of a damaged checkpoint are written.
   */
  async restore(
    { epoch = 0, skipped }: RestoredFrom = { skipped: [] },
    prepared: readonly SavedSink[] = [],
  ): Promise<void> {
    for (const { writing } of this.#feeds) await writing // A sink that is at work is not disturbed.
    this.#failed = undefined
    for (const outbox of this.#outboxes) outbox.clear()
    const damaged = skipped[0]
    if (damaged !== undefined && this.#outboxes.length > 0) {
      const what = `checkpoint ${damaged.epoch} is damaged, but its results were written with it`
      throw new MillraceError("CORRUPT", `${what}: to go on from ${epoch} would write them again`)
    }
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
    this.throwFailed()
    for (const outbox of this.#outboxes) outbox.seal()
    await this.flush()
    for (const { name, sink } of this.exact) {
      const prepared: unknown = await ask(name, "prepare", () => sink.prepare(epoch))
      this.#pending.push({ output: name, epoch, prepared })
    }
    return [...this.#pending]
  }

  /**
   * Make a manifest durable, in one transaction with the results that wait for it. If that fails
   * nobody knows whether it did, and to write them again could be once too often: the job ends.
   */
  async commitWith(commit: (write?: WriteIn<unknown>) => Promise<void>): Promise<void> {
    const writers = this.#outboxes.flatMap(({ writer }) => writer ?? [])
    if (writers.length === 0) return commit()
    let written = false
    const write = (transaction: unknown) => {
      written = true
      return writeAll(writers, transaction)
    }
    try {
      await commit(write)
      if (!written) throw new MillraceError("STORAGE", "the storage did not write the results")
    } catch (error) {
      this.#failed ??= { error }
      throw error
    }
    for (const outbox of this.#outboxes) outbox.drop()
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
      if (sink.delivery !== "at-least-once") continue
      await ask(output.name, "flush", () => sink.flush?.())
    }
  }

  /**
   * After an error that ends the job: when sinks have all results before it; undefined if there are
   * none. What fails now is not told, as the error is.
   */
  settled(): Promise<void> | undefined {
    if (!this.any) return undefined
    const taken = Promise.resolve(this.#running)
    return taken.then(() =>
      this.#failed === undefined ? this.flush().catch(() => undefined) : undefined,
    )
  }

  /** The job is over. Throws `SINK` for the first that fails, when all were told. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running // A sink that is at work is not disturbed.
    let failed: unknown
    for (const { output, sink } of this.#feeds) {
      if (sink instanceof Outbox) continue
      await ask(output.name, "close", () => sink.close?.()).catch((error: unknown) => {
        failed ??= error
      })
    }
    if (failed !== undefined) throw failed as MillraceError
  }

  /** The sinks that are exactly-once in two phases, by the names of their outputs. */
  get exact() {
    return this.#feeds.flatMap(({ output, sink }) => {
      const inPhases = sink.delivery === "exactly-once" && !(sink instanceof Outbox)
      return inPhases ? [{ name: output.name, sink }] : []
    })
  }

  get #outboxes(): readonly Outbox[] {
    return this.#feeds.flatMap(({ sink }) => (sink instanceof Outbox ? [sink] : []))
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
      await ask(output.name, "take results", () => {
        if (!isNumbered(sink)) return sink.write(results)
        return sink.writeNumbered(results, (output.given as number) - results.length)
      })
    } catch (error) {
      this.#failed ??= { error }
      this.#news()
    }
  }
}

/** Throws `OPTION`, `STATE_CONFIG` for a sink that cannot keep its promise with a storage. */
function checkStorage(output: string, sink: Sink<never>, storage: StateStorage | undefined): void {
  if (sink.delivery !== "exactly-once") return
  if (storage === undefined) {
    const what = `the sink of output ${output} is exactly-once`
    throw new MillraceError("OPTION", `${what} and needs run({ storage })`)
  }
  if (!isTransactional(sink) || timed(sink.storage) === storage) return
  const what = `the sink of output ${output} writes into another storage than run({ storage })`
  throw new MillraceError("STATE_CONFIG", `${what}: they have no transaction in common`)
}

/** One after another, and in one turn unless one gives a promise. */
function writeAll(
  [first, ...others]: WriteIn<unknown>[],
  transaction: unknown,
): void | Promise<void> {
  const given = first?.(transaction)
  if (given !== undefined) return given.then(() => writeAll(others, transaction))
  if (others.length > 0) return writeAll(others, transaction)
}

/** Call a sink; what it throws becomes `SINK`. */
async function ask<T>(output: string, what: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw sinkError(output, what, cause)
  }
}
