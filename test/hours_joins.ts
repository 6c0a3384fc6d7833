/** The joins in hours of faults, and what they come to, by a plain program. */
import { asOf, interval, tumbling, windowJoin } from "../js/index.ts"
import type { JoinSpec, Stream } from "../js/index.ts"

export interface Event {
  readonly at: number
  readonly key: number
  readonly bad: boolean
}

const nearMs = 30_000
const isLeft = ({ at }: Event) => at % 2 === 0
const asText = (kind: string, left: Event | undefined, right: Event | undefined) =>
  `${kind} ${(left ?? right)?.key} ${left?.at} ${right?.at}`

/** What they come to; none of the events is late for pairs, or for windows. */
export function joinedOf(
  inTime: readonly Event[],
  inWindow: readonly Event[],
  windowMs: number,
): string[] {
  const joined: string[] = []
  for (let key = 0; key < 7; key++) {
    const [mine, windowed] = [inTime, inWindow].map((all) => all.filter((one) => one.key === key))
    const rights = mine?.filter((event) => !isLeft(event)) ?? []
    for (const left of mine?.filter(isLeft) ?? []) {
      const near = rights.filter(({ at }) => Math.abs(at - left.at) <= nearMs)
      joined.push(...near.map((right) => asText("near", left, right)))
      const [last] = near.filter(({ at }) => at < left.at).sort((a, b) => b.at - a.at)
      joined.push(asText("asOf", left, last))
    }
    const startOf = ({ at }: Event) => Math.floor(at / windowMs)
    for (const start of new Set(windowed?.map(startOf))) {
      const all = windowed?.filter((event) => startOf(event) === start) ?? []
      const [lefts, rights] = [all.filter(isLeft), all.filter((event) => !isLeft(event))]
      const orNone = (side: readonly Event[]) => (side.length === 0 ? [undefined] : side)
      for (const left of orNone(lefts)) {
        joined.push(...orNone(rights).map((right) => asText("window", left, right)))
      }
    }
  }
  return joined.sort()
}

/** Joins of two halves of the events, all in one stream; `called` is, for each pair. */
export function joinsOf(
  events: Stream<Event>,
  windowMs: number,
  called: () => void,
): Stream<string> {
  const half = (left: boolean) => events.filter((event) => isLeft(event) === left).keyBy("key")
  const joined = (kind: string, spec: JoinSpec<Event>) =>
    half(true).join(half(false), spec, (left, right) => {
      called()
      return asText(kind, left, right)
    })
  const near = joined("near", interval({ before: nearMs, after: nearMs }))
  const last = joined("asOf", asOf({ tolerance: nearMs, type: "left" }))
  const both = joined("window", windowJoin(tumbling(windowMs), { type: "full" }))
  return near.union(last, both)
}
