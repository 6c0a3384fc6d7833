/**
 * Sessions that tell what they have seen; for the tests of session.
 */
import { boundedDisorder } from "../js/index.ts"
import type { FromOptions, KeyedStream, Session, StateAccess } from "../js/index.ts"
import { shown } from "./hits.ts"
import type { Hit } from "./hits.ts"

export const gap = 10
export const timed = { time: "at" } as const
export const disorder = (ms: number): FromOptions<Hit> => ({
  time: "at",
  watermark: boundedDisorder(ms),
})

export type Times = StateAccess<number[], number[]>

/** "a5 new", and what the session has seen; at its end "a 5-15: 5". */
export const told = {
  each: (hit: Hit, isNew: boolean, times: Times) => {
    const seen = times.update((all) => [...all, hit.at])
    return `${shown(hit)} ${isNew ? "new" : seen.join("+")}`
  },
  onEnd: ({ start, end, count }: Session, times: Times, { key }: { key: string }) =>
    `${key} ${start}-${end}: ${times.get().join("+")}${count === times.get().length ? "" : "!"}`,
}
export const state = { value: (): number[] => [] }

export const sessions = (events: KeyedStream<string, Hit>, options = {}) =>
  events.session({ gap, state, onEnd: told.onEnd, ...options }, told.each)
