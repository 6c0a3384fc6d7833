import { from, of, run, sessions, boundedDisorder, valueState } from "millrace"
const n = 500_000
const evs = Array.from({ length: n }, (_, i) => { const at = i * 100; return { user: `user ${Math.floor(at / 60000) - (i % 2)} ${i % 7}`, at: at - (i % 5) * 20, n: i % 10 } })
const time = { time: "at", watermark: boundedDisorder("1s") } as const
for (let r = 0; r < 5; r++) {
  const t = process.cpuUsage()
  const s = process.argv[2] === "s"
    ? from(evs, time).keyBy("user").window(sessions("20s")).process((all) => all.length)
    : from(evs, time).keyBy("user").process({ emits: of<number>(), state: { seen: valueState({ default: 0 }) },
        process({ n, at }, state, ctx) { state.seen.update(state.seen.value() + n); ctx.timers.eventTime(at + 60_000, "over") },
        onTimer(_, state, _ctx, out) { out.collect(state.seen.value()); state.seen.clear() } })
  const job = await run(s as any); await job.finished(); await job.close()
  const d = process.cpuUsage(t); console.log(((d.user + d.system) * 1000 / n).toFixed(0), "ns/event")
}
