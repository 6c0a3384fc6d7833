/**
 * The parts of concats: what is read one after the other.
 *
 *     a part is read -> its sources have ended, or it wants no more (`take`)
 *                    -> what is left in its operators goes out, step by step
 *                    -> it is over, for good: the sources of the next part are read
 *
 * What must stay true: a step that is over gives nothing more, also after a restart; a checkpoint
 * never falls between two pieces of what one step gives at its end; and the watermark does not go
 * back from one part to the next, so a source that waits has come as far as those before it.
 */
import type { Finished } from "./graph.ts"
import type { Output } from "./output.ts"
import type { Plan, Planned } from "./plan.ts"
import { isHeard } from "./reach.ts"
import type { Source } from "./sources/reading.ts"
import type { Step } from "./step.ts"

export class Parts {
  readonly #plan: Plan
  readonly #steps: readonly Step[]
  readonly #sources: readonly Source[]
  readonly #outputs: readonly Output[]
  /** Steps of parts that others wait for, in the order of the plan. */
  readonly #former: readonly Step[]
  /** It has given a piece of its end. */
  #midway: Step | undefined
  /** Is there to be looked for sources that nobody hears any more? */
  #moved: boolean

  constructor(
    plan: Plan,
    steps: readonly Step[],
    sources: readonly Source[],
    outputs: readonly Output[],
  ) {
    this.#plan = plan
    this.#steps = steps
    this.#sources = sources
    this.#outputs = outputs
    const former = new Set([...plan.awaited.values()].flat())
    // From the last to the first: what reads a node comes before it.
    for (const planned of [...plan.nodes].reverse()) {
      if (former.has(planned)) for (const input of planned.inputs) former.add(input)
    }
    this.#former = steps.filter(({ planned }) => former.has(planned))
    this.#moved = former.size > 0
  }

  /** Is a step in the middle of what it gives at its end? */
  get midway(): boolean {
    return this.#midway !== undefined
  }

  /** The uids of what is over. */
  saved(): string[] {
    const over = this.#former.filter(({ over, runner }) => over || runner?.done === true)
    return over.map(({ planned }) => planned.uid)
  }

  /** Go on where these were over. */
  goOn(over: readonly string[]): void {
    for (const step of this.#former) if (over.includes(step.planned.uid)) this.#end(step)
  }

  /** Does a source wait for the part before its own? */
  waits({ planned }: Pick<Source, "planned">): boolean {
    return this.#awaited(planned).some((part) => !(this.#steps[part.index] as Step).over)
  }

  /** Sources that wait come along with those before them. */
  follow(): void {
    for (const source of this.#sources) {
      if (!this.waits(source)) continue
      const before = new Set(this.#awaited(source.planned).flatMap(({ sources }) => [...sources]))
      for (const { planned, watermark } of this.#sources) {
        if (before.has(planned.index)) source.watermark = Math.max(source.watermark, watermark)
      }
    }
  }

  /**
   * Emit a piece of what is left in a part that has ended, or turn to the next part; false when
   * there is nothing to do.
   */
  goForth(emit: (step: Step, finished: Finished) => void): boolean {
    const steps = this.#midway === undefined ? this.#former : [this.#midway]
    for (const step of steps) {
      if (step.over || !this.#isEnding(step)) continue
      const { runner } = step
      const finished = runner?.done === true ? undefined : runner?.finish?.()
      this.#midway = finished && step
      if (finished !== undefined) {
        emit(step, finished)
        return true
      }
      this.#end(step)
      this.#moved = true
    }
    const moved = this.#moved
    this.#moved = false
    if (moved) this.#leave()
    return moved
  }

  /** Are all sources of a node such that an event at a time they would not be read any more? */
  isLeft({ sources }: Planned): boolean {
    const steps = this.#former.filter(({ planned }) => sources.has(planned.index))
    return steps.length === sources.size && steps.every((step) => this.#isUnheard(step))
  }

  #awaited({ index }: Planned): readonly Planned[] {
    return this.#plan.awaited.get(index) ?? []
  }

  /** Does a step hear nothing more? Timers that have to be waited for are something. */
  #isEnding({ planned, runner }: Step): boolean {
    if (runner?.done === true) return true
    if (runner === undefined) return this.#sourceOf(planned).ended
    const over = planned.inputs.every(({ index }) => (this.#steps[index] as Step).over)
    return over && runner.waited !== true
  }

  #isUnheard({ planned }: Step): boolean {
    return !isHeard(planned, this.#plan, this.#steps, this.#outputs)
  }

  #sourceOf(planned: Planned): Source {
    return this.#sources.find((source) => source.planned === planned) as Source
  }

  #end(step: Step): void {
    step.over = true
    step.finished = true
    if (step.runner !== undefined) return
    const source = this.#sourceOf(step.planned)
    source.ended = true
    source.over = true
  }

  /** Sources that nobody hears any more, as behind a `take`, have no part in what comes. */
  #leave(): void {
    for (const step of this.#former) {
      if (step.over || step.runner !== undefined) continue
      if (!this.#isUnheard(step)) continue
      this.#sourceOf(step.planned).reader?.close()
      this.#end(step)
    }
  }
}
