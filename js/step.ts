/**
 * A node of a plan in a job: its runner, and what came of it so far.
 */
import { MillraceError } from "./errors.ts"
import type { Runner, Site } from "./graph.ts"
import { Tolerance } from "./on_error.ts"
import type { Output } from "./output.ts"
import type { Plan, Planned } from "./plan.ts"
import { statesOf } from "./states.ts"

/** A node of the job. */
export interface Step {
  readonly planned: Planned
  readonly runner: Runner | undefined
  readonly tolerance: Tolerance | undefined
  in: number
  out: number
  finished: boolean
  /** It belongs to a part of a concat that is over: it gives nothing more, in any run. */
  over: boolean
}

/** A node's runner; whether its outputs are wanted is asked each time, as outputs get claimed. */
export function openStep(
  planned: Planned,
  plan: Plan,
  place: Pick<Site, "engine" | "clock"> & { watermarkAt(this: void, planned: Planned): number },
  outputs: readonly Output[],
): Step {
  const { node, uid, label } = planned
  const { engine, clock, watermarkAt } = place
  const read = plan.nodes.some(({ inputs }) => inputs.includes(planned))
  const own = plan.outputs.flatMap(({ from, tag }, i) =>
    tag === undefined && from.includes(planned) ? [outputs[i] as Output] : [],
  )
  const keyOf = ("keyOf" in node ? node.keyOf : undefined) ?? (() => undefined)
  const tolerance = node.onError === undefined ? undefined : new Tolerance(node.onError, uid, keyOf)
  const site: Site = {
    uid,
    label,
    engine,
    clock,
    eventTime: planned.eventTime,
    tolerance,
    get watermark() {
      return watermarkAt(planned)
    },
    get wanted() {
      return read || own.some(({ claimed, left }) => claimed && !left)
    },
  }
  const runner = "readTime" in node ? undefined : node.open(site)
  for (const { operator } of statesOf(planned, runner)) {
    if (operator.spec.limits.timeDomain !== "event" || planned.eventTime) continue
    const message = `${operator.label}: state.timeDomain "event" needs from(…, { time })`
    throw new MillraceError("STATE_CONFIG", message)
  }
  return { planned, runner, tolerance, in: 0, out: 0, finished: false, over: false }
}
