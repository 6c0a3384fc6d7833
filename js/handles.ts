/**
 * What users hold of a job: `run`, `Job`, `Jobs`, and the job behind a stream that is iterated.
 */
import { cores } from "./cores.ts"
import { explain } from "./explain.ts"
import type { Explanation } from "./explain.ts"
import type { Node } from "./graph.ts"
import { JobCore } from "./job.ts"
import { MillraceError, typeName } from "./errors.ts"
import type { Output } from "./output.ts"
import { runSettings } from "./run.ts"
import type { RunOptions, RunSettings } from "./run.ts"
import { Delivery } from "./sinks/sink.ts"
import type { AskedOutput } from "./sinks/sink.ts"
import { Tag } from "./tag.ts"
import { callable, checkOptions, flag } from "./options.ts"
import type { StateTrace, TraceOptions } from "./state/trace.ts"
import type { KeyValue } from "./state/keys.ts"
import { StateView } from "./state/view.ts"
import type { JobStats } from "./stats.ts"
import { Stream } from "./keyed.ts"
import type { EventOf, StreamOf } from "./stream.ts"

/** What every job can do. */
export interface JobBase extends AsyncDisposable {
  /**
   * What operators send to a side output. Claim it before the first pull: else it is dropped.
   *
   * @throws {MillraceError} `OPTION` for a tag that nothing sends to.
   */
  output<T>(tag: Tag<T>): AsyncIterable<T>
  /**
   * Run to the end; results that nobody claims are counted and dropped.
   *
   * @throws {MillraceError} what ends the job, such as `USER_FUNCTION`, `SOURCE`, `SINK` or
   *   `STORAGE`; `CLOSED` when it was closed before, `ABORTED` by its signal.
   */
  finished(): Promise<void>
  /**
   * Save state as soon as consumers have what is before it and ask for more: so do not await it
   * inside a `for await` over the job.
   *
   * @throws {MillraceError} `STORAGE` when storage fails or takes over `checkpoint.timeout`;
   *   `LIMIT` when consumers or functions do; `SERIALIZATION` for state that is no plain data;
   *   `SINK`; `LOCKED` when another one has taken the job over; `OPTION` without a storage;
   *   `CLOSED`.
   */
  checkpoint(): Promise<void>
  /**
   * All state as one stream of bytes, which `run({ from })` starts from in any runtime: the same
   * bytes for the same state. Taken under the rules of {@link checkpoint}, without storage as well.
   *
   * @throws {MillraceError} `SOURCE` when a source could not be read again from where it is;
   *   `SERIALIZATION` for state that is no plain data; `LIMIT` when consumers or functions take
   *   over `checkpoint.timeout`; `MEMORY`; `CLOSED`.
   */
  savepoint(): Promise<ReadableStream<Uint8Array>>
  /**
   * The state of an operator, by its uid, or by `uid/name` where it has several; read-only.
   *
   * @throws {MillraceError} `OPTION` for a uid without state; `CLOSED`.
   */
  state(uid: string): StateView
  /**
   * Figures of the job as it is now.
   *
   * @throws {MillraceError} `CLOSED` once the job is closed.
   */
  stats(): JobStats
  /**
   * What each operator of the job keeps of a key and waits for: its state, open windows and why
   * they are open, timers, events that wait for partners; how far its watermark has come, and which
   * source holds it there; and what came late, was skipped or evicted. Costs nothing until it is
   * called, and then as much as the key has rows; of joins, as much as there are events that wait.
   *
   * @example
   * ```ts
   * const job = await run(from([{ user: "ada" }]).keyBy("user").deduplicate())
   * await job.finished()
   * const { states } = job.explain("ada").operators["deduplicate-1"]
   * await job.close()
   * ```
   * @throws {MillraceError} `CLOSED` once the job is closed; `UNSUPPORTED` while a function of the
   *   job runs; `KEY_TYPE` for what cannot be a key.
   */
  explain(key: KeyValue): Explanation
  /**
   * Call `record` for each access of a user function to its state, until it is called with
   * undefined. Free while nobody does. Keys and values are data, and are told only if asked for.
   * Not told in this version: states of `KeyedStream.process`, of triggers, and in `onEnd`.
   */
  trace(record: ((trace: StateTrace) => void) | undefined, options?: TraceOptions): void
  /**
   * End the job where it is and free everything; state since the last checkpoint is gone. Leaving
   * the loop over the results early does the same, unless somebody waits for {@link finished}.
   *
   * @throws {MillraceError} `STORAGE` when a storage cannot be closed; `SINK` when a sink cannot.
   */
  close(): Promise<void>
}

/** A job with one output; iterating it gives the results. */
export interface Job<out T> extends JobBase, AsyncIterable<T> {}

/** Streams by name, with sinks or without; each is an output of the job. */
export type Streams = Readonly<Record<string, StreamOf<unknown> | Delivery>>

/** A job with several outputs. */
export interface Jobs<out M extends Streams> extends JobBase {
  /**
   * The results of one output. Claim outputs before the first pull: others are dropped.
   *
   * @throws {MillraceError} `OPTION` for an output that there is not, or that has a sink.
   */
  output<const Name extends keyof M & string>(name: Name): AsyncIterable<EventOf<M[Name]>>
  output<T>(tag: Tag<T>): AsyncIterable<T>
}

/**
 * Make a job of a stream, or of several that share their sources, and restore its state.
 *
 * Nothing is read before somebody asks for results or calls `finished()`. With `storage` the job
 * saves checkpoints and goes on where the last one was; a `for await` loop then gets the rows after
 * it again (at least once).
 *
 * @example
 * ```ts
 * const job = await run(from(["a", "b", "a"]).keyBy((letter) => letter).deduplicate())
 * await job.finished()
 * await job.close()
 * ```
 * @throws {MillraceError} `OPTION` for unknown options; `LOCKED`, `FOREIGN`, `STORAGE` when storage
 *   cannot be used; `CORRUPT` when no checkpoint, or not the savepoint, is whole; `STATE_CONFIG`
 *   when saved state cannot be taken over; `USER_FUNCTION` when `state.migrate` throws; `SOURCE`
 *   when a durable job could not read its source again; `UNSUPPORTED` for what a newer version
 *   saved; `SINK`, `MEMORY`, `MODULE`, `ABORTED`.
 */
export async function run<T>(stream: StreamOf<T>, options?: RunOptions): Promise<Job<T>>
export async function run(delivery: Delivery, options?: RunOptions): Promise<JobBase>
export async function run<const M extends Streams>(
  streams: M,
  options?: RunOptions,
): Promise<Jobs<M>>
export async function run(streams: unknown, options?: RunOptions): Promise<never> {
  return (await runWith(streams, runSettings(options))) as never
}

/** The same with checked options. */
export async function runWith(streams: unknown, settings: RunSettings): Promise<JobBase> {
  const job = new JobCore(outputsOf(streams), settings)
  await job.open()
  return handleOf(job, streams instanceof Stream)
}

/** The results of a stream that is iterated: one at a time, or all that wait at once. */
export interface Results extends AsyncIterableIterator<unknown, undefined> {
  /** All results that are there as soon as there are any; not to be changed. */
  nextAll(): Promise<IteratorResult<readonly unknown[], undefined>>
}

/** Iterate a node as a job in memory, opened at the first pull and closed at the end. */
export function runAlone(node: Node): Results {
  let opening: Promise<JobCore> | undefined
  let output: Output | undefined
  let results: AsyncIterableIterator<unknown, undefined> | undefined
  let left = false
  const done = { value: undefined, done: true } as const
  const open = async (): Promise<JobCore> => {
    const job = new JobCore([{ name: "out", node }], runSettings({}))
    await job.open()
    job.closeAtEnd = true
    return job
  }
  const claim = async (): Promise<Output | undefined> => {
    if (left) return undefined
    opening ??= open()
    const [only] = (await opening).outlets.outputs as readonly [Output]
    results ??= only.iterator()
    return (output = only)
  }
  const iterator: Results = {
    next: () => results?.next() ?? claim().then(() => results?.next() ?? done),
    async nextAll() {
      const claimed = output ?? (await claim())
      return claimed?.nextAll() ?? done
    },
    async return() {
      left = true
      const job = await opening?.catch(() => undefined) // What failed to open needs no closing.
      await job?.close()
      return done
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

type TellTrace = (trace: StateTrace) => void

function handleOf(job: JobCore, single: boolean): JobBase {
  const output = (of: unknown) => {
    const { outputs } = job.outlets
    const found = outputs.find(({ name, tag }) => (tag ?? name) === of)
    if (found !== undefined) return found.iterator() as never // Refuses one that has a sink.
    const names = outputs.map(({ name, tag }) => (tag === undefined ? name : `tag ${name}`))
    const asked = of instanceof Tag ? `tag ${of.name}` : String(of)
    throw new MillraceError("OPTION", `the job has no output ${asked}; it has ${names.join(", ")}`)
  }
  const base: JobBase = {
    output,
    finished: () => job.finished(),
    checkpoint: () => job.checkpoint(),
    savepoint: () => job.savepoint(),
    state: (uid) => StateView.of(uid, job.opened().flow, job.settings.clock),
    stats: () => job.stats(),
    explain: (key) => explain(key, job.opened().flow, job.settings.clock),
    trace(record, options) {
      const checked = checkOptions(options, { keys: flag, values: flag }, "trace")
      const given = record === undefined ? undefined : callable<TellTrace>()(record, "trace")
      job.opened().flow.trace(given && { ...checked, record: given })
    },
    close: () => job.close(),
    [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]: () => job.close(),
  }
  cores.set(base, job)
  if (!single) return base
  return Object.assign(base, { [Symbol.asyncIterator]: () => output("out") })
}

function outputsOf(streams: unknown): readonly AskedOutput[] {
  const one = streams instanceof Stream || streams instanceof Delivery
  const named: unknown = one ? { out: streams } : streams
  const entries = typeof named === "object" && named !== null ? Object.entries(named) : []
  if (entries.length === 0) {
    const wanted = "a stream, or an object of streams by name"
    throw new MillraceError("OPTION", `run takes ${wanted}, not ${typeName(streams)}`)
  }
  return entries.map(([name, stream]: [string, unknown]) => {
    if (stream instanceof Delivery) return { name, node: stream.node, sink: stream.sink }
    if (stream instanceof Stream) return { name, node: stream.node }
    throw new MillraceError(
      "OPTION",
      `run: output ${name} must be a stream, not ${typeName(stream)}`,
    )
  })
}
