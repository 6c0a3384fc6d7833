/**
 * How a job ended, and those who wait for that.
 */
import { MillraceError } from "./errors.ts"
import { Waiters } from "./waiters.ts"

/** Its sources have ended and all is emitted; somebody closed it before; or it failed. */
export type End = "ran to its end" | "closed" | { readonly error: unknown }

export class Ending {
  readonly #waiters = new Waiters()
  /** Undefined: the job is not over. */
  how: End | undefined
  #told = false

  /** `first`: what those who wait are told behind. */
  end(how: End, first?: Promise<void>): void {
    this.how = how
    if (first === undefined) this.#tell(how)
    else void first.then(() => this.#tell(how))
  }

  /** Resolves when the job has run to its end; rejects when it ends otherwise. */
  wait(): Promise<void> {
    const ended = this.#waiters.add()
    if (this.how !== undefined && this.#told) this.#tell(this.how)
    return ended
  }

  /** What somebody is told who wants something of a job that is over. */
  refusal(): MillraceError {
    if (typeof this.how !== "object") return new MillraceError("CLOSED", "the job is over")
    const cause = this.how.error
    return new MillraceError("CLOSED", "the job has failed; see cause", { cause })
  }

  #tell(how: End): void {
    this.#told = true
    if (how === "ran to its end") this.#waiters.resolve()
    else if (how === "closed") this.#waiters.rejectQuietly(() => this.refusal())
    else this.#waiters.reject(how.error)
  }
}
