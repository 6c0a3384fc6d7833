/**
 * An output of a job on its way to the page: chunk by chunk, as far ahead of the page as is
 * allowed, while the output knows that its results are not read yet.
 */
import { MillraceError } from "../errors.ts"
import type { Output } from "../output.ts"
import { aheadMax, sentError } from "./wire.ts"
import type { ToPage } from "./wire.ts"

/** The most results in a message: a page that reads one must not stutter. */
const chunkMax = 1024

export class Feed {
  readonly #output: Output
  readonly #claim: AsyncIterator<unknown>
  readonly #place: number
  readonly #post: (message: ToPage) => void
  /** Results that went to the page, and that it has read. */
  #sent = 0
  #done = 0
  /** Taken from the output, and not sent from a place on. */
  #taken: readonly unknown[] = []
  #at = 0
  #running = false

  /** Claims the output, which has this place among those of the job. */
  constructor(output: Output, place: number, post: (message: ToPage) => void) {
    this.#output = output
    this.#claim = output.iterator()
    this.#place = place
    this.#post = post
  }

  /** The page asks for more, and has read so many. */
  ask(done: number): void {
    this.#done = done
    this.#output.hold(this.#sent > done)
    if (this.#running) return
    this.#running = true // Until the page is behind; after the end for good.
    this.#run().catch(async (error: unknown) => {
      this.#post({ millrace: "end", output: this.#place, error: sentError(error) })
      await this.leave().catch(() => undefined) // The error is what is told.
    })
  }

  /** The page wants no more. */
  async leave(): Promise<void> {
    await this.#claim.return?.()
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#at === this.#taken.length) {
        const step = await this.#output.nextAll()
        if (step.done === true) return this.#post({ millrace: "end", output: this.#place })
        this.#taken = step.value
        this.#at = 0
      }
      if (this.#sent - this.#done >= aheadMax) break
      this.#send(this.#taken.slice(this.#at, this.#at + chunkMax))
    }
    this.#running = false
  }

  #send(results: readonly unknown[]): void {
    try {
      this.#post({ millrace: "chunk", output: this.#place, results })
    } catch (cause) {
      // Those before the one that cannot be cloned do arrive.
      if (results.length > 1) return results.forEach((each) => this.#send([each]))
      const which = `result ${this.#sent + 1} of output ${this.#output.name}`
      const message = `${which} cannot be cloned for the page; see cause`
      throw new MillraceError("SERIALIZATION", message, { cause })
    }
    this.#at += results.length
    this.#sent += results.length
    this.#output.hold(true)
  }
}
