/**
 * A job's checkpoint that goes on beside its stream, between the loop that feeds and the writer.
 *
 *   take -> goOn goOn goOn ... (slices, after chunks) ... -> over
 *       `-> settle                                           the flow stands still until it is over
 *
 * While events come, a slice is made for every so many of them; while nothing comes, one slice
 * after the other.
 */
import type { Checkpoints } from "./checkpoint.ts"
import type { Cut } from "./cut.ts"
import { sliceRowsMax } from "./cut.ts"
import type { Engine } from "./engine/engine.ts"
import type { Flow } from "./flow.ts"
import type { Schedule } from "./schedule.ts"

/** Rows are encoded for each event that was processed, beside those that events had kept. */
const rowsPerEvent = 1 / 64

/** Slices after chunks are of so many rows at least: a call for fewer costs more than they. */
const sliceRowsMin = 64

/**
 * Where events take their time, slices have this share of it and no less. In workers whose clock
 * stands still between two calls of the host, there are only those in proportion to events.
 */
const share = 0.15

export class Saving {
  readonly #checkpoints: Checkpoints | undefined
  readonly #schedule: Schedule
  /** The job's: there is a slice to be made again, or the checkpoint is over. */
  readonly #news: () => void
  /** The most rows of a slice; 0: there are none, and the flow stands still. */
  readonly #rowsMax: number
  #opened: { readonly flow: Flow; readonly engine: Engine } | undefined
  #cut: Cut | undefined
  #taken: Promise<boolean> | undefined
  #failed: { readonly error: unknown } | undefined
  /** Events of the flow when slices were last made, and rows that may be encoded. */
  #seen = 0
  #rows = 0
  /** When it began, and how long slices took. */
  #beganMs = 0
  #spentMs = 0

  /** Without `checkpoints` it may not begin. */
  constructor(
    checkpoints: Checkpoints | undefined,
    schedule: Schedule,
    news: () => void,
    rowsMax = sliceRowsMax,
  ) {
    this.#checkpoints = checkpoints
    this.#schedule = schedule
    this.#news = news
    this.#rowsMax = rowsMax
  }

  /** What is saved from now on. */
  open(flow: Flow, engine: Engine): void {
    this.#opened = { flow, engine }
    this.#failed = undefined
  }

  /** Throws a failure that is not tolerated. */
  throwFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.error
  }

  /** Does one go on? */
  get going(): boolean {
    return this.#cut !== undefined
  }

  /** Is there a slice to be made? */
  get ready(): boolean {
    return this.#cut?.ready === true
  }

  /** Take one; it goes on when this is over, unless the flow must stand still for it. */
  async take(finished: boolean): Promise<void> {
    this.#begin(finished)
    if (this.#rowsMax === 0) await this.settle()
    this.throwFailed()
  }

  /** What is saved is the flow as it is now. It may have failed at once. */
  #begin(finished: boolean): void {
    const checkpoints = this.#checkpoints as Checkpoints
    const { flow, engine } = this.#opened as { flow: Flow; engine: Engine }
    this.#seen = flow.events
    this.#rows = 0
    this.#beganMs = performance.now()
    this.#spentMs = 0
    this.#taken = this.#schedule.take((timeoutMs) => {
      this.#cut = checkpoints.cut(flow, finished, this.#news)
      return checkpoints.write(this.#cut, engine, timeoutMs)
    })
    this.slice(sliceRowsMin) // Mostly that is all there is.
    this.#taken.then(
      () => this.#over(),
      (error: unknown) => {
        this.#failed = { error }
        this.#over()
      },
    )
  }

  /** Take one while the flow stands still; true if it is durable. */
  async write(finished: boolean): Promise<boolean> {
    this.#begin(finished)
    const durable = await this.settle()
    this.throwFailed()
    return durable
  }

  /** The flow has gone on: make a slice in proportion to the events that were processed. */
  goOn(): void {
    if (this.#cut === undefined || this.#opened === undefined) return
    const { events } = this.#opened.flow
    this.#rows += Math.max(events - this.#seen, 1) * rowsPerEvent
    this.#seen = events
    if (this.#spentMs < (performance.now() - this.#beganMs) * share) this.#rows += sliceRowsMin
    if (this.#rows >= Math.min(sliceRowsMin, this.#rowsMax)) this.slice(this.#rows)
  }

  /** Make a slice, if there is one to be made. */
  slice(rows = Infinity): void {
    if (this.#cut?.ready !== true || this.#rowsMax === 0) return
    const beganMs = performance.now()
    this.#cut.slice(Math.min(Math.ceil(rows), this.#rowsMax))
    this.#spentMs += performance.now() - beganMs
    this.#rows = 0
  }

  /** The flow stands still until the one that goes on is over; true if that is durable. */
  async settle(): Promise<boolean> {
    this.#cut?.stand()
    return (await this.#taken?.catch(() => false)) ?? true
  }

  /** The job is over: what it has begun is brought to its end, unless it has failed. */
  end(failed: { readonly error: unknown } | undefined): void {
    if (failed === undefined) this.#cut?.stand()
    else this.#cut?.fail(failed.error)
  }

  #over(): void {
    this.#cut = undefined
    this.#taken = undefined
    this.#news()
  }
}
