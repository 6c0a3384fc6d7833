/**
 * Functions that give promises: which of a slice's events are begun, and when what they did counts.
 *
 *     begun in the order of events, at most `limit` at a time, one per key
 *     rows   0 done | 1 waits | 2 settled | 3 waits for the key of 1 | 4 waits | 5 ...
 *
 * What a call did takes effect when all events before it are done, so that results and state are
 * those of one event at a time. Unordered, it takes effect as soon as its promise settles.
 */
import type { Failure } from "../chunk.ts"
import { isPromise } from "../state/access.ts"

/** One call of a user's function, which holds its own accessors until it is over. */
export interface Call {
  /** Call the function; what it gives may be a promise. */
  start(): unknown
  /** It goes on while others run: keep what it has seen and done apart from them. */
  detach(): void
  /** A detached one is over, and waits for its turn: it may do nothing more. */
  suspend(): void
  /** What it came to takes effect. Throws what is wrong with it. */
  accept(result: unknown): void
  /** It never was; it may have been said already. */
  abandon(): void
}

/** The events of a slice. */
interface Work {
  readonly size: number
  call(row: number): Call
  /** Events of one key wait for each other. */
  keyOf(row: number): string
  /** What becomes of an event whose call failed: the failure that ends all, or nothing. */
  fail(row: number, error: unknown): Failure | undefined
}

/** How many may be in flight, and whether they count in the order of events. */
export interface Concurrency {
  readonly limit: number
  readonly ordered: boolean
}

interface Begun {
  readonly call: Call
  readonly key: string
  came: { readonly value: unknown } | { readonly error: unknown } | undefined
}

export class InFlight {
  readonly #work: Work
  readonly #limit: number
  readonly #ordered: boolean
  /** By row, from when a call begins until it is done. */
  readonly #begun = new Map<number, Begun>()
  /** Keys with an event in flight, and the rows that wait for it. */
  readonly #busy = new Map<string, number[]>()
  /** Rows whose key has become free. */
  readonly #ready: number[] = []
  /** The first row that is not done, where they are done in order, and the next to look at. */
  #head: number
  #next: number
  #running = 0
  /** Rows from here on are not run; where one has failed, these come behind it. */
  #size: number
  #failure: Failure | undefined
  #over = false
  #end: (failure: Failure | undefined) => void = () => undefined

  /** Rows before `from` are done. */
  constructor(work: Work, { limit, ordered }: Concurrency, from: number) {
    this.#work = work
    this.#limit = limit
    this.#ordered = ordered
    this.#head = from
    this.#next = from
    this.#size = work.size
  }

  /** Run all; the first row's call may have been started already and have given this promise. */
  run(started?: { call: Call; promise: PromiseLike<unknown> }): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      this.#end = resolve
      if (started !== undefined) {
        const row = this.#next++
        const key = this.#work.keyOf(row)
        this.#busy.set(key, [])
        this.#begun.set(row, { call: started.call, key, came: undefined })
        this.#waitFor(row, started.call, started.promise)
      }
      this.#fill()
    })
  }

  /** Nothing that is still in flight counts any more. */
  giveUp(): void {
    this.#over = true
    this.#dropFrom(0)
  }

  /** An event has ended all: those behind it never were, those before it are still done. */
  #fail(row: number, failure: Failure): void {
    this.#failure = failure
    this.#size = row
    this.#dropFrom(row)
  }

  #dropFrom(from: number): void {
    for (const [row, { call }] of this.#begun) {
      if (row < from) continue
      this.#begun.delete(row)
      call.abandon()
    }
  }

  #fill(): void {
    while (!this.#over && this.#running < this.#limit) {
      const row = this.#ready.shift() ?? this.#admit()
      if (row === undefined) break
      if (row < this.#size) this.#begin(row)
    }
    if (this.#over || this.#begun.size > 0 || this.#ready.length > 0) return
    if (this.#next < this.#size) return
    this.#over = true
    this.#end(this.#failure)
  }

  /** The next row whose key is free; those before it wait for theirs. */
  #admit(): number | undefined {
    while (this.#next < this.#size) {
      const row = this.#next++
      const key = this.#work.keyOf(row)
      const waiting = this.#busy.get(key)
      if (waiting === undefined) {
        this.#busy.set(key, [])
        return row
      }
      waiting.push(row)
    }
    return undefined
  }

  #begin(row: number): void {
    const call = this.#work.call(row)
    this.#begun.set(row, { call, key: this.#work.keyOf(row), came: undefined })
    let value: unknown
    try {
      value = call.start()
    } catch (error) {
      call.abandon() // Now: what it has changed must not stand while others run.
      return this.#settle(row, { error })
    }
    if (isPromise(value)) return this.#waitFor(row, call, value)
    if (this.#ordered && row !== this.#head && !this.#detach(row, call)) return
    this.#settle(row, { value })
  }

  #waitFor(row: number, call: Call, promise: PromiseLike<unknown>): void {
    const alive = this.#detach(row, call)
    if (alive) this.#running++
    const settle = (came: Begun["came"]) => {
      if (!alive) return
      this.#running--
      if (this.#over) return
      this.#settle(row, came)
      this.#fill()
    }
    promise.then(
      (value) => settle({ value }),
      (error: unknown) => settle({ error }),
    )
  }

  /** False if that failed, which has settled the call. */
  #detach(row: number, call: Call): boolean {
    try {
      call.detach()
      return true
    } catch (error) {
      call.abandon()
      this.#settle(row, { error })
      return false
    }
  }

  #settle(row: number, came: Begun["came"]): void {
    const begun = this.#begun.get(row)
    if (begun === undefined) return
    begun.came = came
    if (!this.#ordered) return this.#finish(row, begun)
    if (row !== this.#head) begun.call.suspend()
    for (;;) {
      const head = this.#begun.get(this.#head)
      if (head?.came === undefined) return
      this.#finish(this.#head++, head)
    }
  }

  #finish(row: number, { call, key, came }: Begun): void {
    this.#begun.delete(row)
    try {
      if (came !== undefined && "error" in came) throw came.error
      call.accept(came?.value)
    } catch (error) {
      call.abandon()
      const failure = this.#work.fail(row, error)
      if (failure !== undefined) this.#fail(row, failure)
    }
    const waiting = this.#busy.get(key)
    const next = waiting?.shift()
    if (next === undefined) this.#busy.delete(key)
    else this.#ready.push(next)
  }
}
