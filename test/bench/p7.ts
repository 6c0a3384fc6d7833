/**
 * P7: resident memory per key, for count and sum over short string keys, and for open sessions.
 *
 * Every case runs in a fresh process (memory.ts) that makes its keys on the fly, so that nothing
 * but the state is held when the resident set is read. The control is a `Map` of small objects.
 */
import { type Extent, type Figure, inFreshProcess, median, rounded } from "./harness.ts"
import type { Footprint, Holder } from "./memory.ts"

const control = "Map of objects"

const common = { id: "P7", unit: "B/key", better: "lower", control } as const

const cases: { name: string; holder: Holder; must: number; aim: number }[] = [
  { name: "count + sum", holder: "aggregate", must: 64, aim: 48 },
  { name: "with ttl and LRU", holder: "aggregate, ttl, LRU", must: 96, aim: 72 },
  { name: "open sessions", holder: "sessions", must: 150, aim: 120 },
]

const sizes = [
  { name: "1M keys", keys: 1_000_000 },
  { name: "5M keys", keys: 5_000_000 },
]

/** Measure P7; a quick run takes the first case with the million keys only, once. */
export async function p7({ quick }: Extent): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { name: size, keys } of quick ? sizes.slice(0, 1) : sizes) {
    const map = footprint("Map", keys, quick)
    for (const { name, holder, must, aim } of quick ? cases.slice(0, 1) : cases) {
      const { perKey, linear } = footprint(holder, keys, quick)
      const detail = { [control]: rounded(map.perKey), "linear memory": rounded(linear) }
      figures.push({ ...common, case: `${name}, ${size}`, figure: perKey, must, aim, detail })
    }
  }
  return figures
}

/**
 * The young generation has the size that it would come to, from the start: else it is smaller at
 * the first reading than at the second, in some runs, and 15 MB of it look like state.
 */
const fullGrown = ["--min-semi-space-size=16", "--max-semi-space-size=16"]

/** The median of a few processes, in bytes per key. */
function footprint(holder: Holder, keys: number, quick: boolean) {
  const runs = Array.from({ length: quick ? 1 : 3 }, () =>
    inFreshProcess<Footprint>("memory.ts", { holder, keys }, fullGrown),
  )
  return {
    perKey: median(runs.map(({ residentBytes }) => residentBytes / keys)),
    linear: median(runs.map(({ linearBytes }) => linearBytes / keys)),
  }
}
