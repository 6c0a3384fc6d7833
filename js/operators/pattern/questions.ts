/**
 * Conditions that depend on what was matched before: C asks, the user's functions answer.
 */
import type { Chunk, Failure } from "../../chunk.ts"
import { eventError } from "../../graph.ts"
import type { Site } from "../../graph.ts"
import type { ErrorEvent } from "../../on_error.ts"
import type { Judge } from "../../patterns/program.ts"
import type { Emitted } from "../../sides.ts"
import { refusePromise } from "../../state/access.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { Question } from "./matches.ts"

/** Where questions come from. */
export interface Asked {
  readonly out: Emitted
  readonly chunk?: Chunk
  readonly index?: number
}

/** What the function of a condition gave, as it counts in an `if`. */
export function isTrue(given: unknown): boolean {
  refusePromise(given)
  return Boolean(given)
}

export class Questions {
  readonly #site: Site
  readonly #conditions: readonly Judge[]
  readonly #read: KeyReader
  /** The event of the job that was taken last, for what is told of errors. */
  position = 0

  constructor(site: Site, conditions: readonly Judge[], read: KeyReader) {
    this.#site = site
    this.#conditions = conditions
    this.#read = read
  }

  /** Answer all, in their order. Throws {@link Ended}, or what ends the job. */
  answer(questions: readonly Question[], asked: Asked): void {
    for (const { condition, event, match, address } of questions) {
      let holds = false
      if (typeof condition !== "number") {
        this.#deal(condition, event, asked)
        continue
      }
      try {
        holds = isTrue(this.#conditions[condition]?.test(event, match))
      } catch (error) {
        this.#deal(error, event, asked)
      }
      this.#site.engine.views.u8[address] = holds ? 2 : 1
    }
  }

  /** A condition failed, or an event: unless the job is to end, it does not hold, or goes. */
  #deal(error: unknown, event: unknown, { out, chunk, index = 0 }: Asked): void {
    const { tolerance, uid: operator, label } = this.#site
    const { position } = this
    const key = () => this.#read(event)
    const tell = (): ErrorEvent => ({ event, error, operator, key: key(), position })
    const route = (given: ErrorEvent) => out.add(given, tolerance?.policy.errorsTo)
    const dealt = tolerance?.deal(error, tell, route) ?? { error }
    if ("error" in dealt) {
      if (chunk === undefined) throw eventError(label, position, dealt.error)
      throw new Ended({ index, at: position - chunk.arrival.first, error: dealt.error })
    }
    if ("emit" in dealt) out.add(dealt.emit)
  }
}

/** Do something that may end the job; gives the failure. */
export function ending(work: () => Failure | undefined | void): Failure | undefined {
  try {
    return work() ?? undefined
  } catch (error) {
    if (error instanceof Ended) return error.failure
    throw error
  }
}

/** The job ends with a failure. */
export class Ended extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super()
    this.failure = failure
  }
}
