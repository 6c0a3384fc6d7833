/**
 * connect: process functions over two streams of one kind of key, with state and timers in common;
 * or over one stream with keys and one that is broadcast.
 *
 *   events -> process           state of the key, broadcast state to be read
 *   rules  -> processBroadcast  broadcast state: rows under the key null, one for all keys
 */
import { MillraceError } from "../../errors.ts"
import type { Node, OperatorNode } from "../../graph.ts"
import type { Descriptor } from "../../state/kinds.ts"
import type { KeyedInput } from "../inputs.ts"
import { nodeOf, stateOption } from "./process.ts"
import type { Accessors, BroadcastContext, Context, Descriptors } from "./process.ts"
import type { ProcessFunction, ProcessSettings } from "./process.ts"

/** What {@link Connected.process} takes: functions, state, and options. */
export interface ConnectOptions<K, L, R, D extends Descriptors, O> extends ProcessSettings<
  K,
  L | R,
  D,
  Accessors<D>,
  O
> {
  /** Called for each event of the stream that `connect` is called on. */
  readonly processLeft: ProcessFunction<L, Accessors<D>, Context<K>, O>
  /** Called for each event of the other one. */
  readonly processRight: ProcessFunction<R, Accessors<D>, Context<K>, O>
}

export function connectNode(left: KeyedInput, right: KeyedInput, options: unknown): OperatorNode {
  return nodeOf([left, right], options, ["processLeft", "processRight"], "connect")
}

type Looks = "value" | "values" | "get" | "has" | "keys" | "entries" | "isEmpty"

/** Broadcast state as functions get it that may not change it: only what looks at it. */
export type ReadOnlyAccessors<B> = {
  readonly [Name in keyof B]: B[Name] extends Descriptor<infer A>
    ? Pick<A, Extract<keyof A, Looks>>
    : never
}

/** The state of the key, and broadcast state. */
export type BroadcastAccessors<D, B> = Accessors<D> & ReadOnlyAccessors<B>

/** What {@link ConnectedBroadcast.process} takes: functions, state, and options. */
export interface BroadcastOptions<
  K,
  T,
  R,
  D extends Descriptors,
  B extends Descriptors,
  O,
> extends ProcessSettings<K, T | R, D, BroadcastAccessors<D, B>, O> {
  /** Called for each event of the stream with keys. */
  readonly process: ProcessFunction<T, BroadcastAccessors<D, B>, Context<K>, O>
  /** Called for each event that is broadcast: it alone changes broadcast state. */
  readonly processBroadcast: ProcessFunction<R, Accessors<B>, BroadcastContext, O>
}

/** A stream that is broadcast, to these states. */
export interface BroadcastInput {
  readonly node: Node
  readonly states: Descriptors
}

/** Throws `OPTION` for what describes no states. */
export function broadcastInput(node: Node, given: unknown): BroadcastInput {
  const states = stateOption(given, "broadcast")
  if (Object.keys(states).length > 0) return { node, states }
  throw new MillraceError("OPTION", "broadcast needs a state, such as { rules: mapState(…) }")
}

export function broadcastNode(
  events: KeyedInput,
  { node, states }: BroadcastInput,
  options: unknown,
): OperatorNode {
  const rules = { node, read: () => null }
  return nodeOf([events, rules], options, ["process", "processBroadcast"], "broadcast", states)
}
