/**
 * A node of a plan in a job: its runner, and what came of it so far.
 */
import type { Engine } from "./engine/engine.ts"
import { MillraceError } from "./errors.ts"
import type { Runner, Site } from "./graph.ts"
import { Tolerance } from "./on_error.ts"
import type { Output } from "./output.ts"
import type { Plan, Planned, PlannedOutput } from "./plan.ts"
import { checkRepeats, numberedBehind } from "./sinks/numbered.ts"
import { statesOf } from "./states.ts"
import type { SteadyClock } from "./time/clock.ts"

/** A node of the job. */
export interface Step {
  readonly planned: Planned
  readonly runner: Runner | undefined
  readonly tolerance: Tolerance | undefined
  in: number
  out: number
  finished: boolean
  /** The name of an output whose sink has numbers, and that hears of it; undefined: none does. */
  readonly numbered: string | undefined
  /** It belongs to a part of a concat that is over: it gives nothing more, in any run. */
  over: boolean
}

/** What all nodes of a job have in common. */
interface Place extends Pick<Site, "engine" | "clock"> {
  watermarkAt(this: void, planned: Planned): number
  /** The event of the job that was read last. */
  position(this: void): number
}

/** A node's runner; whether its outputs are wanted is asked each time, as outputs get claimed. */
export function openStep(
  planned: Planned,
  plan: Plan,
  place: Place,
  outputs: readonly Output[],
): Step {
  const { node, uid } = planned
  const keyOf = ("keyOf" in node ? node.keyOf : undefined) ?? (() => undefined)
  const tolerance = node.onError === undefined ? undefined : new Tolerance(node.onError, uid, keyOf)
  const site = new StepSite(planned, plan, place, outputs, tolerance)
  const runner = "readTime" in node ? undefined : node.open(site)
  for (const { operator } of statesOf(planned, runner)) {
    if (operator.spec.limits.timeDomain !== "event" || planned.eventTime) continue
    const message = `${operator.label}: state.timeDomain "event" needs from(…, { time })`
    throw new MillraceError("STATE_CONFIG", message)
  }
  const numbered = numberedBehind(planned, plan, outputs)
  if (numbered !== undefined) checkRepeats(planned, statesOf(planned, runner), numbered)
  return { planned, runner, tolerance, numbered, in: 0, out: 0, finished: false, over: false }
}

/** A class: of objects that are written down with a getter, each has a shape of its own. */
class StepSite implements Site {
  readonly uid: string
  readonly label: Site["label"]
  readonly engine: Engine
  readonly clock: SteadyClock
  readonly eventTime: boolean
  readonly tolerance: Tolerance | undefined
  readonly #planned: Planned
  readonly #watermarkAt: Place["watermarkAt"]
  readonly #position: Place["position"]
  /** Does another node hear of it? */
  readonly #read: boolean
  readonly #outputs: readonly Output[]

  constructor(
    planned: Planned,
    plan: Plan,
    { engine, clock, watermarkAt, position }: Place,
    outputs: readonly Output[],
    tolerance: Tolerance | undefined,
  ) {
    this.uid = planned.uid
    this.label = planned.label
    this.engine = engine
    this.clock = clock
    this.eventTime = planned.eventTime
    this.tolerance = tolerance
    this.#planned = planned
    this.#watermarkAt = watermarkAt
    this.#position = position
    this.#read = plan.nodes.some(({ inputs }) => inputs.includes(planned))
    this.#outputs = outputs.filter((_, i) => {
      const { from, tag } = plan.outputs[i] as PlannedOutput
      return tag === undefined && from.includes(planned)
    })
  }

  get watermark(): number {
    return this.#watermarkAt(this.#planned)
  }

  get position(): number {
    return this.#position()
  }

  get wanted(): boolean {
    return this.#read || this.#outputs.some(({ claimed, left }) => claimed && !left)
  }
}
