/**
 * The commands of `millrace`, without the process that they run in.
 */
import { createReadStream } from "node:fs"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { Engine } from "../engine/engine.ts"
import { MillraceError } from "../errors.ts"
import { lookAtJobs } from "../inspect/folder.ts"
import { jsonOf } from "../inspect/plain.ts"
import { textOf } from "../inspect/print.ts"
import type { Report } from "../inspect/print.ts"
import { lookAtSavepoint } from "../inspect/savepoint.ts"
import type { RowsWanted } from "../inspect/states.ts"
import { loadModule } from "../module.ts"
import { keyBytes } from "../state/key_bytes.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import { errorCode } from "../storage/disk.ts"
import { lookAtFolder, statOf } from "../storage/folder.ts"

/** Where a command prints. */
export interface Terminal {
  /** How wide it is; undefined: it is none. */
  readonly columns: number | undefined
  print(text: string): void
  complain(text: string): void
}

/** All is well; something is damaged; the command cannot be done. */
export type ExitCode = 0 | 1 | 2

const usage = `Usage: millrace inspect PATH [options]

Prints what is in a savepoint, or in the folder of fileStorage(PATH). It only reads:
nothing is locked or changed.

  --state NAME   print the rows of a state: its uid, or uid/name
  --key JSON     only those of this key, such as 7, '"ada"' or '["ada", 7]'
  --limit N      at most so many rows; 20 if not given
  --job NAME     only this job of a folder
  --json         print one object, with nothing cut short
  --help         print this

It ends with 0 if all is whole, with 1 if something is damaged, and with 2 if it cannot
tell: there is no such file, or it is not Millrace's, or a newer version's.
`

const options = {
  state: { type: "string" },
  key: { type: "string" },
  limit: { type: "string" },
  job: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const

const columnsMin = 60
const columnsDefault = 100

/** Do what a command line says. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const { values, positionals } = parsed(args)
    if (values.help === true) {
      terminal.print(usage)
      return 0
    }
    const [command, path, ...more] = positionals
    if (command !== "inspect" || path === undefined || more.length > 0) {
      terminal.complain(usage)
      return 2
    }
    const report = await lookAt(path, values.job, wantedRows(values))
    const columns = Math.max(terminal.columns ?? columnsDefault, columnsMin)
    terminal.print(values.json === true ? `${jsonOf(report, 2)}\n` : textOf(report, columns))
    return report.damage.length > 0 ? 1 : 0
  } catch (error) {
    terminal.complain(`millrace: ${messageOf(error)}\n`)
    return 2
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new MillraceError("OPTION", (error as Error).message)
  }
}

type Given = ReturnType<typeof parsed>["values"]

function wantedRows({ state, key, limit = "20" }: Given): RowsWanted | undefined {
  if (!/^\d{1,15}$/.test(limit)) throw new MillraceError("OPTION", "--limit takes a whole number")
  if (state !== undefined) return { path: state, key: keyOf(key), limit: Number(limit) }
  if (key === undefined) return undefined
  throw new MillraceError("OPTION", "--key is of a state: say which, with --state")
}

function keyOf(text: string | undefined): KeyValue | undefined {
  if (text === undefined) return undefined
  try {
    const key = JSON.parse(text) as KeyValue
    keyBytes(key)
    return key
  } catch {
    const hint = `such as 7, '"ada"' or '["ada", 7]'`
    throw new MillraceError("OPTION", `--key takes a key as JSON, ${hint}`)
  }
}

async function lookAt(
  path: string,
  job: string | undefined,
  rows: RowsWanted | undefined,
): Promise<Report> {
  const module = await loadModule()
  const newEngine = () => new Engine(module, { memoryBytesMax: 4 * 2 ** 30 })
  const found = await statOf(path)
  if (found === undefined) throw new MillraceError("OPTION", `there is no ${path}`)
  if (found.isDirectory()) {
    const report = await lookAtJobs(await lookAtFolder(resolve(path)), newEngine, { rows, job })
    const states = report.jobs.flatMap(({ flow }) => flow?.states ?? [])
    checkShown(
      rows,
      states,
      report.jobs.some(({ shown }) => shown !== undefined),
    )
    return { ...report, name: path }
  }
  if (job !== undefined) throw new MillraceError("OPTION", "--job is of a folder, not of a file")
  const engine = newEngine()
  try {
    const report = await lookAtSavepoint(path, createReadStream(path), engine, rows)
    if (report.flow !== undefined) checkShown(rows, report.flow.states, report.shown !== undefined)
    return { ...report, bytes: found.size }
  } finally {
    engine.close()
  }
}

/** Throws `OPTION` for a state that was asked for and is not there. */
function checkShown(
  rows: RowsWanted | undefined,
  states: readonly { readonly path: string }[],
  shown: boolean,
): void {
  if (rows === undefined || shown) return
  const names = [...new Set(states.map(({ path }) => path))].join(", ") || "none"
  throw new MillraceError("OPTION", `no state ${rows.path}; there are ${names}`)
}

function messageOf(error: unknown): string {
  if (!(error instanceof MillraceError)) {
    const code = errorCode(error)
    if (code === undefined) throw error
    return `STORAGE: it cannot be read: ${code}`
  }
  const code = errorCode(error.cause)
  return `${error.code}: ${error.message}${code === undefined ? "" : ` (${code})`}`
}
