/**
 * Every saved state must have a home in the job that takes it over.
 */
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import type { StateSchema } from "./graph.ts"
import type { SavedFlow, SavedState } from "./saved.ts"
import { pathOf, statesIn } from "./states.ts"
import type { NamedState } from "./states.ts"

/** Throws `STATE_CONFIG` if a saved state or position has no home, or one with other fields. */
export function checkHomes(
  states: readonly SavedState[],
  sources: SavedFlow["sources"],
  flow: Flow,
): void {
  const homes = new Map(statesIn(flow).map(({ path, state }) => [path, state]))
  const saved = states.map(({ uid, state, schema }) => {
    return { path: pathOf(uid, state), schema }
  })
  const homeless = saved.filter(({ path }) => !homes.has(path)).map(({ path }) => path)
  if (homeless.length > 0) {
    const here = [...homes.keys()].join(", ") || "none"
    const message = `saved state of ${homeless.join(", ")} has no operator here; here are ${here}`
    throw new MillraceError("STATE_CONFIG", message)
  }
  for (const { path, schema } of saved) checkSchema(schema, homes.get(path) as NamedState)
  for (const { uid } of sources) {
    if (flow.sources.some(({ planned }) => planned.uid === uid)) continue
    throw new MillraceError("STATE_CONFIG", `the saved position of ${uid} has no source here`)
  }
}

function checkSchema(saved: StateSchema, { schema: now, operator }: NamedState): void {
  const text = ({ kind, fields }: StateSchema) => `${kind}(${fields.join(", ")})`
  const same =
    saved.kind === now.kind && JSON.stringify(saved.fields) === JSON.stringify(now.fields)
  if (same) return
  const message = `${operator.label}: saved state is ${text(saved)}, the operator has ${text(now)}`
  throw new MillraceError("STATE_CONFIG", message)
}
