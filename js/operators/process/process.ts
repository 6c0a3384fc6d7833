/**
 * process: a function over each event with as much state per key as it likes, and timers.
 */
import { MillraceError, typeName } from "../../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../../graph.ts"
import { nodeOptions, operatorOptions } from "../../graph.ts"
import { anything, callable, checkOptions } from "../../options.ts"
import type { Check } from "../../options.ts"
import type { Type } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import { Descriptor } from "../../state/kinds.ts"
import { tagOption } from "../../tag.ts"
import type { AnyTag, Tag } from "../../tag.ts"
import type { KeyedInput } from "../inputs.ts"
import { ProcessRunner } from "./runner.ts"
import type { Handler, Handlers } from "./seat.ts"

/** Timers of the key, in two kinds of time; see {@link Context.timers}. */
export interface TimerScope {
  /**
   * Call `onTimer` when the clock has come to a time, ms since 1970. Without a name there is one
   * timer per key and time; with one there is one per key and name, which moves when set again. A
   * time that has passed is due at once.
   */
  processingTime(timeMs: number, name?: string): void
  /** The same when the watermark has passed that time: no event up to it will follow. */
  eventTime(timeMs: number, name?: string): void
  /** Off with a timer, by its time or its name, if there is one. */
  delete(domain: "event" | "processing", timeOrName: number | string): void
}

/** What a function gets beside an event that is broadcast; of use only inside the call. */
export interface BroadcastContext {
  /** Processing time, ms since 1970. */
  readonly now: number
  /** No event before this will follow; -Infinity under processing time. */
  readonly watermark: number
  /** The time of the event, or of the timer. */
  readonly timestamp: number
  /** Give a value to a side output, one of `outputs`. */
  output<X>(tag: Tag<X>, value: X): void
}

/** What a process function gets beside its event and its state; of use only inside the call. */
export interface Context<K> extends BroadcastContext {
  readonly key: K
  readonly timers: TimerScope
}

/** Where a process function puts its results. */
export interface Out<T> {
  collect(value: T): void
}

/** States by name. */
export type Descriptors = Readonly<Record<string, Descriptor<unknown>>>

/** What the function gets for its descriptors. */
export type Accessors<D> = {
  readonly [Name in keyof D]: D[Name] extends Descriptor<infer A> ? A : never
}

/** What a function is called with: what it is about, the state of its key, and what it may do. */
export type ProcessFunction<G, S, C, O> = (given: G, state: S, ctx: C, out: Out<O>) => void

/**
 * What all process functions take beside the functions for events `T`: state that is described by
 * `D`, and reaches `onTimer` as `S`.
 */
export interface ProcessSettings<K, T, D extends Descriptors, S, O> extends OperatorOptions<
  T | undefined,
  K,
  O
> {
  /** The type of the results; without it there are none. */
  readonly emits?: Type<O>
  /** State by name; see {@link valueState}, {@link listState}, {@link mapState} and the others. */
  readonly state?: D
  /** The side outputs that {@link Context.output} gives to. Default: none. */
  readonly outputs?: readonly AnyTag[]
  /** Called once, before the first event or timer of a job. */
  readonly open?: () => void
  /**
   * Called for each timer that is due, with its time. At the end of the source all timers fire,
   * those in event time first; timers in processing time that are set from then on do not.
   */
  readonly onTimer?: ProcessFunction<number, S, Context<K>, O>
  /** Called once, when the job closes, if `open` was to be. */
  readonly close?: () => void
}

/** What {@link KeyedStream.process} takes: functions, state, and options. */
export interface ProcessOptions<K, T, D extends Descriptors, O> extends ProcessSettings<
  K,
  T,
  D,
  Accessors<D>,
  O
> {
  /** Called for each event. */
  readonly process: ProcessFunction<T, Accessors<D>, Context<K>, O>
}

const namePattern = /^[a-z_][a-z0-9_-]{0,63}$/i

export const stateOption: Check<Descriptors> = (given, name) => {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const wanted = "an object of valueState(…), listState(…) and the others"
    throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
  }
  for (const [state, descriptor] of Object.entries(given)) {
    if (!namePattern.test(state)) {
      const wanted = "1 to 64 letters, digits, dashes or underscores"
      throw new MillraceError("OPTION", `${name}: a name must be ${wanted}`)
    }
    if (descriptor instanceof Descriptor) continue
    const wanted = "valueState(…), listState(…) or another of them"
    const said = `${name}.${state} must be ${wanted}, not ${typeName(descriptor)}`
    throw new MillraceError("OPTION", said)
  }
  return given as Descriptors
}

const outputsOption: Check<readonly AnyTag[]> = (given, name) => {
  if (!Array.isArray(given)) {
    throw new MillraceError("OPTION", `${name} must be an array of tags, not ${typeName(given)}`)
  }
  return given.map((tag, i) => tagOption(tag, `${name}[${i}]`))
}

/** The checks of {@link ProcessSettings}. */
const settings = {
  ...operatorOptions,
  emits: anything,
  state: stateOption,
  outputs: outputsOption,
  open: callable<() => void>(),
  onTimer: callable<NonNullable<Handlers["onTimer"]>>(),
  close: callable<() => void>(),
}

export function processNode(input: Node, read: KeyReader, given: unknown): OperatorNode {
  return nodeOf([{ node: input, read }], given, ["process"], "process")
}

/**
 * A node of process functions: those of these names, each for the events of an input. With
 * `broadcast` those of the second input are broadcast to these states.
 */
export function nodeOf(
  inputs: readonly KeyedInput[],
  given: unknown,
  names: readonly string[],
  kind: string,
  broadcast?: Descriptors,
): OperatorNode {
  const functions = Object.fromEntries(names.map((name) => [name, callable<Handler>()]))
  const table = { ...functions, ...settings }
  const { state = {}, outputs = [], ...checked } = checkOptions(given, table, kind)
  for (const name of Object.keys(broadcast ?? {})) {
    if (!Object.hasOwn(state, name)) continue
    throw new MillraceError("OPTION", `${kind}.state.${name} has the name of a broadcast state`)
  }
  const { onTimer, open, close } = checked
  const process = names.map((name) => {
    const f = (checked as Readonly<Record<string, Handler | undefined>>)[name]
    if (f === undefined) throw new MillraceError("OPTION", `${kind} needs a function ${name}`)
    return f
  })
  const readers = inputs.map(({ read }) => read)
  const handlers: Handlers = { open, process, onTimer, close }
  const common = nodeOptions(checked, kind)
  return {
    kind,
    inputs: inputs.map(({ node }) => node),
    tellsInputs: inputs.length > 1,
    ...common,
    tags: [...(common.tags ?? []), ...outputs],
    keyOf(event, input) {
      const keyless = broadcast !== undefined && input === 1
      return keyless ? undefined : (readers[input] as KeyReader)(event)
    },
    open: (site) => new ProcessRunner(site, { readers, state, broadcast, handlers, outputs }),
  }
}
