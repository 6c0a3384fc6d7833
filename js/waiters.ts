/**
 * Those who wait for the same thing: a promise each, settled together.
 */

interface Waiter {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Waiters {
  #waiting: Waiter[] = []

  get size(): number {
    return this.#waiting.length
  }

  add(): Promise<void> {
    let resolve: () => void = () => undefined
    let reject: (error: unknown) => void = () => undefined
    const promise = new Promise<void>((onValue, onError) => {
      resolve = onValue
      reject = onError
    })
    this.#waiting.push({ promise, resolve, reject })
    return promise
  }

  /** Those who wait now, apart from those who come later. */
  split(): Waiters {
    const now = new Waiters()
    now.#waiting = this.#waiting.splice(0)
    return now
  }

  resolve(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  reject(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  /** Reject, but let nobody be blamed who has not looked: closing a job is no failure. */
  rejectQuietly(error: () => unknown): void {
    if (this.#waiting.length === 0) return // An error costs its stack.
    for (const { promise } of this.#waiting) promise.catch(() => undefined)
    this.reject(error())
  }
}
