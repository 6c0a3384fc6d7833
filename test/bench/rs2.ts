/**
 * RS2 itself, in a process beside ours: `rs2-stream` as peers/rs2 pins it, built by cargo under
 * build/rs2 when it is first wanted. That takes some minutes once; where there is no cargo, or
 * crates cannot be had, RS2 is left out with a word. What was built of the same sources is not
 * built again, also where cargo would, for a copy in another folder.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { say } from "./harness.ts"

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const manifest = pathOf("peers/rs2/Cargo.toml")
const built = pathOf("../../build/rs2")
const program = `${built}/release/rs2-peer`
const builtFrom = `${built}/sources.sha256`

/** What a run of a workload gives. */
export interface Rs2Run {
  /** Medians of the rounds, per event. */
  cpuNs: number
  wallNs: number
  /** Of the results; see digest.ts. */
  digest: number
}

/** How much of a workload is run. */
export interface Amount {
  events: number
  /** One after the other, each with its own input. */
  jobs: number
  rounds: number
}

/** Is RS2 there? Where `build` allows it, it is built if need be. Says why not. */
export function hasRs2({ build }: { build: boolean }): boolean {
  if (!build) {
    if (!existsSync(program)) say("RS2 is left out: a whole run of P4 builds it")
    return existsSync(program)
  }
  const sources = digestOfSources()
  const known = existsSync(program) && existsSync(builtFrom) ? readFileSync(builtFrom, "utf8") : ""
  if (known === sources) return true
  say("building RS2 …")
  const flags = ["--release", "--quiet", "--manifest-path", manifest]
  const { status, error, stderr } = spawnSync("cargo", ["build", ...flags, "--target-dir", built], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  })
  if (status === 0) {
    writeFileSync(builtFrom, sources)
    return true
  }
  say(`RS2 is left out: ${error === undefined ? stderr : "there is no cargo"}`)
  return false
}

function digestOfSources(): string {
  const folder = pathOf("peers/rs2/src")
  const files = readdirSync(folder).sort()
  const hash = createHash("sha256").update(readFileSync(manifest))
  for (const file of files) hash.update(file).update(readFileSync(`${folder}/${file}`))
  return hash.digest("hex")
}

/** Run a workload on RS2. */
export function runRs2(workload: string, { events, jobs, rounds }: Amount): Rs2Run {
  const given = [workload, ...[events, jobs, rounds].map(String)]
  const { status, stdout, stderr } = spawnSync(program, given, { encoding: "utf8" })
  if (status !== 0) throw new Error(`RS2 failed at ${workload}: ${stderr}`)
  return JSON.parse(stdout) as Rs2Run
}
