/**
 * Three million flights through keyed state that survives a kill.
 *
 *     make demo ARGS="--state /tmp/flights --kill-after 1500000"    dies half-way
 *     make demo ARGS="--state /tmp/flights"                         goes on from there
 *
 * The streams themselves are in job.ts, windows.ts and returns.ts; this file runs them, and shows
 * what came.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { from, MillraceError, run } from "millrace"
import { fileStorage } from "millrace/storage/file"
import { flightDelays, worstHourOf } from "./delays.ts"
import { parseFlags, type Flags } from "./flags.ts"
import { flightBranches, reportOf } from "./job.ts"
import { flightReturns, returnReportOf } from "./returns.ts"
import { flightCount, flightSource } from "./source.ts"
import { digits, printReport, progressBar } from "./table.ts"
import { flightWindows, windowReportOf } from "./windows.ts"

try {
  await main(parseFlags(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof MillraceError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}

async function main(flags: Flags): Promise<void> {
  if (flags.compare) {
    const { printComparison } = await import("../../test/bench/flights.ts")
    return printComparison(flags)
  }
  if (flags.state !== undefined) return runFlights(flags.state, flags)

  const directory = await mkdtemp(join(tmpdir(), "millrace-flights-"))
  try {
    await runFlights(directory, flags)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Run the job on the state in `directory`, from where that state ends, and print the report. */
async function runFlights(directory: string, flags: Flags): Promise<void> {
  const { checkpoint, chunkSize, events, json, killAfter } = flags
  const total = Math.min(events, await flightCount())
  const progress = progressBar(json)

  let seen = 0
  const watch = () => {
    seen += 1
    if (seen === killAfter) process.kill(process.pid, "SIGKILL")
    if (seen % 4096 === 0) progress.increment(4096)
  }

  const flights = from(flightSource(events), { time: "date" }).tap(watch)
  const job = await run(
    {
      ...flightBranches(flights),
      ...flightWindows(flights),
      ...flightDelays(flights),
      ...flightReturns(flights),
    },
    {
      name: "flights",
      storage: fileStorage(directory),
      checkpoint: { interval: checkpoint },
      chunkSize,
    },
  )
  try {
    const { position } = job.stats()
    if (position > 0) console.error(`going on at flight ${digits(position)} of ${digits(total)}`)

    progress.start(total, position)
    const start = performance.now()
    await job.finished()
    const seconds = (performance.now() - start) / 1000
    progress.update(total)
    progress.stop()

    const report = { ...reportOf(job), ...windowReportOf(job), ...returnReportOf(job) }
    if (json) console.log(JSON.stringify(report))
    else printReport(report, (origin) => worstHourOf(job, origin), seconds, job.stats())
  } finally {
    progress.stop()
    await job.close()
  }
}
