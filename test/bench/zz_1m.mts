import { count, from, run, sum } from "millrace"
import { eventsOf, freshStrings, uniform } from "./data.ts"
const n = 1_000_000
const K = Number(process.argv[2] ?? 1e6)
const stream = (ev: any[]) => from(ev).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" })
const held = await run(stream(eventsOf(freshStrings(uniform(K, 50000))))); await held.finished()
for (let r = 0; r < Number(process.argv[3] ?? 6); r++) {
  const input = eventsOf(freshStrings(uniform(K, n)))
  globalThis.gc?.(); await new Promise(r => setTimeout(r, 30))
  console.log("RUN"); const t = process.cpuUsage(), w = performance.now()
  const out = await stream(input).toArray()
  const d = process.cpuUsage(t)
  console.log(((d.user + d.system) * 1000 / n).toFixed(0), "wall", ((performance.now() - w) * 1e6 / n).toFixed(0), out.length)
}
