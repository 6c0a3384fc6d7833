/**
 * Counts per key of your own data: `make own FILE=events.ndjson KEY=user.id [TIME=ts]`, or stdin.
 *
 *     bytes ── lines ── JSON, checked ── keyBy ── aggregate ── state ── the table
 *                           └── bad lines, with their numbers
 *
 * The file is read as a stream and no event is kept, so memory grows with the number of keys and
 * not with the length of the file. A line that is no use is reported and left out.
 */
import { open } from "node:fs/promises"
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
  const input = await openInput(options.file)
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

/** The file, opened, so that one that cannot be read is told at once; or standard input. */
async function openInput(file: string | undefined): Promise<AsyncIterable<Uint8Array>> {
  if (file === undefined || file === "-") return process.stdin
  const handle = await open(file)
  if ((await handle.stat()).isDirectory()) throw new Error(`${file} is a directory`)
  return handle.createReadStream()
}

function readFlags(): Options {
  try {
    const { values } = parseArgs({
      options: {
        file: { type: "string" },
        key: { type: "string" },
        time: { type: "string" },
        help: { type: "boolean" },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    if (values.key !== undefined) return { file: values.file, key: values.key, time: values.time }
    throw new Error("KEY is missing: the path of the field to count by")
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}
