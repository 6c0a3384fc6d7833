/**
 * What is saved of a job beside its rows: where its sources are, how far time has come, and which
 * states there are. Checkpoints and savepoints have it alike.
 *
 * Bytes from outside are not believed: every part is looked at before it is used.
 */
import { timeMsMax } from "./duration.ts"
import type { Flow } from "./flow.ts"
import type { StateSchema } from "./graph.ts"
import type { SavedSource } from "./sources/reading.ts"
import type { SavedWatermark } from "./time/progress.ts"

/** Where a job is. */
export interface SavedFlow {
  /** Events read since the job's very first run. */
  readonly sequence: number
  /** The job ran to its end. */
  readonly finished: boolean
  /** No output gets anything more, whatever the sources still have. */
  readonly complete: boolean
  /** The uids of what is over in parts of concats; undefined: nothing is. */
  readonly over?: readonly string[]
  /** The uids of what has given its end while others go on; undefined: nothing has. */
  readonly ended?: readonly string[]
  readonly sources: readonly SavedSource[]
  /** Of nodes with several inputs; undefined: there are none. */
  readonly watermarks?: readonly SavedWatermark[]
  /** Of outputs whose sinks have numbers; undefined: there are none. */
  readonly numbers?: readonly SavedNumber[]
}

/** How many results an output has given since the very first run. */
export interface SavedNumber {
  /** Its name. */
  readonly output: string
  readonly given: number
}

/** A state of one operator. */
export interface SavedState {
  readonly uid: string
  /** Its name; "" for the state that needs no name. */
  readonly state: string
  readonly schema: StateSchema
}

/** Where a flow is that stands still. */
export function savedFlow(flow: Flow, finished: boolean): SavedFlow {
  const { sequence, complete } = flow
  const sources = flow.savedSources()
  const over = flow.parts.saved()
  const ended = finished ? [] : flow.leftovers.saved()
  const watermarks = flow.progress.saved()
  const numbers = flow.outputs.flatMap(({ name, given }) => {
    return given === undefined ? [] : [{ output: name, given }]
  })
  return {
    ...{ sequence, finished, complete },
    ...(over.length > 0 && { over }),
    ...(ended.length > 0 && { ended }),
    sources,
    ...(watermarks.length > 0 && { watermarks }),
    ...(numbers.length > 0 && { numbers }),
  }
}

// ---- what each part must be ----

type Fields = Readonly<Record<string, unknown>>

/** Is a value what it must be? */
export type Test = (value: unknown) => boolean

export const isText: Test = (value) => typeof value === "string"
/** A time; -Infinity: none yet; Infinity: the end of time. */
const isTime: Test = (value) =>
  typeof value === "number" && (Math.abs(value) <= timeMsMax || Math.abs(value) === Infinity)
const isFlag: Test = (value) => typeof value === "boolean"

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** An array of what passes. */
export const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test)

/** An array of what passes, in which no two have the same texts under these names. */
export const eachOnce =
  (names: readonly string[], test: Test): Test =>
  (value) => {
    if (!listOf(test)(value)) return false
    const all = (value as readonly Fields[]).map((each) => names.map((name) => each[name]))
    return new Set(all.map((texts) => JSON.stringify(texts))).size === all.length
  }

/** An object whose parts pass. */
export const shaped =
  (tests: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isObject(value) && Object.entries(tests).every(([name, test]) => test(value[name]))

/** Undefined, or what passes. */
export const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value)

/** The parts of a {@link SavedFlow}. */
export const flowParts = {
  sequence: isCount,
  finished: isFlag,
  complete: isFlag,
  over: optional(listOf(isText)),
  ended: optional(listOf(isText)),
  sources: eachOnce(
    ["uid"],
    shaped({
      uid: isText,
      position: optional(shaped({ offset: isCount })),
      timeMax: isTime,
      watermark: optional(isTime),
    }),
  ),
  watermarks: optional(eachOnce(["uid"], shaped({ uid: isText, watermark: isTime }))),
  numbers: optional(eachOnce(["output"], shaped({ output: isText, given: isCount }))),
}

/** What no two {@link SavedState}s have alike. */
export const stateNames = ["uid", "state"] as const

/** The parts of a {@link SavedState}. */
export const stateParts = {
  uid: isText,
  state: isText,
  schema: shaped({
    kind: isText,
    fields: listOf(isText),
    ttl: isFlag,
    version: optional((value) => isCount(value) && value > 1),
  }),
}
