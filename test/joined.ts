/**
 * Joins of every kind for the test that kills: numbers, which are their own times, in turns left
 * and right of their keys, and the pairs that they must make.
 *
 *     left    0 .. 96              194 .. 290
 *     right            97 .. 193               291 .. 387      one of each key in every row
 */
import { join } from "node:path"
import { asOf, from, interval, tumbling, windowJoin, within } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { Exact, exactSink } from "./delivered.ts"
import type { Line } from "./delivered.ts"
import { keys, numbersUpto } from "./endless.ts"

/** Numbers until it is the same side's turn again. */
export const both = 2 * keys

/** Of those that wait by the clock, which nobody foretells, few, and each for one other. */
const few = (n: number) => n % keys === 0

/**
 * A kind of join: its pairs in their order, and how many there are of the numbers below `upto`,
 * with the watermark behind those below `passed`.
 */
interface Kind {
  readonly join: (lefts: Stream<number>, rights: Stream<number>) => Stream<Line>
  readonly pairAt: (index: number) => Line
  readonly sizeAt: (upto: number, passed: number) => number
}

const line = (left: number, right: number): Line => [left, right]
const keyed = (numbers: Stream<number>) => numbers.keyBy((n) => n % keys)

/** A left number and the right one of its key behind it: these of all keys, then the next. */
const inTurns = (index: number): Line => {
  const left = Math.floor(index / keys) * both + (index % keys)
  return [left, left + keys]
}

const kinds: Record<string, Kind> = {
  interval: {
    join: (lefts, rights) =>
      keyed(lefts).join(keyed(rights), interval({ before: keys, after: keys }), line),
    pairAt: (index) => (index % both < keys ? [index, index + keys] : [index + keys, index]),
    sizeAt: (upto) => Math.max(0, upto - keys),
  },
  asOf: {
    join: (lefts, rights) => keyed(lefts).join(keyed(rights), asOf({ tolerance: keys }), line),
    pairAt: (index) => {
      const [left, right] = inTurns(index)
      return [left + both, right]
    },
    sizeAt: (_, passed) => Math.max(0, leftsBelow(passed) - keys),
  },
  windows: {
    join: (lefts, rights) => keyed(lefts).join(keyed(rights), windowJoin(tumbling(both)), line),
    pairAt: inTurns,
    sizeAt: (_, passed) => Math.floor(passed / both) * keys,
  },
  within: {
    join: (lefts, rights) => {
      const [left, right] = [lefts, rights].map((side) =>
        side.filter(few).keyBy((n) => Math.floor(n / both)),
      ) as [ReturnType<typeof keyed>, ReturnType<typeof keyed>]
      return left.join(right, within("1h"), line)
    },
    pairAt: (index) => [index * both, index * both + keys],
    sizeAt: (upto) => Math.floor((upto - 1 + keys) / both),
  },
}

const leftsBelow = (upto: number) => Math.floor(upto / both) * keys + Math.min(upto % both, keys)

/** What the job has: a join of each kind, with a sink of its own. */
export function joined(dir: string, upto?: number) {
  const numbers = from(numbersUpto(upto, 200), { time: (n) => n })
  const half = (side: number) => numbers.filter((n) => Math.floor(n / keys) % 2 === side)
  const [lefts, rights] = [half(0), half(1)]
  const sinks = Object.entries(kinds).map(([name, kind]) => {
    const sink = exactSink<Line>(join(dir, name), (pair) => pair)
    return [name, kind.join(lefts, rights).to(sink)] as const
  })
  return Object.fromEntries(sinks)
}

/** What the sinks have, and what they must have of the numbers below `upto`. */
export class Joined {
  readonly #sinks: readonly (readonly [string, Exact])[]

  constructor(dir: string) {
    this.#sinks = Object.entries(kinds).map(([name, { pairAt }]) => {
      return [name, new Exact(join(dir, name), pairAt)] as const
    })
  }

  /** So many pairs of each kind. Throws if one is there twice, or not at all, or is a wrong one. */
  read(): Record<string, number> {
    for (const [, sink] of this.#sinks) sink.read()
    return Object.fromEntries(this.#sinks.map(([name, { size }]) => [name, size]))
  }

  /** What `read` gives behind so many numbers, or at the end of them: a number of whole turns. */
  static sizesAt(upto: number, ended = false): Record<string, number> {
    const passed = ended ? upto : Math.max(0, upto - 1)
    const sizes = Object.entries(kinds).map(([name, { sizeAt }]) => [name, sizeAt(upto, passed)])
    return Object.fromEntries(sizes) as Record<string, number>
  }
}
