/**
 * What triggers and the user's function see of a window.
 */
import { MillraceError, typeName } from "../../errors.ts"
import type { StateAccess } from "../../state/access.ts"
import { closed, quiet, refusePromise } from "../../state/access.ts"
import type { TriggerContext, TriggerResult, TriggerTimers } from "../../windows/trigger.ts"
import type { WindowRange } from "../../windows/assigner.ts"
import { overAt } from "./panes.ts"
import type { Pane } from "./panes.ts"

/** When and for which key something happens to a window. */
export interface FireView {
  readonly keyOf: () => unknown
  /** The bytes of that key. */
  readonly keyBytes: () => Uint8Array
  /** How far the stream's time is; under processing time the time of arrival. */
  readonly watermark: number
  readonly now: number
  /** The event of the job that comes, or came last. */
  readonly position: number
}

const results: readonly unknown[] = ["continue", "fire", "purge", "fireAndPurge"]

/** What a trigger's function gave. Throws `OPTION`. */
export function checkResult(given: unknown, name: string): TriggerResult {
  if (results.includes(given)) return given as TriggerResult
  quiet(given)
  const wanted = '"continue", "fire", "purge" or "fireAndPurge"'
  const message = `trigger.${name} must return ${wanted}, not ${typeName(given)}`
  throw new MillraceError("OPTION", message)
}

/** One for all windows: it is moved from pane to pane. */
export class PaneContext implements TriggerContext {
  readonly state: StateAccess<unknown, unknown> = new PaneState(() => this.#open)
  readonly timers: TriggerTimers
  readonly #inclusive: boolean
  /** Is its end no time, because windows end by counting? */
  readonly #endless: boolean
  #pane: Pane | undefined
  #keyOf: () => unknown = () => undefined
  timestamp = 0
  watermark = 0
  now = 0

  constructor(inclusive: boolean, endless: boolean) {
    this.#inclusive = inclusive
    this.#endless = endless
    // At the end of the source a window without an end would go on for ever.
    const ends = () => endless && this.watermark === Infinity
    this.timers = {
      eventTime: (timeMs) => {
        if (!ends()) this.#open.at = withTime(this.#open.at, timeMs)
      },
      processingTime: (timeMs) => {
        if (!ends()) this.#open.clocks = withTime(this.#open.clocks, timeMs)
      },
      delete: (domain, timeMs) => {
        const list = domain === "event" ? "at" : "clocks"
        this.#open[list] = this.#open[list].filter((time) => time !== timeMs)
      },
    }
  }

  /** Call a trigger's function with a pane, which it may change. */
  with<Result>(pane: Pane, view: FireView, timestamp: number, call: () => Result): Result {
    this.#pane = pane
    this.#keyOf = view.keyOf
    this.timestamp = timestamp
    this.watermark = view.watermark
    this.now = view.now
    try {
      return call()
    } finally {
      this.#pane = undefined
    }
  }

  get #open(): Pane {
    if (this.#pane === undefined) throw closed()
    return this.#pane
  }

  get key(): unknown {
    return this.#keyOf()
  }

  get window(): WindowRange {
    const { start, end } = this.#open
    return { start, end }
  }

  get overAt(): number {
    return this.#endless ? Infinity : overAt(this.#open, this.#inclusive)
  }
}

/** What a trigger keeps of a pane. */
class PaneState implements StateAccess<unknown, unknown> {
  readonly #pane: () => Pane

  constructor(pane: () => Pane) {
    this.#pane = pane
  }

  get(): unknown {
    return this.#pane().trigger
  }

  set(value: unknown): void {
    this.#pane().trigger = value
  }

  exists(): boolean {
    return this.#pane().trigger !== undefined
  }

  delete(): void {
    this.#pane().trigger = undefined
  }

  update(change: (current: unknown) => unknown): unknown {
    const next = change(this.get())
    refusePromise(next)
    this.set(next)
    return next
  }
}

function withTime(times: readonly number[], timeMs: number): readonly number[] {
  if (times.includes(timeMs)) return times
  if (typeof timeMs !== "number" || Number.isNaN(timeMs)) {
    throw new MillraceError("OPTION", "a trigger's timer must have a time in ms")
  }
  return [...times, timeMs].sort((a, b) => a - b)
}
