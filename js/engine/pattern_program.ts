/**
 * A pattern's automaton in linear memory, as c/op/pattern.c reads it.
 */
import { layouts, patternColumns, skips } from "./abi.ts"
import type { Engine } from "./engine.ts"
import type { Program, ProgramState, Target } from "../patterns/program.ts"
import type { Logic } from "../patterns/logic.ts"
import type { Skip } from "../patterns/skip.ts"

/** What a pattern is beside its automaton. */
export interface PatternSettings {
  readonly withinMs: number
  readonly partialsMax: number
  readonly skip: Skip
  readonly timed: boolean
  /** Is anybody told of partial matches whose time is over? */
  readonly timeouts: boolean
}

const skipNumber = {
  none: skips.SKIP_NONE,
  next: skips.SKIP_NEXT,
  last: skips.SKIP_LAST,
  firstOf: skips.SKIP_FIRST_OF,
  lastOf: skips.SKIP_LAST_OF,
} as const

/** Write a program into memory of the engine, which goes with that; gives its address. */
export function writeProgram(engine: Engine, program: Program, settings: PatternSettings): number {
  return new Writer(engine, program).write(settings)
}

class Writer {
  readonly #engine: Engine
  readonly #program: Program
  readonly #terms: Logic[] = []
  #termCount = 0

  constructor(engine: Engine, program: Program) {
    this.#engine = engine
    this.#program = program
  }

  write(settings: PatternSettings): number {
    const { states, steps, conditions, passive } = this.#program
    const edgeCount = states.reduce((sum, { edges }) => sum + edges.length, 0)
    const termCount = states.reduce((sum, state) => sum + termsOf(state), 0)
    const { pattern, pattern_state, pattern_edge, pattern_term } = layouts
    const statesAt = pattern.bytes
    const edgesAt = statesAt + states.length * pattern_state.bytes
    const termsAt = edgesAt + edgeCount * pattern_edge.bytes
    const bytes = termsAt + termCount * pattern_term.bytes
    const address = this.#engine.alloc(bytes)
    this.#engine.views.u8.fill(0, address, address + bytes)
    this.#writeStates(address + statesAt, address + edgesAt)
    this.#writeTerms(address + termsAt)
    let asked = 0
    conditions.forEach(({ asks }, bit) => (asked |= asks ? 1 << bit : 0))
    const { at } = pattern
    const u32 = this.#u32(address)
    this.#f64(address + at.within_ms, settings.withinMs)
    u32(at.partials_max, settings.partialsMax)
    u32(at.states, address + statesAt)
    u32(at.state_count, states.length)
    u32(at.edges, address + edgesAt)
    u32(at.edge_count, edgeCount)
    u32(at.terms, address + termsAt)
    u32(at.term_count, termCount)
    u32(at.conditions, conditions.length)
    u32(at.steps, steps.length)
    u32(at.asks, asked >>> 0)
    u32(at.skip, skipNumber[settings.skip.kind])
    u32(at.skip_step, Math.max(0, steps.indexOf(settings.skip.step ?? "")))
    u32(at.passive, passive ? 1 : 0)
    u32(at.timed, settings.timed ? 1 : 0)
    u32(at.timeouts, settings.timeouts ? 1 : 0)
    return address
  }

  #writeStates(statesAt: number, edgesAt: number): void {
    const { pattern_state: state, pattern_edge: edge } = layouts
    let number = 0
    this.#program.states.forEach(({ edges, final, gapMs, pending }, i) => {
      const address = statesAt + i * state.bytes
      const u32 = this.#u32(address)
      this.#f64(address + state.at.gap_ms, gapMs)
      u32(state.at.edge, number)
      u32(state.at.edges, edges.length)
      u32(state.at.term, this.#add(final))
      u32(state.at.terms, final.length)
      u32(state.at.pending, pending ? 1 : 0)
      for (const { takes, target, step, gapMs, logic } of edges) {
        const address = edgesAt + number++ * edge.bytes
        const u32 = this.#u32(address)
        this.#f64(address + edge.at.gap_ms, gapMs)
        u32(edge.at.takes, takes ? 1 : 0)
        u32(edge.at.target, targetNumber(target))
        u32(edge.at.step, step)
        u32(edge.at.term, this.#add(logic))
        u32(edge.at.terms, logic.length)
      }
    })
  }

  /** The number of the first of these terms. */
  #add(logic: Logic): number {
    const first = this.#termCount
    this.#terms.push(logic)
    this.#termCount += logic.length
    return first
  }

  #writeTerms(termsAt: number): void {
    const { at, bytes } = layouts.pattern_term
    this.#terms.flat().forEach(({ wanted, unwanted }, i) => {
      const u32 = this.#u32(termsAt + i * bytes)
      u32(at.wanted, wanted)
      u32(at.unwanted, unwanted)
    })
  }

  #u32(address: number): (offset: number, value: number) => void {
    const { u32 } = this.#engine.views
    return (offset, value) => {
      u32[(address + offset) >>> 2] = value
    }
  }

  #f64(address: number, value: number): void {
    this.#engine.views.f64[address >>> 3] = value
  }
}

function termsOf({ edges, final }: ProgramState): number {
  return edges.reduce((sum, { logic }) => sum + logic.length, final.length)
}

function targetNumber(target: Target): number {
  if (target === "final") return patternColumns.PATTERN_FINAL
  return target === "stop" ? patternColumns.PATTERN_STOP : target
}
