/**
 * A pattern as C runs it: the automaton without transitions that take no event (PROCEED). What lies
 * behind them is put into the states before, with the conditions of the whole way.
 *
 *   a --proceed(p)--> b --take(t)--> c      is      a --take(p and t)--> c
 */
import { MillraceError } from "../errors.ts"
import { asks, judge } from "./condition.ts"
import type { AnyCondition } from "./condition.ts"
import { automatonOf } from "./automaton.ts"
import type { State } from "./state.ts"
import { always, both, either, holds, negated, never, valueOf } from "./logic.ts"
import type { Logic } from "./logic.ts"
import { isNot, nameOf } from "./step.ts"
import type { Step } from "./step.ts"

/** How many conditions a pattern may have: a bit of a number each. */
const conditionsMax = 32

/** How many edges all states may have together. */
const edgesMax = 65_536

/** Where an edge goes: a state's number, or the match is whole, or can no more be. */
export type Target = number | "final" | "stop"

/** What an event may do to a partial match in a state. */
export interface Edge {
  readonly takes: boolean
  readonly target: Target
  /** The number of the step that takes the event. */
  readonly step: number
  readonly gapMs: number
  readonly logic: Logic
}

/** A state: its edges in the order in which they are looked at. */
export interface ProgramState {
  readonly edges: readonly Edge[]
  /** Who comes here is a match as well, if this holds. */
  readonly final: Logic
  /** After so long no edge leads on, ms. */
  readonly gapMs: number
  readonly pending: boolean
}

/** A condition that can be answered at once, or only with what was matched before. */
export interface Judge {
  readonly asks: boolean
  readonly test: (event: unknown, match?: unknown) => unknown
}

/** What C and its runner are told. State 0 is the start. */
export interface Program {
  readonly states: readonly ProgramState[]
  readonly conditions: readonly Judge[]
  /** The names of the steps that take events. */
  readonly steps: readonly string[]
  /** Do events change nothing for which no condition holds? */
  readonly passive: boolean
}

/** Throws `OPTION`, `LIMIT`. */
export function programOf(steps: readonly Step[], names: readonly string[]): Program {
  const table = new Table()
  const start = automatonOf(steps, (condition) => table.logicOf(condition))
  const numbers = new Map<State, number>([[start, 0]])
  const states: ProgramState[] = []
  for (const state of numbers.keys()) {
    // States that are found on the way come at the end of the map, and so of the loop.
    const number = (target: State): Target => {
      if (target.kind === "final" || target.kind === "stop") return target.kind
      if (!numbers.has(target)) numbers.set(target, numbers.size)
      return numbers.get(target) as number
    }
    // At the start there is no match yet that could go on without the event, or stop.
    const all = edgesOf(state, number, names)
    const edges = state === start ? all.filter(({ takes }) => takes) : all
    const pending = isPending(state)
    const gapMs = gapOf(state, pending, edges)
    states.push({ edges, final: finalOf(state), gapMs, pending })
  }
  const count = states.reduce((sum, { edges }) => sum + edges.length, 0)
  if (count > edgesMax) throw new MillraceError("LIMIT", `a pattern has at most ${edgesMax} edges`)
  const { conditions } = table
  return { states, conditions, steps: names, passive: isPassive(states, conditions) }
}

/** The conditions of a pattern, each once, and what is made of them. */
class Table {
  readonly conditions: Judge[] = []
  readonly #known = new Map<AnyCondition, Logic>()

  logicOf(condition: AnyCondition | undefined): Logic {
    if (condition === undefined) return always
    let logic = this.#known.get(condition)
    if (logic === undefined) this.#known.set(condition, (logic = this.#make(condition)))
    return logic
  }

  #make(condition: AnyCondition): Logic {
    if (!asks(condition)) return this.#add({ asks: false, test: judge(condition) })
    if (typeof condition === "function") {
      return this.#add({ asks: true, test: condition as Judge["test"] })
    }
    const parts = "conditions" in condition ? condition.conditions : []
    const logics = parts.map((part) => this.logicOf(part))
    if (condition.kind === "not") return negated(logics[0] as Logic)
    return condition.kind === "and" ? logics.reduce(both, always) : logics.reduce(either, never)
  }

  #add(judge: Judge): Logic {
    if (this.conditions.length === conditionsMax) {
      throw new MillraceError("LIMIT", `a pattern has at most ${conditionsMax} conditions`)
    }
    this.conditions.push(judge)
    return holds(this.conditions.length - 1)
  }
}

interface Way {
  readonly state: State
  readonly logic: Logic
  /** The states that it has come through. */
  readonly through: readonly State[]
}

/** All edges that can be had from a state; in the order in which Flink's NFA finds them. */
function edgesOf(
  start: State,
  number: (target: State) => Target,
  names: readonly string[],
): Edge[] {
  const edges: Edge[] = []
  const ways: Way[] = [{ state: start, logic: always, through: [start] }]
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    const { state, logic: before, through } = way
    if (state.kind === "stop") {
      edges.push({ takes: false, target: "stop", step: 0, gapMs: Infinity, logic: before })
    }
    for (const { action, target, condition } of state.transitions) {
      const logic = both(before, condition)
      if (logic.length === 0) continue
      if (action === "proceed") {
        if (through.includes(target)) throw emptyLoop(state)
        ways.push({ state: target, logic, through: [...through, target] })
        continue
      }
      const takes = action === "take"
      const { name = "", gapMs = Infinity } = state.step ?? {}
      const step = Math.max(names.indexOf(name), 0)
      edges.push({ takes, target: number(target), step, gapMs: takes ? gapMs : Infinity, logic })
    }
  }
  return edges
}

function emptyLoop({ step }: State): MillraceError {
  const where = step === undefined ? "" : ` (at ${nameOf(step)})`
  const message = `what repeats must take an event each time, not only optional ones${where}`
  return new MillraceError("OPTION", `pattern: ${message}`)
}

/** When is the end reached without another event? */
function finalOf(start: State): Logic {
  let final: Logic = never
  const ways = [{ state: start, logic: always }]
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    for (const { action, target, condition } of way.state.transitions) {
      const logic = both(way.logic, condition)
      if (action !== "proceed" || logic.length === 0) continue
      if (target.kind === "final") final = either(final, logic)
      else ways.push({ state: target, logic })
    }
  }
  return final
}

/** Is who is here a match when its time is over? Also where it would only have to proceed. */
function isPending(state: State): boolean {
  if (state.kind === "pending") return true
  return state.transitions.some(({ action, target, condition }) => {
    return action === "proceed" && valueOf(condition, 0, 0) === true && isPending(target)
  })
}

function gapOf({ kind, step }: State, pending: boolean, edges: readonly Edge[]): number {
  if (pending) return kind === "pending" ? (step?.gapMs ?? Infinity) : Infinity
  const leading = edges.filter(({ takes, target }) => takes || target === "final")
  return leading.length === 0 ? Infinity : Math.max(...leading.map(({ gapMs }) => gapMs))
}

function isPassive(states: readonly ProgramState[], conditions: readonly Judge[]): boolean {
  let known = 0
  conditions.forEach(({ asks }, bit) => (known |= asks ? 0 : 1 << bit))
  return states.every(({ edges }, number) => {
    const possible = edges.filter(({ logic }) => valueOf(logic, known, 0) !== false)
    if (number === 0) return possible.length === 0
    const [only, more] = possible
    if (only === undefined || more !== undefined || only.takes) return false
    return only.target === number && valueOf(only.logic, known, 0) === true
  })
}

/** Refuse what only the whole pattern shows to be wrong; `within`: is there a limit of time? */
export function checkEnd(steps: readonly Step[], within: boolean): void {
  const last = steps.at(-1) as Step
  if (!isNot(last) || last.contiguity === "notNext") return
  const before = steps.at(-2)
  if (last.gapMs < Infinity && before?.times !== undefined) {
    const message = `${nameOf(last)} follows a step that repeats: within must be "first-last"`
    throw new MillraceError("OPTION", `pattern: ${message}`)
  }
  if (within || last.gapMs < Infinity) return
  const message = `pattern: ${nameOf(last)}: notFollowedBy as the last step needs within(…)`
  throw new MillraceError("OPTION", message)
}
