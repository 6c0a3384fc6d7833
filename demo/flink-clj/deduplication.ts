/**
 * Deduplication: each event once an hour, by a function of one's own.
 *
 * The clean-up removes what is an hour old, so also the entry that it was set for: state is really
 * gone then. (`deduplicate({ ttl: "1h" })` does the same in one line; so does a ttl of the map.)
 */
import { mapState, of } from "millrace"
import type { JobBase, Stream } from "millrace"
import { clock, event, play } from "millrace/testing"

const hour = 3_600_000

interface Click {
  readonly page: string
  readonly id: string
}

const deduplicated = (clicks: Stream<Click>) =>
  clicks.keyBy("page").process({
    uid: "once",
    state: { seen: mapState(of<string>(), of<number>()) },
    emits: of<Click>(),
    process(click, { seen }, ctx, out) {
      if (seen.has(click.id)) return
      seen.put(click.id, ctx.now)
      ctx.timers.processingTime(ctx.now + hour)
      out.collect(click)
    },
    onTimer(timestamp, { seen }) {
      for (const [id, seenAt] of seen.entries()) {
        if (seenAt <= timestamp - hour) seen.remove(id)
      }
    },
  })

const morning = [
  event({ page: "/", id: "a" }),
  event({ page: "/", id: "a" }),
  clock(hour / 2),
  event({ page: "/", id: "b" }),
  event({ page: "/", id: "a" }),
]
const noon = [...morning, clock(hour), event({ page: "/", id: "a" }), event({ page: "/", id: "b" })]
const evening = [...noon, clock(3 * hour)]

for (const [name, script] of Object.entries({ morning, noon, evening })) {
  let kept: unknown
  const look = (job: JobBase): void => {
    kept = Array.from(job.state("once/seen").scan(), ([key]) => String(key))
  }
  const passed = await play(deduplicated, script, { time: false, look })
  const ids = passed.map(({ id }) => id).join(", ")
  console.log(`${name}: passed ${ids}; kept ${JSON.stringify(kept)}`)
}
