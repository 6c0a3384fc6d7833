/**
 * Sources with positions: `{ read(position) }` gives events in steps of any size, which are cut
 * into chunks here. A checkpoint saves the position of the step and how many of its events were
 * taken.
 */
import { copyOf } from "../copy.ts"
import { MillraceError, typeName } from "../errors.ts"
import { sourceError, startReading } from "./source.ts"
import type { OpenReader, Reader, Replayable, SavedPosition } from "./source.ts"

interface Step {
  readonly events: readonly unknown[]
  readonly position: unknown
}

export function openReplayable(source: Replayable<unknown, unknown>): OpenReader {
  return (from, wake) => new ReplayableReader(source, from, wake)
}

class ReplayableReader implements Reader {
  readonly #iterator: AsyncIterator<Step, unknown>
  readonly #wake: () => void
  /** Position of the first event of `#events`, and how many of them were polled. */
  #position: unknown
  #at = 0
  /** Events still to be passed over after a restore. */
  #skip: number
  #events: readonly unknown[] = []
  #next: unknown // Position after `#events`.
  #reading = false
  #over = false
  #failed: { readonly error: unknown } | undefined

  constructor(
    source: Replayable<unknown, unknown>,
    from: SavedPosition | undefined,
    wake: () => void,
  ) {
    this.#position = from?.position
    this.#next = from?.position
    this.#skip = from?.offset ?? 0
    this.#wake = wake
    this.#iterator = startReading(() => source.read(from?.position)[Symbol.asyncIterator]())
  }

  poll(max: number): readonly unknown[] | undefined {
    if (this.#at < this.#events.length) {
      const events = this.#events.slice(this.#at, this.#at + max)
      this.#at += events.length
      return events
    }
    if (this.#failed !== undefined) throw sourceError(this.#failed.error)
    if (this.#over) return undefined
    if (!this.#reading) void this.#read()
    return []
  }

  saved(): SavedPosition {
    if (this.#at === this.#events.length) return { position: this.#next, offset: this.#skip }
    return { position: this.#position, offset: this.#at }
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    // Not awaited: a source that never gives its next step would hold us for ever.
    void this.#stop()
  }

  async #read(): Promise<void> {
    this.#reading = true
    try {
      const { done, value } = await this.#iterator.next()
      if (this.#over) return
      if (done === true) this.#over = true
      else this.#take(value)
    } catch (error) {
      this.#failed = { error }
      this.#over = true
    } finally {
      this.#reading = false
      this.#wake()
    }
  }

  #take(step: Step): void {
    if (!Array.isArray(step?.events)) {
      void this.#stop()
      const message = `read() must give { events, position }, not ${typeName(step)}`
      throw new MillraceError("SOURCE", message)
    }
    this.#position = this.#next
    this.#next = copyOf(step.position) // A source may go on with the same object.
    this.#events = step.events
    this.#at = Math.min(this.#skip, step.events.length)
    this.#skip -= this.#at
    if (this.#skip > 0) this.#events = [] // All of it lies before the restored position.
    if (this.#skip > 0) this.#at = 0
  }

  async #stop(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // The job is over; nobody is left to tell.
    }
  }
}
