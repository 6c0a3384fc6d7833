/** Runs the program in a worker: of the web where there are such, else in a thread of Node. */
import { Worker as Thread } from "node:worker_threads"
import { startJob } from "millrace/worker"
import type { served } from "./served.ts"

async function main() {
  const url = new URL("./served.ts", import.meta.url)
  const hasWorkers = "Worker" in globalThis
  const worker = hasWorkers ? new Worker(url, { type: "module" }) : new Thread(url)
  const job = await startJob<typeof served>(worker)
  const rows: object[] = []
  for await (const row of job) rows.push(row)
  const position = await job.request("position")
  await job.close()
  return { position, rows }
}

void main().then((result) => console.log(JSON.stringify(result)))
