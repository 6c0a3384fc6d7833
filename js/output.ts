/**
 * One output of a job: results that wait for their consumer.
 *
 * An output is claimed when somebody asks for its iterator; what comes out of one that nobody
 * claimed is counted and dropped. The iterator is written by hand: a result that is there costs
 * one promise and nothing else.
 */
import { MillraceError } from "./errors.ts"
import type { AnyTag } from "./tag.ts"

/** A claimed output with this many results unread holds the sources back. */
const unreadMax = 4096

type Step<T = unknown> = IteratorResult<T, undefined>

interface Waiting {
  /** For all results that are there, or for one. */
  readonly all: boolean
  resolve(step: Step<never>): void
  reject(error: unknown): void
}

export class Output {
  readonly name: string
  /** Of a side output. */
  readonly tag: AnyTag | undefined
  /** The job's: somebody asked for a result. */
  readonly #news: () => void
  /** The job's: the consumer has left; what the job does about it. */
  readonly #gone: () => Promise<void>
  #chunks: (readonly unknown[])[] = []
  #at = 0 // In the first of them.
  #unread = 0
  #waiting: Waiting[] = []
  #ended = false
  #error: { readonly error: unknown } | undefined
  claimed = false
  /** A sink is its consumer. */
  hasSink = false
  /** The consumer has left. */
  left = false
  /** Of a sink with numbers: how many results it was given since the very first run. */
  given: number | undefined
  /** Results that nobody claimed. */
  discarded = 0
  /** Results that were handed out are not read yet. */
  #held = false

  constructor(name: string, tag: AnyTag | undefined, news: () => void, gone: () => Promise<void>) {
    this.name = name
    this.tag = tag
    this.#news = news
    this.#gone = gone
  }

  /** Is its consumer waiting for a result? */
  get hungry(): boolean {
    return this.#waiting.length > 0
  }

  /** How many results wait for their consumer. */
  get unread(): number {
    return this.#unread
  }

  get full(): boolean {
    return this.claimed && !this.left && this.#unread >= unreadMax
  }

  /** Has everything been handed out, and does the consumer ask for more, if there is one? */
  get idle(): boolean {
    if (!this.claimed || this.left) return true
    return this.#unread === 0 && this.hungry && !this.#held
  }

  /** Its consumer asks for more while others are on their way through it; or no longer. */
  hold(held: boolean): void {
    this.#held = held
    if (!held) this.#news()
  }

  push(values: readonly unknown[]): void {
    if (!this.claimed || this.left || this.#ended) {
      this.discarded += values.length
      return
    }
    if (values.length === 0) return
    this.#chunks.push(values)
    this.#unread += values.length
    while (this.#waiting.length > 0 && this.#unread > 0) {
      const waiting = this.#waiting.shift() as Waiting
      const value = waiting.all ? this.#takeAll() : this.#take()
      waiting.resolve({ value: value as never, done: false })
    }
  }

  /** No more results; `error` is told once everything before it was read. */
  end(error?: { readonly error: unknown }): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#settle()
  }

  /** Drop what was not read: it comes again. */
  forget(): void {
    this.#chunks = []
    this.#at = 0
    this.#unread = 0
  }

  /** Drop what was not read: the job is closed. */
  close(): void {
    this.forget()
    this.end()
    this.#settle()
  }

  /** The iterator; there is one consumer, so every call gives the same results on. */
  iterator(): AsyncIterableIterator<unknown, undefined> {
    if (this.hasSink) throw new MillraceError("OPTION", `output ${this.name} has a sink`)
    if (this.left) throw new MillraceError("CLOSED", `output ${this.name} was left by its consumer`)
    this.claimed = true
    const iterator: AsyncIterableIterator<unknown, undefined> = {
      next: () => this.#next(false),
      return: async () => {
        this.left = true
        this.close()
        await this.#gone()
        return { value: undefined, done: true }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** The results that wait, all of them at once, when there are any; not to be changed. */
  nextAll(): Promise<Step<readonly unknown[]>> {
    return this.#next(true)
  }

  #next<T>(all: boolean): Promise<Step<T>> {
    if (this.#unread > 0) {
      const value = all ? this.#takeAll() : this.#take()
      return Promise.resolve({ value: value as T, done: false })
    }
    if (this.#ended) return this.#last()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ all, resolve, reject })
      this.#news()
    })
  }

  #takeAll(): readonly unknown[] {
    const [first = [], ...others] = this.#chunks
    const rest = this.#at === 0 ? first : first.slice(this.#at)
    if (this.given !== undefined) this.given += this.#unread
    this.forget()
    return others.length === 0 ? rest : rest.concat(...others)
  }

  #take(): unknown {
    const chunk = this.#chunks[0] as readonly unknown[]
    const value = chunk[this.#at++]
    this.#unread--
    if (this.#at === chunk.length) {
      this.#chunks.shift()
      this.#at = 0
    }
    return value
  }

  /** The error, once; then the end. */
  async #last(): Promise<Step<never>> {
    const failed = this.#error
    this.#error = undefined
    if (failed !== undefined) throw failed.error
    return { value: undefined, done: true }
  }

  #settle(): void {
    if (this.#unread > 0) return
    for (const waiting of this.#waiting.splice(0)) {
      this.#last().then(
        (step) => waiting.resolve(step),
        (error: unknown) => waiting.reject(error),
      )
    }
  }
}
