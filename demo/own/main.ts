/**
 * Counts per key of your own data: `make own FILE=events.ndjson KEY=user.id [TIME=ts]`, or stdin.
 *
 *     bytes ── lines ── JSON, checked ── keyBy ── aggregate ── state ── the table
 *                           └── bad lines, with their numbers
 *
 * The file is read as a stream and no event is kept, so memory grows with the number of keys and
 * not with the length of the file. A line that is no use is reported and left out.
 */
import { createReadStream } from "node:fs"
import { parseArgs } from "node:util"
import { count, from, max, min, run } from "millrace"
import { BadLines, eventsOf, linesOf, type Options } from "./lines.ts"
import { printCounts } from "./table.ts"

const usage = "usage: make own [FILE=events.ndjson] KEY=user.id [TIME=ts]"

try {
  await countPerKey(readFlags())
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function countPerKey(options: Options): Promise<void> {
  const input = options.file === undefined ? process.stdin : createReadStream(options.file)
  const bad = new BadLines()
  const events = eventsOf(linesOf(input), options, bad)
  const counts = from(events)
    .keyBy("key")
    .aggregate(
      { events: count(), first: min("time"), last: max("time") },
      { uid: "counts", emit: "final" },
    )
  const job = await run(counts)
  try {
    await job.finished()
    printCounts(job, options.time !== undefined)
  } finally {
    bad.print()
    await job.close()
  }
}

function readFlags(): Options {
  try {
    const { values } = parseArgs({
      options: { file: { type: "string" }, key: { type: "string" }, time: { type: "string" } },
    })
    if (values.key !== undefined) return { ...values, key: values.key }
    throw new Error("KEY is missing: the path of the field to count by")
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}
