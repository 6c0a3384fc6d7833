/**
 * What C tells of matches: the events of each, the last one first, and what it is; as objects.
 */
import { valueOfCell } from "../../engine/adopt.ts"
import { patternColumns, status } from "../../engine/abi.ts"
import type { Operator } from "../../engine/operator.ts"
import type { MillraceError } from "../../errors.ts"
import type { Matched } from "../../patterns/condition.ts"

/** A match, or part of one, on its way to the user's function. */
export class Found {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Found({}, NaN, undefined)
  readonly match: Matched
  /** When it was whole, or over, ms. */
  readonly timeMs: number
  /** Its first event. */
  readonly first: unknown

  constructor(match: Matched, timeMs: number, first: unknown) {
    this.match = match
    this.timeMs = timeMs
    this.first = first
  }
}

/** Something that only the user's function can say; or, of an event that could not be run, why. */
export interface Question {
  readonly condition: number | MillraceError
  readonly event: unknown
  readonly match: Matched
  /** Where the answer goes: 1 no, 2 yes. */
  readonly address: number
}

/** Who is told. */
export interface Listener {
  /** A result has come: input row, and when it was due; -Infinity: at once. */
  begin(row: number, dueMs: number): void
  late(row: number): void
  match(found: Found): void
  timedOut(found: Found): void
}

export class MatchReader {
  readonly #operator: Operator
  readonly #names: readonly string[]
  /** Of the match that is being told, which may go on in the next results: the last one first. */
  readonly #steps: number[] = []
  readonly #events: unknown[] = []
  #size = 0
  /** The events of each step, while they are gathered. */
  readonly #lists: (unknown[] | undefined)[] = []

  constructor(operator: Operator, names: readonly string[]) {
    this.#operator = operator
    this.#names = names
  }

  /** Go through the results; gives what is asked. */
  read(listener: Listener): Question[] {
    const { results, engine } = this.#operator
    const { PATTERN_STEP, PATTERN_CELL, PATTERN_CELL_AT, PATTERN_VALUE } = patternColumns
    const { size, positions, times } = results
    const steps = results.column(PATTERN_STEP)
    const cells = results.column(PATTERN_CELL)
    const cellsAt = results.column(PATTERN_CELL_AT)
    const values = results.column(PATTERN_VALUE)
    const questions: Question[] = []
    for (let i = 0; i < size; i++) {
      const { f64, u32 } = engine.views // Anything below may make memory grow.
      const step = f64[steps + i] as number
      const cell = f64[cells + i] as number
      const cellAt = f64[cellsAt + i] as number
      const value = f64[values + i] as number
      if (step >= 0) {
        this.#steps[this.#size] = step
        this.#events[this.#size++] = valueOfCell(this.#operator, cell, cellAt)
        continue
      }
      const row = u32[positions + i] as number
      if (step <= patternColumns.PATTERN_FAILED) {
        const condition =
          step === patternColumns.PATTERN_FAILED
            ? this.#operator.refusal("apply an event", status.ERR_LIMIT)
            : patternColumns.PATTERN_ASKS - step
        const event = valueOfCell(this.#operator, cell, cellAt)
        questions.push({ condition, event, match: this.#taken(), address: value })
        continue
      }
      listener.begin(row, f64[times + i] as number)
      if (step === patternColumns.PATTERN_LATE) {
        listener.late(row)
        continue
      }
      const first = this.#events[this.#size - 1]
      const found = new Found(this.#taken(), value, first)
      if (step === patternColumns.PATTERN_MATCH) listener.match(found)
      else listener.timedOut(found)
    }
    return questions
  }

  /** What was told of a match, by the names of its steps. */
  #taken(): Matched {
    const lists = this.#lists
    const events = this.#events
    for (let i = this.#size - 1; i >= 0; i--) {
      const step = this.#steps[i] as number
      const list = lists[step]
      if (list === undefined)
        lists[step] = [events[i]] // Has room for one, as most steps want.
      else list.push(events[i])
      events[i] = undefined
    }
    this.#size = 0
    const match: Record<string, unknown[]> = {}
    for (let step = 0; step < this.#names.length; step++) {
      match[this.#names[step] as string] = lists[step] ?? []
      lists[step] = undefined
    }
    return match
  }
}
