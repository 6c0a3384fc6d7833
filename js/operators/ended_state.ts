/**
 * The state of what is over: it can be read and written by one call more, and then it is gone.
 */
import type { Access } from "../state/access.ts"

export class EndedState implements Access {
  readonly #initial: (() => unknown) | undefined
  #has: boolean
  #value: unknown
  #made = false
  open = true

  constructor(has: boolean, value: unknown, initial: (() => unknown) | undefined) {
    this.#has = has
    this.#value = value
    this.#initial = initial
  }

  get(): unknown {
    if (this.#has || this.#made) return this.#value
    this.#value = this.#initial?.()
    this.#made = true
    return this.#value
  }

  set(value: unknown): void {
    this.#has = true
    this.#value = value
  }

  exists(): boolean {
    return this.#has
  }

  delete(): void {
    this.#has = false
    this.#made = false
    this.#value = undefined
  }

  /** The call is over. */
  close(): void {
    this.open = false
    this.#value = undefined
  }

  plain(value: unknown): unknown {
    return value // Nobody changes it any more.
  }

  begin(): void {}
  detach(): void {}
  suspend(): void {}
  resume(): void {}
  commit(): void {}
  abandon(): void {}
}
