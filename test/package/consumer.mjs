/** Runs the smoke test's program as a module of somebody's project. */
import { readFileSync } from "node:fs"
import { rowsOf, streamsOf } from "./smoke.mjs"

const millrace = await import(process.argv[2] ?? "millrace")
const orders = JSON.parse(readFileSync("orders.json", "utf8"))
const job = await millrace.run(streamsOf(millrace, orders))
const rows = []
for await (const row of rowsOf(job)) rows.push(row)
await job.close()
console.log(JSON.stringify(rows))
