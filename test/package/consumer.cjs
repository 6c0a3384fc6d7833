/** Runs the smoke test's program as a CommonJS file of somebody's project. */
const { readFileSync } = require("node:fs")
const millrace = require("millrace")

async function main() {
  const { rowsOf, streamsOf } = await import("./smoke.mjs")
  const orders = JSON.parse(readFileSync("orders.json", "utf8"))
  const job = await millrace.run(streamsOf(millrace, orders))
  const rows = []
  for await (const row of rowsOf(job)) rows.push(row)
  await job.close()
  console.log(JSON.stringify(rows))
}

void main()
