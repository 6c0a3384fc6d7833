/**
 * What `make demo` shows: the flights in one go, then the same job killed half-way and resumed.
 *
 * Each run is a process of its own, so nothing can pass from one to the next but the files in the
 * state directory.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("main.ts", import.meta.url))
const directory = mkdtempSync(join(tmpdir(), "millrace-show-"))
try {
  show(join(directory, "undisturbed"), join(directory, "killed"))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function show(undisturbed: string, killed: string): void {
  say("Three million flights of 2001, in one go. All of these figures are read from keyed state.")
  flights("--state", undisturbed)

  say("Now the same job again, and half-way its process is killed with SIGKILL: no clean-up.")
  const { signal } = flights("--state", killed, "--kill-after", "1500000")
  console.log(`The process is gone (${signal}). What is left is its last checkpoint.`)

  say("A new process on the same state goes on from there.")
  flights("--state", killed)

  say("Is the result the same? Started once more, both jobs are at their end and only report.")
  const [whole, resumed] = [report(undisturbed), report(killed)]
  console.log(`undisturbed  ${beginning(whole)}\nresumed      ${beginning(resumed)}`)
  console.log(whole === resumed ? "The same, to the last bit." : "They differ: this is a bug.")
  if (whole !== resumed) process.exitCode = 1
}

function say(text: string): void {
  console.log(`\n${text}\n`)
}

/** One run of the demo in its own process, to be seen. */
function flights(...flags: string[]) {
  return start("inherit", flags)
}

/** The JSON object of a job that has ended. */
function report(state: string): string {
  return start("pipe", ["--state", state, "--json"]).stdout.trim()
}

/** The totals at the beginning of a report, without its airports. */
function beginning(report: string): string {
  return `${report.slice(0, report.indexOf(',"top"'))} …`
}

function start(stdout: "inherit" | "pipe", flags: string[]) {
  const result = spawnSync(process.execPath, [...process.execArgv, main, ...flags], {
    stdio: ["ignore", stdout, stdout === "inherit" ? "inherit" : "ignore"],
    encoding: "utf8",
  })
  const killedOnPurpose = flags.includes("--kill-after") && result.signal === "SIGKILL"
  if (result.status !== 0 && !killedOnPurpose) {
    throw new Error(`the demo ended with ${result.status ?? result.signal}`)
  }
  return result
}
