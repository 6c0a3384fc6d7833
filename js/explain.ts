/**
 * Why a key is as it is: what each operator of a job keeps of it, and what it waits for.
 *
 * All of it is there anyway, in rows, in the watermarks of nodes, and in figures; it is only put
 * together when somebody asks.
 */
import { timeMsMax } from "./duration.ts"
import { keyRows, scannedRows } from "./engine/key_rows.ts"
import type { KeyRow } from "./engine/key_rows.ts"
import type { Operator } from "./engine/operator.ts"
import type { Flow } from "./flow.ts"
import type { OpenWindows } from "./graph.ts"
import type { Planned } from "./plan.ts"
import { keyBytes } from "./state/key_bytes.ts"
import type { KeyValue } from "./state/key_bytes.ts"
import { refuseBusy } from "./state/view.ts"
import { pathOf, statesOf, timeOf } from "./states.ts"
import type { HomedState, ToldRows } from "./states.ts"
import { operatorStats } from "./stats.ts"
import type { OperatorStats } from "./stats.ts"
import type { Step } from "./step.ts"
import type { Clock } from "./time/clock.ts"

/** A source, as an operator hears of it. */
export interface SourceExplanation {
  readonly uid: string
  /** How far its own watermark has come, ms; undefined under processing time. */
  readonly watermark?: number
  /** `"idle"`: nothing has come for its `idleAfter`, and nobody waits for it. */
  readonly status: "live" | "idle" | "ended"
  /** Is the operator's watermark this one's? */
  readonly holds: boolean
  /** Events that an `overflow` dropped. */
  readonly dropped?: number
}

/** What a state keeps of the key. */
export interface StateExplanation {
  /** Rows: of a list or a map one for each element. */
  readonly rows: number
  /** As `job.state` shows it. */
  readonly value?: unknown
  /** Of a list or a map: the first hundred elements, by their keys. */
  readonly entries?: readonly (readonly [key: KeyValue, value: unknown])[]
}

/** A window that is open. */
export interface WindowExplanation {
  readonly start: number
  readonly end: number
  /** Time to reach its end, late events, more events, or the end of the source. */
  readonly waitsFor: "time" | "late events" | "events" | "end"
  /** The watermark, or the clock, that ends the wait. */
  readonly untilMs?: number
  /** What its events came to so far, or how many it keeps. */
  readonly contents?: unknown
}

/** A timer that is set. */
export interface TimerExplanation {
  readonly domain: "event" | "processing"
  readonly timeMs: number
  /** As the user called it; undefined: it has none. */
  readonly name?: string
}

/** What one operator has of a key. */
export interface OperatorExplanation {
  /** The verb, or a half of it. */
  readonly kind: string
  /** How far event time has come, ms; undefined under processing time. */
  readonly watermark?: number
  readonly sources: readonly SourceExplanation[]
  /** By name; "" is the state that needs none. */
  readonly states: Readonly<Record<string, StateExplanation>>
  readonly windows: readonly WindowExplanation[]
  /** The first hundred, in the order in which they were set. */
  readonly timers: readonly TimerExplanation[]
  /**
   * Events that wait: in joins for partners, `{ side, timeMs, event }`, in patterns for their time,
   * `{ timeMs, event }`; the first hundred.
   */
  readonly buffered: readonly object[]
  /** Events that beginnings of a pattern have taken, `{ timeMs, event }`: the first hundred. */
  readonly matches: readonly object[]
  /** Of all keys: what came, and was late, skipped, expired or evicted. */
  readonly stats: OperatorStats
}

/** What `job.explain(key)` gives: plain data. */
export interface Explanation {
  readonly key: KeyValue
  /** By uid: operators that keep something of keys. */
  readonly operators: Readonly<Record<string, OperatorExplanation>>
}

/** The most rows of a list that are told. */
const rowsMax = 100

/** Throws `KEY_TYPE`, `LIMIT` for what is no key; `UNSUPPORTED` while functions are waited for. */
export function explain(key: KeyValue, flow: Flow, clock: Clock): Explanation {
  refuseBusy(flow, "job.explain")
  keyBytes(key) // Throws.
  const keyed = flow.steps.filter(({ planned, runner }) => statesOf(planned, runner).length > 0)
  const told = keyed.map((step) => {
    return [step.planned.uid, new Telling(key, step, flow, clock).told()] as const
  })
  return { key, operators: Object.fromEntries(told) }
}

/** What is told of one operator. */
class Telling {
  readonly #key: KeyValue
  readonly #step: Step
  readonly #flow: Flow
  readonly #clock: Clock
  readonly #states = new Map<string, StateExplanation>()
  readonly #windows: WindowExplanation[] = []
  readonly #timers: TimerExplanation[] = []
  readonly #rows = { buffered: [] as object[], matches: [] as object[] }

  constructor(key: KeyValue, step: Step, flow: Flow, clock: Clock) {
    this.#key = key
    this.#step = step
    this.#flow = flow
    this.#clock = clock
  }

  told(): OperatorExplanation {
    const { planned, runner } = this.#step
    for (const state of statesOf(planned, runner)) {
      this.#tell({ planned, state, path: pathOf(planned.uid, state.name) })
    }
    const { eventTime, node } = planned
    return {
      kind: node.kind,
      ...(eventTime && { watermark: this.#flow.progress.at(planned) }),
      sources: sourcesOf(planned, this.#flow),
      states: Object.fromEntries(this.#states),
      windows: this.#windows,
      timers: this.#timers,
      ...this.#rows,
      stats: operatorStats(this.#step),
    }
  }

  #tell(homed: HomedState): void {
    const { state } = homed
    const { told } = state
    if (told !== undefined) return this.#tellRows(told, state.operator)
    const timeMs = timeOf(homed, this.#flow, this.#clock)
    const rows = [...keyRows(state.operator, keyBytes(this.#key), timeMs)]
    for (const row of rows) this.#tellTimer(homed, row)
    const { windows } = this.#step.runner ?? {}
    if (windows?.operator === state.operator) return this.#tellWindows(rows, windows)
    if (state.readRow === undefined) return
    this.#states.set(
      state.name,
      stateOf(rows, (row) => state.readRow?.(row)),
    )
  }

  #tellRows({ keysOf, tell }: ToldRows, operator: Operator): void {
    const keys = keysOf(this.#key)
    for (const { row, of, entry } of scannedRows(operator, keys.map(keyBytes))) {
      const { list, events } = tell(row, keys[of] as KeyValue, entry)
      const told = this.#rows[list]
      told.push(...events.slice(0, rowsMax - told.length))
    }
  }

  #tellTimer({ planned, state }: HomedState, { timerMs, entry }: KeyRow): void {
    if (timerMs === undefined || timerMs >= timeMsMax) return // It is for the end of the source.
    if (this.#timers.length === rowsMax) return
    const { schema, name, operator } = state
    const byClock = !planned.eventTime || operator.input.processing || schema.kind === "clocks"
    const domain = byClock || name === "@processing-timers" ? "processing" : "event"
    const named = typeof entry === "string" ? { name: entry } : {}
    this.#timers.push({ domain, timeMs: timerMs, ...named })
  }

  #tellWindows(rows: readonly KeyRow[], windows: OpenWindows): void {
    const { planned } = this.#step
    const passedMs = planned.eventTime
      ? this.#flow.progress.at(planned)
      : this.#flow.passedMs(this.#clock.now())
    for (const { start, end, contents } of rows.flatMap(({ row }) => windows.of(row))) {
      const said = { start, end, ...(contents !== undefined && { contents }) }
      this.#windows.push({ ...said, ...waitOf(windows, end, passedMs) })
    }
  }
}

function waitOf(
  { closeBy, inclusive, lateMs }: OpenWindows,
  end: number,
  passedMs: number,
): Pick<WindowExplanation, "waitsFor" | "untilMs"> {
  if (closeBy === "count") return { waitsFor: "events" }
  if (closeBy === "end") return { waitsFor: "end" }
  const overMs = end + (inclusive ? 1 : 0)
  if (passedMs < overMs) return { waitsFor: "time", untilMs: overMs }
  return { waitsFor: "late events", untilMs: overMs + lateMs }
}

function stateOf(rows: readonly KeyRow[], read: (row: number) => unknown): StateExplanation {
  const [first] = rows
  if (first === undefined) return { rows: 0 }
  if (first.entry === undefined) return { rows: rows.length, value: read(first.row) }
  const shown = rows.slice(0, rowsMax)
  const entries = shown.map(({ row, entry }) => [entry as KeyValue, read(row)] as const)
  return { rows: rows.length, entries }
}

function sourcesOf(planned: Planned, { progress, sources }: Flow): SourceExplanation[] {
  const { eventTime } = planned
  const holders = eventTime ? progress.holders(planned) : []
  const heard = sources.filter((source) => planned.sources.has(source.planned.index))
  return heard.map((source) => {
    const dropped = source.reader?.dropped
    return {
      uid: source.planned.uid,
      ...(eventTime && { watermark: source.watermark }),
      status: source.ended ? "ended" : source.idle ? "idle" : "live",
      holds: holders.includes(source),
      ...(dropped !== undefined && { dropped }),
    }
  })
}
