/**
 * The flags of the flights demo. What is not understood is refused: a clear line, and exit code 2.
 */
import { parseArgs } from "node:util"

/** What the command line asks for. */
export interface Flags {
  /** Print one JSON object instead of a table. */
  json: boolean
  /** Print what the job costs beside plain JavaScript, and nothing else. */
  compare: boolean
  /** Where the state is kept; a temporary directory if not given. */
  state: string | undefined
  /** Kill this process after so many events of this run. */
  killAfter: number | undefined
  /** How many of the flights to read. */
  events: number
  /** Events that go through the engine together. */
  chunkSize: number
  /** Milliseconds between two checkpoints. */
  checkpoint: number
}

const usage = `usage: make demo ARGS="[flags]"
  --json             print one JSON object
  --state DIR        keep state in DIR, and go on from what is there
  --kill-after N     kill this process with SIGKILL after N events
  --events N         read the first N flights only
  --chunk-size N     events that go through the engine together (1024)
  --checkpoint MS    milliseconds between two checkpoints (500)
  --compare          print what the job costs beside plain JavaScript
  --help             print this`

/** Read the flags; ends the process with code 2 when there is something wrong with them. */
export function parseFlags(args: string[]): Flags {
  try {
    return read(args)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}

function read(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: "boolean", default: false },
      compare: { type: "boolean", default: false },
      state: { type: "string" },
      "kill-after": { type: "string" },
      events: { type: "string", default: "3000000" },
      "chunk-size": { type: "string", default: "1024" },
      checkpoint: { type: "string", default: "500" },
      help: { type: "boolean", default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    process.exit(0)
  }
  const killAfter = values["kill-after"]
  return {
    json: values.json,
    compare: values.compare,
    state: values.state,
    killAfter: killAfter === undefined ? undefined : whole("--kill-after", killAfter),
    events: whole("--events", values.events),
    chunkSize: whole("--chunk-size", values["chunk-size"]),
    checkpoint: whole("--checkpoint", values.checkpoint),
  }
}

function whole(flag: string, given: string): number {
  const value = /^\d+$/.test(given) ? Number(given) : NaN
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`${flag} must be a whole number of at least 1, not "${given}"`)
}
