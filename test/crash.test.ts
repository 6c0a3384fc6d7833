import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { run } from "../js/index.ts"
import { fileStorage } from "../js/storage/file.ts"
import { bundled } from "./bundled.ts"
import { countedAt, Delivered, delivered } from "./delivered.ts"
import { endless, stateAt } from "./endless.ts"
import { both, Joined, joined } from "./joined.ts"
import { errorFrom, guardRejections } from "./probe.ts"
import { full, randoms, seedOf } from "./random.ts"

guardRejections()

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "millrace-test-"))
  cleanups.push(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** A process of fixtures/crash_job.ts, ready to begin. */
interface Victim {
  readonly process: ChildProcess
  /** Lines of its output; the next one that is not read. */
  readonly line: () => Promise<string>
  /** Kill it, and give the lines that were not read. */
  readonly kill: () => Promise<string[]>
}

let program: string
let programs: string
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), "millrace-test-"))
  program = await bundled("crash_job.ts", programs)
})
afterAll(() => rm(programs, { recursive: true, force: true }))

async function victim(dir: string, what = "delivered"): Promise<Victim> {
  const child = spawn(process.execPath, [program, dir, what], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  cleanups.push(() => child.kill("SIGKILL"))
  let text = ""
  let news = () => {}
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more
    news()
  })
  const gone = once(child, "close")
  const line = async () => {
    while (!text.includes("\n")) {
      await Promise.race([gone, new Promise<void>((resolve) => (news = resolve))])
      const ended = child.exitCode ?? child.signalCode
      if (ended !== null) throw new Error(`the process ended: ${ended}`)
    }
    const end = text.indexOf("\n")
    const first = text.slice(0, end)
    text = text.slice(end + 1)
    return first
  }
  const kill = async () => {
    child.kill("SIGKILL")
    await gone
    return text.split("\n").slice(0, -1)
  }
  expect(await line()).toBe("ready")
  return { process: child, line, kill }
}

describe("kill -9", () => {
  it("at random moments: nothing durable is lost, and nothing counts twice", async () => {
    const random = randoms(seedOf("kill -9"))
    const kills = full ? 1000 : 30
    const dir = await folder()
    const reader = new Delivered(dir)
    const options = { storage: fileStorage(`${dir}/state`) }
    let position = 0
    const waiting = [victim(dir), victim(dir)] // They start up while others run.
    for (let kill = 0; kill < kills; kill++) {
      const { process: child, line, kill: murder } = await (waiting.shift() as Promise<Victim>)
      waiting.push(victim(dir))
      child.stdin?.write("go\n")
      // While it opens, or some checkpoints later.
      const lines = kill % 4 === 0 ? 0 : 1 + Math.floor(random() * 6)
      let durable = 0
      for (let read = 0; read < lines; read++) durable = Number(await line()) || 0
      await new Promise((resolve) => setTimeout(resolve, random() * 30))
      const said = await murder()
      durable = Math.max(durable, Number(said.filter((line) => /^\d+$/.test(line)).at(-1) ?? 0))

      const job = await run(delivered(dir), options)
      const { restored, position: now } = job.stats()
      expect(restored?.skipped ?? []).toEqual([])
      expect(restored?.epoch ?? 0).toBeGreaterThanOrEqual(durable)
      expect(now).toBeGreaterThanOrEqual(position)
      expect(job.state("fold-1").entries()).toEqual(stateAt(now))
      reader.read()
      expect(reader.exact).toBe(now)
      for (const { key, count } of stateAt(now)) {
        expect(reader.latest.get(key)?.count).toBeGreaterThanOrEqual(count)
      }
      position = now
      await job.close()
    }
    for (const idle of waiting) await (await idle).kill()
    expect(position).toBeGreaterThan(0)
    console.log(`kill -9: ${kills} kills, ${position} events`)

    const end = position + 1000
    const job = await run(delivered(dir, end), options)
    await job.finished()
    expect(job.state("fold-1").entries()).toEqual(stateAt(end))
    await job.close()
    reader.read()
    expect(reader.exact).toBe(end)
    const latest = stateAt(end).map(({ key, count }) => [key, countedAt((count - 1) * 97 + key)])
    expect([...reader.latest].sort(([a], [b]) => a - b)).toEqual(latest)
  })

  it("at random moments of joins of every kind: each pair comes once", async () => {
    const random = randoms(seedOf("kill -9, joins"))
    const kills = full ? 200 : 8
    const dir = await folder()
    const reader = new Joined(dir)
    const options = { storage: fileStorage(`${dir}/state`) }
    let position = 0
    const waiting = [victim(dir, "joined"), victim(dir, "joined")]
    for (let kill = 0; kill < kills; kill++) {
      const { process: child, line, kill: murder } = await (waiting.shift() as Promise<Victim>)
      waiting.push(victim(dir, "joined"))
      child.stdin?.write("go\n")
      const lines = kill % 4 === 0 ? 0 : 5 + Math.floor(random() * 20)
      for (let read = 0; read < lines; read++) await line()
      await new Promise((resolve) => setTimeout(resolve, random() * 30))
      await murder()

      const job = await run(joined(dir), options)
      const { restored, position: now } = job.stats()
      expect(restored?.skipped ?? []).toEqual([])
      expect(now).toBeGreaterThanOrEqual(position)
      expect(reader.read()).toEqual(Joined.sizesAt(now))
      position = now
      await job.close()
    }
    for (const idle of waiting) await (await idle).kill()
    expect(position).toBeGreaterThan(0)
    console.log(`kill -9, joins: ${kills} kills, ${position} events`)

    const end = Math.ceil(position / both + 3) * both
    const job = await run(joined(dir, end), options)
    await job.finished()
    await job.close()
    expect(reader.read()).toEqual(Joined.sizesAt(end, true))
  })

  it("frees the folder; a process that lives keeps others out", async () => {
    const dir = await folder()
    const { process: child, line, kill } = await victim(dir)
    child.stdin?.write("go\n")
    expect(await line()).toBe("open")
    const state = `${dir}/state`
    expect(await errorFrom(() => run(endless(), { storage: fileStorage(state) }))).toMatchObject({
      code: "LOCKED",
      message: `${state} is in use by process ${child.pid}`,
    })
    await kill()
    const job = await run(delivered(dir), { storage: fileStorage(state) })
    await job.close()
  })
})

describe("a folder of somebody else", () => {
  it("is FOREIGN, and stays as it is", async () => {
    const dir = await folder()
    await writeFile(join(dir, "thesis.txt"), "the only copy")
    expect((await errorFrom(() => run(endless(), { storage: fileStorage(dir) }))).code).toBe(
      "FOREIGN",
    )
    expect(await readdir(dir)).toEqual(["thesis.txt"])
    expect(await readFile(join(dir, "thesis.txt"), "utf8")).toBe("the only copy")
  })
})
