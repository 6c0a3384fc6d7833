/**
 * The first and the last that a job does with a user's functions: open and close.
 */
import { MillraceError } from "../../errors.ts"
import { quiet, refusePromise } from "../../state/access.ts"

/** The functions of the user's that are called once each; both may be left out. */
export interface LifeHandlers {
  readonly open: (() => unknown) | undefined
  readonly close: (() => unknown) | undefined
}

export class Life {
  readonly #uid: string
  readonly #handlers: LifeHandlers
  #opened = false

  constructor(uid: string, handlers: LifeHandlers) {
    this.#uid = uid
    this.#handlers = handlers
  }

  /** Before the first call of another function. Throws `USER_FUNCTION`, `UNSUPPORTED`. */
  open(): void {
    if (this.#opened) return
    this.#opened = true
    try {
      refusePromise(this.#handlers.open?.())
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      throw new MillraceError("USER_FUNCTION", `${this.#uid}: open threw; see cause`, { cause })
    }
  }

  /** The job is over: what it throws has nobody to be told. */
  close(): void {
    if (!this.#opened) return
    this.#opened = false
    try {
      quiet(this.#handlers.close?.())
    } catch {
      // The job has its end, and perhaps an error of its own.
    }
  }
}
