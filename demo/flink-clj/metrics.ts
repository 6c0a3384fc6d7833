/** MapState: several metrics of each host, and no change of one touches another. */
import { from, mapState, of } from "millrace"

const events = [
  { host: "web-1", metric: "requests", value: 3 },
  { host: "web-1", metric: "errors", value: 1 },
  { host: "web-2", metric: "requests", value: 8 },
  { host: "web-1", metric: "requests", value: 4 },
  { host: "web-1", metric: "bytes", value: 512 },
]

const totals = from(events)
  .keyBy("host")
  .process({
    state: { metrics: mapState(of<string>(), of<number>()) },
    emits: of<{ key: string; metrics: Record<string, number> }>(),
    process({ metric, value }, { metrics }, ctx, out) {
      const current = metrics.get(metric) ?? 0
      metrics.put(metric, current + value)
      out.collect({ key: ctx.key, metrics: Object.fromEntries(metrics.entries()) })
    },
  })

for await (const { key, metrics } of totals) console.log(key, JSON.stringify(metrics))
