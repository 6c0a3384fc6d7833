/** A job in a Worker of a real browser, over what it keeps in IndexedDB. */
import { describe, expect, it } from "vitest"
import type { MillraceError } from "../../js/errors.ts"
import { Chromium } from "./chromium.ts"
import { stage } from "./stage.ts"

const here = stage(() => Chromium.start())

/** What the page shows in the end. */
interface Shown {
  readonly position: number
  readonly sums: readonly number[]
  readonly saved: readonly number[]
}

const totals = Array.from({ length: 10 }, () => 0)
const expected = Array.from(
  { length: 30_000 },
  (_, n) => (totals[n % 10] = (totals[n % 10] ?? 0) + n),
)

describe("a job in a worker", () => {
  it("keeps its state over a reload in the middle, and its page loses no result", async () => {
    const page = await here.browser.context.newPage()
    const shown = async () =>
      JSON.parse((await page.locator("output").textContent()) ?? "") as Shown
    await page.goto(`${here.url}/plain/worker.html?stop`)
    const first = await shown()
    const read = first.sums.length
    expect(first).toEqual({ position: 0, sums: expected.slice(0, read), saved: [1] })
    await page.reload()
    const second = await shown()
    expect([read < expected.length, second.position > 0]).toEqual([true, true])
    expect(second.position).toBeLessThan(read)
    expect(second.sums).toEqual(expected.slice(second.position))
    await page.reload()
    expect(await shown()).toEqual({ position: expected.length, sums: [], saved: [] })
    await page.close()
  })

  it("keeps the job of a second tab out, which is told so", async () => {
    const [first, second] = [
      await here.browser.context.newPage(),
      await here.browser.context.newPage(),
    ]
    await first.goto(`${here.url}/tabs/worker.html?stop`)
    await first.locator("output").textContent()
    await second.goto(`${here.url}/tabs/worker.html`)
    expect(JSON.parse((await second.locator("output").textContent()) ?? "")).toEqual({
      code: "LOCKED",
      message: "millrace/tabs/worker.html is in use by another tab or storage",
    })
    for (const page of [first, second]) await page.close()
  })

  /** What the page shows under a policy. */
  async function shownUnder<T>(manner: string): Promise<T> {
    const page = await here.browser.context.newPage()
    const complaints: string[] = []
    page.on("pageerror", (error) => complaints.push(String(error)))
    await page.goto(`${here.url}/${manner}/worker.html`)
    const shown = JSON.parse((await page.locator("output").textContent()) ?? "") as T
    await page.close()
    expect(complaints).toEqual([])
    return shown
  }

  it("runs where a policy forbids eval, of the page and of the worker", async () => {
    expect(await shownUnder("strict")).toEqual({ position: 0, sums: expected, saved: [1] })
  })

  it("is told so where a policy forbids WebAssembly", async () => {
    const { code, message } = await shownUnder<MillraceError>("barred")
    expect(code).toBe("MODULE")
    expect(message).toMatch(/Content Security Policy.* script-src 'self' 'wasm-unsafe-eval'\)$/)
  })

  it("is told so where a policy forbids workers", async () => {
    const { code, message } = await shownUnder<MillraceError>("alone")
    expect([code, message]).toEqual(["WORKER", "the worker of the job could not be loaded"])
  })
})

describe("a worker that fails", () => {
  /** What a page is told by all that waits for its worker, and by what comes after. */
  const told = async (script: string, act: string) => {
    const page = await here.browser.context.newPage()
    await page.goto(`${here.url}/plain/dist/LICENSES.txt`)
    const messages = await page.evaluate<readonly string[]>(`(async () => {
      const { startJob } = await import("/plain/dist/worker.mjs")
      const worker = new Worker("/plain/${script}", { type: "module" })
      const refused = (each) => each.then(String, ({ code, message }) => code + ": " + message)
      const starting = startJob(worker)
      const act = async (job) => { ${act} }
      const waiting = []
      if (${act.includes("job")}) {
        const job = await starting
        waiting.push(job.finished(), job[Symbol.asyncIterator]().next(), act(job))
        await Promise.all(waiting.map(refused))
        waiting.push(job.stats())
      } else {
        setTimeout(act, 200)
        waiting.push(starting)
      }
      return Promise.all(waiting.map(refused))
    })()`)
    await page.close()
    return messages
  }

  it.each([
    ["is not there", "nothing.js", "could not be loaded"],
    ["throws at once", "failing.js?throws", "failed: Uncaught RangeError: at once"],
    ["rejects at once", "failing.js?rejects", "failed: Uncaught RangeError: at once"],
  ])("as it %s is WORKER at the start", async (_, script, words) => {
    expect(await told(script, "")).toEqual([`WORKER: the worker of the job ${words}`])
  })

  it("is WORKER at the start when it is terminated before it serves", async () => {
    const messages = await told("failing.js?waits", "worker.terminate()")
    expect(messages).toEqual(["WORKER: the worker of the job was terminated"])
  })

  it.each([
    ["throws", 'await job.request("fail")', "failed: Uncaught RangeError: later"],
    ["closes itself", 'await job.request("end")', "has ended"],
    ["is terminated", "worker.terminate(); await job.stats()", "was terminated"],
  ])("as it %s is WORKER for all who wait", async (_, act, words) => {
    const message = `WORKER: the worker of the job ${words}`
    expect(await told("failing.js", act)).toEqual(Array.from({ length: 4 }, () => message))
  })
})
