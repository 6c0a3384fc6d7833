/**
 * The events of keys on their way through a pattern in C: keys, refs, and which conditions hold for
 * each; matches come out. Conditions that depend on a match are answered when C asks.
 */
import { causeOf } from "../../chunk.ts"
import type { Chunk } from "../../chunk.ts"
import { patternColumns } from "../../engine/abi.ts"
import type { Filled } from "../../engine/fill.ts"
import { Operator, sliceRowsMax } from "../../engine/operator.ts"
import type { StateLimits } from "../../engine/operator.ts"
import { writeProgram } from "../../engine/pattern_program.ts"
import type { PatternSettings } from "../../engine/pattern_program.ts"
import { Timers } from "../../engine/timers.ts"
import type { Finished, Ran, Runner, Site, StateSchema } from "../../graph.ts"
import type { Program } from "../../patterns/program.ts"
import { Emitted } from "../../sides.ts"
import type { KeyReader } from "../../state/keys.ts"
import type { NamedState } from "../../states.ts"
import type { AnyTag } from "../../tag.ts"
import { LateCounter } from "../../time/late.ts"
import { Evictions } from "../evictions.ts"
import { pushChunk, valueOf } from "../pushed.ts"
import type { Columns, Slice } from "../pushed.ts"
import { SliceRefs } from "../slice_refs.ts"
import { causeOfTime, Taken } from "../taken.ts"
import { MatchReader } from "./matches.ts"
import type { Found, Listener } from "./matches.ts"
import { ending, isTrue, Questions } from "./questions.ts"
import { toldEvents } from "./told.ts"

/** What a pattern operator is made of. */
export interface PatternPlan {
  readonly program: Program
  readonly settings: Omit<PatternSettings, "timed">
  readonly read: KeyReader
  readonly schema: StateSchema
  /** Of the events that are kept. */
  readonly limits: StateLimits
  readonly lateTo: AnyTag | undefined
  readonly timedOutTo: AnyTag | undefined
}

/** How many times C is asked to go on while nothing comes, before what came out is given. */
const firedMax = 4096

/** The latest time there is, ms. */
const timeMax = 8.64e15

/** The fields of a row. */
export const patternFields = ["ref", "refs", "f64"] as const

export class PatternRunner implements Runner {
  readonly operator: Operator
  readonly states: readonly NamedState[]
  readonly late = new LateCounter()
  readonly #evictions: Evictions
  readonly #site: Site
  readonly #plan: PatternPlan
  readonly #timers: Timers
  readonly #reader: MatchReader
  readonly #questions: Questions
  readonly #taken = new Taken()
  readonly #refs: SliceRefs
  /** The conditions that hold for the events of a slice, by its rows. */
  readonly #bits = new Float64Array(sliceRowsMax)
  #judged = 0
  /** The time by which something is still due. */
  #firing = Infinity

  constructor(site: Site, plan: PatternPlan) {
    const settings = { ...plan.settings, timed: site.eventTime }
    this.operator = new Operator(
      site.engine,
      site.uid,
      {
        kind: "pattern",
        limits: plan.limits,
        fields: patternFields,
        pattern: writeProgram(site.engine, plan.program, settings),
        ...{ timers: true, entries: true },
      },
      site.label,
    )
    const { operator } = this
    this.states = [{ name: "", schema: plan.schema, operator, told: toldEvents(operator) }]
    this.#site = site
    this.#plan = plan
    this.#refs = new SliceRefs(operator)
    this.#evictions = new Evictions(this.operator, () => undefined)
    this.#timers = new Timers(this.operator)
    this.#reader = new MatchReader(this.operator, plan.program.steps)
    this.#questions = new Questions(site, plan.program.conditions, plan.read)
  }

  run(chunk: Chunk): Ran {
    const { operator } = this
    const out = new Emitted()
    const columns: Columns = {
      count: patternColumns.PATTERN_COLUMNS,
      fill: (slice) => this.#fill(slice),
    }
    const pushed = { operator, evictions: this.#evictions }
    const take = (slice: Slice) => this.#take(slice, out)
    const failure = ending(() => {
      const failure = pushChunk(chunk, pushed, this.#reading(), take, columns)
      const { watermarks } = chunk.arrival
      if (failure !== undefined && watermarks !== undefined) {
        this.#advance(watermarks[causeOf(chunk, failure.index)] as number, chunk, out)
      }
      return failure
    })
    if (failure !== undefined) this.#refs.takeBack()
    return { ...out.ran(chunk.arrival), failure }
  }

  /** The watermark has gone on to the end of the chunk. */
  settle(chunk: Chunk): Ran | undefined {
    const { watermark } = chunk.arrival
    if (watermark === undefined) return undefined
    const out = new Emitted()
    const failure = ending(() => this.#advance(watermark, chunk, out))
    return { ...out.ran(chunk.arrival), failure }
  }

  nextDue(now: number): number {
    if (this.#site.eventTime) return Infinity
    this.#timers.changed()
    const next = Math.min(this.#firing, this.#timers.next(now))
    return next < timeMax ? next : Infinity // What waits for the end is not due by the clock.
  }

  fire(timeMs: number): Finished {
    const out = new Emitted()
    const more = this.#byItself(timeMs, out)
    this.#firing = more ? timeMs : Infinity
    return out.finished(false)
  }

  finish(): Finished | undefined {
    const out = new Emitted()
    while (out.size === 0 && this.#byItself(Infinity, out));
    return out.size === 0 ? undefined : out.finished(this.#site.eventTime)
  }

  // ---- input ----

  /** Reads the key of each event, and judges it, once and in their order. */
  #reading(): KeyReader {
    const { read, program } = this.#plan
    const bits = this.#bits
    const tests = program.conditions.map(({ asks, test }) => (asks ? undefined : test))
    const count = tests.length
    return (event) => {
      const key = read(event)
      if (key === undefined) return undefined
      let holding = 0
      for (let bit = 0; bit < count; bit++) {
        const test = tests[bit]
        if (test === undefined) continue
        const holds = test(event)
        if (holds === true) holding |= 1 << bit
        else if (holds !== false && isTrue(holds)) holding |= 1 << bit
      }
      bits[this.#judged++] = holding >>> 0
      return key
    }
  }

  #fill(slice: Slice): Filled {
    const { input, engine } = this.operator
    const { filled } = slice
    this.#judged = 0
    this.#refs.make(slice)
    this.#refs.write(patternColumns.PATTERN_EVENT)
    const bits = this.#bits.subarray(0, filled.size)
    engine.views.f64.set(bits, input.column(patternColumns.PATTERN_BITS))
    return filled
  }

  // ---- results ----

  /** The results of a push, and the answers to what they ask. */
  #take(slice: Slice, out: Emitted): void {
    const { chunk } = slice
    const { operator } = this
    const taken = this.#taken
    let last = taken.in(chunk.arrival)
    let pushed = slice.pushedFrom
    const listener: Listener = {
      begin(row, due) {
        // Events before the one that is at the position have been applied.
        if (row > pushed || due === -Infinity) {
          const applied = due === -Infinity ? row : row - 1
          last = Math.max(last, causeOf(chunk, valueOf(slice, applied)))
          pushed = row
        }
        out.cause = Math.max(last, dueTo(chunk, due))
      },
      late: (row) => this.#leave(slice, row, out),
      ...this.#emitting(out),
    }
    const questions = this.#reader.read(listener)
    if (operator.upto > 0) {
      taken.cause = causeOf(chunk, valueOf(slice, operator.upto - 1))
      taken.of = chunk.arrival
      this.#questions.position = chunk.arrival.first + taken.cause
    }
    if (questions.length > 0) {
      const index = valueOf(slice, operator.upto)
      this.#questions.answer(questions, { out, chunk, index })
    }
    operator.engine.refs.collect()
  }

  #emitting(out: Emitted): Pick<Listener, "match" | "timedOut"> {
    const { timedOutTo, read } = this.#plan
    return {
      match(found) {
        out.timeMs = found.timeMs
        out.add(found)
      },
      timedOut(found) {
        out.timeMs = found.timeMs
        if (timedOutTo !== undefined) out.add(told(found, read), timedOutTo)
      },
    }
  }

  #leave(slice: Slice, row: number, out: Emitted): void {
    const { chunk } = slice
    const index = valueOf(slice, row)
    this.late.add(chunk, index)
    this.#refs.remove(row)
    const { lateTo } = this.#plan
    if (lateTo === undefined) return
    out.timeMs = chunk.arrival.times?.[causeOf(chunk, index)] ?? 0
    out.add(chunk.values[index], lateTo)
  }

  /** All that is due by a watermark, behind the chunk. */
  #advance(watermark: number, chunk: Chunk, out: Emitted): void {
    const last = this.#taken.in(chunk.arrival)
    const listener: Listener = {
      begin: (_, due) => void (out.cause = Math.max(last, dueTo(chunk, due))),
      late: () => undefined,
      ...this.#emitting(out),
    }
    for (let more = true; more;) {
      more = this.operator.advance(watermark)
      const questions = this.#reader.read(listener)
      if (questions.length > 0)
        this.#questions.answer(questions, { out, chunk, index: chunk.values.length })
    }
    this.operator.engine.refs.collect()
  }

  /** The same where no chunk brings it, as far as it goes; is there more? */
  #byItself(upto: number, out: Emitted): boolean {
    const listener: Listener = {
      begin: () => undefined,
      late: () => undefined,
      ...this.#emitting(out),
    }
    let more = true
    for (let calls = 0; more && out.size < firedMax && calls < firedMax; calls++) {
      more = this.operator.advance(upto)
      const questions = this.#reader.read(listener)
      if (questions.length > 0) this.#questions.answer(questions, { out })
    }
    this.operator.engine.refs.collect()
    return more
  }
}

/** What `timedOutTo` gets. */
function told({ match, timeMs, first }: Found, read: KeyReader): unknown {
  return { key: read(first), match, timestamp: timeMs }
}

/** The event that brought the watermark to a time. */
function dueTo(chunk: Chunk, due: number): number {
  if (due === -Infinity || chunk.arrival.watermarks === undefined) return 0
  return causeOfTime(chunk, due)
}
