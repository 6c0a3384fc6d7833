/** Runs the program in a worker of the page, and shows what it gave, or its error. */
import { startJob } from "millrace/worker"
import type { served } from "./served.ts"

async function main() {
  const worker = new Worker(new URL("./served.ts", import.meta.url), { type: "module" })
  const job = await startJob<typeof served>(worker)
  const rows: object[] = []
  for await (const row of job) rows.push(row)
  const position = await job.request("position")
  await job.close()
  return { position, rows }
}

const shown = document.createElement("output")
void main()
  .then((result) => JSON.stringify(result), String)
  .then((text) => {
    shown.textContent = text
    document.body.append(shown)
  })
