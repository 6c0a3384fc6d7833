/**
 * The flights demo, as a process of its own.
 */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export interface Ended {
  readonly status: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** A demo that runs, and how it ends. */
export interface Running {
  readonly ended: Promise<Ended>
  kill(): void
}

export function startDemo(...flags: string[]): Running {
  const args = ["--import", "tsx", path("../demo/flights/main.ts"), ...flags]
  const child = spawn(process.execPath, args, { cwd: path("..") })
  let [stdout, stderr] = ["", ""]
  child.stdout.on("data", (text) => (stdout += String(text)))
  child.stderr.on("data", (text) => (stderr += String(text)))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }))
  })
  return { ended, kill: () => void child.kill("SIGKILL") }
}

export const demo = (...flags: string[]): Promise<Ended> => startDemo(...flags).ended
