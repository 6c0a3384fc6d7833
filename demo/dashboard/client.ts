/**
 * The worker of the page and the job in it; another one after a kill.
 */
import { startJob } from "millrace/worker"
import type { RemoteOf } from "millrace/worker"
import type { Input } from "./messages.ts"
import type { served } from "./worker.ts"

type DashboardJob = RemoteOf<typeof served>

/** What becomes of a job. */
export interface ClientEvents {
  /** All flights have come. */
  ended(): void
  failed(error: unknown): void
}

export class Client {
  readonly #events: ClientEvents
  #worker: Worker | undefined
  #job: Promise<DashboardJob> | undefined

  constructor(events: ClientEvents) {
    this.#events = events
  }

  /** Start a worker, instead of one that is there, which goes on from the last checkpoint. */
  async start(input: Input): Promise<void> {
    this.kill()
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })
    this.#worker = worker
    this.#job = startJob<typeof served>(worker, { input })
    try {
      const job = await this.#job
      void this.#finish(worker, job)
    } catch (error) {
      this.#fail(worker, error)
    }
  }

  /** End the worker as a crash would: nothing is said to it, and nothing is saved. */
  kill(): void {
    const worker = this.#worker
    this.#worker = this.#job = undefined
    worker?.terminate()
  }

  /** Ask the job; undefined: there is none, or it was killed before it answered, or has failed. */
  async ask<T>(use: (job: DashboardJob) => Promise<T>): Promise<T | undefined> {
    const worker = this.#worker
    try {
      const job = await this.#job
      return job && (await use(job))
    } catch (error) {
      this.#fail(worker, error)
      return undefined
    }
  }

  async #finish(worker: Worker, job: DashboardJob): Promise<void> {
    try {
      await job.finished()
      if (this.#worker === worker) this.#events.ended()
    } catch (error) {
      this.#fail(worker, error)
    }
  }

  /** Tell it, once, unless it is of a worker that was killed. */
  #fail(worker: Worker | undefined, error: unknown): void {
    if (this.#worker !== worker) return
    this.kill()
    this.#events.failed(error)
  }
}
