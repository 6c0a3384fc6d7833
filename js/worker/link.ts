/**
 * The page's side of the port to a worker: calls that wait for replies, and one end for all.
 */
import { aborted } from "../abort.ts"
import { MillraceError, typeName } from "../errors.ts"
import { tell } from "../listeners.ts"
import type { JobListeners } from "../listeners.ts"
import { watchLock } from "./lock.ts"
import { listen, workerEnded } from "./port.ts"
import type { Port, WorkerPort } from "./port.ts"
import { errorOf, sentError } from "./wire.ts"
import type { Method, SentError, ToPage, ToWorker } from "./wire.ts"

/** How long a worker may take to close an aborted job before it is terminated, ms. */
const leaveWaitMs = 2000

interface Waiting {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** What a link tells of outputs. */
export interface LinkEvents {
  chunk(output: number, results: readonly unknown[]): void
  /** Of one output, or of all. */
  end(output: number | undefined, error: { readonly error: unknown } | undefined): void
  /** What is not read yet never will be. */
  drop(): void
}

export class Link {
  readonly #port: Port<ToWorker>
  readonly #listeners: JobListeners
  readonly #signal: AbortSignal | undefined
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0
  /** Why there is nothing more to be had. */
  #over: { readonly error: unknown } | undefined
  #hello: (() => void) | undefined
  readonly #ended = new AbortController()
  #locked = false
  #timer: ReturnType<typeof setTimeout> | undefined
  events: LinkEvents | undefined
  /** The worker serves a job; rejects when it never will. */
  readonly ready: Promise<void>

  constructor(worker: WorkerPort, listeners: JobListeners, signal: AbortSignal | undefined) {
    this.#listeners = listeners
    this.#signal = signal
    const message = (message: ToPage) => this.#onMessage(message)
    const failed = (error: unknown) => this.end(error)
    this.ready = new Promise((resolve, reject) => {
      this.#hello = resolve
      this.#waiting.set(0, { resolve: () => undefined, reject })
    })
    this.ready.catch(() => undefined) // Told to who starts the job.
    this.#port = listen<ToPage, ToWorker>(worker, "startJob", { message, failed })
    signal?.addEventListener("abort", this.#onAbort, { once: true })
    this.#port.post({ millrace: "knock" })
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** Throws why the link is over, if it is. */
  check(): void {
    if (this.#over !== undefined) throw this.#over.error
  }

  /** Throws `SERIALIZATION` for arguments that cannot be cloned. */
  async call(
    method: Method,
    args: readonly unknown[] = [],
    transfer: readonly Transferable[] = [],
  ): Promise<unknown> {
    this.check()
    const id = ++this.#calls
    try {
      this.#port.post({ millrace: "call", id, method, args }, transfer)
    } catch (cause) {
      const message = `what ${method} is given cannot be cloned for the worker; see cause`
      throw new MillraceError("SERIALIZATION", message, { cause })
    }
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  ask(output: number, done: number): void {
    if (this.#over === undefined) this.#port.post({ millrace: "ask", output, done })
  }

  /** Nothing more comes: whoever waits, and whoever asks from now on, is told `error`. */
  end(error: unknown): void {
    if (this.#over === undefined) this.#refuse(error)
    this.#ended.abort()
    this.#port.end()
    clearTimeout(this.#timer)
  }

  /** The same, but the worker has some time to close its job. */
  #leave(error: MillraceError): void {
    if (this.#over !== undefined) return
    this.#refuse(error)
    this.events?.drop()
    this.#port.post({ millrace: "abort", reason: sentError(error.cause) })
    this.#timer = setTimeout(() => this.#port.end(), leaveWaitMs)
  }

  readonly #onAbort = (): void => this.#leave(aborted(this.#signal as AbortSignal))

  #refuse(error: unknown): void {
    this.#over = { error }
    this.#signal?.removeEventListener("abort", this.#onAbort)
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
    this.events?.end(undefined, this.#over)
  }

  #onMessage(message: ToPage): void {
    switch (message.millrace) {
      case "hello":
        return this.#onHello(message.lock)
      case "reply":
        return this.#take(message.id)?.resolve(message.value)
      case "refusal":
        return this.#take(message.id)?.reject(errorOf(message.error))
      case "chunk":
        return this.events?.chunk(message.output, message.results)
      case "end":
        return this.events?.end(message.output, message.error && { error: errorOf(message.error) })
      case "event":
        return this.#tell(message.name, message.what)
      case "gone":
        return this.end(gone(message.error))
    }
  }

  #onHello(lock: string | undefined): void {
    this.#hello?.()
    if (lock === undefined || this.#locked) return
    this.#locked = true // There may be a second hello.
    watchLock(lock, this.#ended.signal, () => this.end(workerEnded()))
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #tell(name: keyof JobListeners, what: object): void {
    if (this.#over !== undefined) return
    const told = "error" in what ? { ...what, error: errorOf(what.error as SentError) } : what
    try {
      tell(this.#listeners, name, told as never)
    } catch (error) {
      this.#leave(error as MillraceError) // As it would end a job here.
    }
  }
}

function gone(sent: SentError): MillraceError {
  const cause = errorOf(sent)
  const said = cause instanceof Error ? cause.message : typeName(cause)
  return new MillraceError("WORKER", `the worker has left its job: ${said}`, { cause })
}
