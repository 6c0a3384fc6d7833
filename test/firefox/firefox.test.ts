/** The package in headless Firefox: the pages of test/browser, and what they keep. */
import { readFile } from "node:fs/promises"
import { describe, expect, it } from "vitest"
import type { MillraceError } from "../../js/errors.ts"
import { stage } from "../browser/stage.ts"
import { middle } from "../golden/program.ts"
import { expected } from "../smoke.ts"
import { Firefox, shownBy } from "./firefox.ts"
import type { Page } from "./firefox.ts"

const here = stage(() => Firefox.start())

const open = (path: string) => here.browser.open(`${here.url}/${path}`)

/** What a page shows, which is closed. */
async function shownAt<T>(path: string): Promise<T> {
  const page = await open(path)
  const shown = await shownBy<T>(page)
  await page.close()
  return shown
}

/** What page.js shows, and worker_page.js. */
interface Shown {
  readonly position: number
  readonly rows: readonly object[]
}
interface ShownSums {
  readonly position: number
  readonly sums: readonly number[]
}

const totals = Array.from({ length: 10 }, () => 0)
const sums = Array.from({ length: 30_000 }, (_, n) => (totals[n % 10] = (totals[n % 10] ?? 0) + n))

describe("a page in Firefox", () => {
  it("runs the program from plain files, and where a policy forbids eval", async () => {
    const whole = { position: 0, rows: expected }
    expect(await shownAt("plain/page.html")).toEqual(whole)
    expect(await shownAt("strict/page.html")).toEqual(whole)
  })

  it("is told so where a policy forbids WebAssembly", async () => {
    const { code, message } = await shownAt<MillraceError>("barred/page.html")
    expect(code).toBe("MODULE")
    expect(message).toMatch(/ script-src 'self' 'wasm-unsafe-eval'\)$/)
  })

  /** The rows before a checkpoint and some after it; then all from the checkpoint on. */
  function expectGoingOn(first: Shown, second: Shown): void {
    const stopped = first.rows.length
    expect(first).toEqual({ position: 0, rows: expected.slice(0, stopped) })
    expect([stopped < expected.length, second.position > 0]).toEqual([true, true])
    expect(second.position).toBeLessThan(stopped)
    expect(second.rows).toEqual(expected.slice(second.position))
  }

  it("goes on over IndexedDB after a reload in the middle", async () => {
    const page = await open("plain/reloaded.html?stop")
    const first = await shownBy<Shown>(page)
    await page.reload()
    expectGoingOn(first, await shownBy(page))
    await page.reload()
    expect(await shownBy(page)).toEqual({ position: expected.length, rows: [] })
    await page.close()
  })

  it("goes on after the whole browser was killed in the middle", async () => {
    const first = await shownBy<Shown>(await open("plain/killed.html?stop"))
    await here.browser.kill()
    await here.browser.start()
    expectGoingOn(first, await shownAt("plain/killed.html?stop"))
  })

  it("keeps a second tab out for as long as the first one is there", async () => {
    const first = await open("plain/tabs.html?stop")
    const before = await shownBy<Shown>(first)
    const second = await open("plain/tabs.html")
    expect((await shownBy<MillraceError>(second)).code).toBe("LOCKED")
    await first.close()
    await second.reload()
    expectGoingOn(before, await shownBy(second))
    await second.close()
  })

  it("takes the golden savepoint, byte by byte", async () => {
    const page = await open("plain/dist/LICENSES.txt")
    const taken = await page.evaluate(`(async () => {
      const { useModule } = await import("/plain/dist/slim.mjs")
      const { travelTo } = await import("/plain/golden.js")
      useModule((await fetch("/plain/dist/millrace.wasm")).arrayBuffer())
      return [...(await travelTo(${middle}, { chunkSize: 7 })).savepoint].join()
    })()`)
    await page.close()
    const golden = await readFile(new URL("../golden/savepoint-1.bin", import.meta.url))
    expect(taken === golden.join()).toBe(true)
  })
})

describe("a job in a worker in Firefox", () => {
  it("keeps its state over a reload in the middle, and its page loses no result", async () => {
    const page = await open("plain/worker.html?stop")
    const first = await shownBy<ShownSums>(page)
    const read = first.sums.length
    expect(first.sums).toEqual(sums.slice(0, read))
    await page.reload()
    const second = await shownBy<ShownSums>(page)
    expect([read < sums.length, second.position > 0]).toEqual([true, true])
    expect(second.position).toBeLessThan(read)
    expect(second.sums).toEqual(sums.slice(second.position))
    await page.close()
  })

  it("is told what a policy forbids", async () => {
    expect(await shownAt("strict/worker.html")).toEqual({ position: 0, sums, saved: [1] })
    const ofModule = await shownAt<MillraceError>("barred/worker.html")
    expect(ofModule.message).toMatch(/ script-src 'self' 'wasm-unsafe-eval'\)$/)
    expect((await shownAt<MillraceError>("alone/worker.html")).code).toBe("WORKER")
  })

  /** What its page is told at the start, or once it has sent this request. */
  async function told(page: Page, script: string, request = "none"): Promise<unknown> {
    return page.evaluate(`(async () => {
      const { startJob } = await import("/plain/dist/worker.mjs")
      const worker = new Worker("/plain/${script}", { type: "module" })
      const refused = ({ code, message }) => code + ": " + message
      try {
        const job = await startJob(worker)
        const finished = job.finished().catch(refused)
        if ("${request}" === "terminate") worker.terminate()
        else await job.request("${request}")
        return await finished
      } catch (error) {
        return refused(error)
      }
    })()`)
  }

  it("is WORKER for whoever waits when its worker fails", async () => {
    const page = await open("plain/dist/LICENSES.txt")
    const failures = [
      await told(page, "nothing.js"),
      await told(page, "failing.js?throws"),
      await told(page, "failing.js?rejects"),
      await told(page, "failing.js", "fail"),
      await told(page, "failing.js", "end"),
      await told(page, "failing.js", "terminate"),
    ]
    await page.close()
    expect(failures).toEqual([
      "WORKER: the worker of the job could not be loaded",
      expect.stringMatching(/^WORKER: the worker of the job failed: .*at once$/),
      expect.stringMatching(/^WORKER: the worker of the job failed: .*at once$/),
      expect.stringMatching(/^WORKER: the worker of the job failed: .*later$/),
      "WORKER: the worker of the job has ended",
      "WORKER: the worker of the job was terminated",
    ])
  })
})
