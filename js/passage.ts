/**
 * One chunk on its way: from the node that it comes from through all that read it, in the order of
 * the plan, and out.
 *
 * What must stay true: outputs are those of processing one event at a time. If event i fails in any
 * node, only results of events before i are given, whatever the chunk size; nodes that come later
 * see nothing of event i either. If it was taken, and only telling of what it evicted has failed,
 * its results are the last.
 */
import { before, causeOf, concat, merge } from "./chunk.ts"
import type { Chunk } from "./chunk.ts"
import type { Ran, Sides } from "./graph.ts"
import type { Untold } from "./operators/evictions.ts"
import type { Output } from "./output.ts"
import type { Plan, Planned } from "./plan.ts"
import { joinSides } from "./sides.ts"
import type { Step } from "./step.ts"
import type { AnyTag } from "./tag.ts"
import type { Progress } from "./time/progress.ts"

/** The first event of an arrival that could not be processed. */
export interface FailedEvent {
  readonly at: number
  /** Results of events before this one are given. */
  readonly upto: number
  readonly error: unknown
  readonly culprit: Planned
}

const noCauses = new Uint32Array(0)
const noPlan: Plan = { nodes: [], outputs: [], awaited: new Map() }

export class Passage {
  /**
   * Stays for good: when the last object of a class is collected, V8 forgets the hidden class, and
   * with it all code that was compiled for such objects; the next job would have it compiled anew.
   */
  static readonly lasting = new Passage(noPlan, [], [], {} as Progress)
  readonly #plan: Plan
  readonly #steps: readonly Step[]
  readonly #outputs: readonly Output[]
  readonly #progress: Progress
  readonly #made: (Chunk | undefined)[] = []
  readonly #sides: (Sides | undefined)[] = []
  failed: FailedEvent | undefined
  #isStopped = false

  constructor(plan: Plan, steps: readonly Step[], outputs: readonly Output[], progress: Progress) {
    this.#plan = plan
    this.#steps = steps
    this.#outputs = outputs
    this.#progress = progress
  }

  /** Send what a node made on; a promise if functions have to be waited for. */
  send(origin: Planned, ran: Ran): void | Promise<void> {
    this.#take(origin, ran)
    return this.#goOn(origin.index + 1)
  }

  /** The job is closed, its engine gone: nothing that is waited for goes on. */
  stop(): void {
    this.#isStopped = true
  }

  #goOn(from: number): void | Promise<void> {
    for (let index = from; index < this.#steps.length; index++) {
      const step = this.#steps[index] as Step
      const input = this.#inputOf(step.planned)
      if (input === undefined || step.runner === undefined) continue
      const ran = step.tolerance?.run(step.runner, input) ?? step.runner.run(input)
      if (ran instanceof Promise) {
        return ran.then((settled) => {
          if (this.#isStopped) return
          this.#leave(step, input, settled)
          return this.#goOn(index + 1)
        })
      }
      this.#leave(step, input, ran)
    }
    this.#deliver()
  }

  /** What reaches a node, before the event that failed; undefined if it hears of nothing. */
  #inputOf(planned: Planned): Chunk | undefined {
    const { side, tellsInputs } = planned.node as { side?: AnyTag; tellsInputs?: boolean }
    const reaching = planned.inputs.flatMap((input, i) => {
      const chunk = this.#read(input, side)
      if (chunk === undefined) return []
      return [{ input, chunk: tellsInputs === true ? { ...chunk, inputs: i } : chunk }]
    })
    if (reaching.length === 0) return undefined
    const merged = merge(reaching.map(({ chunk }) => chunk))
    const input = this.failed === undefined ? merged : before(merged, this.failed.upto)
    return this.#progress.join(planned, input, reaching)
  }

  /** What a node made, or what of it went to a side output: nothing may have, but time goes on. */
  #read({ index }: Planned, side: AnyTag | undefined): Chunk | undefined {
    const made = this.#made[index]
    if (made === undefined || side === undefined) return made
    return this.#sides[index]?.get(side) ?? { values: [], at: noCauses, arrival: made.arrival }
  }

  #leave(step: Step, input: Chunk, ran: Ran): void {
    step.in += input.values.length
    step.out += ran.chunk.values.length
    const untold = step.runner?.evictions?.tell(input.arrival)
    if (untold !== undefined) this.#fail(step.planned, untold, untold.at + 1)
    const whole = ran.failure === undefined && untold === undefined
    const rest = whole ? step.runner?.settle?.(input) : undefined
    if (rest === undefined) return this.#take(step.planned, ran, input)
    step.out += rest.chunk.values.length
    const chunk = concat([ran.chunk, rest.chunk], input.arrival)
    const sides = joinSides([ran.sides, rest.sides])
    this.#take(step.planned, { chunk, sides, failure: rest.failure }, input)
  }

  /** Without an input it is a source that failed: its values are its events. */
  #take(planned: Planned, { chunk, sides, failure }: Ran, input?: Chunk): void {
    this.#made[planned.index] = chunk
    this.#sides[planned.index] = sides
    if (failure === undefined) return
    const { index, error } = failure
    const at = failure.at ?? (input === undefined ? index : causeOf(input, index))
    this.#fail(planned, { at, error }, at)
  }

  #fail(culprit: Planned, { at, error }: Untold, upto: number): void {
    if (this.failed !== undefined && this.failed.at <= at) return
    this.failed = { at, upto, error, culprit }
  }

  #deliver(): void {
    this.#plan.outputs.forEach(({ from, tag }, i) => {
      const chunks = from.flatMap((planned) => this.#read(planned, tag) ?? [])
      if (chunks.length === 0) return
      const merged = merge(chunks)
      const given = this.failed === undefined ? merged : before(merged, this.failed.upto)
      this.#outputs[i]?.push(given.values)
    })
  }
}
