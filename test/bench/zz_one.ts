// usage: one.ts suite case ; prints per run cpu/wall
import { record, count, from, run, sum, max, sliding, tumbling, interval, pattern, where } from "millrace"
import { eventsOf, freshStrings, internedStrings, uniform, zipf } from "/work/main/test/bench/data.ts"
import { setTimeout } from "node:timers/promises"
if (process.env.MEMLOG) { const G = (WebAssembly as any).Instance; }
const which = process.argv[2]!, rounds = Number(process.argv[3] ?? 12), n = Number(process.argv[4] ?? 1e6)
const keyed = (events: any[]) => from(events, { time: "time" } as any).keyBy("key")
const timed = (keys: number) => { const num = uniform(keys, n); return () => freshStrings(num).map((key, value) => ({ key, value, time: Math.floor(value / 10), kind: ["a","b","c"][value%3] })) }
const declared = pattern("a", where("kind", "==", "a") as any).followedBy("b", where("kind", "==", "b") as any).followedBy("c", where("kind", "==", "c") as any).within(30000)
const typed = record({ count: "f64", sum: "f64", least: "f64", last: "f64" })
const half = (all: any[], s: number) => all.filter((_, i) => i % 2 === s)
const cases: Record<string, { make: () => any[]; prep?: (e: any[]) => any; job: (e: any) => any }> = {
  p2_1k: { make: () => eventsOf(freshStrings(uniform(1e3, n))), job: (e) => from(e).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" }) },
  p2_100k: { make: () => eventsOf(freshStrings(uniform(1e5, n))), job: (e) => from(e).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" }) },
  p2_1m: { make: () => eventsOf(freshStrings(uniform(1e6, n))), job: (e) => from(e).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" }) },
  warm: { make: () => eventsOf(internedStrings(zipf(1e3, n))), job: (e) => from(e).keyBy("key").aggregate({ count: count(), sum: sum("value") }, { emit: "final" }) },
  p6: { make: () => freshStrings(uniform(20, n)).map((key, value) => ({ key, value, time: value })), job: (e) => keyed(e).window(sliding(100000, 1000)).aggregate({ count: count(), sum: sum("value"), max: max("value") }) },
  tumbling: { make: () => freshStrings(uniform(1e5, n)).map((key, value) => ({ key, value, time: value })), job: (e) => keyed(e).window(tumbling(100_000)).aggregate({ count: count(), sum: sum("value"), max: max("value") }) },
  nowin: { make: () => freshStrings(uniform(1e5, n)).map((key, value) => ({ key, value, time: value })), job: (e) => keyed(e).aggregate({ count: count(), sum: sum("value"), max: max("value") }) },
  p3: { make: () => eventsOf(freshStrings(zipf(1e5, n))), job: (e) => from(e as any[]).keyBy("key" as never).map(({ value }: any, state: any) => { const totals = state.get(); totals.count += 1; totals.sum += value; if (value < totals.least) totals.least = value; totals.last = value; return totals.sum }, { uid: "totals", state: { value: typed } } as any) },
  dedup: { make: timed(1e5), job: (e) => keyed(e).deduplicate({ ttl: 30000 }) },
  throttle: { make: timed(1e5), job: (e) => keyed(e).throttle({ limit: 5, per: 60000 }) },
  session: { make: timed(1e5), job: (e) => keyed(e).session({ gap: 30000 }, (event: any, isNew: any) => (isNew ? event : undefined)) },
  join: { make: timed(1e5), prep: (all) => [half(all, 0), half(all, 1)], job: ([l, r]: any) => keyed(l).join(keyed(r), interval({ before: 10000, after: 10000 }), (a: any, b: any) => ({ key: a.key, value: a.value * 1e6 + b.value, time: a.time })) },
  pattern: { make: timed(1e5), job: (e) => keyed(e).pattern(declared as any, ({ a, b, c }: any) => ({ key: a[0].key, value: (a[0].value + b[0].value) * 1e6 + c[0].value, time: c[0].time })) },
}
process.on("exit",()=>console.log((globalThis as any).__mems?.map((m:any)=>m.buffer.byteLength/65536).join(" ")))
const { make, job, prep = (e: any) => e } = cases[which]!
const holds: any[] = []
const hold = async () => { const held = await run(job(prep(make().slice(0, 50000)))); for await (const _ of held as any); holds.push(held) }
await hold()
const late = (process.env.LATE ?? "").split(",").map(Number)
let reused: any
const out: string[] = []
const cpus: number[] = [], walls: number[] = []
for (let i = 0; i < rounds; i++) {
  if (late.includes(i)) await hold()
  const input = process.env.REUSE ? (reused ??= prep(make())) : prep(make())
  if (!process.env.REUSE) (globalThis as any).gc?.(); await setTimeout(30)
  if (process.env.MARK) console.log("ROUND", i)
  const c = process.cpuUsage(), w = performance.now()
  const r = process.env.NOREAD ? await (async () => { const j = await run(job(input)); await j.finished(); await j.close(); return [] })() : await job(input).toArray()
  const wall = performance.now() - w; const { user, system } = process.cpuUsage(c)
  cpus.push((user + system) / 1000 / n * 1e6); walls.push(wall / n * 1e6)
  out.push(`${((user + system) / 1000 / n * 1e6).toFixed(0)}/${(wall / n * 1e6).toFixed(0)}`)
  if (r.length < 0) console.log(r)
}
const med = (a: number[]) => a.slice(Math.floor(a.length/2)).sort((x, y) => x - y)[Math.floor(a.length / 4)]!.toFixed(0)
console.log(which, "cpu", med(cpus), "wall", med(walls), out.join(" "))
