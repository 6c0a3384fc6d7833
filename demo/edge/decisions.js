/**
 * What becomes of requests, as streams: `{ asked, status }` for each. There is nothing here of a
 * runtime.
 */
import { outputTag, record } from "millrace"

/** The most clients, and webhooks, of a tenant: with the longest keys they take half of 32 MiB. */
const keysMax = 25_000

const decide = (status) => (asked) => ({ asked, status })

export function decisionsOf(requests, env) {
  const ofKind = (kind) => requests.filter((asked) => asked.kind === kind).keyBy("key")
  return limited(ofKind("limited"), env).union(webhooks(ofKind("webhook"), env))
}

/** At most LIMIT requests of a client per time, BURST at once: 200, or 429. */
function limited(requests, { LIMIT, PER_SECONDS, BURST }) {
  const refused = outputTag("refused")
  const full = outputTag("full")
  const admitted = requests.throttle({
    uid: "limits",
    algorithm: "gcra",
    limit: LIMIT,
    per: PER_SECONDS * 1000,
    burst: BURST,
    overflow: "route",
    overflowTo: refused,
    state: { maxSize: keysMax }, // No eviction: who is forgotten may do more than the limit.
    onError: "route",
    errorsTo: full,
  })
  return admitted.map(decide(200)).union(
    admitted.sideOutput(refused).map(decide(429)),
    admitted.sideOutput(full).map(({ event }) => decide(503)(event)),
  )
}

/** A webhook is accepted once, 202; from then on it is known, 200. */
function webhooks(requests, { REMEMBER }) {
  return requests.map(
    (asked, state) => {
      if (state.exists()) return decide(200)(asked)
      state.set({ seen: true })
      return decide(202)(asked)
    },
    {
      uid: "webhooks",
      state: { value: record({ seen: "bool" }), ttl: REMEMBER, maxSize: keysMax },
      onError: ({ event }) => ({ emit: decide(503)(event) }),
    },
  )
}
