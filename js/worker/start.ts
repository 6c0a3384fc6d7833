/**
 * The page's side: a job that runs in a worker, with the face of one that runs here.
 */
import { refuseAborted } from "../abort.ts"
import { MillraceError } from "../errors.ts"
import type { JobListeners } from "../listeners.ts"
import { anything, callable, checkOptions, nested, withMethods } from "../options.ts"
import type { Check } from "../options.ts"
import { Link } from "./link.ts"
import type { WorkerPort } from "./port.ts"
import { remoteJob } from "./remote.ts"
import type { AnyServed, RemoteOf, UntypedJob } from "./remote_types.ts"
import type { Served } from "./serve.ts"
import type { StartedJob } from "./wire.ts"

/** Options of {@link startJob}. */
export interface StartOptions<Input = unknown> {
  /** What the worker's function is given: whatever can be cloned. Default: undefined. */
  readonly input?: Input
  /** What of `input` goes over to the worker instead of being copied. Default: nothing. */
  readonly transfer?: readonly object[]
  /** Ends the job with `ABORTED`, then the worker, which has 2 s to close the job. */
  readonly signal?: AbortSignal
  /** What is told of checkpoints and restarts, if the worker hands `on` to `run`. */
  readonly on?: JobListeners
}

type InputOf<S> = S extends Served<infer Input, infer _, infer _> ? Input : unknown

/** Options that may be left out if there need be no input. */
type Given<S> =
  undefined extends InputOf<S>
    ? [options?: StartOptions<InputOf<S>>]
    : [options: StartOptions<InputOf<S>> & { readonly input: InputOf<S> }]

/**
 * Start the job that a worker serves by {@link serveJob}, and iterate its results here. They come
 * in chunks, and at most 4,096 of an output ahead of its reader: then the job waits. The worker
 * belongs to the job from now on, and is terminated with it.
 *
 * @example
 * ```ts
 * const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" })
 * const job = await startJob<typeof served>(worker, { input: ["to", "be", "or", "not", "to"] })
 * for await (const { key, n } of job) console.log(key, n)
 * await job.close()
 * ```
 * @throws {MillraceError} What `run` throws in the worker; `WORKER` when it does not load, fails or
 *   is terminated; `USER_FUNCTION` when its function throws; `SERIALIZATION` when the input cannot
 *   be cloned; `OPTION`, `ABORTED`.
 */
export async function startJob<S extends AnyServed>(
  worker: WorkerPort,
  ...given: Given<S>
): Promise<RemoteOf<S>>
export async function startJob(worker: WorkerPort, options?: StartOptions): Promise<UntypedJob>
export async function startJob(worker: WorkerPort, options?: StartOptions): Promise<never> {
  const { input, transfer, signal, on } = checkOptions(options, startOptions, "startJob")
  const link = new Link(worker, on ?? {}, signal)
  try {
    refuseAborted(signal)
    await link.ready
    const started = (await link.call("start", [input], transfer)) as StartedJob
    return remoteJob(link, started) as never
  } catch (error) {
    if (!link.isOver) link.end(error)
    throw error
  }
}

const listOption: Check<readonly Transferable[]> = (given, name) => {
  if (Array.isArray(given)) return given as Transferable[]
  throw new MillraceError("OPTION", `${name} must be an array of what is transferred`)
}

const startOptions = {
  input: anything,
  transfer: listOption,
  signal: withMethods<AbortSignal>("an AbortSignal", "addEventListener", "removeEventListener"),
  on: nested({
    checkpoint: callable<NonNullable<JobListeners["checkpoint"]>>(),
    checkpointFailed: callable<NonNullable<JobListeners["checkpointFailed"]>>(),
    restored: callable<NonNullable<JobListeners["restored"]>>(),
    restarted: callable<NonNullable<JobListeners["restarted"]>>(),
  }),
}
