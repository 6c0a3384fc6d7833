/**
 * Whose results may be numbered: those that come the same again, whatever has failed, one after the
 * other. A number is then the name of a result.
 */
import { MillraceError } from "../errors.ts"
import type { Output } from "../output.ts"
import type { Plan, Planned } from "../plan.ts"
import type { NamedState } from "../states.ts"

/** The name of an output whose sink has numbers, and that hears of a node; undefined: none is. */
export function numberedBehind(
  node: Planned,
  plan: Plan,
  outputs: readonly Output[],
): string | undefined {
  if (outputs.every(({ given }) => given === undefined)) return undefined
  const hearing = new Set<Planned>([node])
  for (const each of plan.nodes) {
    if (each.inputs.some((input) => hearing.has(input))) hearing.add(each)
  }
  return outputs.find(({ given }, i) => {
    return given !== undefined && plan.outputs[i]?.from.some((from) => hearing.has(from))
  })?.name
}

/** Throws `OPTION` for a node whose results could be others, or in another order, another time. */
export function checkRepeats(
  { node, uid, sources, eventTime }: Planned,
  states: readonly NamedState[],
  output: string,
): void {
  if ("readTime" in node) {
    if (!node.replayable) refuseNumbers(output, `${uid} cannot be read again`)
    if (node.idleAfterMs !== Infinity) refuseNumbers(output, `${uid} has idleAfter`)
  } else {
    if (sources.size > 1) refuseNumbers(output, `${uid} has more than one source`)
    if (node.unordered === true) refuseNumbers(output, `${uid} has ordered: false`)
  }
  if (!eventTime) refuseNumbers(output, `${uid} has no event time`)
  for (const { operator } of states) {
    if (operator.spec.limits.timeDomain !== "processing") continue
    refuseNumbers(output, `the state of ${operator.label} is in processing time`)
  }
}

/** Throws `OPTION`: this is why. */
export function refuseNumbers(output: string, why: string): never {
  const what = "needs results that come the same again"
  throw new MillraceError("OPTION", `the numbered sink of output ${output} ${what}, but ${why}`)
}
