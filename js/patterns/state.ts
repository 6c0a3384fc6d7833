/**
 * The states of an automaton, and the transitions between them.
 *
 *   take      the event becomes part of the match
 *   ignore    it does not, and the match goes on
 *   proceed   to another state, which looks at the same event
 */
import { both, negated } from "./logic.ts"
import type { Logic } from "./logic.ts"
import type { Step } from "./step.ts"

/** A state of the automaton. */
export interface State {
  /** Stop: a step that must not be was. Pending: who is here when time is over is a match. */
  readonly kind: "normal" | "final" | "stop" | "pending"
  /** The step that it belongs to; undefined: the end. */
  readonly step: Step | undefined
  readonly transitions: Transition[]
}

/** A transition. */
export interface Transition {
  readonly action: "take" | "ignore" | "proceed"
  readonly target: State
  condition: Logic
}

/** A state without transitions. */
export function newState(kind: State["kind"], step?: Step): State {
  return { kind, step, transitions: [] }
}

/** Add a transition. */
export function add(
  state: State,
  action: Transition["action"],
  target: State,
  condition: Logic,
): void {
  state.transitions.push({ action, target, condition })
}

/** Take nothing that a greedy step before would. */
export function restrict({ transitions }: State, takes: Logic): void {
  for (const each of transitions) each.condition = both(each.condition, negated(takes))
}

/** Another state with the same transitions. */
export function copyOf(state: State): State {
  const copy = newState(state.kind, state.step)
  for (const { action, target, condition } of state.transitions) {
    add(copy, action, target === state ? copy : target, condition)
  }
  return copy
}
