/**
 * Sessions that tell what they have seen; for the tests of session.
 */
import { expect } from "vitest"
import { boundedDisorder, run } from "../js/index.ts"
import type { FromOptions, KeyedStream, Session, StateAccess, Stream } from "../js/index.ts"
import { shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { pull } from "./probe.ts"

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

/** Results, which no chunk size may change. */
export async function resultsOf<O>(stream: Stream<O>): Promise<O[]> {
  const all: O[][] = []
  for (const chunkSize of [1, 2, 3, 1024]) {
    const job = await run(stream, { chunkSize })
    all.push(await pull(job))
    await job.close()
  }
  for (const results of all) expect(results).toEqual(all[0])
  return all[0] ?? []
}
