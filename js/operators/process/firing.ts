/**
 * Timers that fire: one by one, each in a call of its own.
 *
 * What must stay true: a timer is off when its call has taken effect, and not before. So what is
 * saved has each timer that did not fire, and the state of each that did.
 */
import { entryKeyOf, ownerOf } from "../../engine/keyed_rows.ts"
import type { Due } from "../../engine/timers.ts"
import { eventError } from "../../graph.ts"
import type { Site } from "../../graph.ts"
import type { ErrorEvent } from "../../on_error.ts"
import type { Emitted } from "../../sides.ts"
import { refusePromise } from "../../state/access.ts"
import type { Evictions } from "../evictions.ts"
import { Life } from "./life.ts"
import type { Domain, Handlers, OpenTimers, Seat, When } from "./seat.ts"

/** What a call has failed with, and is to end the job with. */
export interface Failed {
  readonly error: unknown
}

/** How many timers fire in one go, while nothing comes. */
const firedMax = 4096

export class Firing {
  /** The latest `now` that a function has seen: it never runs backwards. */
  now = -Infinity
  /** The event of the job that came last; what is told of timers that fail. */
  position = 0
  /** The first thing that a job does with the user's functions is to open them. */
  readonly life: Life
  readonly #site: Site
  readonly #seat: Seat
  readonly #timers: ReadonlyMap<Domain, OpenTimers>
  readonly #onTimer: Handlers["onTimer"]
  readonly #evictions: readonly Evictions[]
  /** What ends the job as soon as what came before it is out. */
  #failed: Failed | undefined

  constructor(
    site: Site,
    seat: Seat,
    timers: ReadonlyMap<Domain, OpenTimers>,
    handlers: Handlers,
    evictions: readonly Evictions[],
  ) {
    this.life = new Life(site.label, handlers)
    this.#site = site
    this.#seat = seat
    this.#timers = timers
    this.#onTimer = handlers.onTimer
    this.#evictions = evictions
  }

  /** The first timer that is due by a time. */
  first(domain: Domain, uptoMs: number): Due | undefined {
    return this.#timers.get(domain)?.timers.first(uptoMs)
  }

  /** When the next timer in processing time is due, or what has failed is to be told. */
  nextDue(now: number): number {
    if (this.#failed !== undefined) return -Infinity
    const due = this.#timers.get("processing")?.timers.next(now) ?? Infinity
    return Math.max(due, this.now)
  }

  /** Call the function for a timer. */
  one(domain: Domain, due: Due, out: Emitted, when: When): Failed | undefined {
    const { operator, timers } = this.#timers.get(domain) as OpenTimers
    const seat = this.#seat
    this.life.open()
    seat.begin(ownerOf(operator, due.row), when, out)
    seat.fire(domain, entryKeyOf(operator, due.row) as number | string)
    try {
      refusePromise(this.#onTimer?.(due.timeMs, seat.state, seat.ctx, seat.out))
      seat.commit()
      for (const evictions of this.#evictions) evictions.takeFor(this.position)
      return undefined
    } catch (error) {
      const { key } = seat
      seat.abandon()
      const failed = this.#deal(error, key, out)
      if (failed === undefined) timers.drop(due.row)
      return failed
    }
  }

  /** What a call has set to a processing time that has passed fires at once. */
  overdue(out: Emitted, when: When): Failed | undefined {
    for (;;) {
      const due = this.first("processing", this.now)
      if (due === undefined) return undefined
      const failed = this.one("processing", due, out, { ...when, timestamp: due.timeMs })
      if (failed !== undefined) return failed
    }
  }

  /** Fire what is due in processing time by now. Throws what one failed with. */
  due(out: Emitted): void {
    const { watermark } = this.#site
    const whenOf = (due: Due) => this.#whenNow(due, watermark)
    this.#all("processing", this.now, out, whenOf, () => this.#passed(out))
  }

  /**
   * The end: fire a bounded number of all timers; false when there are none left. Those in event
   * time come first, also those that others set. Throws what one failed with.
   */
  last(domain: Domain, out: Emitted): boolean {
    const { watermark, eventTime } = this.#site
    if (domain === "processing") {
      const whenOf = (due: Due) => this.#whenNow(due, Infinity)
      return this.#all(domain, Infinity, out, whenOf, undefined, eventTime ? 1 : firedMax)
    }
    return this.#all(domain, Infinity, out, ({ timeMs }) => {
      const passedMs = Math.max(watermark, timeMs)
      return { timestamp: timeMs, watermark: Infinity, timeMs, passedMs, now: this.now }
    })
  }

  #all(
    domain: Domain,
    uptoMs: number,
    out: Emitted,
    whenOf: (due: Due) => When,
    after?: () => Failed | undefined,
    most = firedMax,
  ): boolean {
    if (this.#failed !== undefined) throw this.#failed.error
    let failed: Failed | undefined
    let fired = 0
    for (; fired < most && failed === undefined; fired++) {
      const due = this.first(domain, uptoMs)
      if (due === undefined) break
      out.timeMs = due.timeMs
      failed = this.one(domain, due, out, whenOf(due)) ?? after?.()
    }
    for (const evictions of this.#evictions) failed ??= evictions.tell({ first: this.position })
    if (failed === undefined) return fired > 0
    const { error } = failed
    this.#failed = { error: eventError(this.#site.label, this.position, error) }
    if (out.size === 0) throw this.#failed.error
    return true
  }

  /** What a call has set to an event time that has passed fires at once, while no event comes. */
  #passed(out: Emitted): Failed | undefined {
    const { watermark } = this.#site
    for (;;) {
      const due = this.first("event", Math.ceil(watermark) - 1)
      if (due === undefined) return undefined
      const { timeMs } = due
      const when = { timestamp: timeMs, watermark, timeMs, passedMs: watermark, now: this.now }
      const failed = this.one("event", due, out, when) ?? this.overdue(out, when)
      if (failed !== undefined) return failed
    }
  }

  /** State is as it is now: in event time, as far as that has come. */
  #whenNow({ timeMs: timestamp }: Due, shown: number): When {
    const { eventTime, watermark } = this.#site
    const { now } = this
    const timeMs = eventTime ? watermark : now
    return { timestamp, watermark: eventTime ? shown : -Infinity, timeMs, passedMs: timeMs, now }
  }

  #deal(error: unknown, key: unknown, out: Emitted): Failed | undefined {
    const { tolerance, uid: operator } = this.#site
    if (tolerance === undefined) return { error }
    const tell = () => ({ event: undefined, error, operator, key, position: this.position })
    const route = (told: ErrorEvent) => out.add(told, tolerance.policy.errorsTo)
    const dealt = tolerance.deal(error, tell, route)
    if ("error" in dealt) return dealt
    if ("emit" in dealt) out.add(dealt.emit)
    return undefined
  }
}
