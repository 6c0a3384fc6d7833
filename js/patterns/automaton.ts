/**
 * The automaton of a pattern: states and transitions, as Flink's NFACompiler makes them, so that
 * the two find the same matches.
 *
 * It is made from the last step to the first: each needs to know what follows.
 */
import { MillraceError } from "../errors.ts"
import type { AnyCondition } from "./condition.ts"
import { always, both, negated } from "./logic.ts"
import type { Logic } from "./logic.ts"
import { behind, contiguityOf, inOptional, stepOf } from "./place.ts"
import type { Place, Stretch } from "./place.ts"
import { add, copyOf, newState, restrict } from "./state.ts"
import type { State } from "./state.ts"
import type { Step } from "./step.ts"

/** How many states a pattern may have: repetitions count as often as they may be needed. */
const statesMax = 2048

/** The state that a pattern begins with. Throws `OPTION`, `LIMIT`. */
export function automatonOf(
  steps: readonly Step[],
  logicOf: (condition: AnyCondition | undefined) => Logic,
): State {
  return new Maker(logicOf).stretch({ steps, outer: undefined, first: true }, newState("final"))
}

class Maker {
  readonly #logicOf: (condition: AnyCondition | undefined) => Logic
  readonly #stops = new Map<Step, State>()
  #states = 0

  constructor(logicOf: (condition: AnyCondition | undefined) => Logic) {
    this.#logicOf = logicOf
  }

  #state(kind: State["kind"], step: Step): State {
    if (++this.#states > statesMax) {
      throw new MillraceError("LIMIT", `a pattern has at most ${statesMax} states: repeat less`)
    }
    return newState(kind, step)
  }

  /** The states of all steps before `sink`; gives the first. */
  stretch(stretch: Stretch, sink: State): State {
    let last = sink
    for (let at = stretch.steps.length - 1; at >= 0; at--) {
      last = this.#convert({ ...stretch, at }, last)
    }
    return last
  }

  #convert(place: Place, sink: State): State {
    const step = stepOf(place)
    if (step.contiguity === "notNext") return this.#notNext(place, sink)
    if (step.contiguity === "notFollowedBy") {
      return sink.kind === "final" ? this.#pending(place) : sink // Else it is in others' edges.
    }
    const made = this.#positive(place, sink)
    this.#addStops(place, made)
    return made
  }

  #notNext(place: Place, sink: State): State {
    const step = stepOf(place)
    const condition = this.#takes(place)
    const state = this.#state("normal", step)
    add(state, sink.kind === "final" ? "ignore" : "proceed", sink, negated(condition))
    add(state, "proceed", this.#stop(place), condition)
    return state
  }

  #pending(place: Place): State {
    const condition = this.#takes(place)
    const state = this.#state("pending", stepOf(place))
    add(state, "proceed", this.#stop(place), condition)
    add(state, "ignore", state, negated(condition))
    return state
  }

  #positive(place: Place, sink: State): State {
    const { times } = stepOf(place)
    if (times === undefined) return this.#once(place, sink, sink, true)
    if (times.most !== Infinity) return this.#times(place, sink, sink)
    const behind = this.#withoutNots(place, sink)
    const looping = this.#looping(place, behind)
    if (stepOf(place).greedy && behind !== sink) restrict(sink, this.#takes(place))
    return this.#times(place, looping, sink)
  }

  /** So many repetitions before `sink`, the later ones of which may be left out for `after`. */
  #times(place: Place, sink: State, after: State): State {
    const { greedy, times } = stepOf(place)
    const { least, most } = times as NonNullable<Step["times"]>
    const optional = most === Infinity ? 0 : most - least
    if (greedy && optional > 0) restrict(sink, this.#takesUntil(place))
    let last = sink
    for (let i = 0; i < optional; i++) {
      last = this.#again(place, last, after)
      this.#addStopBehind(place, last)
    }
    for (let i = 0; i < least - 1; i++) {
      last = this.#again(place, last, undefined)
      this.#addStopBehind(place, last)
    }
    return this.#once(place, last, after, true)
  }

  /** A repetition that is not the first; `after`: what may come in its place. */
  #again(place: Place, sink: State, after: State | undefined): State {
    return this.#once(place, sink, after, false)
  }

  /** One time of a step: `first` of its times or not. */
  #once(place: Place, sink: State, after: State | undefined, first: boolean): State {
    const step = stepOf(place)
    const optional = first ? step.optional : after !== undefined
    const next = optional ? after : undefined
    if (step.group !== undefined) return this.#group(place, sink, next, first)
    const takes = this.#takesUntil(place)
    const ignores = first ? this.#ignores(place) : this.#ignoresInside(place)
    const state = this.#state("normal", step)
    const target = this.#withoutNots(place, sink)
    add(state, "take", target, takes)
    if (next !== undefined) {
      add(state, "proceed", next, step.greedy ? negated(takes) : this.#proceeds(place))
    }
    if (ignores === undefined) return state
    if (!optional && !(first && inOptional(place))) {
      add(state, "ignore", state, ignores)
      return state
    }
    const waiting = this.#state("normal", step)
    add(waiting, "take", target, takes)
    add(waiting, "ignore", waiting, ignores)
    if (first) this.#addStops(place, waiting)
    else this.#addStopBehind(place, waiting)
    add(state, "ignore", waiting, ignores)
    return state
  }

  #group(place: Place, sink: State, after: State | undefined, first: boolean): State {
    const steps = stepOf(place).group as readonly Step[]
    const head = this.stretch({ steps, outer: place, first }, sink)
    if (after !== undefined) add(head, "proceed", after, this.#proceeds(place))
    return head
  }

  /** A state that takes any number of events and goes on to `sink` at any time. */
  #looping(place: Place, sink: State): State {
    const step = stepOf(place)
    if (step.group !== undefined) return this.#loopingGroup(place, sink)
    const takes = this.#takesUntil(place)
    const ignores = this.#ignoresInside(place)
    const state = this.#state("normal", step)
    const proceeds = this.#proceeds(place)
    if (step.greedy) {
      const until = step.until === undefined ? undefined : this.#logicOf(step.until)
      if (until !== undefined) add(state, "proceed", copyOf(sink), both(proceeds, until))
      const before = until === undefined ? proceeds : both(proceeds, negated(until))
      add(state, "proceed", sink, before)
      restrict(sink, this.#takes(place))
    } else {
      add(state, "proceed", sink, proceeds)
    }
    add(state, "take", state, takes)
    this.#addStopBehind(place, state)
    if (ignores === undefined) return state
    const waiting = this.#state("normal", step)
    add(waiting, "take", state, takes)
    add(waiting, "ignore", waiting, ignores)
    add(state, "ignore", waiting, ignores)
    this.#addStopBehind(place, waiting)
    return state
  }

  #loopingGroup(place: Place, sink: State): State {
    const step = stepOf(place)
    const proceeds = this.#proceeds(place)
    const begin = this.#state("normal", step)
    const steps = step.group as readonly Step[]
    const head = this.stretch({ steps, outer: place, first: false }, begin)
    add(head, "proceed", sink, proceeds)
    add(begin, "proceed", head, proceeds)
    return begin
  }

  // ---- steps that must not be ----

  /** All states that may be stopped by a step go to the same one. */
  #stop(place: Place): State {
    const step = stepOf(place)
    const known = this.#stops.get(step)
    if (known !== undefined) return known
    const stop = this.#state("stop", step)
    this.#stops.set(step, stop)
    return stop
  }

  /** The `notFollowedBy` before a step, as far as only optional ones are between. */
  #notsBefore(place: Place): Place[] {
    const nots: Place[] = []
    for (let at = place.at - 1; at >= 0; at--) {
      const step = place.steps[at] as Step
      if (step.contiguity === "notFollowedBy") nots.push({ ...place, at })
      else if (!step.optional) break
    }
    return nots
  }

  #addStops(place: Place, state: State): void {
    for (const not of this.#notsBefore(place)) {
      add(state, "proceed", this.#stop(not), this.#takes(not))
    }
  }

  /** What follows a step that repeats must not come while it does. */
  #addStopBehind(place: Place, state: State): void {
    const next = behind(place)
    if (next === undefined || stepOf(next).contiguity !== "notFollowedBy") return
    add(state, "proceed", this.#stop(next), this.#takes(next))
  }

  /** Once an optional step has come, those that must not be before it may. */
  #withoutNots(place: Place, sink: State): State {
    const nots = this.#notsBefore(place).map(stepOf)
    if (nots.length === 0 || !stepOf(place).optional) return sink
    const copy = newState(sink.kind, sink.step)
    for (const { action, target, condition } of sink.transitions) {
      if (target === sink) {
        add(copy, action, copy, condition)
      } else if (action === "take") {
        add(copy, action, target, condition)
      } else if (target.kind !== "stop") {
        add(copy, action, this.#withoutNots(place, target), condition)
      } else if (!nots.includes(target.step as Step)) {
        add(copy, action, target, condition)
      }
    }
    return copy
  }

  // ---- conditions ----

  /** What must hold for anything in a group: that it has not come to its end. */
  #proceeds({ outer }: Stretch): Logic {
    const until = outer && stepOf(outer).until
    return until === undefined ? always : negated(this.#logicOf(until))
  }

  #takes(place: Place): Logic {
    return both(this.#proceeds(place), this.#logicOf(stepOf(place).condition))
  }

  #takesUntil(place: Place): Logic {
    return both(this.#until(place), this.#takes(place))
  }

  #until(place: Place): Logic {
    const { until } = stepOf(place)
    return until === undefined ? always : negated(this.#logicOf(until))
  }

  /** Events before a step that are not part of the match; undefined: there may be none. */
  #ignores(place: Place): Logic | undefined {
    return this.#ignoresBy(place, contiguityOf(place))
  }

  /** The same between the times of a step. */
  #ignoresInside(place: Place): Logic | undefined {
    const ignores = this.#ignoresBy(place, stepOf(place).inner)
    return ignores && both(this.#until(place), ignores)
  }

  #ignoresBy(place: Place, contiguity: Step["contiguity"]): Logic | undefined {
    if (contiguity === "next") return undefined
    const ignores =
      contiguity === "followedByAny" ? always : negated(this.#logicOf(stepOf(place).condition))
    return both(this.#proceeds(place), ignores)
  }
}
