/**
 * Events of one name that an EventTarget dispatches. They come when they like, so those that the
 * job has not pulled yet wait in a buffer that has a bound.
 */
import { MillraceError } from "../errors.ts"
import type { FromOptions, OpenReader, Reader } from "./source.ts"
import { startReading } from "./source.ts"

/** Options of `from` for an `EventTarget`. */
export interface EventTargetOptions<T> extends FromOptions<T> {
  /** The name of the events to listen for. */
  readonly event: string
  /** The most events that wait for the job to pull them. Default 1,024. */
  readonly bufferMax?: number
  /**
   * What happens to an event that finds `bufferMax` others waiting: `"error"`, the default, ends
   * the job with `LIMIT` after those; `"dropNewest"` drops it; `"dropOldest"` drops the first of
   * those. `job.stats().dropped` counts what was dropped.
   */
  readonly overflow?: "error" | "dropOldest" | "dropNewest"
}

/** Checked options. */
export interface Listening {
  readonly event: string
  readonly bufferMax: number
  readonly overflow: "error" | "dropOldest" | "dropNewest"
}

export function isEventTarget(source: object): source is EventTarget {
  const { addEventListener, removeEventListener } = source as Partial<EventTarget>
  return typeof addEventListener === "function" && typeof removeEventListener === "function"
}

export function openEventTarget(target: EventTarget, listening: Listening): OpenReader {
  return (_, wake) => new EventReader(target, listening, wake)
}

class EventReader implements Reader {
  /** Events that were dropped, because too many were waiting. */
  dropped = 0
  readonly #target: EventTarget
  readonly #listening: Listening
  readonly #wake: () => void
  /** What waits begins at `#at`; what is before that is undefined. */
  #events: unknown[] = []
  #at = 0
  #full = false
  #left = false
  /** Has a poll come up empty, so that the next event is news? */
  #asked = false

  constructor(target: EventTarget, listening: Listening, wake: () => void) {
    this.#target = target
    this.#listening = listening
    this.#wake = wake
    startReading(() => target.addEventListener(listening.event, this.#hear))
  }

  poll(max: number): readonly unknown[] {
    const events = this.#events.slice(this.#at, this.#at + max)
    if (events.length === 0 && this.#full) throw this.#overflown()
    this.#drop(events.length)
    this.#asked = events.length === 0
    return events
  }

  saved(): undefined {
    return undefined
  }

  close(): void {
    this.#stop()
    this.#events = []
    this.#at = 0
  }

  readonly #hear = (event: unknown): void => {
    const { bufferMax, overflow } = this.#listening
    const full = this.#events.length - this.#at >= bufferMax
    if (full && overflow === "error") {
      this.#full = true
      this.#stop()
      return
    }
    if (full) this.dropped++
    if (full && overflow === "dropNewest") return
    if (full) this.#drop(1)
    this.#events.push(event)
    if (!this.#asked) return
    this.#asked = false
    this.#wake()
  }

  /** Let go of the first events; the list is cut only now and then, which makes each cheap. */
  #drop(count: number): void {
    this.#events.fill(undefined, this.#at, this.#at + count)
    this.#at += count
    if (2 * this.#at < this.#events.length) return
    this.#events = this.#events.slice(this.#at)
    this.#at = 0
  }

  #stop(): void {
    if (this.#left) return
    this.#left = true
    try {
      this.#target.removeEventListener(this.#listening.event, this.#hear)
    } catch {
      // The job is over; nobody is left to tell.
    }
  }

  #overflown(): MillraceError {
    const { bufferMax, event } = this.#listening
    const message = `too many events ${event} wait for the job: bufferMax is ${bufferMax}`
    return new MillraceError("LIMIT", `from: ${message}`)
  }
}
