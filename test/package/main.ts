/**
 * `make package-test`: what npm packs, and a stateful program in a fresh project of everybody who
 * may use it. ARGS="--only Deno" runs those of that name. Ends with 1 if anything failed.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import Table from "cli-table3"
import { Chromium } from "../browser/chromium.ts"
import { consumers } from "./consumers.ts"
import type { Consumer } from "./consumers.ts"
import { check } from "./expected.ts"
import { lints, printSizes } from "./packed.ts"
import { pack, Scratch } from "./scratch.ts"

/** Something that must hold: a line of the table. */
export interface Step {
  readonly name: string
  readonly version: string
  readonly how: string
  /** Gives what is worth telling. */
  run(): Promise<string | undefined>
}

interface Done {
  readonly step: Step
  readonly ms: number
  readonly note?: string | undefined
  /** Why it failed. */
  readonly error?: string
}

/** The program in a new project gives what it must. */
const stepOf = (consumer: Consumer, tarball: string, browser: Chromium): Step => ({
  ...consumer,
  async run() {
    const project = await Scratch.install(tarball)
    try {
      const { outputs, note } = await consumer.run(project, browser)
      outputs.forEach(check)
      return note
    } finally {
      await project.remove()
    }
  },
})

async function done(step: Step): Promise<Done> {
  const from = performance.now()
  const ms = () => Math.round(performance.now() - from)
  try {
    return { step, note: await step.run(), ms: ms() }
  } catch (error) {
    return { step, error: error instanceof Error ? error.message : String(error), ms: ms() }
  }
}

function print(all: readonly Done[]): void {
  const table = new Table({
    head: ["consumer", "version", "what ran", "", "ms", ""],
    colAligns: ["left", "left", "left", "left", "right", "left"],
    style: { head: [], border: [], compact: true },
  })
  for (const { step, error, ms, note } of all) {
    const { name, version, how } = step
    table.push([name, version, how, error === undefined ? "ok" : "FAILED", ms, note ?? ""])
  }
  console.log(table.toString())
  const failed = all.filter(({ error }) => error !== undefined)
  for (const { step, error } of failed) console.log(`\n${step.name}, ${step.how}:\n${error}`)
  console.log(`\n${all.length - failed.length} passed, ${failed.length} failed`)
  process.exitCode = failed.length > 0 ? 1 : 0
}

const { only } = parseArgs({ options: { only: { type: "string" } } }).values
const folder = await mkdtemp(join(tmpdir(), "millrace-pack-"))
const browser = await Chromium.start()
try {
  const packed = await pack(folder)
  printSizes(packed)
  const { tarball } = packed
  const steps = [...lints(packed), ...consumers.map((each) => stepOf(each, tarball, browser))]
  const chosen = steps.filter(({ name }) => only === undefined || name === only)
  const names = [...new Set(steps.map(({ name }) => name))]
  if (chosen.length === 0) throw new Error(`--only takes one of ${names.join(", ")}`)
  const all: Done[] = []
  for (const step of chosen) {
    process.stderr.write(`${step.name}, ${step.how} …\n`)
    all.push(await done(step))
  }
  print(all)
} finally {
  await browser.end()
  await rm(folder, { recursive: true })
}
