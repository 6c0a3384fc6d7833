/**
 * buffer: the events of a key in lists, by number and by time.
 */
import type { Duration } from "../duration.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import { checkOptions, duration, integer } from "../options.ts"
import type { KeyReader } from "../state/keys.ts"
import { openHolding, takeAll } from "./holding.ts"
import type { Holding } from "./holding.ts"
import { holdLimits, holdOptions } from "./latest.ts"
import type { HoldOptions } from "./latest.ts"

/** The longest list. */
const countMax = 65_536

/** Options of `buffer`; `count`, `time`, or both. */
export interface BufferOptions<T = unknown, K = unknown> extends HoldOptions<T, K, T[]> {
  /** A list is full with so many events, and goes at once. Default, and at most: 65,536. */
  readonly count?: number
  /** A list goes so long after its first event. Default: when it is full, or the source ends. */
  readonly time?: Duration
}

const options = {
  ...holdOptions,
  count: integer({ max: countMax }),
  time: duration({ zero: false }),
}

export function bufferNode(input: Node, read: KeyReader, settings: object): OperatorNode {
  const checked = checkOptions(settings, options, "buffer")
  const { count, time } = checked
  if (count === undefined && time === undefined) {
    throw new MillraceError("OPTION", "buffer needs a count, a time, or both")
  }
  const limits = holdLimits(checked.state, "buffer")
  return {
    kind: "buffer",
    inputs: [input],
    ...nodeOptions(checked, "buffer"),
    keyOf: read,
    schema: { kind: "buffer", fields: ["ref"], ttl: false },
    open: (site) => openHolding(site, read, limits, lists(count ?? countMax, time ?? Infinity)),
  }
}

function lists(count: number, timeMs: number): Holding {
  return {
    waited: false,
    add(held, value, time) {
      if (held === undefined || held.values.length === 0) {
        return { values: [value], time, due: time + timeMs }
      }
      held.values.push(value)
      held.time = Math.max(held.time, time)
      return held
    },
    full: ({ values }) => values.length >= count,
    letGo: (held) => [takeAll(held)],
  }
}
