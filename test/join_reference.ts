/**
 * Interval joins as plain code: all events are kept, each is compared with all that came before.
 */
import fc from "fast-check"

export interface Hit {
  readonly key: string
  readonly at: number
  readonly id: number
  readonly side: number
}

export interface Near {
  readonly before: number
  readonly after: number
}

export const shown = (left: Hit, right: Hit): string => `${left.id} ${right.id}`

export const isNear = (left: Hit, right: Hit, { before, after }: Near): boolean =>
  left.key === right.key && left.at - before <= right.at && right.at <= left.at + after

/** Times that go on by small steps, now and then back or far on; some keys are on one side only. */
const anySteps = fc.array(
  fc.tuple(
    fc.nat(3),
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -4, max: 6 }) },
      { weight: 1, arbitrary: fc.integer({ min: -25, max: 40 }) },
    ),
    fc.nat(1),
  ),
  { maxLength: 50 },
)

const hitsOf = (
  steps: readonly (readonly [key: number, step: number, side: number])[],
  sideOf: (side: number) => number,
): Hit[] => {
  let at = -30
  return steps.map(([key, step, side], id) => {
    at += step
    return { key: `k${key}`, at, id, side: sideOf(side) }
  })
}

/** Events of either side. */
export const anyMixed = anySteps.map((steps) => hitsOf(steps, (side) => side))

/** Events of each side. */
export const anySides = fc.tuple(
  anySteps.map((steps) => hitsOf(steps, () => 0)),
  anySteps.map((steps) => hitsOf(steps, () => 1)),
)

export const anyNear = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      before: fc.constantFrom(0, 1, 5, 20),
      after: fc.constantFrom(0, 1, 5, 20),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ before: -2, after: 9 }, { before: 7, after: -3 }) },
)

/** An event that has come. */
interface Kept {
  readonly hit: Hit
  readonly overMs: number
}

/** What the events come to in the order in which they came. */
export interface Joined {
  readonly pairs: readonly string[]
  readonly late: readonly Hit[]
  readonly evicted: readonly Hit[]
}

/**
 * The pairs, and the late events, of events in the order in which they came. `sourceOf` says which
 * source each is of; with `maxSize` they must be of one, and the oldest makes room.
 */
export function joined(
  arrived: readonly Hit[],
  near: Near,
  disorderMs: number,
  sourceOf: (hit: Hit) => number,
  maxSize = Infinity,
): Joined {
  const latest = [-Infinity, -Infinity]
  const pairs: string[] = []
  const late: Hit[] = []
  const evicted: Hit[] = []
  let kept: Kept[] = []
  for (const hit of arrived) {
    const source = sourceOf(hit)
    const watermark = (latest[source] as number) - disorderMs
    latest[source] = Math.max(latest[source] as number, hit.at)
    if (maxSize < Infinity) kept = kept.filter(({ overMs }) => overMs >= watermark)
    if (hit.at < watermark) {
      late.push(hit)
      continue
    }
    const isLeft = hit.side === 0
    const others = kept.filter(({ hit: other }) => {
      if (other.side === hit.side) return false
      return isLeft ? isNear(hit, other, near) : isNear(other, hit, near)
    })
    others.sort((a, b) => a.hit.at - b.hit.at) // Stable: then by when they came.
    for (const { hit: other } of others) {
      pairs.push(isLeft ? shown(hit, other) : shown(other, hit))
    }
    const overMs = hit.at + (isLeft ? near.after : near.before)
    if (maxSize < Infinity && overMs < watermark) continue // It takes no room.
    while (kept.length >= maxSize) evicted.push((kept.shift() as Kept).hit)
    kept.push({ hit, overMs })
  }
  return { pairs, late, evicted }
}
