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

/**
 * All rows are encoded by the time that there have been so many of the events between this cut and
 * the one before: however fast rows change, checkpoints keep up, and take no longer each time.
 */
const eventsMax = 3 / 4

/** Slices after chunks are of so many rows at least: a call for fewer costs more than they. */
const sliceRowsMin = 64

/** But for each event there are so many at least, and at most; and after a chunk. */
const rowsPerEventMin = 1 / 16
const rowsPerEventMax = 16
const owedRowsMax = 16_384

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
  /** Events of the flow at the cut, and when slices were last made. */
  #cutAt = 0
  #seen = 0
  /** Rows to be encoded for each event, and those that are owed; fewer than none: it is ahead. */
  #rowsPerEvent = 0
  #rows = 0

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
    this.#cutAt = flow.events
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
    const between = flow.events - this.#cutAt
    this.#cutAt = this.#seen = flow.events
    this.#rows = 0
    this.#taken = this.#schedule.take((timeoutMs) => {
      this.#cut = checkpoints.cut(flow, finished, this.#news)
      return checkpoints.write(this.#cut, engine, timeoutMs)
    })
    const rowsPerEvent = (this.#cut?.rows ?? 0) / Math.max(between * eventsMax, 1)
    this.#rowsPerEvent = Math.max(rowsPerEventMin, Math.min(rowsPerEvent, rowsPerEventMax))
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

  /** The flow has gone on: make slices in proportion to the events that it processed. */
  goOn(): void {
    const cut = this.#cut
    if (cut === undefined || this.#opened === undefined || this.#rowsMax === 0) return
    const { events } = this.#opened.flow
    const owed = (events - this.#seen) * this.#rowsPerEvent
    this.#rows = Math.min(this.#rows + owed, owedRowsMax)
    this.#seen = events
    for (let rows; this.ready && (rows = Math.max(this.#rows, cut.kept)) >= sliceRowsMin;) {
      if (!this.slice(rows)) break
    }
  }

  /** Make a slice, if there is one to be made; false: there was none. */
  slice(rows = Infinity): boolean {
    const count = this.ready ? this.#cut?.slice(Math.min(Math.ceil(rows), this.#rowsMax)) : 0
    this.#rows -= count ?? 0
    return count !== 0
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
