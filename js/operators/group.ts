/**
 * group: the events of a key together, given to a function with the state of the key.
 *
 *   event -> what its key holds (holding.ts) -> [key, events] -> function, state of the key
 *
 * Two halves, each with rows of its own: groups that are not given out yet, which ttl does not
 * touch and which come out when they have to make room; and the user's state, which outlives them.
 */
import type { Duration } from "../duration.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import { callable, checkOptions, duration, flag, integer } from "../options.ts"
import type { StateAccess, UserState } from "../state/access.ts"
import { noLimits, stateOption } from "../state/config.ts"
import type { KeyReader, KeyValue } from "../state/keys.ts"
import { concurrencyOf, functionOptions } from "./function_options.ts"
import { openHolding, takeAll } from "./holding.ts"
import type { Holding } from "./holding.ts"
import { openKeyed, schemaOf } from "./keyed.ts"
import type { StatefulOptions } from "./map.ts"
import { emitInstead, Instead, verbOf } from "./second_half.ts"

/** The events of a key that came together; what `onError` and `errorsTo` see of a group. */
export interface Group<K = unknown, T = unknown> {
  readonly key: K
  /** In the order in which they came; at least one. */
  readonly events: readonly T[]
}

/** Options of `group`. Without any a group goes at the end of the source. */
export interface GroupOptions<T = unknown, K = unknown, O = unknown> extends StatefulOptions<
  T | Group<K, T>,
  K,
  O
> {
  /**
   * A group with so many events goes at once; at most 1,000,000. Default: none is full, and one
   * with more than 1,000,000 events is refused with `LIMIT`.
   */
  readonly maxSize?: number
  /**
   * A group goes so long after its first event, whether its key comes again or not. Default: it
   * stays.
   */
  readonly timeout?: Duration
  /** A group goes when an event of another key comes. Default false. */
  readonly emitOnKeyChange?: boolean
}

/** What is made of a group; `S` is the state of the key, of which `get()` gives `G`. */
export type GroupFunction<K, T, S, G, O> = (
  key: K,
  events: readonly T[],
  state: StateAccess<S, G>,
) => O | Promise<O>

type UserFunction = GroupFunction<KeyValue, unknown, unknown, unknown, unknown>

/** The most events of a group. */
const eventsMax = 1_000_000

const options = {
  ...functionOptions,
  state: stateOption,
  maxSize: integer({ max: eventsMax }),
  timeout: duration({ zero: false }),
  emitOnKeyChange: flag,
}

/** What comes out of a function whose `undefined` emits nothing. */
export type Emitted<O> = Exclude<O, undefined | void>

/** `group(f)`, or `group(options, f)`. */
export function groupNode(
  input: Node,
  read: KeyReader,
  ...given: readonly unknown[]
): OperatorNode {
  const [settings, f] = typeof given[0] === "function" ? [given[1], given[0]] : given
  const fn = callable<UserFunction>()(f, "group")
  const checked = checkOptions(settings, options, "group")
  const { uid, state } = checked
  const setting = state ?? { limits: noLimits, value: undefined }
  const { rowsMax, bytesMax, evict } = setting.limits
  const common = nodeOptions(checked, "group")
  const holding = groups(checked.maxSize, checked.timeout, checked.emitOnKeyChange ?? false)
  const events: OperatorNode = {
    kind: "groupEvents",
    inputs: [input],
    ...common,
    uid: uid === undefined ? undefined : `${uid}.events`,
    onError: emitInstead(common.onError),
    keyOf: read,
    schema: { kind: "groupEvents", fields: ["ref"], ttl: false },
    open: (site) => openHolding(site, read, { ...noLimits, rowsMax, bytesMax, evict }, holding),
  }
  const call = (group: unknown, state: UserState) => {
    const { key, events } = group as Group<KeyValue>
    return fn(key, events, state)
  }
  return {
    kind: "group",
    inputs: [events],
    ...common,
    keyOf: readGroup,
    schema: schemaOf("group", setting),
    partOf: events,
    open: (site) => openKeyed(site, readGroup, setting, verbOf(call), concurrencyOf(checked)),
  }
}

function groups(maxSize: number | undefined, timeoutMs = Infinity, alone: boolean): Holding {
  return {
    waited: false,
    alone,
    add(held, value, time) {
      if (held === undefined || held.values.length === 0) {
        return { values: [value], time, due: time + timeoutMs }
      }
      if (held.values.length >= eventsMax) {
        const hint = "group.maxSize says when a group goes"
        throw new MillraceError("LIMIT", `a group has at most ${eventsMax} events; ${hint}`)
      }
      held.values.push(value)
      held.time = Math.max(held.time, time)
      return held
    },
    full: ({ values }) => values.length === maxSize,
    letGo: (held, _, key): readonly Group[] => [{ key: key(), events: takeAll(held) }],
  }
}

/** What is no group needs no key: it has the one that is empty, and never any state. */
const readGroup: KeyReader = (group) =>
  group instanceof Instead ? [] : ((group as Group).key as KeyValue)
