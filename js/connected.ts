/**
 * Two streams side by side: what `connect` gives, and what can be made of it.
 */
import { MillraceError } from "./errors.ts"
import type { Node } from "./graph.ts"
import { broadcastInput, broadcastNode, connectNode } from "./operators/process/connect.ts"
import type { BroadcastInput, BroadcastOptions } from "./operators/process/connect.ts"
import type { ConnectOptions } from "./operators/process/connect.ts"
import type { KeyedInput } from "./operators/inputs.ts"
import type { Descriptors } from "./operators/process/process.ts"
import { Stream } from "./stream.ts"

/** Two streams with one kind of key; see {@link KeyedStream.connect}. */
export class Connected<K, L, R> {
  readonly #left: KeyedInput
  readonly #right: KeyedInput
  declare readonly key: K
  declare readonly left: L
  declare readonly right: R

  constructor(left: KeyedInput, right: KeyedInput) {
    this.#left = left
    this.#right = right
  }

  /**
   * A function for the events of each stream, with the state of the key and its timers in common:
   * {@link KeyedStream.process} over two streams.
   *
   * Events are taken in the order in which they arrive, so what one function finds of the other's
   * depends on which stream runs ahead; what has to wait for the other side is kept in state, until
   * a timer. `ctx.watermark` has come as far as both streams have. One that has ended holds it back
   * no more; nor does one that is silent for the `idleAfter` of its source.
   *
   * @example
   * ```ts
   * const orders = from([{ id: 1, at: 0 }], { time: "at" }).keyBy("id")
   * const payments = from([{ id: 1, at: 5 }], { time: "at" }).keyBy("id")
   * const unpaid = orders.connect(payments).process({
   *   state: { open: valueState({ default: false }) },
   *   emits: of<number>(),
   *   processLeft(order, { open }, ctx) {
   *     open.update(true)
   *     ctx.timers.eventTime(order.at + 3_600_000, "due")
   *   },
   *   processRight: (_, { open }) => open.clear(),
   *   onTimer(_, { open }, ctx, out) {
   *     if (open.value()) out.collect(ctx.key)
   *   },
   * })
   * ```
   * @throws {MillraceError} `OPTION` when a function is missing, and as
   *   {@link KeyedStream.process}.
   */
  process<const D extends Descriptors = Record<never, never>, O = never>(
    options: ConnectOptions<K, L, R, D, O>,
  ): Stream<O> {
    return new Stream(connectNode(this.#left, this.#right, options))
  }
}

/** A stream whose events reach all keys: what {@link Stream.broadcast} gives. */
export class Broadcast<R, B extends Descriptors> {
  readonly input: BroadcastInput
  declare readonly event: R
  declare readonly states: B

  constructor(node: Node, states: unknown) {
    this.input = broadcastInput(node, states)
  }
}

/** A stream with keys beside one that is broadcast; see {@link Stream.broadcast}. */
export class ConnectedBroadcast<K, T, R, B extends Descriptors> {
  readonly #events: KeyedInput
  readonly #rules: BroadcastInput
  declare readonly key: K
  declare readonly event: T
  declare readonly broadcast: readonly [R, B]

  constructor(events: KeyedInput, rules: BroadcastInput) {
    this.#events = events
    this.#rules = rules
  }

  /**
   * A function for the events of keys, which reads broadcast state beside the state of the key; and
   * one for the events that are broadcast, which changes broadcast state, has no key and sets no
   * timers. {@link KeyedStream.process} says what else there is.
   *
   * Events and rules take effect in the order in which they arrive: an event sees the rules that
   * came before it, whatever their times. After a restart it sees those of the checkpoint. An event
   * that must not come before its rules waits in state for them, until a timer.
   *
   * In event time both streams need times, and `ctx.watermark` has come as far as both: rules that
   * come seldom hold timers back until the next one, and rules that never come for ever, unless
   * their source says `idleAfter`, or ends. `job.state("uid/name")` shows broadcast state under the
   * key null. It is bounded as other state is, by `maxSize` and `ttl` of its descriptor.
   *
   * @throws {MillraceError} `OPTION` when a function is missing, and as
   *   {@link KeyedStream.process}; while running `OPTION` for broadcast state that `process` or
   *   `onTimer` would change.
   */
  process<const D extends Descriptors = Record<never, never>, O = never>(
    options: BroadcastOptions<K, T, R, D, B, O>,
  ): Stream<O> {
    return new Stream(broadcastNode(this.#events, this.#rules, options))
  }
}

/**
 * What stands beside `left`: `other` if it is broadcast, else `right`, what it is read as;
 * undefined: it cannot be.
 */
export function connectedTo(
  left: KeyedInput,
  right: KeyedInput | undefined,
  other: unknown,
): never {
  if (other instanceof Broadcast) return new ConnectedBroadcast(left, other.input) as never
  if (right !== undefined) return new Connected(left, right) as never
  const hint = "give both streams a key of one kind, or neither"
  throw new MillraceError("OPTION", `connect needs another such stream: ${hint}`)
}
