/**
 * Results in the transaction of a checkpoint: there with the state and the position that belong to
 * them, or not at all.
 *
 *   results -> outbox ------------- seal -> write(results, transaction) -> drop
 *   state   -> segments, manifest ----------^ one transaction
 *
 * There is nothing to prepare and nothing to roll back: after a restart the store has what belongs
 * to its last checkpoint.
 */
import { MillraceError } from "../errors.ts"
import { callable, checkOptions, integer } from "../options.ts"
import { isPromise } from "../state/access.ts"
import type { TransactionalStorage, WriteIn } from "../storage/transactional.ts"
import { isTransactional, sinkError } from "./sink.ts"
import type { TransactionalSink } from "./sink.ts"

/** Options of {@link transactionalSink}. */
export interface TransactionalOptions {
  /**
   * The most results that wait for a checkpoint. When half as many wait, one is taken before the
   * source is read on; over it the job ends with `LIMIT`, which may be at the end of a source, as
   * what comes out there cannot be parted. Default 1,000,000.
   */
  readonly maxRows?: number
}

/**
 * A sink that writes results into the store that has the job's checkpoints, in one transaction with
 * them: exactly once, without two phases. Results are there when a checkpoint is.
 *
 * `write` gets the results since the last checkpoint, in order and at least one, and must not
 * change anything but by its transaction: it is called again with the same ones if that came to
 * nothing. It writes at once; where a storage says so it may give a promise. As results wait for
 * it, nobody may change them after they came out.
 *
 * A checkpoint of which nobody knows whether it stands ends the job, or restarts it, also where
 * `tolerableFailures` has some left: to go on from storage is to look.
 *
 * @example
 * ```ts
 * const storage = memoryStorage()
 * const lines: string[] = []
 * const sink = transactionalSink(storage, (results: readonly string[]) => {
 *   lines.push(...results)
 * })
 * const job = await run(from(["a", "b"]).to(sink), { storage })
 * await job.finished()
 * console.log(lines.join()) // a,b
 * ```
 * @throws {MillraceError} `OPTION` for a storage without transactions, or options that are unknown.
 */
export function transactionalSink<T, Transaction>(
  storage: TransactionalStorage<Transaction>,
  write: (results: readonly T[], transaction: Transaction) => void | Promise<void>,
  options?: TransactionalOptions,
): TransactionalSink<T> {
  const { maxRows } = checkOptions(options, { maxRows: integer() }, "transactionalSink")
  const sink = {
    delivery: "exactly-once",
    storage,
    write: callable<TransactionalSink<T>["write"]>()(write, "transactionalSink.write"),
    maxRows: maxRows ?? 1_000_000,
  } as const
  if (isTransactional(sink)) return sink
  const message = "transactionalSink takes a storage with transactions, such as sqliteStorage"
  throw new MillraceError("OPTION", message)
}

/** The results of an output that wait for a transaction. */
export class Outbox {
  readonly delivery = "exactly-once"
  readonly #output: string
  readonly #sink: TransactionalSink<never>
  /** Since the last checkpoint began. */
  #later: (readonly never[])[] = []
  /** Of that checkpoint, and of those before it that came to nothing. */
  #sealed: (readonly never[])[] = []
  #rows = 0

  constructor(output: string, sink: TransactionalSink<never>) {
    this.#output = output
    this.#sink = sink
  }

  /** With so many more to come, is it time for a checkpoint? */
  fills(more: number): boolean {
    return (this.#rows + more) * 2 >= this.#sink.maxRows
  }

  /** Take results. Throws `LIMIT`. */
  write(results: readonly never[]): void {
    const { maxRows } = this.#sink
    this.#rows += results.length
    if (this.#rows > maxRows) {
      const what = `more than maxRows: ${maxRows} results of output ${this.#output}`
      throw new MillraceError("LIMIT", `${what} wait for a checkpoint`)
    }
    this.#later.push(results)
  }

  /** A checkpoint begins: what there is belongs to it. */
  seal(): void {
    this.#sealed = [...this.#sealed, ...this.#later]
    this.#later = []
  }

  /**
   * What writes that, and no more however late it is called; undefined: there is nothing. It
   * throws `SINK`, and gives a promise only if the sink does.
   */
  get writer(): WriteIn<unknown> | undefined {
    const sealed = this.#sealed
    if (sealed.length === 0) return undefined
    const fail = (cause: unknown) => {
      throw sinkError(this.#output, "write", cause)
    }
    return (transaction): void | Promise<void> => {
      try {
        const given: unknown = this.#sink.write(sealed.flat(), transaction)
        if (isPromise(given)) return Promise.resolve(given).then(() => undefined, fail)
      } catch (cause) {
        fail(cause)
      }
    }
  }

  /** The transaction is durable. */
  drop(): void {
    for (const { length } of this.#sealed) this.#rows -= length
    this.#sealed = []
  }

  /** The job goes on from its last checkpoint: all of it comes again. */
  clear(): void {
    this.#rows = 0
    this.#later = []
    this.#sealed = []
  }
}
