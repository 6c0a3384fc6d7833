/**
 * Sinks: where the results of a job go, and what a sink promises.
 *
 *   write  write  write   prepare   segments, manifest   commit   write ...
 *   `--- one epoch ---'   `----------- its checkpoint ---------'
 *
 * What is prepared is durable and not yet seen; the manifest is what decides; commit makes it seen.
 * After a restart the sink first hears which epoch was the last whose manifest is durable, forgets
 * what came later, and is told to commit that one again, as nobody knows whether it did.
 *
 * That is the two-phase commit of Flink's sinks, in its words. A sink that writes into the store of
 * the checkpoints themselves needs no phases; transactional.ts.
 */
import { MillraceError, typeName } from "../errors.ts"
import type { Node } from "../graph.ts"
import type { TransactionalStorage } from "../storage/transactional.ts"

/** Takes every result once, whatever happens to the job between two checkpoints. */
export interface ExactlyOnceSink<in T, P = unknown> {
  readonly delivery: "exactly-once"
  /** Take results, in order; the next come when it is done. They are not to be seen yet. */
  write(results: readonly T[]): void | Promise<void>
  /**
   * Make durable what was written since the last epoch. What it gives is plain data, saved with the
   * checkpoint and handed to {@link commit}.
   */
  prepare(epoch: number): P | Promise<P>
  /** The checkpoint stands: make its results seen. It may be called again. */
  commit(epoch: number, prepared: P): void | Promise<void>
  /**
   * Forget all that came after an epoch, prepared or not: it will come again. 0: all of it. Called
   * before anything else; must reject if a later epoch has been committed.
   */
  rollback(epoch: number): void | Promise<void>
  /** The job is over. What was not prepared is not wanted. */
  close?(): void | Promise<void>
}

/** Takes every result, and after a restart those since the last checkpoint again. */
export interface AtLeastOnceSink<in T> {
  readonly delivery: "at-least-once"
  /** Take results, not empty, in order; the next come when it is done. */
  write(results: readonly T[]): void | Promise<void>
  /** Make durable what was written; a checkpoint, and the end of the job, wait for it. */
  flush?(): void | Promise<void>
  /** The job is over. */
  close?(): void | Promise<void>
}

/**
 * As {@link AtLeastOnceSink}, with the number of each result: the same in every run, whatever has
 * failed and wherever checkpoints fell, so that a store that knows the last number that it has can
 * leave out what comes again.
 *
 * Numbers go on over restarts and savepoints. They need results that come the same again: of one
 * source that can be read again and has event time, in order, and of nothing in processing time; a
 * job with others is refused with `OPTION`. What functions do is theirs to repeat, and the source's
 * to end where it ended.
 */
export interface NumberedSink<in T> {
  readonly delivery: "at-least-once"
  /**
   * Take results, not empty, in order; the next come when it is done. `first` is the number of the
   * first of them: 0 of the very first, and each has one more than the one before.
   */
  writeNumbered(results: readonly T[], first: number): void | Promise<void>
  /** Make durable what was written; a checkpoint, and the end of the job, wait for it. */
  flush?(): void | Promise<void>
  /** The job is over. */
  close?(): void | Promise<void>
}

/** Takes every result once, with the checkpoint: what {@link transactionalSink} gives. */
export interface TransactionalSink<in T> {
  readonly delivery: "exactly-once"
  /** Where the results go, and the checkpoints of the job. */
  readonly storage: TransactionalStorage<unknown>
  /** The most results that wait for a checkpoint. */
  readonly maxRows: number
  /** Write the results since the last checkpoint in the transaction of this one. */
  write(results: readonly T[], transaction: unknown): void | Promise<void>
}

/** Where results go. */
export type Sink<T> =
  ExactlyOnceSink<T> | TransactionalSink<T> | AtLeastOnceSink<T> | NumberedSink<T>

/** A stream that `run` was given, and the sink of its results, if they have one. */
export interface AskedOutput {
  readonly name: string
  readonly node: Node
  readonly sink?: Sink<never>
}

/** A stream and the sink that takes its results; for `run`. What `stream.to(sink)` gives. */
export class Delivery {
  readonly node: Node
  readonly sink: Sink<never>

  /** @throws {MillraceError} `OPTION` for what is no sink. */
  constructor(node: Node, sink: unknown) {
    this.node = node
    this.sink = checkSink(sink)
  }
}

/** Is this a sink that writes into a storage? */
export function isTransactional(sink: Partial<Sink<never>>): sink is TransactionalSink<never> {
  const { storage } = sink as Partial<TransactionalSink<never>>
  return storage?.transactional === true && typeof storage.commit === "function"
}

/** Is this a sink that is told the numbers of results? */
export function isNumbered(sink: Partial<Sink<never>>): sink is NumberedSink<never> {
  return "writeNumbered" in sink
}

/** What a sink threw, as `SINK` unless it has a code. */
export function sinkError(output: string, what: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const message = `the sink of output ${output} failed to ${what}; see cause`
  return new MillraceError("SINK", message, { cause })
}

const methods = {
  "exactly-once": ["write", "prepare", "commit", "rollback"],
  "at-least-once": ["write"],
} as const

const numbered = ["writeNumbered"] as const

function checkSink(given: unknown): Sink<never> {
  const sink = typeof given === "object" && given !== null ? (given as Partial<Sink<never>>) : {}
  const { delivery } = sink
  if (delivery !== "exactly-once" && delivery !== "at-least-once") {
    const wanted = 'a sink: an object whose delivery is "exactly-once" or "at-least-once"'
    throw new MillraceError("OPTION", `to() takes ${wanted}, not ${typeName(given)}`)
  }
  if (isTransactional(sink)) return sink
  const needed = delivery === "at-least-once" && isNumbered(sink) ? numbered : methods[delivery]
  const missing = needed.find((name) => {
    return typeof (sink as Readonly<Record<string, unknown>>)[name] !== "function"
  })
  if (missing === undefined) return given as Sink<never>
  throw new MillraceError("OPTION", `to(): a sink that is ${delivery} must have ${missing}()`)
}
