/** A sink in the IndexedDB of a real browser, which is killed several times on the way. */
import type { Page } from "playwright-core"
import { expect, it } from "vitest"
import { Chromium } from "./chromium.ts"
import { stage } from "./stage.ts"

const here = stage(() => Chromium.start())

/** What sink.js gives to a test. */
interface OfPage {
  writeSums(count: number): Promise<void>
  readSums(): Promise<number[]>
}
async function open(): Promise<Page> {
  const page = await here.browser.context.newPage()
  await page.goto(`${here.url}/plain/sink.html`)
  await page.waitForFunction(() => "readSums" in globalThis)
  return page
}

const readSums = (page: Page) => page.evaluate(() => (globalThis as unknown as OfPage).readSums())
const writeSums = (page: Page, count: number) =>
  page.evaluate((count) => (globalThis as unknown as OfPage).writeSums(count), count)

it("has each result of a job once, over kills of the whole browser", async () => {
  const count = 3000
  const totals = Array.from({ length: 10 }, () => 0)
  const expected = Array.from(
    { length: count },
    (_, n) => (totals[n % 10] = (totals[n % 10] ?? 0) + n),
  )
  let page = await open()
  let written = 0
  for (let kill = 0; kill < 3; kill++) {
    const writing = writeSums(page, count).then(
      () => "ended",
      () => "killed",
    )
    let now = written
    while (now < written + 200) now = (await readSums(page)).length
    await here.browser.kill()
    expect(await writing).toBe("killed")
    await here.browser.start()
    page = await open()
    const sums = await readSums(page)
    expect(sums.length).toBeGreaterThanOrEqual(now)
    expect(sums).toEqual(expected.slice(0, sums.length))
    written = sums.length
  }
  expect(written).toBeLessThan(count)
  await writeSums(page, count)
  expect(await readSums(page)).toEqual(expected)
})
