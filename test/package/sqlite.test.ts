/**
 * The package over node:sqlite, in a Node that has it: this one, or the newer one that setup put
 * into build/. Where there is neither these tests are passed over, and their name says so.
 */
import { existsSync } from "node:fs"
import { copyFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Scratch } from "./scratch.ts"

const newer = fileURLToPath(new URL("../../build/node-24/node", import.meta.url))
const node = [newer, process.execPath].find((path) => {
  return path === newer ? existsSync(path) : Number(process.versions.node.split(".")[0]) >= 24
})
const name = node === undefined ? "node:sqlite, which no Node here has" : "node:sqlite"

let scratch: Scratch
beforeAll(async () => {
  scratch = await Scratch.make()
  await copyFile(new URL("sqlite.mjs", import.meta.url), scratch.at("sqlite.mjs"))
})
afterAll(() => scratch.remove())

const runInNode = (...args: string[]) => scratch.runIn(node ?? "", "sqlite.mjs", ...args)

interface Ended {
  readonly calls: number
  readonly lines: readonly string[]
}

async function finish(database: string): Promise<Ended> {
  return JSON.parse(await runInNode("lines", scratch.at(database))) as Ended
}

describe.runIf(node)(name, () => {
  it("keeps the contract of storages", async () => {
    const told: unknown = JSON.parse(await runInNode("contract", scratch.folder))
    expect(told).toEqual({ passed: expect.any(Number) as number, failed: [] })
    expect((told as { passed: number }).passed).toBeGreaterThan(25)
  })

  it("has each result of a job once, in whatever call of it the process is killed", async () => {
    const { calls, lines } = await finish("whole.db")
    expect(lines).toHaveLength(40)
    expect(calls).toBeGreaterThan(80)
    let kills = 0
    for (let call = 3; call < calls; call += Math.ceil(calls / 8)) {
      const database = `killed-${call}.db`
      const told = runInNode("lines", scratch.at(database), String(call))
      const end = await told.then(
        (text) => (JSON.parse(text) as Ended).calls,
        ({ cause }: Error) => (cause as { readonly signal?: string }).signal,
      )
      // A run may need some fewer calls than the first.
      if (typeof end === "number") expect(end).toBeLessThan(call)
      else expect(end, `call ${call}`).toBe("SIGKILL")
      kills += end === "SIGKILL" ? 1 : 0
      expect((await finish(database)).lines, `killed in call ${call}`).toEqual(lines)
    }
    expect(kills).toBeGreaterThan(6)
  })
})
