/**
 * What rows weigh, as the engine counts them; for references with `maxBytes`.
 */
import { from, manualClock, run } from "../js/index.ts"
import type { Op } from "./deeds.ts"
import type { Program } from "./programs.ts"
import { idOf } from "./reference.ts"
import type { Limits } from "./reference.ts"
import { keys } from "./scenes.ts"

const weighed = new Map<string, Map<string, number>>()

/** The bytes that a row of each key takes in each operator, as the engine counts them. */
export async function weighersOf(
  chosen: Readonly<Record<string, Program>>,
  { ttl, maxBytes, onFull }: Limits,
): Promise<Record<string, Map<string, number>>> {
  if (maxBytes === undefined) return {}
  const state: Limits = {
    ...(ttl === undefined ? {} : { ttl }),
    ...(onFull === "evict" ? { onFull } : {}),
  }
  const weighers: Record<string, Map<string, number>> = {}
  for (const [name, program] of Object.entries(chosen)) {
    const id = `${name} ${JSON.stringify(state)}`
    const found = weighed.get(id) ?? (await weigh(program, state))
    weighed.set(id, found)
    weighers[name] = found
  }
  return weighers
}

async function weigh({ make }: Program, state: Limits): Promise<Map<string, number>> {
  const bytes = new Map<string, number>()
  for (const key of keys) {
    const op: Op = { i: 0, key, deed: "set", n: 0, value: 0, at: 0 }
    // On a clock that stands still: nothing expires while it is weighed.
    const job = await run(make(from([op]), state, "op"), { clock: manualClock() })
    await job.finished()
    bytes.set(idOf(key), job.stats().operators["op"]?.bytes ?? 0)
    await job.close()
  }
  return bytes
}
