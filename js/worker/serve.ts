/**
 * The worker's side: it makes the job that a page asks for, and answers that page's calls.
 */
import { cores } from "../cores.ts"
import { MillraceError, typeName } from "../errors.ts"
import type { JobBase } from "../handles.ts"
import type { JobListeners } from "../listeners.ts"
import { callable, checkOptions } from "../options.ts"
import type { Check } from "../options.ts"
import type { KeyValue } from "../state/keys.ts"
import { Feed } from "./feed.ts"
import { holdLock } from "./lock.ts"
import { listen, ownPort } from "./port.ts"
import type { WorkerPort } from "./port.ts"
import { errorOf, sentError, userError } from "./wire.ts"
import type { Call, Method, SentError, StartedJob, ToPage, ToWorker } from "./wire.ts"

/** What a function of {@link serveJob} is given beside the page's input. */
export interface WorkerContext {
  /** Given when the page's signal is, or when the page is gone; for `run({ signal })`. */
  readonly signal: AbortSignal
  /** Tells the page of checkpoints and restarts; for `run({ on })`. */
  readonly on: Required<JobListeners>
}

/** Functions that answer `remote.request(name, value)`, each with the job at hand. */
export type Requests<Job> = Readonly<Record<string, (value: never, job: Job) => unknown>>

/** Options of {@link serveJob}. */
export interface ServeOptions<Job, Answers extends Requests<Job>> {
  /** What the page may ask for beside what a job can do, by name. Default: nothing. */
  readonly requests?: Answers & Requests<Job>
  /** Where the page is. Default: whoever started this worker. */
  readonly port?: WorkerPort
}

/** What a worker serves; for the types of `startJob<typeof served>`. */
export interface Served<Input, Job, Answers> {
  /** Only types; there is no value. */
  readonly types: { readonly start: (input: Input) => Job; readonly requests: Answers }
}

/**
 * Run a job in this worker for the page that started it with {@link startJob}: one job, once.
 *
 * `start` makes the job of what the page gave. It should hand `signal` and `on` to `run`.
 *
 * @example
 * ```ts
 * export const served = serveJob((words: string[], { signal, on }) =>
 *   run(from(words).keyBy((word) => word).aggregate({ n: count() }), { signal, on }),
 * )
 * ```
 * @throws {MillraceError} `OPTION` outside of a worker, and for unknown options.
 */
export function serveJob<
  Input,
  Job extends JobBase,
  Answers extends Requests<Job> = Record<never, never>,
>(
  start: (input: Input, context: WorkerContext) => Job | Promise<Job>,
  options?: ServeOptions<Job, Answers>,
): Served<Input, Job, Answers> {
  const checked = checkOptions(options, { requests: functions, port: portOption }, "serveJob")
  const { requests = {}, port = ownPort() } = checked
  callable()(start, "serveJob(start)")
  new Server(start as Start, requests as Requests<JobBase>).listen(port)
  return {} as Served<Input, Job, Answers>
}

type Start = (input: unknown, context: WorkerContext) => JobBase | Promise<JobBase>

const functions: Check<object> = (given, name) => {
  const table = typeof given === "object" && given !== null ? given : {}
  const checks = Object.keys(table).map((each) => [each, callable()] as const)
  return checkOptions(given, Object.fromEntries(checks), name)
}

const portOption: Check<WorkerPort> = (given) => given as WorkerPort // listen() looks at it.

const listenerNames = ["checkpoint", "checkpointFailed", "restored", "restarted"] as const

class Server {
  readonly #start: Start
  readonly #requests: Requests<JobBase>
  readonly #abort = new AbortController()
  readonly #feeds = new Map<number, Feed>()
  #post: (message: ToPage) => void = () => undefined
  #started: Promise<JobBase> | undefined

  constructor(start: Start, requests: Requests<JobBase>) {
    this.#start = start
    this.#requests = requests
  }

  listen(port: WorkerPort): void {
    const lock = port === (globalThis as unknown) ? holdLock() : Promise.resolve(undefined)
    const hello = async () => this.#post({ millrace: "hello", lock: await lock })
    const message = (message: ToWorker): void => {
      if (message.millrace === "knock") void hello()
      else if (message.millrace === "ask") void this.#ask(message.output, message.done)
      else if (message.millrace === "call") void this.#answer(message)
      else void this.#leave(message.reason)
    }
    const failed = (error: MillraceError) => void this.#leave(sentError(error))
    const link = listen<ToWorker, ToPage>(port, "serveJob", { message, failed })
    this.#post = (message) => link.post(message)
    void hello()
  }

  /** The page has aborted the job, or does not hear any more. */
  async #leave(error: SentError): Promise<void> {
    this.#abort.abort(errorOf(error))
    const job = await this.#started?.catch(() => undefined)
    await job?.close().catch(() => undefined) // Nobody is there who could be told.
    this.#post({ millrace: "gone", error })
  }

  async #answer({ id, method, args }: Call): Promise<void> {
    try {
      const value = await this.#call(method, args)
      try {
        this.#post({ millrace: "reply", id, value })
      } catch (cause) {
        const message = `the answer to ${method} cannot be cloned for the page; see cause`
        throw new MillraceError("SERIALIZATION", message, { cause })
      }
    } catch (error) {
      this.#post({ millrace: "refusal", id, error: sentError(error) })
    }
  }

  async #call(method: Method, args: readonly unknown[]): Promise<unknown> {
    if (method === "start") return this.#open(args[0])
    const job = await (this.#started as Promise<JobBase>)
    switch (method) {
      case "claim":
        return this.#claim(job, args[0] as number)
      case "leave":
        await this.#feeds.get(args[0] as number)?.leave()
        return isClosed(job)
      case "savepoint":
        return partsOf(await job.savepoint())
      case "state":
        return look(job, ...(args as [string, "size" | "get" | "entries", KeyValue]))
      case "explain":
        return job.explain(args[0] as KeyValue)
      case "request":
        return this.#request(job, args[0] as string, args[1])
      default:
        return job[method]()
    }
  }

  async #open(input: unknown): Promise<StartedJob> {
    if (this.#started !== undefined) throw new MillraceError("OPTION", "a worker runs one job")
    const job = await (this.#started = this.#make(input))
    const { outputs } = jobCore(job).outlets
    const named = outputs.map(({ name, tag }) => ({ name, isTag: tag !== undefined }))
    return { outputs: named, single: Symbol.asyncIterator in job }
  }

  /** Only what is a job is closed in the end. */
  async #make(input: unknown): Promise<JobBase> {
    const context = { signal: this.#abort.signal, on: this.#listeners }
    try {
      const job = await this.#start(input, context)
      jobCore(job)
      return job
    } catch (error) {
      throw userError(error, "the function of serveJob")
    }
  }

  #claim(job: JobBase, place: number): void {
    const output = jobCore(job).outlets.outputs[place]
    if (output === undefined) throw new MillraceError("INTERNAL", `there is no output ${place}`)
    this.#feeds.set(place, new Feed(output, place, this.#post))
  }

  /** Later in this turn, as is the claim before it. */
  async #ask(place: number, done: number): Promise<void> {
    await this.#started
    this.#feeds.get(place)?.ask(done)
  }

  async #request(job: JobBase, name: string, value: unknown): Promise<unknown> {
    const answer = Object.hasOwn(this.#requests, name) ? this.#requests[name] : undefined
    if (answer === undefined) {
      const names = Object.keys(this.#requests).join(", ") || "none"
      throw new MillraceError("OPTION", `the worker answers no request ${name}; it has ${names}`)
    }
    try {
      return await answer(value as never, job)
    } catch (error) {
      throw userError(error, `request ${name}`)
    }
  }

  /** Errors in what they tell are sent as others are. */
  get #listeners(): Required<JobListeners> {
    const tell = (name: keyof JobListeners) => (what: { readonly error?: unknown }) => {
      const told = "error" in what ? { ...what, error: sentError(what.error) } : what
      this.#post({ millrace: "event", name, what: told })
    }
    const listeners = listenerNames.map((name) => [name, tell(name)] as const)
    return Object.fromEntries(listeners) as unknown as Required<JobListeners>
  }
}

function jobCore(job: JobBase) {
  const core = cores.get(job) // Of whatever was given.
  if (core !== undefined) return core
  const message = `the function of serveJob must give a job of run(), not ${typeName(job)}`
  throw new MillraceError("OPTION", message)
}

/** Figures are there until the job is closed. */
function isClosed(job: JobBase): boolean {
  try {
    job.stats()
    return false
  } catch {
    return true
  }
}

/** What a state shows, at this moment. */
function look(job: JobBase, uid: string, what: "size" | "get" | "entries", key: KeyValue): unknown {
  const state = job.state(uid)
  if (what === "get") return state.get(key)
  return what === "size" ? state.size : state.entries()
}

async function partsOf(savepoint: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  const reader = savepoint.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return parts
    parts.push(value)
  }
}
