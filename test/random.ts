/**
 * Chance that can be had again: each test prints its seed, and `MILLRACE_SEED` replays it.
 */

/** Random numbers from 0 to 1, small ones and large ones alike (mulberry32). */
export type Random = () => number

export function randoms(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of a test, which is printed. */
export function seedOf(test: string): number {
  const seed = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1e9)
  console.log(`${test}: MILLRACE_SEED=${seed}`)
  return seed
}

/** Are gates to be tried in full? */
export const full = process.env["MILLRACE_GATES"] === "full"

/** Is this the module that ships? It is tried in full; the others run the same code. */
export const ships = (process.env["MILLRACE_MODULE"] ?? "wasi") === "wasi"

/** How many times as many random runs there are to be: `MILLRACE_RUNS=30` looks for rare cases. */
const times = Number(process.env["MILLRACE_RUNS"] ?? 1)

/** So many random runs of the module that ships, and fewer of the others. */
export function someRuns(runs: number): number {
  return Math.ceil((times * runs) / (ships ? 1 : 6))
}

/** The time limit of tests with random runs, ms. */
export const someTime = 300_000 * Math.max(1, times)
