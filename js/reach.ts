/**
 * What still reaches the outputs of a job, given nodes such as `take` that give nothing more.
 */
import type { Runner } from "./graph.ts"
import type { Plan, Planned } from "./plan.ts"

type Steps = readonly { readonly planned: Planned; readonly runner: Runner | undefined }[]

/** Will no output hear of a source again, whatever comes? */
export function isComplete({ outputs }: Plan, steps: Steps): boolean {
  const done: boolean[] = []
  for (const { planned, runner } of steps) {
    const inputs = planned.inputs.length > 0 && planned.inputs.every(({ index }) => done[index])
    done.push(runner?.done === true || inputs)
  }
  return outputs.every(({ from }) => done[from.index])
}

/** Does an output hear from a node otherwise than through one that is done? */
export function isHeard(node: Planned, { outputs }: Plan, steps: Steps): boolean {
  const heard: boolean[] = []
  for (const { planned, runner } of steps) {
    const through = runner?.done !== true && planned.inputs.some(({ index }) => heard[index])
    heard.push(planned === node || through)
  }
  return outputs.some(({ from }) => heard[from.index])
}
