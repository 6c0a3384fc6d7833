/**
 * Debian's Firefox over WebDriver BiDi, by the puppeteer-core that scripts/setup puts into build/.
 */
import { once } from "node:events"
import type { ChildProcess } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** What is used of puppeteer's page. */
export interface Page {
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  close(): Promise<void>
  waitForSelector(selector: string): Promise<unknown>
  evaluate(script: string): Promise<unknown>
}

interface Browser {
  newPage(): Promise<Page>
  close(): Promise<void>
  process(): ChildProcess | null
}

interface Puppeteer {
  launch(options: object): Promise<Browser>
}

const installed = createRequire(new URL("../../build/puppeteer/package.json", import.meta.url))

export class Firefox {
  readonly #profile: string
  #browser: Browser | undefined

  private constructor(profile: string) {
    this.#profile = profile
  }

  /** Start it over a new profile. */
  static async start(): Promise<Firefox> {
    const firefox = new Firefox(await mkdtemp(join(tmpdir(), "millrace-firefox-")))
    await firefox.start()
    return firefox
  }

  /** Start it again over the same profile. */
  async start(): Promise<void> {
    const { default: puppeteer } = installed("puppeteer-core") as { default: Puppeteer }
    this.#browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      headless: true,
      userDataDir: this.#profile,
      extraPrefsFirefox: { "network.dns.disabled": true }, // Nothing but this machine.
    })
  }

  /** A tab of its window. */
  async open(url: string): Promise<Page> {
    if (this.#browser === undefined) throw new Error("Firefox is not there")
    const page = await this.#browser.newPage()
    await page.goto(url)
    return page
  }

  /** End it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#browser?.process()
    this.#browser = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  }

  async end(): Promise<void> {
    await this.#browser?.close()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** What a page of test/browser shows in the end. */
export async function shownBy<T>(page: Page): Promise<T> {
  await page.waitForSelector("output")
  return JSON.parse(
    (await page.evaluate("document.querySelector('output').textContent")) as string,
  ) as T
}
