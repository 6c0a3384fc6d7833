/**
 * What operators still have to give when their sources have ended.
 *
 *     all sources of a step have ended, and nothing comes from the steps before it any more
 *         -> what is left goes out, piece by piece -> the step is finished
 *
 * A step is finished as soon as its own sources have ended, whatever others still give. What must
 * stay true: it gives its end once, also over restarts, unless its sources have more after all, as
 * an array that has grown; and no checkpoint falls between two pieces of one end.
 */
import type { Finished } from "./graph.ts"
import type { Output } from "./output.ts"
import type { Plan, Planned } from "./plan.ts"
import { isHeard } from "./reach.ts"
import type { Step } from "./step.ts"
import type { Progress } from "./time/progress.ts"

export class Leftovers {
  readonly #plan: Plan
  readonly #steps: readonly Step[]
  readonly #outputs: readonly Output[]
  readonly #progress: Progress
  /** Has a step given a piece of its end, and not the last? */
  midway = false

  constructor(plan: Plan, steps: readonly Step[], outputs: readonly Output[], progress: Progress) {
    this.#plan = plan
    this.#steps = steps
    this.#outputs = outputs
    this.#progress = progress
  }

  /** The uids of steps that have given their end and are not over for good. */
  saved(): string[] {
    const finished = this.#steps.filter(({ finished, over }) => finished && !over)
    return finished.map(({ planned }) => planned.uid)
  }

  /** Go on where these had given their end; or all of them. */
  goOn(finished: readonly string[] | "all"): void {
    for (const step of this.#steps) {
      if (step.runner === undefined) continue
      step.finished ||= finished === "all" || finished.includes(step.planned.uid)
    }
  }

  /** A source has more: those who hear of it are not finished. */
  goOnFrom({ index }: Planned): void {
    for (const step of this.#steps) {
      if (step.finished && !step.over && step.planned.sources.has(index)) step.finished = false
    }
  }

  /** Has the end to wait for timers? */
  get waited(): boolean {
    return this.#steps.some((step) => !step.finished && this.#waitsFor(step))
  }

  /** Emit a piece of what is left in a step whose sources have ended; false when nothing is. */
  emit(emit: (step: Step, finished: Finished) => void): boolean {
    const gone: boolean[] = []
    for (const step of this.#steps) {
      const { runner, planned } = step
      const hears = !this.#progress.ended(planned) || planned.inputs.some((i) => !gone[i.index])
      if (runner !== undefined && !step.finished && !hears && !this.#waitsFor(step)) {
        const finished = runner.finish?.()
        this.midway = finished !== undefined
        if (finished !== undefined) {
          emit(step, finished)
          return true
        }
        step.finished = true
      }
      gone.push(this.#progress.isGone(step, gone))
    }
    return false
  }

  /** Has a node timers that have to be waited for, and would an output hear of them? */
  #waitsFor({ planned, runner }: Step): boolean {
    return runner?.waited === true && isHeard(planned, this.#plan, this.#steps, this.#outputs)
  }
}
