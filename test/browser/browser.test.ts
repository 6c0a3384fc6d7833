/** The package in headless Chromium, as plain files; what it keeps over reloads and crashes. */
import type { Page } from "playwright-core"
import { afterEach, describe, expect, it } from "vitest"
import type { MillraceError } from "../../js/errors.ts"
import { randoms, seedOf } from "../random.ts"
import { expected } from "../smoke.ts"
import { Chromium } from "./chromium.ts"
import { stage } from "./stage.ts"

const here = stage(() => Chromium.start())

/** Complaints of pages: what was thrown there, or refused by a policy. */
let complaints: string[] = []
afterEach(() => {
  complaints = []
})

async function open(path: string): Promise<Page> {
  const page = await here.browser.context.newPage()
  page.on("pageerror", (error) => complaints.push(String(error)))
  await page.goto(`${here.url}/${path}`)
  return page
}

/** What the slow page tells while it runs: epochs. */
interface Slow {
  readonly saved?: readonly number[]
  readonly restored?: number
}

/** What the page shows in the end. */
interface Shown {
  readonly position: number
  readonly rows: readonly object[]
}

async function shownBy<T = Shown>(page: Page): Promise<T> {
  return JSON.parse((await page.locator("output").textContent()) ?? "") as T
}

const whole: Shown = { position: 0, rows: expected }
const ended: Shown = { position: expected.length, rows: [] }

describe("a page", () => {
  it("runs the program from plain files, fetching the module once", async () => {
    here.server.asked.length = 0
    const page = await open("plain/page.html")
    expect(await shownBy(page)).toEqual(whole)
    const ofModule = here.server.asked.filter((path) => /wasm|inlined/.test(path))
    expect(ofModule).toEqual(["/plain/dist/millrace.wasm"])
    await page.close()
  })

  it("runs where a policy forbids eval", async () => {
    const page = await open("strict/page.html")
    expect(await shownBy(page)).toEqual(whole)
    const evaluated = await page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve)) // What a debugger runs at once, may.
      try {
        return String((0, eval)("1 + 1"))
      } catch (error) {
        return (error as Error).name
      }
    })
    expect([evaluated, complaints]).toEqual(["EvalError", []])
    await page.close()
  })

  it("is told so where a policy forbids WebAssembly", async () => {
    const page = await open("barred/page.html")
    const { code, message } = await shownBy<MillraceError>(page)
    expect(code).toBe("MODULE")
    expect(message).toMatch(/^the WebAssembly module cannot be loaded: .*Content Security Policy/)
    expect(message).toMatch(/\(allow it: .*: script-src 'self' 'wasm-unsafe-eval'\)$/)
    await page.close()
  })

  it("runs where the server does not know the module's type, or does not have it", async () => {
    here.server.asked.length = 0
    for (const manner of ["untyped", "missing"]) {
      const page = await open(`${manner}/page.html`)
      expect(await shownBy(page)).toEqual(whole)
      await page.close()
    }
    expect(here.server.asked.filter((path) => /wasm|inlined/.test(path))).toEqual([
      "/untyped/dist/millrace.wasm",
      "/missing/dist/millrace.wasm",
      "/missing/dist/inlined.mjs",
    ])
  })
})

describe("a page that goes on over IndexedDB", () => {
  /** The rows before a checkpoint and some after it; then all from the checkpoint on. */
  function expectGoingOn(first: Shown, second: Shown): void {
    const stopped = first.rows.length
    expect(first).toEqual({ position: 0, rows: expected.slice(0, stopped) })
    expect([stopped < expected.length, second.position > 0]).toEqual([true, true])
    expect(second.position).toBeLessThan(stopped)
    expect(second.rows).toEqual(expected.slice(second.position))
  }

  it("goes on after a reload in the middle", async () => {
    const page = await open("plain/reloaded.html?stop")
    const first = await shownBy(page)
    await page.reload()
    expectGoingOn(first, await shownBy(page))
    await page.reload()
    expect(await shownBy(page)).toEqual(ended)
    await page.close()
  })

  it("goes on after the whole browser was killed in the middle", async () => {
    const first = await shownBy(await open("plain/killed.html?stop"))
    await here.browser.kill()
    await here.browser.start()
    const page = await open("plain/killed.html?stop")
    expectGoingOn(first, await shownBy(page))
    await page.close()
  })

  it("goes on after its process alone was killed at random moments", async () => {
    const random = randoms(seedOf("renderer"))
    let durable = 0
    for (let kill = 0; kill < 5; kill++) {
      const page = await open("plain/renderer.html?slow")
      const wanted = 1 + Math.floor(random() * 3)
      const saved = await page.waitForFunction((count) => {
        const { saved = [] } = globalThis as Slow
        return saved.length >= count ? saved : undefined
      }, wanted)
      durable = Math.max(durable, ...((await saved.jsonValue()) ?? []))
      await new Promise((resolve) => setTimeout(resolve, random() * 30))
      const crashed = page.waitForEvent("crash")
      await here.browser.killPages()
      await crashed
      await page.close()
    }
    const page = await open("plain/renderer.html")
    const { position, rows } = await shownBy(page)
    expect(await page.evaluate(() => (globalThis as Slow).restored)).toBeGreaterThanOrEqual(durable)
    expect(position).toBeGreaterThan(0)
    expect(rows).toEqual(expected.slice(position))
    await page.close()
  })

  it("keeps a second tab out for as long as the first one is there", async () => {
    const first = await open("plain/tabs.html?stop")
    const before = await shownBy(first)
    const second = await open("plain/tabs.html")
    expect(await shownBy(second)).toEqual({
      code: "LOCKED",
      message: "millrace/plain/tabs.html is in use by another tab or storage",
    })
    await first.close()
    await second.reload()
    expectGoingOn(before, await shownBy(second))
    await second.close()
  })

  it("lets a second tab wait until the first one is gone, by a lock of the page's", async () => {
    const first = await open("plain/turn.html?stop#turn")
    const before = await shownBy(first)
    const second = await open("plain/turn.html#turn")
    await second.waitForFunction(async () => {
      const { pending = [] } = await navigator.locks.query()
      return pending.some(({ name }) => name === "turn")
    })
    expect(await second.locator("output").count()).toBe(0)
    await first.close()
    expectGoingOn(before, await shownBy(second))
    await second.close()
  })
})
