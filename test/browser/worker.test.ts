/** A job in a Worker of a real browser, over what it keeps in IndexedDB. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Chromium } from "./chromium.ts"
import { Server } from "./server.ts"

const server = new Server()
let url = ""
let browser: Chromium
beforeAll(async () => {
  url = await server.start()
  browser = await Chromium.start()
})
afterAll(async () => {
  await browser.end()
  await server.stop()
})

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
    const page = await browser.context.newPage()
    const shown = async () =>
      JSON.parse((await page.locator("output").textContent()) ?? "") as Shown
    await page.goto(`${url}/plain/worker.html?stop`)
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
})
