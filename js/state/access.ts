/**
 * What a user function gets as `state`: five methods over the state of the event's key.
 *
 * There is one such object per operator, moved from row to row; it is of use only inside the call
 * that got it. Behind it stands an {@link Access}: for records in linear memory or for live values.
 */
import { MillraceError } from "../errors.ts"

/** The state of one key, synchronous. `G` is what `get` gives: never undefined with a default. */
export interface StateAccess<S, G = S | undefined> {
  /** The state, or the default. Objects are live: mutate them only inside the call. */
  get(): G
  /** Replace the state. The value belongs to Millrace from now on. */
  set(value: S): void
  /** Is there state for this key? Creates nothing. */
  exists(): boolean
  /** Remove the state of this key. */
  delete(): void
  /** Replace the state by what `change` makes of the current one; returns the new one. */
  update(change: (current: G) => S): S
}

/** What an operator does with the state of one event; see rows.ts for how rows are found. */
export interface Access {
  /** Inside a call? */
  readonly open: boolean
  begin(index: number): void
  get(): unknown
  set(value: unknown): void
  exists(): boolean
  delete(): void
  /**
   * The call goes on while others run: it works on what it has seen so far, and what it does
   * reaches the row at `commit`. Throws `LIMIT`, `MEMORY`.
   */
  detach(): void
  /** A detached call is over, but what it did has to wait: until `resume` its state is CLOSED. */
  suspend(): void
  resume(): void
  /** A value that may leave the call: a record's view becomes an object of its own. */
  plain(value: unknown): unknown
  /** The call succeeded: what it did becomes state. Throws `LIMIT`, `MEMORY`: nothing did. */
  commit(): void
  /** The call failed: what it did is undone. */
  abandon(): void
}

/** The `state` argument of a user function. */
export class UserState implements StateAccess<unknown, unknown> {
  readonly #access: Access
  readonly #begin: () => void

  /** `begin` is for a use while the access is not open: it opens it, or throws `CLOSED`. */
  constructor(access: Access, begin = refuse) {
    this.#access = access
    this.#begin = begin
  }

  /** Throws `CLOSED`. */
  get #open(): Access {
    if (!this.#access.open) this.#begin()
    return this.#access
  }

  get(): unknown {
    return this.#open.get()
  }

  set(value: unknown): void {
    this.#open.set(value)
  }

  exists(): boolean {
    return this.#open.exists()
  }

  delete(): void {
    this.#open.delete()
  }

  update(change: (current: unknown) => unknown): unknown {
    const access = this.#open
    const next = change(access.get())
    refusePromise(next)
    access.set(next)
    return next
  }
}

function refuse(): void {
  throw closed()
}

/** The error of state that is used outside the call that got it. */
export function closed(): MillraceError {
  return new MillraceError("CLOSED", "state was used after the call that it was given to")
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false
  return typeof (value as { then?: unknown }).then === "function"
}

/** How a promise ends that was refused is nobody's concern, and must not end the process. */
export function quiet(value: unknown): void {
  if (isPromise(value)) void Promise.resolve(value).catch(() => undefined)
}

/** Refuse what a user function gave if it is a promise. Throws `UNSUPPORTED`. */
export function refusePromise(value: unknown): void {
  if (!isPromise(value)) return
  quiet(value)
  throw new MillraceError("UNSUPPORTED", "this function must not give a promise; see mapAsync")
}
