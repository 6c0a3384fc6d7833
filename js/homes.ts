/**
 * Every saved state must have a home in the job that takes it over, unless the user does without.
 */
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import { intakeOf } from "./intake.ts"
import type { Intake } from "./intake.ts"
import type { SavedFlow, SavedState } from "./saved.ts"
import { pathOf, statesIn } from "./states.ts"
import type { HomedState } from "./states.ts"

/** What is saved, as far as homes go. */
interface Saved {
  readonly states: readonly SavedState[]
  readonly sources: SavedFlow["sources"]
  readonly numbers?: SavedFlow["numbers"]
}

/** How saved state is taken over. */
export interface Restoring {
  readonly nowMs: number
  /** May there be state that has no home? It is left out then. */
  readonly allowNonRestored: boolean
}

/** Where saved states go, by their paths; those that are not there have no home. */
export type Homes = ReadonlyMap<string, Intake>

/**
 * Open the homes of what is saved.
 *
 * @throws {MillraceError} `STATE_CONFIG` when a saved state or position has no home and
 *   `allowNonRestored` is not given, or when a home has other fields.
 */
export function openHomes(
  { states, sources, numbers = [] }: Saved,
  flow: Flow,
  { nowMs, allowNonRestored }: Restoring,
): Homes {
  const here = new Map(statesIn(flow).map((homed) => [homed.path, homed]))
  const timeMs = Math.max(...sources.map(({ timeMax }) => timeMax))
  const homes = new Map<string, Intake>()
  const homeless: string[] = []
  for (const { uid, state, schema } of states) {
    const path = pathOf(uid, state)
    const home = here.get(path)
    if (home === undefined) homeless.push(path)
    else homes.set(path, intakeOf(schema, home.state, usedAt(home, timeMs, nowMs)))
  }
  if (allowNonRestored) return homes
  if (homeless.length > 0) {
    const names = [...here.keys()].join(", ") || "none"
    const what = `saved state of ${homeless.join(", ")} has no operator here; here are ${names}`
    throw new MillraceError("STATE_CONFIG", what)
  }
  for (const { uid } of sources) {
    if (flow.sources.some(({ planned }) => planned.uid === uid)) continue
    throw new MillraceError("STATE_CONFIG", `the saved position of ${uid} has no source here`)
  }
  for (const { output } of numbers) {
    if (flow.outputs.some(({ name, given }) => name === output && given !== undefined)) continue
    const what = `the results of output ${output} had numbers, which no sink here takes`
    throw new MillraceError("STATE_CONFIG", what)
  }
  return homes
}

/** When rows were used last that have been saved without a ttl: when they were saved, or now. */
function usedAt({ planned, state }: HomedState, timeMs: number, nowMs: number): number {
  const processing = !planned.eventTime || state.operator.input.processing
  return processing || !Number.isFinite(timeMs) ? nowMs : timeMs
}
