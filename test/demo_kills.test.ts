/**
 * The flights demo, killed again and again at random moments: in the end the same object as of a
 * run that nobody disturbed. `MILLRACE_GATES=full` kills it 20 times on the way through all three
 * million flights, else 5 times on the way through some.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { demo, startDemo } from "./demos.ts"
import { full, randoms, seedOf } from "./random.ts"

const [events, kills] = full ? [3_000_000, 20] : [100_000, 5]
const flags = ["--json", "--events", String(events)]

let state: string
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "millrace-demo-"))
})
afterAll(() => rm(state, { recursive: true, force: true }))

/** The epochs in the names of a folder. */
async function epochs(folder: string, pattern: RegExp): Promise<number[]> {
  const names = await readdir(join(state, "flights", folder)).catch(() => [])
  return names.filter((name) => pattern.test(name)).map((name) => Number.parseInt(name))
}

/** The newest checkpoint that has rows; 0: there is none. */
async function newest(): Promise<number> {
  const first = Math.min(...(await epochs("segment", /^\d+-/)))
  return Math.max(0, ...(await epochs("manifest", /^\d+$/)).filter((epoch) => epoch >= first))
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe("the flights demo", () => {
  it("killed at random moments in a row comes to the same as undisturbed", async () => {
    const random = randoms(seedOf("flights demo"))
    const startMs = performance.now()
    const undisturbed = await demo(...flags)
    const wholeMs = performance.now() - startMs
    expect(undisturbed).toMatchObject({ status: 0, stderr: "" })

    // All of a short run is over soon after its start: checkpoints as fast as they come.
    const eachMs = full ? wholeMs / kills : 10
    for (let kill = 0; kill < kills; kill++) {
      const interval = String(Math.ceil(eachMs))
      const running = startDemo(...flags, "--state", state, "--checkpoint", interval)
      let over = false
      void running.ended.then(() => (over = true))
      const before = await newest()
      const early = random() < 0.3 // It may not even be open.
      while (!early && !over && (await newest()) === before) await pause(2)
      await pause(2 * random() * eachMs)
      running.kill()
      const { signal, stdout } = await running.ended
      if (signal === "SIGKILL") continue
      expect(stdout).toBe(undisturbed.stdout) // It was quicker than its killer: once more.
      await rm(state, { recursive: true })
    }
    const resumed = await demo(...flags, "--state", state)
    const [position = ""] = /going on at flight .*/.exec(resumed.stderr) ?? []
    console.log(`flights demo: killed ${kills} times, ${position}`)
    expect(position).toMatch(/flight [1-9]/)
    expect(resumed.stdout).toBe(undisturbed.stdout)
    expect(JSON.parse(resumed.stdout)).toMatchObject({ events })
  })
})
