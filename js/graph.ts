/**
 * What a stream is before it runs: a graph of nodes, each made by one verb, shared by branches.
 *
 * A node only describes. `open` makes the runner that does its work in one job, so a stream can
 * be run many times.
 */
import type { Chunk, Failure } from "./chunk.ts"
import { MillraceError } from "./errors.ts"
import type { Engine } from "./engine/engine.ts"
import type { Operator } from "./engine/operator.ts"
import type { CacheStats } from "./operators/cache.ts"
import type { Evictions } from "./operators/evictions.ts"
import type { SourceNode } from "./sources/source.ts"
import { errorOptions, errorPolicy } from "./on_error.ts"
import type { ErrorEvent, ErrorOptions, ErrorPolicy, Tolerance } from "./on_error.ts"
import type { Check, Checked } from "./options.ts"
import type { StateSetting } from "./state/config.ts"
import type { Tracing } from "./state/trace.ts"
import type { StateStorage } from "./storage/storage.ts"
import type { NamedState } from "./states.ts"
import type { AnyTag } from "./tag.ts"
import type { SteadyClock } from "./time/clock.ts"
import type { LateStats } from "./time/late.ts"

/** Where a runner works. */
export interface Site {
  readonly uid: string
  /** What messages call it. */
  readonly label: string
  readonly engine: Engine
  readonly clock: SteadyClock
  /** Do its events have event time? */
  readonly eventTime: boolean
  /** How far it has come there. */
  readonly watermark: number
  /** The event of the job that was read last, in any of its runs. */
  readonly position: number
  /** What becomes of errors that no event is to blame for; undefined: they end the job. */
  readonly tolerance?: Tolerance | undefined
  /** Does anybody take what comes out? If not, outputs are only counted. May change. */
  readonly wanted: boolean
}

/** Values for side outputs, caused by the same events as the chunk that they come with. */
export type Sides = ReadonlyMap<AnyTag, Chunk>

/** What a runner made of a chunk. */
export interface Ran {
  readonly chunk: Chunk
  readonly sides?: Sides | undefined
  /** The first value that it could not take; none behind it has changed anything. */
  readonly failure?: Failure | undefined
}

/** How an error of one value was dealt with: it ends the job, or this goes out, or nothing. */
export type Dealt = { readonly error: unknown } | { readonly emit: unknown } | { none?: never }

/**
 * Deals with the error of value `index` of the input that is being run. Who gives other errors too
 * says where one goes that is routed, so that all are in order; else it goes behind them.
 */
export type Tolerate = (index: number, error: unknown, route?: (told: ErrorEvent) => void) => Dealt

/** What is emitted at the end of the source. */
export interface Finished {
  readonly values: readonly unknown[]
  /** Their event times; undefined: the latest that the source has named. */
  readonly times?: Float64Array
  /** The side output that each goes to; undefined: it is a result. */
  readonly tags?: readonly (AnyTag | undefined)[]
}

/** A window, and what is in it. */
export interface OpenWindow {
  readonly start: number
  readonly end: number
  readonly contents: unknown
}

/** The open windows of a runner. */
export interface OpenWindows {
  /** Whose rows have them. */
  readonly operator: Operator
  /** Do they close by time, when so many events have come, or at the end of the source? */
  readonly closeBy: "time" | "count" | "end"
  /** Does an event at the end of a window belong to it? */
  readonly inclusive: boolean
  /** How long after that they take late events, ms. */
  readonly lateMs: number
  /** Those of a row. */
  of(this: void, row: number): readonly OpenWindow[]
}

/** A node at work. */
export interface Runner {
  /**
   * Run a chunk. With `tolerate` errors of single values may be given to it instead of stopping
   * at them; a runner that stops is asked again for the rest. A promise: functions are waited for.
   */
  run(chunk: Chunk, tolerate?: Tolerate): Ran | Promise<Ran>
  /**
   * All of a chunk is run, whatever pieces it was run in, and time has gone on to its end: gives
   * what that lets go.
   */
  settle?(chunk: Chunk): Ran | undefined
  /** The source has ended: what is left to emit, a bounded part of it; undefined at the end. */
  finish?(): Finished | undefined
  /** The source has ended, but timers have to be waited for before {@link finish}. */
  readonly waited?: boolean
  /**
   * When the first timer in processing time is due: exact if that is by `now`, else a time before
   * it; Infinity: there is none.
   */
  nextDue?(now: number): number
  /** Fire timers in processing time that are due by a time, a bounded number of them. */
  fire?(timeMs: number): Finished
  /** How many of the user's functions may be in flight, where they may give promises. */
  readonly concurrency?: number
  /** Has one given a promise? */
  readonly waits?: boolean
  /** It will give nothing more, whatever comes. */
  readonly done?: boolean
  /** Its state, if it has one. */
  readonly operator?: Operator
  /** Who is told of keys that made room for others. */
  readonly evictions?: Pick<Evictions, "tell">
  /** A row of {@link operator} as the user sees it; for `job.state`. */
  readRow?(row: number): unknown
  /** Its states, where it has several, instead of {@link operator}; never more nor fewer. */
  readonly states?: readonly NamedState[]
  /** Tell from the next event on how functions use their state; undefined: no more. */
  trace?(tracing: Tracing | undefined): void
  /** Events that it has dropped or routed because they were late; undefined: it never does. */
  readonly late?: LateStats
  /** Its open windows; for `job.explain`. */
  readonly windows?: OpenWindows
  /** What it keeps of what it looked up; undefined: it keeps nothing. */
  readonly cache?: CacheStats | undefined
  /** Functions that are still waited for are given up: nothing of theirs counts any more. */
  close?(): void
}

/** What a verb made: a step from its inputs to one output. */
export interface OperatorNode {
  readonly kind: string
  readonly inputs: readonly Node[]
  readonly uid?: string | undefined
  /** For people; it identifies nothing. */
  readonly name?: string | undefined
  /** The state's schema as the manifest saves it; undefined: no state. */
  readonly schema?: StateSchema | undefined
  /** Where its state is saved, if not with the job's. */
  readonly storage?: StateStorage | undefined
  /** Do results come as functions settle, and not in the order of their events? */
  readonly unordered?: boolean | undefined
  /** The side outputs that it may give. */
  readonly tags?: readonly AnyTag[]
  /** It is the second half of an operator; the first half may have side outputs as well. */
  readonly partOf?: OperatorNode
  /** Is it told which of its inputs each value is of? */
  readonly tellsInputs?: boolean
  /** Of its input it passes on only this side output. */
  readonly side?: AnyTag
  /** What events do that it cannot take; undefined: they end the job. */
  readonly onError?: ErrorPolicy | undefined
  /** The key of an event of one of its inputs, for what is told about errors. */
  readonly keyOf?: (event: unknown, input: number) => unknown
  open(site: Site): Runner
}

export type Node = OperatorNode | SourceNode

/** What a state holds, for telling whether saved state fits. */
export interface StateSchema {
  readonly kind: string
  /** "ref", or name and kind of each field or aggregate. */
  readonly fields: readonly string[]
  /** What the user sees fields as; compared, so that a renamed aggregate is noticed. */
  readonly ttl: boolean
  /** `state.version`, from 2 on; undefined: the first. */
  readonly version?: number
}

/** Options that every operator has; of events `T` with key `K`, results `O`. */
export interface OperatorOptions<T = unknown, K = unknown, O = unknown> extends ErrorOptions<
  T,
  K,
  O
> {
  /** Names the state over restarts and code changes. Default: kind and number, as in `fold-1`. */
  readonly uid?: string
  /**
   * What people call the operator: `job.stats()` and messages of errors have it beside the uid. It
   * names no state, so it may change at any time. Default: none.
   */
  readonly name?: string
}

const uidPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/i

const uidOption: Check<string> = (given, name) => {
  if (typeof given === "string" && uidPattern.test(given)) return given
  const wanted = "1 to 64 letters, digits, dots, dashes or underscores"
  throw new MillraceError("OPTION", `${name} must be ${wanted}`)
}

const namePattern = /^(?!\s)[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,100}(?<!\s)$/u

const nameOption: Check<string> = (given, name) => {
  if (typeof given === "string" && namePattern.test(given)) return given
  const wanted = "1 to 100 characters of one line, with no space at its ends"
  throw new MillraceError("OPTION", `${name} must be ${wanted}`)
}

/** The checks of {@link OperatorOptions}, to spread into an operator's own table. */
export const operatorOptions = {
  uid: uidOption,
  name: nameOption,
  ...errorOptions,
}

/** What some operators have beside {@link operatorOptions}. */
interface Extras {
  readonly state?: StateSetting
  readonly ordered?: boolean | undefined
}

/** What every operator's node has by its options; `checked` are those of the operator `where`. */
export function nodeOptions(
  checked: Checked<typeof operatorOptions> & Extras,
  where: string,
): Pick<OperatorNode, "uid" | "name" | "onError" | "tags" | "storage" | "unordered"> {
  const { uid, name, errorsTo, state } = checked
  const tags = errorsTo === undefined ? [] : [errorsTo]
  const onError = errorPolicy(checked, where)
  return { uid, name, onError, tags, storage: state?.storage, unordered: checked.ordered === false }
}

/** The same with one more side output, if there is a tag. */
export function withTag<Given extends Pick<OperatorNode, "tags">>(
  options: Given,
  tag: AnyTag | undefined,
): Given {
  return tag === undefined ? options : { ...options, tags: [...(options.tags ?? []), tag] }
}

/**
 * The error that a job reports for an event: which operator, which event, and the cause.
 */
export function eventError(label: string, position: number, error: unknown): MillraceError {
  const where = `${label}: event ${position}`
  if (error instanceof MillraceError) {
    const said = error.message.startsWith(`${label}: `)
      ? error.message.slice(label.length + 2)
      : error.message
    return new MillraceError(error.code, `${where}: ${said}`, { cause: error.cause ?? error })
  }
  const message = `${where}: the function threw ${nameOf(error)}`
  return new MillraceError("USER_FUNCTION", message, { cause: error })
}

/** The class of what was thrown; its message may hold data and stays in `cause`. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : `a ${typeof thrown}`
}
