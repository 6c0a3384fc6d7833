/**
 * What a page holds of a job in a worker; the types of it.
 */
import type { Explanation } from "../explain.ts"
import type { Job, JobBase, Jobs, Streams } from "../handles.ts"
import type { KeyValue } from "../state/keys.ts"
import type { JobStats } from "../stats.ts"
import type { EventOf } from "../stream.ts"
import type { Tag } from "../tag.ts"
import type { Requests, Served } from "./serve.ts"

/** The results of an output, which wait in the worker while nobody here asks for them. */
export interface RemoteOutput<out T> extends AsyncIterable<T> {
  /** The results that are here come together, as arrays that are never empty. */
  chunks(): AsyncIterable<readonly T[]>
}

/** Looks at the state of an operator; each is of the moment when the worker gets to it. */
export interface RemoteState {
  /** As `StateView.size`. */
  size(): Promise<number>
  /** As `StateView.get`. */
  get(key: KeyValue): Promise<unknown>
  /** As `StateView.entries`, all of them: of large states a request of your own gives a part. */
  entries(): Promise<Record<string, unknown>[]>
}

/**
 * What every job in a worker can do: what `JobBase` can, by promises. All of it rejects with what
 * the job would throw, and with `WORKER` when the worker fails or is terminated.
 */
export interface RemoteJobBase<out Answers = unknown> extends AsyncDisposable {
  /**
   * A side output. Claim it before the first pull: else what goes there is dropped.
   *
   * @throws {MillraceError} `OPTION` for a tag that nothing sends to; `CLOSED`.
   */
  output<T>(tag: Tag<T>): RemoteOutput<T>
  /** As `JobBase.finished`. */
  finished(): Promise<void>
  /** As `JobBase.checkpoint`: consumers here must have what is before it, and ask for more. */
  checkpoint(): Promise<void>
  /** As `JobBase.savepoint`; the bytes are copied here before the promise resolves. */
  savepoint(): Promise<ReadableStream<Uint8Array>>
  /** As `JobBase.state`; what is wrong with the uid is told by the looks. */
  state(uid: string): RemoteState
  /** As `JobBase.stats`. */
  stats(): Promise<JobStats>
  /** As `JobBase.explain`. */
  explain(key: KeyValue): Promise<Explanation>
  /**
   * Ask the worker for what its `serveJob({ requests })` answers.
   *
   * @throws {MillraceError} `OPTION` for a request that it does not have; `USER_FUNCTION` when its
   *   function throws; `SERIALIZATION` for values that cannot be cloned.
   */
  request<const Name extends keyof Answers & string>(
    name: Name,
    ...value: ValueOf<Answers[Name]>
  ): Promise<AnswerOf<Answers[Name]>>
  /** Close the job, and end its worker, or the port to it. */
  close(): Promise<void>
}

type ValueOf<F> = F extends (value: infer Value, ...rest: never) => unknown
  ? unknown extends Value
    ? [value?: unknown]
    : [value: Value]
  : [value?: unknown]
type AnswerOf<F> = F extends (...given: never) => infer Answer ? Awaited<Answer> : unknown

/** A job with one output; iterating it gives the results. */
export interface RemoteJob<out T, out Answers = unknown>
  extends RemoteJobBase<Answers>, RemoteOutput<T> {}

/** A job with several outputs. */
export interface RemoteJobs<
  M extends Streams,
  out Answers = unknown,
> extends RemoteJobBase<Answers> {
  /**
   * The results of one output. Claim outputs before the first pull: others are dropped.
   *
   * @throws {MillraceError} `OPTION` for an output that there is not; `CLOSED`.
   */
  output<const Name extends keyof M & string>(name: Name): RemoteOutput<EventOf<M[Name]>>
  output<T>(tag: Tag<T>): RemoteOutput<T>
}

/** What any `serveJob` gives. */
export type AnyServed = Served<never, JobBase, Requests<never>>

/** Of a worker whose type was not given: it has one output, or several. */
export interface UntypedJob
  extends
    RemoteJobs<Streams, Record<string, (value?: unknown) => unknown>>,
    RemoteOutput<unknown> {}

/** The job that a page has of what a worker serves. */
export type RemoteOf<S> =
  S extends Served<never, infer Job_, infer Answers>
    ? Job_ extends Job<infer T>
      ? RemoteJob<T, Answers>
      : Job_ extends Jobs<infer M>
        ? RemoteJobs<M, Answers>
        : RemoteJobBase<Answers>
    : never
