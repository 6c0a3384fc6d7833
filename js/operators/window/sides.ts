/**
 * Windows over two inputs: the events of both are in one window, each with the number of its input,
 * and come out side by side.
 *
 * Such a window emits once, when it closes. What must stay true: whichever input runs ahead, the
 * same events are in it. So whether an event is too late is judged by its own input's watermark;
 * and, where windows merge, by its own time, as what it would merge with may not have come.
 */
import type { StateLimits } from "../../engine/operator.ts"
import type { Site } from "../../graph.ts"
import type { NamedState } from "../../states.ts"
import type { Emitted } from "../../sides.ts"
import type { AnyTag } from "../../tag.ts"
import type { Assigner } from "../../windows/assigner.ts"
import { keptContents } from "./contents.ts"
import type { Contents, Kept } from "./contents.ts"
import { late } from "./panes.ts"
import type { Pane, Placing } from "./panes.ts"
import type { Emitter, Fire, WindowPlan } from "./plan.ts"
import { planOf } from "./window.ts"

/** An event, as it is kept. */
type Sided = readonly [input: number, event: unknown]

/** What becomes of the events of a window, of the left input and of the right one. */
export type GiveSides = (
  lefts: readonly unknown[],
  rights: readonly unknown[],
  fire: Fire,
  out: Emitted,
) => void

const nothing = () => undefined

class SidesEmitter implements Emitter {
  readonly contents: Contents
  readonly states: readonly NamedState[] = []
  readonly #give: GiveSides

  constructor(ordered: boolean, give: GiveSides) {
    const kept = keptContents(ordered, nothing)
    this.contents = {
      ...kept,
      add(pane, event, time, order, input) {
        kept.add(pane, [input, event] satisfies Sided, time, order, input)
      },
    }
    this.#give = give
  }

  emit(_: Pane, data: unknown, fire: Fire, out: Emitted): void {
    const events = (data as Kept).events as readonly Sided[]
    const [lefts, rights] = [0, 1].map((side) =>
      events.filter(([input]) => input === side).map(([, event]) => event),
    ) as [unknown[], unknown[]]
    this.#give(lefts, rights, fire, out)
  }

  commit = nothing
  abandon = nothing
}

/** How windows over two inputs are run. */
export function sidesPlan(
  assigner: Assigner<never>,
  { allowedLateness = 0, lateTo }: { allowedLateness?: number; lateTo?: AnyTag | undefined },
  limits: StateLimits,
  open: (site: Site) => GiveSides,
): WindowPlan {
  const routed = lateTo === undefined ? {} : { lateTo }
  const spec = { assigner, options: { ...routed, allowedLateness, emit: "final" as const } }
  const plan = planOf(spec, limits, "sides", (site, _, ordered) => {
    return new SidesEmitter(ordered, open(site))
  })
  return { ...plan, placing: inTime(plan.placing) }
}

function inTime(placing: Placing): Placing {
  if (placing.merges !== true) return placing
  return {
    ...placing,
    place: (open, event, time, site) =>
      site.isLate(time) ? late : placing.place(open, event, time, site),
  }
}
