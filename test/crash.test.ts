import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { run } from "../js/index.ts"
import { fileStorage } from "../js/storage/file.ts"
import { endless, stateAt } from "./endless.ts"
import { errorFrom, guardRejections } from "./probe.ts"
import { randoms, seedOf } from "./random.ts"

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

async function victim(dir: string): Promise<Victim> {
  const program = fileURLToPath(new URL("fixtures/crash_job.ts", import.meta.url))
  const child = spawn(process.execPath, ["--import", "tsx", program, dir], {
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
      if (child.exitCode !== null) throw new Error(`the process ended: ${child.exitCode}`)
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
  it("at 30 random moments: no durable event is lost, and none counts twice", async () => {
    const random = randoms(seedOf("kill -9"))
    const dir = await folder()
    const positions: number[] = []
    let next = victim(dir)
    // On a machine that is so busy that nothing gets durable, some more, and later each time.
    const enough = (kill: number) => kill >= 30 && ((positions.at(-1) ?? 0) > 0 || kill >= 120)
    for (let kill = 0; !enough(kill); kill++) {
      const { process: child, line, kill: murder } = await next
      next = victim(dir) // Starts up while this one runs.
      child.stdin?.write("go\n")
      if (kill % 3 === 0) await line() // It is open; else it may be killed while it opens.
      const ms = random() * 80 * Math.max(1, kill / 30)
      await new Promise((resolve) => setTimeout(resolve, ms))
      const said = await murder()
      const durable = Number(said.filter((line) => /^\d+$/.test(line)).at(-1) ?? 0)

      const storage = fileStorage(dir)
      const job = await run(endless(), { storage })
      const { restored, position } = job.stats()
      expect(restored?.skipped ?? []).toEqual([])
      expect(restored?.epoch ?? 0).toBeGreaterThanOrEqual(durable)
      expect(job.state("fold-1").entries()).toEqual(stateAt(position))
      positions.push(position)
      await job.close()
    }
    await (await next).kill()
    expect(positions).toEqual([...positions].sort((a, b) => a - b))
    expect(positions.at(-1)).toBeGreaterThan(0)
  })

  it("frees the folder; a process that lives keeps others out", async () => {
    const dir = await folder()
    const { process: child, line, kill } = await victim(dir)
    child.stdin?.write("go\n")
    expect(await line()).toBe("open")
    expect(await errorFrom(() => run(endless(), { storage: fileStorage(dir) }))).toMatchObject({
      code: "LOCKED",
      message: `${dir} is in use by process ${child.pid}`,
    })
    await kill()
    const job = await run(endless(), { storage: fileStorage(dir) })
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
