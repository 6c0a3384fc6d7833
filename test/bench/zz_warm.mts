import { count, from, run, sum } from "millrace"
import { eventsOf, internedStrings, zipf } from "./data.ts"
const n = 1_000_000
const stream = (ev: any[]) => from(ev).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" })
const input = eventsOf(internedStrings(zipf(1000, n)))
const held = await run(stream(input.slice(0, 50000))); await held.finished()
const ts: number[] = []
for (let r = 0; r < 60; r++) {
  const t = process.cpuUsage(), w = performance.now()
  await stream(input).toArray()
  const d = process.cpuUsage(t)
  ts.push(Math.min(performance.now() - w, (d.user + d.system) / 1000) * 1e6 / n)
}
ts.sort((a, b) => a - b); console.log("p10", ts[6]!.toFixed(1), "p50", ts[30]!.toFixed(1))
