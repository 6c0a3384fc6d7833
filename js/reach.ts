/**
 * What still reaches the outputs of a job, given nodes that give nothing more: `take` and its kind,
 * and parts of a concat that are over.
 */
import type { Output } from "./output.ts"
import type { Step } from "./step.ts"
import type { Plan, Planned } from "./plan.ts"

/** Will no output hear of a source again, whatever comes? */
export function isComplete(
  plan: Plan,
  steps: readonly Step[],
  outputs: readonly Output[],
): boolean {
  if (!steps.some(({ runner }) => runner?.done === true)) return false
  const done: boolean[] = []
  for (const { planned, runner, over } of steps) {
    const inputs = planned.inputs.length > 0 && planned.inputs.every(({ index }) => done[index])
    done.push(over || runner?.done === true || inputs)
  }
  return listening(plan, outputs).every(({ from }) => from.every(({ index }) => done[index]))
}

/** Does an output hear from a node otherwise than through one that is done? */
export function isHeard(
  node: Planned,
  plan: Plan,
  steps: readonly Step[],
  outputs: readonly Output[],
): boolean {
  const heard: boolean[] = []
  for (const { planned, runner, over } of steps) {
    const through =
      !over && runner?.done !== true && planned.inputs.some(({ index }) => heard[index])
    heard.push(planned === node || through)
  }
  return listening(plan, outputs).some(({ from }) => from.some(({ index }) => heard[index]))
}

/** A side output counts when somebody has asked for it. */
function listening({ outputs: planned }: Plan, outputs: readonly Output[]) {
  return planned.filter(({ tag }, i) => tag === undefined || outputs[i]?.claimed === true)
}
