/**
 * Jobs that are fed by hand, and what they explain.
 */
import { from, manualClock, run } from "../js/index.ts"
import type { FromOptions, JobBase, KeyValue, OperatorExplanation } from "../js/index.ts"
import type { Stream, StreamOf } from "../js/index.ts"
import { hits } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { handFed, turns } from "./probe.ts"

/** A job of as many sources, which are fed by hand, and what it explains. */
export async function fed(
  make: (...sources: Stream<Hit>[]) => StreamOf<unknown>,
  ...options: readonly FromOptions<Hit>[]
) {
  const sources = options.map(() => handFed<Hit>())
  const streams = sources.map((source, i) => from(source, { ...options[i], replay: "none" }))
  const clock = manualClock()
  const job = await run(make(...streams) as Stream<unknown>, { clock, chunkSize: 2 })
  const finished = job.finished().catch(() => undefined)
  await turns()
  return {
    job,
    /** One source gives events. */
    give: async (source: number, text: string) => {
      sources[source]?.give(...hits(text))
      await turns()
    },
    end: async (source: number) => {
      sources[source]?.end()
      await turns()
    },
    wait: async (ms: number) => {
      clock.advance(ms)
      await turns()
    },
    of: (key: KeyValue, uid: string) => explained(job, key, uid),
    close: async () => {
      await job.close()
      await finished
    },
  }
}

function explained(job: JobBase, key: KeyValue, uid: string): OperatorExplanation {
  const { operators } = job.explain(key)
  if (operators[uid] === undefined) throw new Error(`there are ${Object.keys(operators).join()}`)
  return operators[uid]
}
