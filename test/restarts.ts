/**
 * What tests of restarts have in common: a small job, and what makes it fail.
 */
import { from } from "../js/index.ts"
import type { ManualClock, Replayable, RunOptions } from "../js/index.ts"
import { numbered, turns } from "./probe.ts"

export const events = 12
export const broken = new Error("broken")
export const whole = await counted().toArray()

/** Counts by key; `before` is called with every event. */
export function counted(
  source: Replayable<number, number> = numbered(events, 2),
  before: (n: number) => void = () => undefined,
) {
  return from(source)
    .tap(before)
    .keyBy((n) => n % 3)
    .fold(
      () => 0,
      (count) => count + 1,
      { uid: "counts" },
    )
    .map((count) => `count ${count}`)
}

/** Throws at these calls, counted from 1. */
export function failingAt(...calls: number[]): () => void {
  let call = 0
  return () => {
    if (calls.includes(++call)) throw broken
  }
}

/** Move the clock on, a millisecond at a time, until a promise has settled; how long that took. */
export async function passing(clock: ManualClock, done: Promise<unknown>): Promise<number> {
  let over = false
  const end = () => void (over = true)
  done.then(end, end)
  const startMs = clock.now()
  for (await turns(); !over; await turns()) clock.advance(1)
  return clock.now() - startMs
}

/** The times at which a job went on after an error. */
export function noted(clock: ManualClock) {
  const said: unknown[] = []
  const on: RunOptions["on"] = {
    restarted: ({ error, attempts }) => said.push([clock.now(), (error as Error).cause, attempts]),
  }
  return { said, on }
}
