import { count, from, run, sum } from "millrace"
import { freshStrings } from "./data.ts"
import { chunkSize, stopwatch } from "./direct.ts"
import { PerformanceObserver } from "node:perf_hooks"
const gcs: string[] = []
new PerformanceObserver((l) => { for (const e of l.getEntries() as any[]) gcs.push(`${e.startTime.toFixed(0)} kind${e.detail.kind} ${e.duration.toFixed(1)}`) }).observe({ entryTypes: ["gc"] })
async function go(keys: number) {
  const times: number[] = [], at: number[] = []
  const source = { async *read() {
    for (let f = 0; f < keys; f += chunkSize) {
      const numbers = Uint32Array.from({ length: chunkSize }, (_, i) => (f + i) % keys)
      const events = freshStrings(numbers).map((key) => ({ key, value: 1, time: 0 }))
      const busy = stopwatch(); at.push(performance.now())
      yield { events, position: 0 }
      times.push(busy())
    } } }
  const job = await run(from(source, { time: "time" }).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { uid: "totals", emit: "final", state: { ttl: "1h" } }), { chunkSize })
  await job.finished(); await job.close()
  return { times, at }
}
await go(200000)
for (let r = 0; r < 2; r++) {
  gcs.length = 0
  globalThis.gc?.(); await new Promise(r => setTimeout(r, 50))
  const { times, at } = await go(5_000_000)
  await new Promise(r => setTimeout(r, 50))
  const order = times.map((t, i) => [t, i] as const).sort((a, b) => b[0] - a[0]).slice(0, 14)
  for (const [t, i] of order) { const a = at[i]!; console.log(t.toFixed(2), "chunk", i, "at", a.toFixed(0), gcs.filter(g => { const s = Number(g.split(" ")[0]); return s >= a - 1 && s <= a + t + 1 }).join("; ")) }
  console.log("GC count", gcs.length, "kinds", JSON.stringify(gcs.reduce((m: any, g) => { const k = g.split(" ")[1]!; m[k] = (m[k] ?? 0) + 1; return m }, {})))
}
