/**
 * Logins that were guessed, in a log of sshd: `make takeover FILE=/var/log/auth.log [YEAR=2014]`
 *
 *     lines ── logins ── keyBy(address) ── pattern ── alerts ── the table
 */
import { readFile } from "node:fs/promises"
import { parseArgs } from "node:util"
import Table from "cli-table3"
import { alertsOf } from "./alerts.ts"
import { loginsOf } from "./logins.ts"

const usage = "usage: make takeover FILE=/var/log/auth.log [YEAR=2014]"

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { file: { type: "string" }, year: { type: "string" } } })
  const { file, year = String(new Date().getUTCFullYear()) } = values
  if (file === undefined || !/^\d{4}$/.test(year)) throw new Error(usage)
  const lines = (await readFile(file, "utf8")).split("\n")
  const alerts = await alertsOf(loginsOf(lines, Number(year)))
  const style = { head: [], border: [], compact: true }
  const table = new Table({ head: ["address", "user", "failures", "since", "accepted"], style })
  const shown = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ")
  for (const { address, user, failures, from, at } of alerts) {
    table.push([address, user, failures, shown(from), shown(at)])
  }
  if (alerts.length > 0) console.log(table.toString())
  console.log(`${alerts.length} logins were accepted after at least 3 failures in 10 minutes`)
}
