import { count, from, run, sum } from "millrace"
import { eventsOf, internedStrings, zipf } from "./data.ts"
const n = 1_000_000
const stream = (ev: any[]) => from(ev).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" })
const input = eventsOf(internedStrings(zipf(1000, n)))
const held = await run(stream(input.slice(0, 50000))); await held.finished()
const res: Record<string, number[]> = {}
for (let r = 0; r < 120; r++) {
  const chunkSize = [256, 1024, 4096, 16384][r % 4]!
  const t = process.cpuUsage(), w = performance.now()
  const job = await run(stream(input), { chunkSize })
  await job.finished(); await job.close()
  const d = process.cpuUsage(t)
  ;(res[chunkSize] ??= []).push(Math.min(performance.now() - w, (d.user + d.system) / 1000) * 1e6 / n)
}
for (const [k, ts] of Object.entries(res)) { ts.sort((a, b) => a - b); console.log(k, "p10", ts[3]!.toFixed(1), "p50", ts[15]!.toFixed(1)) }
