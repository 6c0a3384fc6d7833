/**
 * Savepoints that were asked for: each is taken when the job stands still and consumers have what
 * is before it, or given up after `checkpoint.timeout`.
 */
import { MillraceError } from "./errors.ts"
import { timerMsMax } from "./time/clock.ts"
import type { RunSettings } from "./run.ts"
import type { Clock } from "./time/clock.ts"

type Taken = ReadableStream<Uint8Array>

interface Asked {
  readonly promise: Promise<Taken>
  readonly resolve: (taken: Taken) => void
  readonly reject: (error: unknown) => void
  readonly sinceMs: number
}

export class Savepoints {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #take: (finished: boolean) => Taken
  #asked: Asked[] = []

  constructor(settings: RunSettings, take: (finished: boolean) => Taken) {
    const { clock, checkpoint } = settings
    this.#take = take
    this.#clock = clock
    this.#timeoutMs = checkpoint.timeoutMs
  }

  ask(): Promise<Taken> {
    let resolve: Asked["resolve"] = () => undefined
    let reject: Asked["reject"] = () => undefined
    const promise = new Promise<Taken>((onValue, onError) => {
      resolve = onValue
      reject = onError
    })
    this.#asked.push({ promise, resolve, reject, sinceMs: this.#clock.now() })
    return promise
  }

  get asked(): boolean {
    return this.#asked.length > 0
  }

  /** `late` are not ready: give up those that have waited for too long; true if there were any. */
  hold(late: "consumers" | "functions"): boolean {
    const now = this.#clock.now()
    const isOver = ({ sinceMs }: Asked) => now - sinceMs >= this.#timeoutMs
    const over = this.#asked.filter(isOver)
    this.#asked = this.#asked.filter((each) => !isOver(each))
    const message = `no savepoint: ${late} took over ${this.#timeoutMs} ms`
    for (const { reject } of over) reject(new MillraceError("LIMIT", message))
    return over.length > 0
  }

  /** The job stands still, or has run to its end: one for each; what fails is for who asked. */
  give(finished: boolean): void {
    for (const { resolve, reject } of this.#asked.splice(0)) {
      try {
        resolve(this.#take(finished))
      } catch (error) {
        reject(error)
      }
    }
  }

  /** How long until the first is given up, ms; undefined: there is none. */
  get waitMs(): number | undefined {
    const first = this.#asked[0]
    if (first === undefined) return undefined
    const leftMs = first.sinceMs + this.#timeoutMs - this.#clock.now()
    return Math.min(Math.max(leftMs, 1), timerMsMax)
  }

  /** The job is over: no more of them. Nobody is blamed who has not looked. */
  end(refusal: () => Error): void {
    for (const { promise, reject } of this.#asked.splice(0)) {
      promise.catch(() => undefined)
      reject(refusal())
    }
  }
}
